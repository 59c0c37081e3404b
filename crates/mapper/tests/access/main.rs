//! The mapper's server on real sockets, with real TLS, and an API server that says what the test wants.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, in its helpers too, and is the rim where the clock is read"
)]

mod certificate;
mod limits;
mod plain;
mod reporter;
mod server;
mod tokens;
