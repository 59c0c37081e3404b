//! The skeleton every process shares: flags and environment, logs, metrics, health, shutdown.
//!
//! ```text
//! argv, environment ─ config ─► settings, warnings
//!                                  │
//! run ─ log · metrics · health ────┤
//!                                  ▼
//!                          the role's start ─► Tasks ◄─ Stop ◄─ signals
//!                                                │
//!                                              admin: /metrics, /healthz, /readyz
//! ```
//!
//! This is the rim: it reads the clock, the environment and signals, so that what it calls need not.

pub mod admin;
pub mod clock;
pub mod config;
pub mod health;
pub mod log;
pub mod metrics;
#[cfg(feature = "reporter")]
pub mod reporter;
pub mod shutdown;

mod run;
mod version;

pub use run::{App, Role, RoleArgs, read, run, run_with};
pub use version::VERSION;
