//! What is not on disk yet, and who waits for it.

use std::collections::{HashSet, VecDeque};

use map::Map;
use tokio::sync::{mpsc, oneshot};

use super::committer::Kept;
use super::rows::{Batch, Op, Row};
use crate::limits::{NEWS_AT_ONCE, REFRESHES_AT_ONCE};
use crate::unsaved::{Entry, Journal};

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
    news: Line,
    /// Later times, attributes, removals: nobody does.
    later: Line,
    /// What is no entry: floors, the epoch. One of each, however long the disk is full.
    ops: Vec<Op>,
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

/// Entries that wait, each once: no more than the map has, however long the disk is full.
#[derive(Debug, Default)]
struct Line {
    entries: VecDeque<Entry>,
    waiting: HashSet<Entry>,
    /// How many came, and how many of them left.
    came: u64,
    left: u64,
}

impl Line {
    fn push(&mut self, entry: Entry) {
        if self.waiting.insert(entry.clone()) {
            self.entries.push_back(entry);
            self.came += 1;
        }
    }

    fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.waiting.remove(&entry);
        self.left += 1;
        Some(entry)
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
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
            news: Line::default(),
            later: Line::default(),
            ops: Vec::new(),
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
        entries.into_iter().for_each(|entry| self.news.push(entry));
    }

    /// Something changed that can wait.
    pub(crate) fn later(&mut self, entries: impl IntoIterator<Item = Entry>) {
        entries.into_iter().for_each(|entry| self.later.push(entry));
    }

    /// Something else is new.
    pub(crate) fn op(&mut self, op: Op) {
        self.ops.retain(|other| !other.is_of_the_row_of(&op));
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
            self.waiting.push_back((self.news.came, waits));
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
        let news = std::iter::from_fn(|| self.news.pop()).take(NEWS_AT_ONCE);
        ops.extend(news.map(|entry| entry.op(map)));
        let later = std::iter::from_fn(|| self.later.pop()).take(REFRESHES_AT_ONCE);
        ops.extend(later.map(|entry| entry.op(map)));
        if let Some((segment, held)) = journal.close() {
            ops.push(Op::held(segment, &held));
        }
        // What became of a segment may be among the news: it goes when they have gone, not before.
        if self.news.is_empty() {
            let done = journal.take_done().into_iter();
            ops.extend(done.map(|segment| Op::remove(Row::Held, &segment)));
        }

        let left = self.news.left;
        let ready = self.waiting.iter().take_while(|(came, _)| *came <= left);
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

#[cfg(test)]
mod tests {
    use map::{EdgeKey, Peer, Time};

    use super::*;
    use crate::unsaved::held;

    fn entry(number: usize) -> Entry {
        Entry::Edge(EdgeKey {
            cluster: number.to_string().into(),
            client: Peer::Internet,
            server: Peer::Internet,
        })
    }

    fn pending() -> (Pending, mpsc::Receiver<Batch>, mpsc::Sender<Kept>) {
        let (batches_in, batches) = mpsc::channel(1);
        let (kept_in, kept) = mpsc::channel(2);
        (Pending::new(batches_in, kept), batches, kept_in)
    }

    #[test]
    fn what_was_held_goes_no_sooner_than_what_became_of_it_is_written() {
        let (mut pending, mut batches, _kept) = pending();
        let (map, mut journal) = (Map::new(), Journal::default());
        let ticket = journal.hold(held("a"));
        pending.send(&map, &mut journal);
        assert_eq!(batches.try_recv().unwrap().ops.len(), 1);
        pending.hear(Some(Kept::Yes));

        // It became the last of more edges than one batch takes.
        pending.news((0..=NEWS_AT_ONCE).map(entry));
        journal.release(ticket);
        pending.send(&map, &mut journal);
        let removal = Op::remove(Row::Held, &0);
        let ops = batches.try_recv().unwrap().ops;
        assert_eq!(ops.len(), NEWS_AT_ONCE);
        assert!(!ops.contains(&removal), "a kill now would lose it");
        pending.hear(Some(Kept::Yes));
        pending.send(&map, &mut journal);
        let ops = batches.try_recv().unwrap().ops;
        assert_eq!(ops.len(), 2);
        assert!(ops.contains(&removal));
    }

    #[test]
    fn while_the_disk_fails_nothing_piles_up() {
        let (mut pending, mut batches, _kept) = pending();
        let (map, mut journal) = (Map::new(), Journal::default());
        pending.op(Op::epoch(1));
        pending.send(&map, &mut journal);
        pending.hear(Some(Kept::NotYet));
        for round in 0..100 {
            pending.news((0..3).map(entry));
            pending.later((0..5).map(entry));
            pending.op(Op::epoch(round));
            pending.op(Op::floor("", Time::from_secs(1)));
            pending.send(&map, &mut journal);
        }
        assert_eq!(batches.try_recv().unwrap().ops, [Op::epoch(1)]);
        assert!(batches.try_recv().is_err(), "one batch flies at a time");
        pending.hear(Some(Kept::Yes));
        pending.send(&map, &mut journal);
        let ops = batches.try_recv().unwrap().ops;
        assert_eq!(ops.len(), 3 + 5 + 2);
        assert!(ops.contains(&Op::epoch(99)));
    }

    #[test]
    fn who_waits_is_told_of_the_batch_that_has_its_news() {
        let (mut pending, mut batches, _kept) = pending();
        let (map, mut journal) = (Map::new(), Journal::default());
        let (none, mut told_none) = oneshot::channel();
        pending.wait(none, &journal);
        assert_eq!(told_none.try_recv(), Ok(true), "nothing is new");

        let (first, mut told_first) = oneshot::channel();
        pending.news([entry(1)]);
        pending.wait(first, &journal);
        pending.send(&map, &mut journal);
        let (second, mut told_second) = oneshot::channel();
        pending.news([entry(2)]);
        pending.wait(second, &journal);
        pending.send(&map, &mut journal);
        assert!(told_first.try_recv().is_err() && told_second.try_recv().is_err());
        pending.hear(Some(Kept::Yes));
        assert_eq!(told_first.try_recv(), Ok(true));
        assert!(told_second.try_recv().is_err(), "its batch has not left");
        batches.try_recv().unwrap();
        pending.send(&map, &mut journal);
        pending.hear(Some(Kept::NotYet));
        assert_eq!(told_second.try_recv(), Ok(false));
        let (third, mut told_third) = oneshot::channel();
        pending.wait(third, &journal);
        assert_eq!(
            told_third.try_recv(),
            Ok(false),
            "may be as new to the disk"
        );
        // The committer is gone.
        pending.hear(None);
        assert!(!pending.is_alive());
    }
}
