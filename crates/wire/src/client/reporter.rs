//! The handle of the owner.

use std::sync::Arc;
use std::time::Duration;

use map::Time;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use super::batch::encode_offered;
use super::delivery::Delivery;
use super::limits::LAST_WRITES;
use super::settings::{Settings, SettingsError};
use super::shared::Shared;
use super::spool::{Bounds, Spool};
use super::stats::Stats;
use crate::Report;

/// Takes reports; a cheap handle. When all handles are gone the task ends, as with [`flush`](Self::flush) without time.
#[derive(Clone, Debug)]
pub struct Reporter {
    shared: Arc<Shared>,
    end: Arc<watch::Sender<Option<Instant>>>,
    ended: watch::Receiver<bool>,
}

/// What became of a report that was offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// Items of the report.
    pub items: u64,
    /// Items that were dropped for it: the oldest that were held, to make room, or its own that no request can hold.
    pub lost: u64,
}

/// A handle, and the task that delivers what is offered to it: see [`Delivery::run`].
///
/// `now` reads the wall clock. The seed spreads retries: each reporter needs another one.
pub fn reporter(
    settings: Settings,
    now: fn() -> Time,
    seed: u64,
) -> Result<(Reporter, Delivery), SettingsError> {
    let bounds = Bounds {
        memory: settings.memory,
        folder: settings.folder.as_ref().map_or(0, |folder| folder.bytes),
    };
    let shared = Arc::new(Shared {
        spool: Mutex::new(Spool::new(bounds)),
        more: Notify::new(),
        is_filling: Notify::new(),
        map_changes: watch::Sender::new(0),
        map: Mutex::new(None),
        now,
    });
    let (end, ending) = watch::channel(None);
    let (done, ended) = watch::channel(false);
    let delivery = Delivery::new(settings, Arc::clone(&shared), (ending, done), seed)?;
    let end = Arc::new(end);
    Ok((Reporter { shared, end, ended }, delivery))
}

impl Reporter {
    /// Takes a report. Never waits: it is encoded, and put behind the others.
    pub fn offer(&self, report: Report) -> Offered {
        let encoded = encode_offered(report, (self.shared.now)());
        let items: usize = encoded.batches.iter().map(super::Batch::items).sum();
        let items = (items + encoded.unsendable) as u64;
        if items == 0 {
            return Offered::default();
        }
        let lost = self.shared.spool.lock().offer(encoded);
        self.shared.more.notify_one();
        self.shared.look_at_memory();
        Offered { items, lost }
    }

    /// What became of everything so far.
    pub fn stats(&self) -> Stats {
        self.shared.spool.lock().stats()
    }

    /// The name of the map that took something last; none where nothing was taken yet, or by the replaced mapper.
    pub fn map(&self) -> Option<String> {
        let map = self.shared.map.lock();
        map.as_ref().and_then(|map| map.0.clone())
    }

    /// Tells when the mapper has another map than before, from now on.
    pub fn map_changes(&self) -> MapChanges {
        MapChanges(self.shared.map_changes.subscribe())
    }

    /// Ends: tries to deliver what is held within this time, then writes the rest to the folder, or counts it as lost,
    /// which takes two seconds more at the most. What is offered from then on may be lost too. The task ends with it.
    pub async fn flush(&self, within: Duration) -> Stats {
        self.end.send_modify(|end| {
            let wish = Instant::now() + within;
            // The first wish counts.
            end.get_or_insert(wish);
        });
        // An error says that the task is gone, which is an end too; one that does not run holds up nobody.
        let mut ended = self.ended.clone();
        let ended = ended.wait_for(|ended| *ended);
        let _ = timeout(within + 2 * LAST_WRITES, ended).await;
        self.stats()
    }
}

/// Tells that the mapper has another map than the one that took the reports before: it was restarted without its file,
/// or its map was reset, or it is another mapper. Whatever the owner knows to be so now is to be offered again.
#[derive(Clone, Debug)]
pub struct MapChanges(watch::Receiver<u64>);

impl MapChanges {
    /// Waits for the next change; never ends when the reporter has.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether there was a change since this was last asked, or [`changed`](Self::changed) returned. For threads.
    pub fn has_changed(&mut self) -> bool {
        let has_changed = self.0.has_changed().unwrap_or(false);
        self.0.mark_unchanged();
        has_changed
    }
}
