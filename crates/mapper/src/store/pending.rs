//! What is not on disk yet, and who waits for it.

use std::collections::{HashSet, VecDeque};

use compact_str::CompactString;
use map::{EdgeKey, Map, Workload};
use tokio::sync::{mpsc, oneshot};

use super::committer::Kept;
use super::journal::Journal;
use super::rows::{Batch, Op, Row};
use crate::limits::{NEWS_AT_ONCE, REFRESHES_AT_ONCE};

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

impl Entry {
    fn op(&self, map: &Map) -> Op {
        match self {
            Self::Edge(key) => Op::edge(Row::Edge, key, map.edge(key)),
            Self::Attempt(key) => Op::edge(Row::Attempt, key, map.attempt(key)),
            Self::Workload(cluster, workload) => {
                let at = map.described(cluster, workload);
                let what = at.zip(map.attributes(cluster, workload));
                Op::workload(cluster, workload, what)
            }
        }
    }
}

/// Who waits: told true once it is on disk, false if that has to be tried again.
pub(crate) type Waits = oneshot::Sender<bool>;

/// The writer's end of the store.
#[derive(Debug)]
pub(crate) struct Pending {
    /// New edges and facets, in the order in which they came: somebody waits.
    news: VecDeque<Entry>,
    queued: HashSet<Entry>,
    /// Later times, attributes, removals: nobody does.
    later: VecDeque<Entry>,
    /// What is no entry: floors, the epoch.
    ops: Vec<Op>,
    /// How many news came, and how many of them left.
    came: u64,
    left: u64,
    /// Each with how many news had come.
    waiting: VecDeque<(u64, Waits)>,
    flight: Option<Flight>,
    /// The last batch is tried again and again.
    failing: bool,
    /// The committer is there.
    alive: bool,
    batches: mpsc::Sender<Batch>,
    kept: mpsc::Receiver<Kept>,
}

/// The batch that is being written.
#[derive(Debug)]
struct Flight {
    /// Whether somebody may have to wait for it.
    has_news: bool,
    waiting: Vec<Waits>,
}

impl Pending {
    pub(crate) fn new(batches: mpsc::Sender<Batch>, kept: mpsc::Receiver<Kept>) -> Self {
        Self {
            news: VecDeque::new(),
            queued: HashSet::new(),
            later: VecDeque::new(),
            ops: Vec::new(),
            came: 0,
            left: 0,
            waiting: VecDeque::new(),
            flight: None,
            failing: false,
            alive: true,
            batches,
            kept,
        }
    }

    /// Something is new, and has to be on disk before anybody is told.
    pub(crate) fn news(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for entry in entries {
            if self.queued.insert(entry.clone()) {
                self.news.push_back(entry);
                self.came += 1;
            }
        }
    }

    /// Something changed that can wait.
    pub(crate) fn later(&mut self, entries: impl IntoIterator<Item = Entry>) {
        self.later.extend(entries);
    }

    /// Something else is new.
    pub(crate) fn op(&mut self, op: Op) {
        self.ops.push(op);
    }

    /// Whether all refreshes of the last round were handed over.
    pub(crate) fn is_refreshed(&self) -> bool {
        self.later.is_empty()
    }

    /// Whether nothing is left to write.
    pub(crate) fn is_done(&self, journal: &Journal) -> bool {
        self.flight.is_none() && !self.has_news(journal) && self.later.is_empty()
    }

    fn has_news(&self, journal: &Journal) -> bool {
        !self.news.is_empty() || !self.ops.is_empty() || journal.has_news()
    }

    /// Somebody wants to know when all that came so far is on disk.
    pub(crate) fn wait(&mut self, waits: Waits, journal: &Journal) {
        let flies = self.flight.as_ref().is_some_and(|flight| flight.has_news);
        let has_news = self.has_news(journal);
        if !has_news && !flies {
            tell(waits, true);
        } else if self.failing {
            tell(waits, false);
        } else if has_news {
            self.waiting.push_back((self.came, waits));
        } else if let Some(flight) = &mut self.flight {
            flight.waiting.push(waits);
        }
    }

    /// Hands the next batch over, if the committer is free and there is one.
    pub(crate) fn send(&mut self, map: &Map, journal: &mut Journal) {
        if self.flight.is_some() {
            return;
        }
        let has_news = self.has_news(journal);
        if !has_news && self.later.is_empty() {
            return;
        }
        let mut ops = std::mem::take(&mut self.ops);
        let count = self.news.len().min(NEWS_AT_ONCE);
        for entry in self.news.drain(..count) {
            self.queued.remove(&entry);
            ops.push(entry.op(map));
            self.left += 1;
        }
        let count = self.later.len().min(REFRESHES_AT_ONCE);
        ops.extend(self.later.drain(..count).map(|entry| entry.op(map)));
        if let Some((segment, held)) = journal.close() {
            ops.push(Op::held(segment, &held));
        }
        let done = journal.take_done().into_iter();
        ops.extend(done.map(|segment| Op::remove(Row::Held, &segment)));

        let ready = self
            .waiting
            .iter()
            .take_while(|(came, _)| *came <= self.left);
        let ready = ready.count();
        let waiting = self.waiting.drain(..ready).map(|(_, waits)| waits);
        self.flight = Some(Flight {
            has_news,
            waiting: waiting.collect(),
        });
        // Full it cannot be, as one batch flies at a time; where the committer is gone, nobody is told true.
        let _gone = self.batches.try_send(Batch { ops });
    }

    /// Whether the committer is there.
    pub(crate) const fn is_alive(&self) -> bool {
        self.alive
    }

    /// What became of the batch. Where it is nothing, the committer is gone, and nothing is kept any more.
    pub(crate) async fn heard(&mut self) -> Option<Kept> {
        self.kept.recv().await
    }

    /// Tells those who wait.
    pub(crate) fn hear(&mut self, kept: Option<Kept>) {
        let is_kept = kept == Some(Kept::Yes);
        let flight = self
            .flight
            .as_mut()
            .map(|flight| std::mem::take(&mut flight.waiting));
        for waits in flight.into_iter().flatten() {
            tell(waits, is_kept);
        }
        self.failing = !is_kept;
        self.alive = kept.is_some();
        if is_kept {
            self.flight = None;
        } else {
            for (_, waits) in self.waiting.drain(..) {
                tell(waits, false);
            }
        }
    }
}

fn tell(waits: Waits, kept: bool) {
    // The client may have gone.
    let _gone = waits.send(kept);
}
