//! The one thread that owns the index and the map.
//!
//! ```text
//! cluster::Update ─────► index ──► what waited is tried again
//! Report (bounded) ────► facts ──► map, attempts, refusals ──► true or false
//! a reader ────────────► a View: the map as it is, shared, not copied
//! ```
//!
//! Nothing here waits for the network: updates come before reports, and a query gets a [`View`] within one batch.

mod events;
mod handle;
mod stats;
mod traffic;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cluster::live::{Lookups, Synced};
use cluster::{Index, Update};
use compact_str::CompactString;
use map::{Evidence, Time};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use wire::Report;
use wire::edge::Coverage;
use wire::input::NodeCoverage;
use wire::limits::{MAX_NAME, MAX_WORD};

pub use events::{Event, Events, Reader};
pub use handle::{Mapper, Queue, Stopped, Wanted};
pub use stats::{Received, Stats};
pub use traffic::{Level, Traffic};
pub use view::View;

use crate::dns_intents::Teacher;
use crate::ingest::Ingest;
use crate::limits::{ASSUMED_LAG, MAX_COUNTS, MAX_NODES, TICK, UPDATES_AT_ONCE};
use crate::report::{self, Receipt, Switches};

/// A source of time.
pub type Clock = fn() -> Time;

/// What the writer works on.
#[derive(Debug)]
pub struct Writer {
    index: Index,
    ingest: Ingest,
    switches: Switches,
    synced: Synced,
    lookups: Option<Lookups>,
    teacher: Option<Teacher>,
    coverage: BTreeMap<CompactString, Coverage>,
    traffic: Traffic,
    events: Events,
    received: Received,
    forgotten: Time,
    counted: Time,
    stats: Arc<Mutex<Stats>>,
    clock: Clock,
}

/// How often what is gone for long is forgotten.
const FORGET_EVERY: Duration = Duration::from_mins(1);

/// How old the figures in metrics may be.
const COUNT_EVERY: Duration = Duration::from_millis(500);

impl Writer {
    /// A writer, and the handle by which the rest of the process reaches it.
    pub fn new(
        index: Index,
        ingest: Ingest,
        switches: Switches,
        lookups: Option<Lookups>,
        clock: Clock,
    ) -> (Self, Mapper, Queue) {
        let (mapper, queue, events, stats) = handle::pair();
        let writer = Self {
            index,
            ingest,
            switches,
            synced: Synced::default(),
            lookups,
            teacher: None,
            coverage: BTreeMap::new(),
            traffic: Traffic::default(),
            events,
            received: Received::default(),
            forgotten: Time::MIN,
            counted: Time::MIN,
            stats,
            clock,
        };
        (writer, mapper, queue)
    }

    /// What answers teach of names outside goes to ClientIntents.
    #[must_use]
    pub(crate) fn teaching(mut self, teacher: Teacher) -> Self {
        self.ingest.teach();
        self.teacher = Some(teacher);
        self
    }

    /// Works until the queue and the updates are closed, or `stop` is there. Meant for a thread of its own.
    pub async fn run(
        mut self,
        mut updates: mpsc::Receiver<Update>,
        mut queue: Queue,
        stop: impl Future<Output = ()>,
    ) -> Self {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stop = std::pin::pin!(stop);
        let mut batch = Vec::with_capacity(UPDATES_AT_ONCE);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                count = updates.recv_many(&mut batch, UPDATES_AT_ONCE), if !updates.is_closed() || !updates.is_empty() => {
                    if count > 0 {
                        let now = (self.clock)();
                        for update in batch.drain(..) {
                            self.update(update, now);
                        }
                        self.wake(now);
                    }
                }
                Some(wanted) = queue.wanted.recv() => self.serve(wanted, &mut queue),
                _ = tick.tick() => self.tick(),
                Some(work) = queue.reports.recv() => {
                    self.take(work.report, (self.clock)());
                    // Nobody waits any more when the client has gone.
                    let _gone = work.done.send(());
                }
                else => break,
            }
            self.publish();
        }
        self
    }

    /// Takes a step of the watch.
    pub fn update(&mut self, update: Update, now: Time) {
        if let Update::Listed { kind, .. } | Update::Forbidden(kind) = &update {
            self.synced.listed(*kind);
        }
        self.index.update(update, now);
    }

    /// Tries what waited for the updates since the last time.
    pub fn wake(&mut self, now: Time) {
        self.ingest.advance(&self.index, now);
        let touched = self.index.take_touched();
        self.ingest.wake(&self.index, &touched);
        self.ask();
    }

    /// Takes a report that came now.
    pub fn take(&mut self, report: Report, now: Time) {
        self.ingest.advance(&self.index, now);
        self.received.reports += 1;
        match report {
            Report::Coverage(coverage) => self.cover(coverage),
            Report::Traffic(report) => {
                self.traffic.take(&self.index, report.results, now);
            }
            report => {
                let (ingest, index) = (&mut self.ingest, &self.index);
                let mut receipt = Receipt::new(now);
                let mut each = |item: report::Item| match item {
                    Ok(fact) => ingest.take(index, fact),
                    Err((evidence, refusal)) => ingest.refuse(evidence, refusal),
                };
                report::read(report, self.switches, &mut receipt, &mut each);
                self.received.clamped += receipt.clamped;
            }
        }
        self.ask();
    }

    fn cover(&mut self, coverage: NodeCoverage) {
        let node = coverage.node_name.0.clone();
        let readable = is_readable(&coverage);
        if readable && (self.coverage.len() < MAX_NODES || self.coverage.contains_key(&node)) {
            self.coverage.insert(node, coverage.into());
        } else {
            self.received.coverage_refused += 1;
        }
    }

    /// The owners that somebody waits for are looked up, by others.
    fn ask(&mut self) {
        let wanted = self.ingest.take_wanted();
        if let Some(lookups) = &self.lookups {
            for owner in wanted {
                // One that finds no room is asked for again when its fact is tried again.
                let _taken = lookups.ask(owner);
            }
        }
    }

    fn serve(&mut self, wanted: Wanted, queue: &mut Queue) {
        match wanted {
            Wanted::View(answer) => {
                let view = Arc::new(self.view());
                // Whoever else waits gets the same.
                let mut rest = Vec::new();
                while let Ok(other) = queue.wanted.try_recv() {
                    match other {
                        Wanted::View(answer) => {
                            let _gone = answer.send(Arc::clone(&view));
                        }
                        wanted @ Wanted::Reset(_) => rest.push(wanted),
                    }
                }
                let _gone = answer.send(view);
                for wanted in rest {
                    self.serve(wanted, queue);
                }
            }
            Wanted::Reset(answer) => {
                self.ingest.reset((self.clock)());
                self.received.resets += 1;
                let _gone = answer.send(());
            }
        }
    }

    fn tick(&mut self) {
        let now = (self.clock)();
        if self.index.is_without_progress() {
            self.index.set_current(now.minus(ASSUMED_LAG));
        }
        self.wake(now);
        if now.since(self.forgotten) > FORGET_EVERY {
            self.forgotten = now;
            self.index.forget(now);
        }
        self.count(now);
    }

    /// Tells readers of the live stream, and ClientIntents, what is new.
    fn publish(&mut self) {
        if let Some(teacher) = &self.teacher {
            teacher.teach(self.ingest.take_lessons());
        }
        let news = self.ingest.take_news();
        self.events.tell(self.ingest.map(), news);
    }

    /// Counting what waits looks at all of it.
    fn count(&mut self, now: Time) {
        if now.since(self.counted) < COUNT_EVERY {
            return;
        }
        self.counted = now;
        let mut stats = self.stats.lock();
        stats.refresh(&self.index, &self.ingest, &self.received, &self.synced);
    }

    /// The map as it is now, and all else that readers want.
    pub fn view(&self) -> View {
        View {
            map: self.ingest.map().clone(),
            cluster: self.ingest.cluster().into(),
            coverage: self.coverage.values().cloned().collect(),
            traffic: self.traffic.levels(),
            at: (self.clock)(),
        }
    }

    /// Facts taken by evidence, for tests.
    pub fn taken(&self, evidence: Evidence) -> u64 {
        self.ingest.taken().get(&evidence)
    }
}

/// Whether its texts and lists keep their bounds.
fn is_readable(coverage: &NodeCoverage) -> bool {
    let words = [&coverage.reporter_id, &coverage.version];
    let mut words = coverage.rights.iter().chain(words);
    let counts = || coverage.seen.iter().chain(&coverage.dropped);
    coverage.node_name.len() <= MAX_NAME
        && words.all(|word| word.len() <= MAX_WORD)
        && counts().all(|count| count.reason.len() <= MAX_WORD)
        && counts().count() + coverage.rights.len() <= MAX_COUNTS
}
