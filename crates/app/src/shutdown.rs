//! How a process ends: one token that everything watches, and tasks that are looked after.
//!
//! ```text
//! SIGTERM, SIGINT ─┐
//! a task ended ────┴► Stop ─► every task and thread ─► all ended, or GRACE is over ─► exit
//! a second signal ──────────────────────────────────────────────────────────────────► exit at once
//! ```

mod signals;
mod stop;
mod tasks;

use std::time::Duration;

pub use signals::{Signals, SignalsError};
pub use stop::Stop;
pub use tasks::{BoxError, TaskError, Tasks, Unclean};

/// How long tasks have after the stop. The replaced system gave its servers 5 s; Kubernetes kills after 30.
pub const GRACE: Duration = Duration::from_secs(5);
