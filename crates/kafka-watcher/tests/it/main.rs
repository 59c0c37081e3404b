//! The watcher's pure parts at their public surface: lines in, accesses and counts out.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail loudly, in its helpers too"
)]

mod accesses;
mod golden;
mod lines;
mod made;
mod places;
mod silence;
