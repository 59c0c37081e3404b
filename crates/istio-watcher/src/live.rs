//! The process: finds sidecars, asks them in rounds, reports.
//!
//! ```text
//! cluster::live ─ pods with the label ─► Sidecars
//!                                           │ those that run
//!                      every 15 s: Collecting ─ fetch, ten at a time ─► Exposition ─► Counters ─► Ledger
//!                                           └─ every 30 s: what is due ─► wire::client ─► mapper
//! ```

mod collecting;
mod coverage;
mod fetch;
mod figures;
mod metrics;
mod report;
mod run;
mod settings;
mod sidecars;

pub use run::main;
