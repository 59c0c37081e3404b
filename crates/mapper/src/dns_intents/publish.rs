//! The task: takes what is learned, writes what is wanted, looks up what nobody asked for yet.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use cluster::live::{IntentsUpdate, StatusWriter};
use compact_str::CompactString;
use map::Time;
use tokio::net::lookup_host;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::Teacher;
use super::book::{Book, Patch, Written};
use crate::lesson::Learned;
use crate::limits::{LOOKUP_TIME, MAX_LESSONS, MAX_LOOKUPS};

/// The pause after which the API server is tried again when it failed as a whole, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long nothing may happen: what counts no more is forgotten then.
const IDLE: Duration = Duration::from_secs(30);

/// What is counted, for metrics.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// ClientIntents that have, or had, internet targets.
    pub(crate) intents: AtomicU64,
    /// Those that found no room.
    pub(crate) refused: AtomicU64,
    /// Pairs of a name and an address.
    pub(crate) names: AtomicU64,
    /// Statuses that were written.
    pub(crate) patches: AtomicU64,
    /// Statuses that could not be written.
    pub(crate) failures: AtomicU64,
    /// Names that could not be looked up.
    pub(crate) lookup_failures: AtomicU64,
    /// Answers that found no room on their way here.
    pub(crate) dropped: Arc<AtomicU64>,
}

/// Writes addresses into the status of ClientIntents.
#[derive(Debug)]
pub(crate) struct Publisher {
    book: Book,
    writer: StatusWriter,
    lessons: mpsc::Receiver<Vec<Learned>>,
    updates: mpsc::Receiver<IntentsUpdate>,
    interval: Duration,
    figures: Arc<Figures>,
    began: Instant,
    work: JoinSet<Done>,
    rooms: Arc<Semaphore>,
    /// Failures of the API server as a whole, in a row, and until when it is left alone.
    failures: u32,
    paused: Time,
    /// Whether it was said that the right to write is missing.
    said_forbidden: bool,
}

#[derive(Debug)]
enum Done {
    Written(Patch, Result<(), cluster::live::RequestError>),
    Found(CompactString, Vec<IpAddr>),
}

impl Publisher {
    /// Room for so many pairs of name and address; a look at what is dirty at most every `interval`.
    pub(crate) fn new(
        writer: StatusWriter,
        updates: mpsc::Receiver<IntentsUpdate>,
        capacity: usize,
        interval: Duration,
    ) -> (Self, Teacher, Arc<Figures>) {
        let (taught, lessons) = mpsc::channel(MAX_LESSONS);
        let figures = Arc::new(Figures::default());
        let publisher = Self {
            book: Book::new(capacity),
            writer,
            lessons,
            updates,
            interval,
            figures: Arc::clone(&figures),
            began: Instant::now(),
            work: JoinSet::new(),
            rooms: Arc::new(Semaphore::new(MAX_LOOKUPS)),
            failures: 0,
            paused: Time::EPOCH,
            said_forbidden: false,
        };
        let teacher = Teacher::new(taught, Arc::clone(&figures.dropped));
        (publisher, teacher, figures)
    }

    /// Works until `stop` is there. What is being written then is cut off, and found again after the next start.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut wake = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = sleep_until(wake) => {
                    self.look();
                    self.tell();
                    wake = (Instant::now() + self.interval).max(self.next());
                    continue;
                }
                Some(done) = self.work.join_next() => if let Ok(done) = done { self.done(done) },
                Some(update) = self.updates.recv() => {
                    let now = self.now();
                    self.book.update(update, now);
                }
                Some(lessons) = self.lessons.recv() => {
                    let now = self.now();
                    for Learned { name, address, left } in lessons {
                        self.book.learn(name.as_str(), address, now.plus(left), now);
                    }
                }
            }
            // Something changed: it is looked at within the interval.
            wake = wake
                .min(Instant::now() + self.interval)
                .max(self.at(self.paused));
        }
    }

    /// The time since the start: nothing here must stand still when somebody sets the clock.
    fn now(&self) -> Time {
        Time::EPOCH.plus(self.began.elapsed())
    }

    fn at(&self, time: Time) -> Instant {
        self.began + time.since(Time::EPOCH)
    }

    fn next(&self) -> Instant {
        let idle = Instant::now() + IDLE;
        let next = self.book.next(self.rooms.available_permits() > 0);
        next.map_or(idle, |next| self.at(next.max(self.paused)))
            .min(idle)
    }

    fn look(&mut self) {
        let now = self.now();
        self.book.forget(now);
        if now >= self.paused {
            for patch in self.book.patches(now) {
                let writer = self.writer.clone();
                self.work.spawn(async move {
                    let Patch {
                        version,
                        key,
                        resolved,
                    } = &patch;
                    let written = writer.write(version, key, resolved).await;
                    Done::Written(patch, written)
                });
            }
        }
        while let Ok(room) = Arc::clone(&self.rooms).try_acquire_owned() {
            let Some(name) = self.book.lookups(1, now).pop() else {
                return;
            };
            self.work.spawn(look_up(name, room));
        }
    }

    fn done(&mut self, done: Done) {
        let now = self.now();
        match done {
            Done::Found(name, addresses) => {
                if addresses.is_empty() {
                    self.figures.lookup_failures.fetch_add(1, Relaxed);
                    tracing::debug!(%name, "a domain of ClientIntents has no address; it is looked up again later");
                }
                self.book.found(&name, &addresses, now);
            }
            Done::Written(patch, Ok(())) => {
                self.figures.patches.fetch_add(1, Relaxed);
                self.failures = 0;
                self.said_forbidden = false;
                tracing::debug!(intents = %patch.key, "addresses of internet targets were written");
                self.book.written(patch, Written::Done, now);
            }
            Done::Written(patch, Err(error)) if error.is_not_found() => {
                self.book.written(patch, Written::Gone, now);
            }
            Done::Written(patch, Err(error)) => {
                self.figures.failures.fetch_add(1, Relaxed);
                if error.is_forbidden() {
                    if !std::mem::replace(&mut self.said_forbidden, true) {
                        tracing::warn!(
                            %error,
                            "the status of ClientIntents may not be written: internet targets get no addresses until \
                             the service account may patch clientintents/status (k8s.otterize.com)"
                        );
                    }
                } else {
                    tracing::warn!(intents = %patch.key, %error, "addresses of internet targets could not be written; it is tried again");
                }
                if !error.is_about_the_request() || error.is_forbidden() {
                    let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(8));
                    self.paused = self.paused.max(now.plus(pause.min(LONGEST_PAUSE)));
                    self.failures += 1;
                }
                self.book.written(patch, Written::Failed, now);
            }
        }
    }

    fn tell(&self) {
        let Figures {
            intents,
            refused,
            names,
            ..
        } = &*self.figures;
        intents.store(self.book.intents() as u64, Relaxed);
        refused.store(self.book.refused(), Relaxed);
        names.store(self.book.names() as u64, Relaxed);
    }
}

/// Asks the system's resolver. It blocks a thread that cannot be stopped, so its room is free only when it is through,
/// whenever we stop waiting.
async fn look_up(name: CompactString, room: OwnedSemaphorePermit) -> Done {
    // As a full name: a search list would find others.
    let host = format!("{name}.");
    let asked = tokio::spawn(async move {
        let found = lookup_host((host, 0)).await;
        drop(room);
        found.map(|addresses| addresses.map(|address| address.ip()).collect())
    });
    let addresses = match timeout(LOOKUP_TIME, asked).await {
        Ok(Ok(Ok(addresses))) => addresses,
        _ => Vec::new(),
    };
    Done::Found(name, addresses)
}
