//! The live stream: the latest changes of the map, in a ring that all readers share.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use map::{Change, Edge, EdgeKey, Map};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::limits::{MAX_NEWS, MAX_NEWS_BYTES};
use crate::news::News;
use crate::server::edges;

/// What a reader gets next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A change: an `EdgeChange` of the contract, as JSON.
    Edge(Bytes),
    /// So many changes were lost: the reader was too slow, or they were too large to be held.
    Missed(u64),
}

/// The writer's end: changes go in, and hold up nobody. Clones are of the same stream.
#[derive(Clone, Debug, Default)]
pub struct Events(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    ring: Mutex<Ring>,
    /// Wakes readers, and knows how many there are.
    told: watch::Sender<()>,
}

/// A reader's end.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    told: watch::Receiver<()>,
    next: u64,
}

/// The latest changes, each with its number. A number that is not here was lost.
#[derive(Debug, Default)]
struct Ring {
    changes: VecDeque<(u64, Bytes)>,
    bytes: usize,
    /// The number of the next change.
    next: u64,
}

impl Events {
    /// A reader of what comes from now on.
    pub fn read(&self) -> Reader {
        Reader {
            told: self.0.told.subscribe(),
            next: self.0.ring.lock().next,
            shared: Arc::clone(&self.0),
        }
    }

    /// How many read.
    pub fn readers(&self) -> usize {
        self.0.told.receiver_count()
    }

    /// Tells all readers. Nothing is rendered, nor kept, where there are none.
    pub(super) fn tell(&self, map: &Map, news: News) {
        if self.readers() == 0 {
            self.0.ring.lock().clear();
            return;
        }
        if news.changes.is_empty() && news.missed == 0 {
            return;
        }
        let mut bytes = 0;
        for (key, change) in news.changes {
            // Gone again where the map was reset since.
            let Some(edge) = map.edge(&key) else { continue };
            // The ring would not hold more than that, so that it need not be rendered.
            if bytes > MAX_NEWS_BYTES {
                self.0.ring.lock().lose(1);
                continue;
            }
            let json = render(map, &key, edge, change);
            bytes += json.len();
            self.0.ring.lock().push(json);
        }
        self.0.ring.lock().lose(news.missed);
        self.0.told.send_replace(());
    }
}

fn render(map: &Map, key: &EdgeKey, edge: &Edge, change: Change) -> Bytes {
    let change = edges::news(map, key, edge, change);
    // It consists of texts and numbers, which can always be written.
    serde_json::to_vec(&change).unwrap_or_default().into()
}

impl Reader {
    /// The next change, as soon as there is one. Where it is no longer waited for, nothing is lost.
    pub async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.shared.ring.lock().after(&mut self.next) {
                return event;
            }
            // The sender is alive as long as this reader is, so that this never fails.
            let _told = self.told.changed().await;
        }
    }
}

impl Ring {
    /// The oldest make room.
    fn push(&mut self, json: Bytes) {
        self.bytes += json.len();
        self.changes.push_back((self.next, json));
        self.next += 1;
        while self.changes.len() > MAX_NEWS || self.bytes > MAX_NEWS_BYTES {
            let Some((_, oldest)) = self.changes.pop_front() else {
                break;
            };
            self.bytes -= oldest.len();
        }
    }

    fn lose(&mut self, changes: u64) {
        self.next += changes;
    }

    fn clear(&mut self) {
        self.changes = VecDeque::new();
        self.bytes = 0;
    }

    /// What comes at this number, which goes on to the one behind it.
    fn after(&self, next: &mut u64) -> Option<Event> {
        let at = self.changes.partition_point(|(number, _)| number < next);
        let found = self.changes.get(at);
        let number = found.map_or(self.next, |(number, _)| *number);
        let missed = number - *next;
        *next = number;
        if missed > 0 {
            return Some(Event::Missed(missed));
        }
        let (_, json) = found?;
        *next += 1;
        Some(Event::Edge(json.clone()))
    }
}
