//! Keeps what is held, in segments: what came between two transactions is one row of the file, which is removed when all
//! of it has come to its end.

use std::collections::{BTreeMap, HashMap};

use super::held::Held;

/// Where something held is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    segment: u64,
    item: u64,
}

/// The segments that have something left.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// The number of the open segment.
    segment: u64,
    open: BTreeMap<u64, Held>,
    next: u64,
    /// How much is left of each that was closed.
    left: HashMap<u64, usize>,
    /// Of which nothing is left, since the last look.
    done: Vec<u64>,
}

impl Journal {
    /// One that goes on behind these segments of an earlier life, which are done when [`forget`](Self::forget) says so.
    pub(crate) fn behind(segments: impl IntoIterator<Item = u64>) -> Self {
        let last = segments.into_iter().max();
        Self {
            segment: last.map_or(0, |last| last + 1),
            ..Self::default()
        }
    }

    /// Something is held from now on.
    pub(crate) fn hold(&mut self, held: Held) -> Ticket {
        let item = self.next;
        self.next += 1;
        self.open.insert(item, held);
        Ticket {
            segment: self.segment,
            item,
        }
    }

    /// It has come to its end.
    pub(crate) fn release(&mut self, ticket: Ticket) {
        if ticket.segment == self.segment {
            self.open.remove(&ticket.item);
        } else if let Some(left) = self.left.get_mut(&ticket.segment) {
            *left -= 1;
            if *left == 0 {
                self.left.remove(&ticket.segment);
                self.done.push(ticket.segment);
            }
        }
    }

    /// A segment of an earlier life was taken again.
    pub(crate) fn forget(&mut self, segment: u64) {
        self.done.push(segment);
    }

    /// Whether something was held since the last transaction, and still is.
    pub(crate) fn has_news(&self) -> bool {
        !self.open.is_empty()
    }

    /// Closes the open segment, if anything is in it.
    pub(crate) fn close(&mut self) -> Option<(u64, Vec<Held>)> {
        if self.open.is_empty() {
            return None;
        }
        let segment = self.segment;
        let held: Vec<Held> = std::mem::take(&mut self.open).into_values().collect();
        self.left.insert(segment, held.len());
        self.segment += 1;
        Some((segment, held))
    }

    /// Segments that are done, since the last call.
    pub(crate) fn take_done(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.done)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use map::{Evidence, Time};

    use super::*;
    use crate::fact::{Fact, TopicAccess};

    pub(crate) fn held(topic: &str) -> Held {
        let access = TopicAccess {
            client: [10, 0, 0, 1].into(),
            broker: ("kafka".into(), "broker-0".into()),
            topic: topic.into(),
            operation: map::KafkaOperation::Consume,
            at: Time::from_secs(1),
            outcome: map::Outcome::Accepted,
        };
        let fact = Fact::Topic(access);
        assert_eq!(fact.evidence(), Evidence::Kafka);
        Held::Fact(fact)
    }

    #[test]
    fn what_ends_before_the_transaction_is_never_written() {
        let mut journal = Journal::default();
        let ticket = journal.hold(held("a"));
        assert!(journal.has_news());
        journal.release(ticket);
        assert!(!journal.has_news());
        assert_eq!(journal.close(), None);
    }

    #[test]
    fn a_segment_is_done_when_nothing_of_it_is_left() {
        let mut journal = Journal::behind([3, 7]);
        let (a, b) = (journal.hold(held("a")), journal.hold(held("b")));
        assert_eq!(journal.close(), Some((8, vec![held("a"), held("b")])));
        let c = journal.hold(held("c"));
        journal.release(b);
        assert_eq!(journal.take_done(), [] as [u64; 0]);
        journal.release(a);
        journal.forget(7);
        assert_eq!(journal.take_done(), [8, 7]);
        assert_eq!(journal.close(), Some((9, vec![held("c")])));
        journal.release(c);
        assert_eq!(journal.take_done(), [9]);
    }
}
