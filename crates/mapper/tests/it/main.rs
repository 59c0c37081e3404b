//! From observations to edges, attempts and refusals, at the public surface.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail loudly, in its helpers too"
)]

mod answers;
mod certain;
mod clock;
mod connections;
mod contract;
mod events;
mod live;
mod otlp;
mod parking;
mod reports;
mod requests;
mod service_graph;
mod sources;
mod store;
mod town;
