//! What the handles and the task have in common.

use std::fmt;

use map::Time;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::spool::Spool;
use super::stats::Failed;

/// Shared by all handles of a reporter and its task.
pub(super) struct Shared {
    /// Held for moments only, never across a wait.
    pub(super) spool: Mutex<Spool>,
    /// Something was offered, or is to be sent again.
    pub(super) more: Notify,
    /// The memory is half full.
    pub(super) is_filling: Notify,
    /// Counts changes of the mapper's map.
    pub(super) map_changes: watch::Sender<u64>,
    /// Which map took something last.
    pub(super) map: Mutex<Option<MapName>>,
    pub(super) now: fn() -> Time,
}

/// The name of a map; that of the replaced mapper has none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MapName(pub(super) Option<String>);

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    /// Where the memory holds so much that some of it should go to the folder, that is told.
    pub(super) fn look_at_memory(&self) {
        if self.spool.lock().wants_folder() {
            self.is_filling.notify_one();
        }
    }

    /// A map has taken something: whether it is another one than before is told to the owner.
    pub(super) fn taken_by(&self, map: Option<String>) {
        let map = MapName(map);
        let mut last = self.map.lock();
        let is_other = last.as_ref().is_some_and(|last| *last != map);
        if is_other {
            tracing::info!(map = map.0, "the mapper has another map than before");
            self.map_changes.send_modify(|changes| *changes += 1);
        }
        *last = Some(map);
    }

    /// Something went wrong; whether all was well before.
    pub(super) fn failed(&self, why: &str) -> bool {
        let at = (self.now)();
        let mut spool = self.spool.lock();
        let failed = Failed {
            at,
            why: why.to_owned(),
        };
        spool.stats_mut().trouble.replace(failed).is_none()
    }

    /// The mapper refused an item for good.
    pub(super) fn refused(&self, why: &str) {
        let failed = Failed {
            at: (self.now)(),
            why: why.to_owned(),
        };
        self.spool.lock().stats_mut().last_refusal = Some(failed);
    }

    /// All is well; whether it was not before.
    pub(super) fn is_well(&self) -> bool {
        self.spool.lock().stats_mut().trouble.take().is_some()
    }
}
