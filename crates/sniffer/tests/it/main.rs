//! The collectors at their public surface: packets and tables in, observations and counts out.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail loudly, in its helpers too"
)]

mod bounds;
mod dns;
mod handshakes;
mod known;
mod node;
mod socket_events;
mod sockets;
