//! How the rest of the process reaches the writer: bounded queues in, shared views out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use wire::Report;

use super::{Events, MapId, Reader, Stats, View};
use crate::limits::{COMMIT_TIME, MAX_QUEUED_BYTES, MAX_QUEUED_REPORTS, MAX_WAITING_READERS};

/// A report that waits for the writer.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) report: Report,
    pub(crate) done: oneshot::Sender<bool>,
    /// Its share of the queue's bytes, given back when it is done.
    _room: OwnedSemaphorePermit,
}

/// What readers want of the writer.
#[derive(Debug)]
pub enum Wanted {
    /// The map.
    View(oneshot::Sender<Arc<View>>),
    /// A reset as of now. Whether it is on disk.
    Reset(oneshot::Sender<bool>),
}

/// The writer's end of the queues.
#[derive(Debug)]
pub struct Queue {
    pub(crate) reports: mpsc::Receiver<Work>,
    pub(crate) wanted: mpsc::Receiver<Wanted>,
}

/// The writer as the rest of the process knows it.
#[derive(Clone, Debug)]
pub struct Mapper {
    reports: mpsc::Sender<Work>,
    wanted: mpsc::Sender<Wanted>,
    room: Arc<Semaphore>,
    events: Events,
    stats: Arc<Mutex<Stats>>,
    id: Arc<MapId>,
    refusing: Arc<Refusing>,
}

/// Whether reports are refused, and how many were.
#[derive(Debug, Default)]
struct Refusing {
    now: AtomicBool,
    reports: AtomicU64,
}

/// The writer has stopped: the process is about to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the mapper stops")]
pub struct Stopped;

pub(super) fn pair() -> (Mapper, Queue, Events, Arc<Mutex<Stats>>, Arc<MapId>) {
    let (reports, reports_in) = mpsc::channel(MAX_QUEUED_REPORTS);
    let (wanted, wanted_in) = mpsc::channel(MAX_WAITING_READERS);
    let events = Events::default();
    let stats = Arc::new(Mutex::new(Stats::default()));
    let id = Arc::new(MapId::default());
    let mapper = Mapper {
        reports,
        wanted,
        room: Arc::new(Semaphore::new(MAX_QUEUED_BYTES)),
        events: events.clone(),
        stats: Arc::clone(&stats),
        id: Arc::clone(&id),
        refusing: Arc::default(),
    };
    let queue = Queue {
        reports: reports_in,
        wanted: wanted_in,
    };
    (mapper, queue, events, stats, id)
}

impl Mapper {
    /// Hands over a report that had `bytes` on the wire. True when it was taken and what it taught is on disk, where
    /// there is one; false when the queue or the disk is full or slow, and the client should send it again.
    pub async fn report(&self, report: Report, bytes: usize) -> Result<bool, Stopped> {
        if self.refusing.now.load(Relaxed) {
            self.refusing.reports.fetch_add(1, Relaxed);
            return Ok(false);
        }
        let bytes = u32::try_from(bytes.clamp(1, MAX_QUEUED_BYTES)).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(bytes) else {
            return Ok(false);
        };
        let (done, taken) = oneshot::channel();
        let work = Work {
            report,
            done,
            _room: room,
        };
        match self.reports.try_send(work) {
            Ok(()) => match tokio::time::timeout(COMMIT_TIME, taken).await {
                Ok(kept) => kept.map_err(|_| Stopped),
                Err(_) => Ok(false),
            },
            Err(mpsc::error::TrySendError::Full(_)) => Ok(false),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Stopped),
        }
    }

    /// The map as it is now: everything that was reported with `true` before is in it, or waits for the index.
    pub async fn view(&self) -> Result<Arc<View>, Stopped> {
        let (answer, view) = oneshot::channel();
        let wanted = Wanted::View(answer);
        self.wanted.send(wanted).await.map_err(|_| Stopped)?;
        view.await.map_err(|_| Stopped)
    }

    /// Forgets the map up to now. Whether that is on disk, where there is one; if not, it is done all the same, and may
    /// come undone should the process be killed.
    pub async fn reset(&self) -> Result<bool, Stopped> {
        let (answer, done) = oneshot::channel();
        let wanted = Wanted::Reset(answer);
        self.wanted.send(wanted).await.map_err(|_| Stopped)?;
        match tokio::time::timeout(COMMIT_TIME, done).await {
            Ok(kept) => kept.map_err(|_| Stopped),
            Err(_) => Ok(false),
        }
    }

    /// Refuses reports from now on, or takes them again.
    pub(crate) fn refuse(&self, now: bool) {
        self.refusing.now.store(now, Relaxed);
    }

    /// Reports that were refused because memory was full.
    pub fn refused(&self) -> u64 {
        self.refusing.reports.load(Relaxed)
    }

    /// Which map this is.
    pub fn id(&self) -> String {
        self.id.to_string()
    }

    /// Edges that are new from now on. A reader that is too slow is told how many it missed.
    pub fn news(&self) -> Reader {
        self.events.read()
    }

    /// Readers of the live stream.
    pub fn readers(&self) -> usize {
        self.events.readers()
    }

    /// Reports that wait.
    pub fn queued(&self) -> usize {
        MAX_QUEUED_REPORTS - self.reports.capacity()
    }

    /// What the writer counts, as of its last step.
    pub fn stats(&self) -> Stats {
        self.stats.lock().clone()
    }
}
