//! The built mapper against a real API server: `./dev test --only e2e`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, in its helpers too, and is the rim where the clock is read"
)]

mod access;
mod backup;
mod check;
mod cli;
mod conformance;
mod contract;
mod dns_intents;
mod events;
mod faults;
mod istio;
mod kafka;
mod nodes;
mod observed;
mod page;
mod requests;
mod sniffed;
mod sniffer;
mod sources;
mod stop;
mod store;
mod times;
mod town;
