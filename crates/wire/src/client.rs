//! How our reporters send reports to a mapper, ours or the replaced one.
//!
//! ```text
//! owner ── offer(Report) ─► encoded once ─► Spool ─► Delivery ── one request at a time ─► mapper
//!   │                                      │  ▲          │
//!   │                            too much  ▼  │ oldest   └─ true · again · halves · refused
//!   │                                   spool files
//!   └─ stats, map_changes, flush
//! ```
//!
//! [`reporter`] gives a handle and a task. Nothing is lost silently: what was offered is delivered, dropped for a
//! counted [`Reason`], or held. What is delivered was delivered at least once: a connection may break after the mapper
//! has taken a report, and before it says so.
//!
//! When there is no room the oldest goes first. After an outage an operator wants to see the present; what still goes on
//! is told again anyway, and of what has ended the mapper judges best what is recent.

mod answer;
mod backoff;
mod batch;
mod body;
mod connection;
mod delivery;
mod element;
mod failure;
mod folder;
mod keeping;
mod limits;
mod probe;
mod reporter;
mod settings;
mod shared;
mod spool;
pub mod spool_file;
mod stats;
mod tls;
mod token;

pub use batch::Batch;
pub use delivery::Delivery;
pub use limits::{MAX_BATCH_BYTES, MAX_BATCH_ITEMS, MAX_HELD_FOR};
pub use probe::{ProbeError, Probed, Shown, Step, probe};
pub use reporter::{MapChanges, Offered, Reporter, reporter};
pub use settings::{Folder, MapperUrl, Settings, SettingsError, UrlError};
pub use stats::{Failed, Reason, Stats};
