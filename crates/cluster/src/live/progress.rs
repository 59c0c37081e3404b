//! How far the watch of pods is: the API server is asked for its version, and once the watch has told that version, all
//! that the API server knew when it was asked has been told.
//!
//! ```text
//! our clock     T ─ probe: a consistent read ─► version R
//! watch of pods ──── events ──── bookmark or event ≥ R ─► PodsCurrent(T)
//! ```
//!
//! Versions can be compared as numbers (Kubernetes documentation, "Kubernetes API Concepts", resource versions; promised
//! since 1.35, and so with etcd ever since). A consistent read makes the API server's cache catch up with etcd, and
//! bookmarks carry the cache's version (KEP-2340, consistent reads from cache; since 1.31). Where there are several API
//! servers, each has a cache of its own: so one probe precedes every watch, on the connection that the last one left.

mod ledger;

use std::time::Duration;

use map::Time;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use self::ledger::Ledger;
use super::counters::Verb;
use super::decode;
use super::follow::Stopped;
use super::request::{Api, RequestError};
use super::resource::{METADATA_LIST, POD};
use super::settings::{Clock, MAX_ANSWER_BYTES, Settings};
use crate::update::Update;

/// A probe holds up the next watch of pods: one that takes longer is worth nothing.
const PROBE: Duration = Duration::from_secs(2);

/// Notes that wait: there are two in three seconds.
const NOTES: usize = 16;

/// A version as a number.
fn number(version: &str) -> Option<u64> {
    version.parse().ok()
}

/// What happened, told to who keeps the books.
#[derive(Debug)]
enum Note {
    Probed(Time, Option<u64>),
    Listed(Time),
    Opened,
    Lost,
}

/// The end that the watch of pods holds.
#[derive(Debug)]
pub(crate) struct Reporter {
    notes: mpsc::Sender<Note>,
    reached: watch::Sender<u64>,
    clock: Clock,
}

impl Reporter {
    /// All was listed, and told.
    pub(crate) async fn listed(&mut self, asked: Time, version: &str) {
        self.reached
            .send_replace(number(version).unwrap_or_default());
        self.note(Note::Listed(asked)).await;
    }

    /// All up to this version has been told.
    pub(crate) fn reached(&self, version: &str) {
        if let Some(version) = number(version) {
            self.reached.send_if_modified(|reached| {
                let further = version > *reached;
                *reached = version.max(*reached);
                further
            });
        }
    }

    /// The watch runs.
    pub(crate) async fn opened(&mut self) {
        self.note(Note::Opened).await;
    }

    /// The watch does not run.
    pub(crate) async fn lost(&mut self) {
        self.note(Note::Lost).await;
    }

    /// Asks where the API server is, on the connection on which the next watch will run.
    pub(crate) async fn probe(&mut self, api: &Api) {
        if let Some(note) = probe(api, &self.clock).await {
            self.note(note).await;
        }
    }

    async fn note(&self, note: Note) {
        // Without its keeper there is nobody to be told.
        let _ = self.notes.send(note).await;
    }
}

/// A probe that failed says nothing; the watch will find out itself.
async fn probe(api: &Api, clock: &Clock) -> Option<Note> {
    let asked = clock.now();
    let path = format!("{}?limit=1", POD.path);
    let answer = api.get(
        Verb::Progress,
        &path,
        METADATA_LIST,
        PROBE,
        MAX_ANSWER_BYTES,
    );
    let answer: Result<_, RequestError> = timeout(PROBE, answer).await.ok()?;
    let bytes = answer.ok()?;
    let page = decode::page(&bytes).ok()?;
    Some(Note::Probed(asked, number(&page.metadata.resource_version)))
}

/// Who keeps the books, and announces.
pub(crate) struct Keeper {
    api: Api,
    settings: Settings,
    notes: mpsc::Receiver<Note>,
    reached: watch::Receiver<u64>,
    ledger: Ledger,
    updates: mpsc::Sender<Update>,
}

/// Both ends.
pub(crate) fn pair(
    api: Api,
    settings: &Settings,
    updates: mpsc::Sender<Update>,
) -> (Reporter, Keeper) {
    let (tell, notes) = mpsc::channel(NOTES);
    let (sender, reached) = watch::channel(0);
    let reporter = Reporter {
        notes: tell,
        reached: sender,
        clock: settings.clock.clone(),
    };
    let keeper = Keeper {
        api,
        settings: settings.clone(),
        notes,
        reached,
        ledger: Ledger::new(settings.progress_patience),
        updates,
    };
    (reporter, keeper)
}

impl Keeper {
    /// Ends when nobody takes updates any more, or nobody watches.
    pub(crate) async fn run(mut self) {
        let every = self
            .settings
            .progress_interval
            .max(Duration::from_millis(10));
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let note = tokio::select! {
                note = self.notes.recv() => match note {
                    Some(note) => Some(note),
                    None => return,
                },
                changed = self.reached.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    None
                }
                _ = ticks.tick(), if self.ledger.wants_probe() => {
                    probe(&self.api, &self.settings.clock).await
                }
            };
            if self.take(note).await.is_err() {
                return;
            }
        }
    }

    async fn take(&mut self, note: Option<Note>) -> Result<(), Stopped> {
        let now = Instant::now();
        let mut current = None;
        match note {
            Some(Note::Probed(asked, version)) => self.ledger.probed(asked, version, now),
            Some(Note::Listed(asked)) => current = self.ledger.listed(asked),
            Some(Note::Opened) => self.ledger.opened(now),
            Some(Note::Lost) => self.ledger.lost(),
            None => {}
        }
        let reached = *self.reached.borrow_and_update();
        if let Some(at) = self.ledger.reached(reached).or(current) {
            self.api.counters.progressed(at);
            self.send(Update::PodsCurrent(at)).await?;
        }
        if self.ledger.gives_up(now) {
            self.give_up().await?;
        }
        Ok(())
    }

    async fn send(&self, update: Update) -> Result<(), Stopped> {
        self.updates.send(update).await.map_err(|_| Stopped)
    }

    async fn give_up(&self) -> Result<(), Stopped> {
        self.api.counters.has_no_progress();
        tracing::warn!(
            "the API server does not tell how far its watch of pods is (Kubernetes before 1.31, or an old etcd): what \
             no pod UID decides is resolved later, after the time that a watch usually lags"
        );
        self.send(Update::ProgressUnsupported).await
    }
}
