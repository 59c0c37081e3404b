//! Helpers of the end-to-end tests: the built mapper and sniffer, the testbed's API server, nodes of network namespaces,
//! and HTTP between them.
//!
//! `./dev test --only e2e` runs them. Elsewhere they are ignored.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    reason = "a test may fail loudly, in its helpers too, and is the rim where the clock is read"
)]

pub mod bed;
pub mod browser;
pub mod coredns;
pub mod cost;
pub mod envoy;
pub mod http;
pub mod kafka;
pub mod kube;
pub mod mapper;
pub mod node;
mod process;
pub mod relay;
pub mod scene;
pub mod sniffer;
pub mod time;
pub mod tls;
