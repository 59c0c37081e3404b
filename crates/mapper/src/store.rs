//! The map on disk: what was answered with `true` is there after any end of the process.
//!
//! ```text
//!  Writer ── Pending ── Batch ──► committer, a thread ──► one file (redb)
//!     ▲      what is new,            one transaction a batch      │
//!     │      what waits for it                                    │
//!     └────────────── kept, or not: true or false ◄───────────────┘
//! ```
//!
//! Reports that teach something new wait for the transaction that holds it; whatever else came meanwhile is in the next
//! one. Later times of known edges need no answer and are written every [`REFRESH_EVERY`](crate::limits::REFRESH_EVERY).
//! What the mapper has taken and not yet resolved is kept too, by itself.
//!
//! A row is read by itself: one that cannot be read is counted and left in the file, and costs no other.

mod committer;
mod file;
#[cfg(test)]
mod golden;
mod pending;
mod rows;

pub(crate) use committer::Committer;
pub use committer::{Figures, Kept};
pub use file::{Aside, Disk, FILE, File, OpenError, Opened, VERSION};
pub(crate) use pending::Pending;
pub use rows::Loaded;
pub(crate) use rows::{Op, Segment};
