//! What the watcher makes of statistics, round by round.
#![allow(
    clippy::unwrap_used,
    reason = "a test may fail loudly, in its helpers too"
)]

mod exposition;
mod ledger;
mod paths;
mod requests;
mod rounds;
mod text;
