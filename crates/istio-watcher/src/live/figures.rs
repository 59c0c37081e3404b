//! What the tasks tell of themselves, for metrics and health.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::advice::Found;
use crate::exposition::LineCounts;
use crate::{Held, LedgerCounts, Refusal, RoundCounts};

/// A cheap handle.
pub(crate) type Shared = Arc<Mutex<Figures>>;

/// Counts since the start, and the state after the last round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) rounds: u64,
    pub(crate) last_round: Duration,
    /// When the task last came round, since the start of the process.
    pub(crate) alive: Duration,
    pub(crate) answers: u64,
    /// Of these, by a command.
    pub(crate) by_command: u64,
    pub(crate) bytes: u64,
    pub(crate) failures: BTreeMap<&'static str, u64>,
    pub(crate) lines: LineCounts,
    pub(crate) series: RoundCounts,
    /// Of counters that had moved: those that told of requests.
    pub(crate) taken: u64,
    pub(crate) refused: BTreeMap<Refusal, u64>,
    pub(crate) told: LedgerCounts,
    pub(crate) held: Held,
    /// Pairs and entries of the ledger.
    pub(crate) ledger: (usize, usize),
    pub(crate) found: Found,
    pub(crate) reported: u64,
    pub(crate) told_again: u64,
}
