//! The skeleton at its public surface.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

mod admin;
mod capture;
mod config;
mod durations;
mod health;
mod http;
mod log;
mod metrics;
mod process;
mod repeats;
mod shutdown;
