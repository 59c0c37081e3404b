//! What of the map and of what was taken is not on disk yet. A replay keeps nothing, and has none of it.

#![cfg_attr(
    not(feature = "server"),
    allow(dead_code, reason = "only a server keeps its map")
)]

mod held;
mod journal;

use compact_str::CompactString;
use map::{EdgeKey, Time, Workload};

pub(crate) use held::{Held, HeldAnswer};
#[cfg(test)]
pub(crate) use journal::tests::held;
pub(crate) use journal::{Journal, Ticket};

/// A row that has to be written as the map has it then, or removed if the map has it no more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Entry {
    /// An edge.
    Edge(EdgeKey),
    /// An attempt.
    Attempt(EdgeKey),
    /// What is known of a workload, by cluster.
    Workload(CompactString, Workload),
}

/// What the store has to know: what is new, and what is held.
#[derive(Debug, Default)]
pub(crate) struct Unsaved {
    /// Has to be on disk before anybody is told.
    pub(crate) news: Vec<Entry>,
    /// Can wait.
    pub(crate) later: Vec<Entry>,
    /// Floors that were raised, by cluster.
    pub(crate) floors: Vec<(CompactString, Time)>,
    /// What is held.
    pub(crate) journal: Journal,
}
