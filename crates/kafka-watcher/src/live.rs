//! `portolan-kafka-watcher`: what follows logs, and reports.
//!
//! ```text
//! Kubernetes API ─ pods ─► Pods ─► a Follow for each container's log ─┐
//! a file ──────────────────────► File ────────────────────────────────┴► State ─► Reporting ─► wire::client ─► mapper
//!                                                                          │           └─► the cursor in a ConfigMap
//!                                                                          └► metrics, health, what to do about silence
//! ```

mod backoff;
mod coverage;
mod cursor;
mod file;
mod follow;
mod metrics;
mod pods;
mod reporting;
mod run;
mod servers;
mod settings;
mod state;
mod tail;
mod watch;

pub use run::main;
