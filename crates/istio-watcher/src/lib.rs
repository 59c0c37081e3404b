//! The role that turns request counters of Istio's sidecars into HTTP methods and paths.
//!
//! ```text
//! /stats/prometheus ─ exposition ─► Series ─ Rounds: has its counter moved? ─► Requests ─► Ledger ─► reports
//!                      one line,               by sidecar and its start          │          paths folded, once each
//!                      in place                                                  └ refused, counted
//! ```
//!
//! Everything up to the ledger is a function of its arguments, time included.

pub mod advice;
pub mod exposition;
mod ledger;
mod limits;
#[cfg(feature = "live")]
mod live;
mod paths;
mod requests;
mod rounds;

pub use ledger::{Entry, Key, Ledger, LedgerCounts, Methods};
pub use limits::*;
#[cfg(feature = "live")]
pub use live::main;
pub use paths::{Folded, Paths, cut, template};
pub use requests::{End, Outcome, Refusal, Requests};
pub use rounds::{Counters, Held, Moved, RoundCounts, Rounds, Sidecar};
