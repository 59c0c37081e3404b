//! The reporting client against a real HTTP server that answers as each test wants.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, in its helpers too, and is the rim where the clock is read"
)]

mod answers;
mod away;
mod fields;
mod folder;
mod probes;
mod proxies;
mod reporters;
mod secure;
mod server;
