//! The contract from outside: served by an engine, and held to the replaced one.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail loudly, in its helpers too"
)]

mod answers;
mod equal;
mod generate;
mod requests;
mod schema;
mod sdl;
