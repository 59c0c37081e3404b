//! The one thread that owns the index and the map.
//!
//! ```text
//! cluster::Update ─────► index ──► what waited is tried again
//! Report (bounded) ────► facts ──► map, attempts, refusals ──► true or false
//! a reader ────────────► a View: the map as it is, shared, not copied
//! what is new ─────────► Pending ──► the store's thread ──► true or false
//! ```
//!
//! Nothing here waits for the network: updates come before reports, and a query gets a [`View`] within one batch.

mod events;
mod handle;
mod id;
mod stats;
mod steady;
mod traffic;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cluster::live::{Lookups, Synced};
use cluster::{Index, Update};
use compact_str::CompactString;
use map::{Evidence, Map, Time};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;
use wire::Report;
use wire::edge::Coverage;
use wire::input::NodeCoverage;
use wire::limits::{MAX_NAME, MAX_WORD};

pub use events::{Event, Events, Reader};
pub use handle::{Mapper, Queue, Stopped, Wanted};
pub use id::MapId;
pub use stats::{Received, Stats};
pub use traffic::{Level, Traffic};
pub use view::View;

use steady::Steady;

use crate::dns_intents::Teacher;
use crate::ingest::Ingest;
use crate::limits::{
    ASSUMED_LAG, LAST_COMMITS, MAX_COUNTS, MAX_NODES, REFRESH_EVERY, TICK, UPDATES_AT_ONCE,
};
use crate::report::{self, Receipt, Switches};
use crate::service_graph::{Latest, ServiceGraph};
use crate::store::{Committer, Figures, File, Kept, Loaded, Op, Pending, Segment};
use crate::unsaved::Entry;

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
    /// By node, and by what else a reporter is.
    coverage: BTreeMap<(CompactString, CompactString), Coverage>,
    traffic: Traffic,
    events: Events,
    received: Received,
    forgotten: Time,
    counted: Time,
    /// What is not on disk yet, where there is a disk.
    pending: Option<Pending>,
    /// What an earlier life of the process had taken and not resolved; taken again once the cluster is known.
    recovered: Vec<Segment>,
    refreshed: Time,
    steady: Steady,
    /// After which time edges are forgotten.
    expiry: Option<Duration>,
    id: Arc<MapId>,
    stats: Arc<Mutex<Stats>>,
    /// Where connections by edge are told.
    graph: Option<Latest>,
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
        let (mapper, queue, events, stats, id) = handle::pair();
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
            pending: None,
            recovered: Vec::new(),
            refreshed: Time::MIN,
            steady: Steady::new(),
            expiry: None,
            id,
            stats,
            graph: None,
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

    /// Counts connections by edge, for at most so many edges, from now on.
    #[must_use]
    pub fn graphing(mut self, room: usize) -> (Self, Latest) {
        let graph = ServiceGraph::new(room, (self.clock)());
        let latest = Latest::default();
        latest.set(graph.snapshot());
        self.ingest.count_connections(graph);
        self.graph = Some(latest.clone());
        (self, latest)
    }

    /// A map that lives as long as the process, under this name.
    #[must_use]
    pub fn in_memory(self, instance: &str) -> Self {
        self.id.set(instance, 0);
        self
    }

    /// Goes on with what the file holds, and keeps there what is new. The second value has to run on a thread of its
    /// own, until this writer has ended.
    #[must_use]
    pub fn keeping(mut self, file: File, loaded: Loaded, figures: Arc<Figures>) -> (Self, Keeper) {
        let (committer, batches, kept) = Committer::new(file, figures);
        let mut pending = Pending::new(batches, kept);
        self.id.set(&loaded.instance, loaded.epoch);
        self.ingest.restore(loaded.map);
        self.ingest
            .save(loaded.held.iter().map(|segment| segment.number));
        self.recovered = loaded.held;
        for op in loaded.stale {
            pending.op(op);
        }
        self.pending = Some(pending);
        (self, Keeper(committer))
    }

    /// Forgets edges that were not seen for so long.
    #[must_use]
    pub const fn expiring(mut self, after: Option<Duration>) -> Self {
        self.expiry = after;
        self
    }

    /// Joins a map from elsewhere, such as a backup.
    pub fn merge(&mut self, map: &Map) {
        self.ingest.merge(map);
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
                kept = heard(&mut self.pending) => self.hear(kept),
                Some(wanted) = queue.wanted.recv() => self.serve(wanted, &mut queue),
                _ = tick.tick() => self.tick(),
                Some(work) = queue.reports.recv() => {
                    self.take(work.report, (self.clock)());
                    self.answer(work.done);
                }
                else => break,
            }
            self.publish();
            self.write();
        }
        self.close().await;
        self
    }

    /// Writes what is left, while there is time.
    async fn close(&mut self) {
        self.refresh();
        let ended = tokio::time::sleep(LAST_COMMITS);
        let mut ended = std::pin::pin!(ended);
        loop {
            self.write();
            let Some((pending, unsaved)) = self.pending.as_mut().zip(self.ingest.unsaved()) else {
                return;
            };
            if pending.is_done(&unsaved.0.journal) || !pending.is_alive() {
                return;
            }
            tokio::select! {
                kept = pending.heard() => pending.hear(kept),
                () = &mut ended => {
                    tracing::warn!("the disk is too slow: the last times of some edges step back");
                    return;
                }
            }
        }
    }

    /// Answers a reporter: at once if all that it taught is on disk, else when it is.
    fn answer(&mut self, done: oneshot::Sender<bool>) {
        self.gather();
        match (&mut self.pending, self.ingest.unsaved()) {
            (Some(pending), Some((unsaved, _))) => pending.wait(done, &unsaved.journal),
            _ => {
                // Nobody waits any more when the client has gone.
                let _gone = done.send(true);
            }
        }
    }

    /// Notes what has to be written.
    fn gather(&mut self) {
        if let (Some(pending), Some((unsaved, _))) = (&mut self.pending, self.ingest.unsaved()) {
            pending.news(unsaved.news.drain(..));
            pending.later(unsaved.later.drain(..));
            for (cluster, floor) in unsaved.floors.drain(..) {
                pending.op(Op::floor(&cluster, floor));
            }
        }
    }

    /// Hands the next batch to the committer, if it is free.
    fn write(&mut self) {
        self.gather();
        if let (Some(pending), Some((unsaved, map))) = (&mut self.pending, self.ingest.unsaved()) {
            pending.send(map, &mut unsaved.journal);
        }
    }

    fn hear(&mut self, kept: Option<Kept>) {
        if let Some(pending) = &mut self.pending {
            pending.hear(kept);
        }
    }

    /// Lets the later times of known edges be written.
    fn refresh(&mut self) {
        if self.pending.is_none() {
            return;
        }
        let ended = self.ingest.next_generation();
        if let (Some(pending), Some((_, map))) = (&mut self.pending, self.ingest.unsaved()) {
            let edges = map.edges_changed_since(ended);
            pending.later(edges.map(|(key, _)| Entry::Edge(key.clone())));
            let attempts = map.attempts_changed_since(ended);
            pending.later(attempts.map(|(key, _)| Entry::Attempt(key.clone())));
        }
    }

    /// Takes again what was held when the process ended, once the cluster is known.
    fn resume(&mut self) {
        if self.recovered.is_empty() || !self.synced.is_complete() {
            return;
        }
        for segment in std::mem::take(&mut self.recovered) {
            for held in segment.held {
                self.ingest.resume(&self.index, held);
            }
            if let Some((unsaved, _)) = self.ingest.unsaved().filter(|_| segment.is_whole) {
                unsaved.journal.forget(segment.number);
            }
        }
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
        self.resume();
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
        let role = coverage.role.clone().unwrap_or_default();
        let whose = (coverage.node_name.0.clone(), role.0);
        let readable = is_readable(&coverage);
        if readable && (self.coverage.len() < MAX_NODES || self.coverage.contains_key(&whose)) {
            self.coverage.insert(whose, coverage.into());
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
                let epoch = self.id.next_epoch();
                if let Some(pending) = &mut self.pending {
                    pending.op(Op::epoch(epoch));
                }
                self.answer(answer);
            }
        }
    }

    fn tick(&mut self) {
        let now = (self.clock)();
        if self.index.is_without_progress() {
            self.index.set_current(now.minus(ASSUMED_LAG));
        }
        self.wake(now);
        self.steady.look(now);
        if is_due(self.forgotten, FORGET_EVERY, now) {
            self.forgotten = now;
            self.index.forget(now);
            self.expire(now);
        }
        if is_due(self.refreshed, REFRESH_EVERY, now)
            && self.pending.as_ref().is_some_and(Pending::is_refreshed)
        {
            self.refreshed = now;
            self.refresh();
        }
        self.count(now);
    }

    /// Raises the floor in steps, since each looks at the whole map. A floor never falls: a clock that has just jumped
    /// ahead would empty the map, and keep it so.
    fn expire(&mut self, now: Time) {
        let Some(expiry) = self.expiry.filter(|_| self.steady.is_trusted()) else {
            return;
        };
        let floor = now.minus(expiry);
        let step = (expiry / 100).max(FORGET_EVERY);
        let before = self.ingest.map().floor(self.ingest.cluster());
        if floor.since(before) >= step {
            self.ingest.raise_floor(floor);
        }
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
        if !is_due(self.counted, COUNT_EVERY, now) {
            return;
        }
        self.counted = now;
        let mut stats = self.stats.lock();
        stats.refresh(&self.index, &self.ingest, &self.received, &self.synced);
        drop(stats);
        if let (Some(latest), Some(graph)) = (&self.graph, self.ingest.service_graph()) {
            latest.set(graph.snapshot());
        }
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

/// The thread that writes the file.
#[derive(Debug)]
pub struct Keeper(Committer);

impl Keeper {
    /// Writes until its writer has ended. Waits for the disk.
    pub fn run(self) {
        self.0.run();
    }
}

/// Whether something was done so long ago. A clock that was set back makes it due at once, and not only when it is there
/// again.
fn is_due(last: Time, every: Duration, now: Time) -> bool {
    now < last || now.since(last) >= every
}

/// What became of the batch that is being written; never, where nothing is.
async fn heard(pending: &mut Option<Pending>) -> Option<Kept> {
    match pending {
        Some(pending) if pending.is_alive() => pending.heard().await,
        _ => std::future::pending().await,
    }
}

/// Whether its texts and lists keep their bounds.
fn is_readable(coverage: &NodeCoverage) -> bool {
    let words = [&coverage.reporter_id, &coverage.version];
    let mut words = coverage.rights.iter().chain(words).chain(&coverage.role);
    let counts = || coverage.seen.iter().chain(&coverage.dropped);
    coverage.node_name.len() <= MAX_NAME
        && words.all(|word| word.len() <= MAX_WORD)
        && counts().all(|count| count.reason.len() <= MAX_WORD)
        && counts().count() + coverage.rights.len() <= MAX_COUNTS
}
