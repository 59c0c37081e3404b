//! The views at their public surface.
#![allow(
    clippy::unwrap_used,
    reason = "a test may fail loudly, in its helpers too"
)]

mod drawings;
mod golden;
mod maps;
mod pictures;
mod properties;
#[path = "../town/mod.rs"]
mod town;
