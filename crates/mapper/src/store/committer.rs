//! The thread that writes: one batch after the other, each until it is on disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use redb::Database;
use tokio::sync::mpsc;

use super::file::{Disk, File};
use super::rows::Batch;

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is on disk.
    Yes,
    /// It is not, and is tried again until it is: whoever waits should not. `Yes` follows.
    NotYet,
}

/// What the store counts.
#[derive(Debug, Default)]
pub struct Figures {
    /// Transactions.
    pub commits: AtomicU64,
    /// Rows written and removed.
    pub rows: AtomicU64,
    /// Transactions that failed.
    pub failures: AtomicU64,
    /// Nanoseconds in transactions that succeeded.
    pub nanos: AtomicU64,
    /// Rows that could not be read at the start.
    pub unreadable: AtomicU64,
    /// Files that were damaged and set aside.
    pub set_aside: AtomicU64,
    /// Whether the last transaction failed.
    pub failing: AtomicBool,
}

/// How long to wait before a transaction is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// Failures between two lines in the log: once a minute.
const LOG_EVERY: u64 = 120;

/// The committer's thread, not yet running.
#[derive(Debug)]
pub(crate) struct Committer {
    path: PathBuf,
    disk: Box<dyn Disk>,
    database: Option<Database>,
    batches: mpsc::Receiver<Batch>,
    kept: mpsc::Sender<Kept>,
    figures: Arc<Figures>,
}

impl Committer {
    /// A committer for this file, and the two ends of it: batches in, what became of each out.
    pub(crate) fn new(
        file: File,
        figures: Arc<Figures>,
    ) -> (Self, mpsc::Sender<Batch>, mpsc::Receiver<Kept>) {
        let (batches_in, batches) = mpsc::channel(1);
        // A batch has two ends at most, and the next one comes only after the last of them.
        let (kept, kept_out) = mpsc::channel(2);
        let committer = Self {
            path: file.path,
            disk: file.disk,
            database: Some(file.database),
            batches,
            kept,
            figures,
        };
        (committer, batches_in, kept_out)
    }

    /// Works until no more batches can come. Waits for the disk, so it needs a thread of its own.
    pub(crate) fn run(mut self) {
        while let Some(batch) = self.batches.blocking_recv() {
            let mut failures: u64 = 0;
            while let Err(error) = self.commit(&batch) {
                if failures.is_multiple_of(LOG_EVERY) {
                    tracing::error!(%error, path = %self.path.display(),
                        "the map cannot be written; reports are refused until it can");
                }
                if failures == 0 {
                    self.figures.failing.store(true, Relaxed);
                    self.tell(Kept::NotYet);
                }
                failures += 1;
                self.figures.failures.fetch_add(1, Relaxed);
                if self.batches.is_closed() {
                    tracing::error!(
                        "what was not written is lost; nobody was told that it is kept"
                    );
                    return;
                }
                std::thread::sleep(AGAIN);
            }
            if failures > 0 {
                tracing::info!(failures, "the map is written again");
            }
            self.figures.failing.store(false, Relaxed);
            self.tell(Kept::Yes);
        }
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), redb::Error> {
        let watch = app::clock::Stopwatch::start();
        // Where the library meets what it never wrote, it may panic. The map in memory outlives that.
        let written = catch_unwind(AssertUnwindSafe(|| self.write(batch)));
        written.unwrap_or_else(|_| {
            let damage = "it cannot be read any more".to_owned();
            Err(redb::Error::Corrupted(damage))
        })?;
        let nanos = u64::try_from(watch.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.figures.nanos.fetch_add(nanos, Relaxed);
        self.figures.commits.fetch_add(1, Relaxed);
        let rows = batch.ops.len() as u64;
        self.figures.rows.fetch_add(rows, Relaxed);
        Ok(())
    }

    fn write(&mut self, batch: &Batch) -> Result<(), redb::Error> {
        let database = match self.database.take() {
            Some(database) => database,
            None => File::reopen(&*self.disk, &self.path)?,
        };
        // After a failure, the database is dropped, which is what the library asks for.
        batch.write(&database)?;
        self.database = Some(database);
        Ok(())
    }

    fn tell(&self, kept: Kept) {
        // The writer may be gone at the end.
        let _gone = self.kept.blocking_send(kept);
    }
}
