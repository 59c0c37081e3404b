//! Which owners are asked for when.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::update::OwnerKey;

/// Owners that are asked for or wait for that. More stay in the channel, and then with who asks.
const MAX_PENDING: usize = 10_000;

/// How long an answer that there is none counts: an owner may come after its pods, or rights be granted.
const NEGATIVE: Duration = Duration::from_mins(5);

/// Negative answers that are kept; 100 bytes each.
const MAX_NEGATIVE: usize = 10_000;

/// An owner to ask for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) key: OwnerKey,
    /// How often it failed before.
    pub(super) failures: u32,
}

/// Every owner is in it at most once.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pending: HashSet<OwnerKey>,
    new: VecDeque<OwnerKey>,
    /// By when they are due, and a number that tells those of one time apart.
    later: BTreeMap<(Instant, u64), Turn>,
    numbered: u64,
    negative: HashMap<OwnerKey, Instant>,
    negative_order: VecDeque<(Instant, OwnerKey)>,
}

impl Queue {
    pub(super) fn has_room(&self) -> bool {
        self.pending.len() < MAX_PENDING
    }

    /// Somebody asks. Gives it back when it is known to be unknowable.
    pub(super) fn push(&mut self, key: OwnerKey, now: Instant) -> Option<OwnerKey> {
        self.forget(now);
        if self.negative.contains_key(&key) {
            return Some(key);
        }
        if self.pending.insert(key.clone()) {
            self.new.push_back(key);
        }
        None
    }

    /// The next to ask for: those that failed when their time has come, else new ones.
    pub(super) fn due(&mut self, now: Instant) -> Option<Turn> {
        if self.next_due().is_some_and(|at| at <= now)
            && let Some((_, turn)) = self.later.pop_first()
        {
            return Some(turn);
        }
        let key = self.new.pop_front()?;
        Some(Turn { key, failures: 0 })
    }

    /// When the next of those that failed is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.later.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn found(&mut self, key: &OwnerKey) {
        self.pending.remove(key);
    }

    pub(super) fn unknowable(&mut self, key: OwnerKey, now: Instant) {
        self.pending.remove(&key);
        if self.negative_order.len() >= MAX_NEGATIVE
            && let Some((_, oldest)) = self.negative_order.pop_front()
        {
            self.negative.remove(&oldest);
        }
        self.negative_order.push_back((now, key.clone()));
        self.negative.insert(key, now);
    }

    pub(super) fn again(&mut self, turn: Turn, at: Instant) {
        self.numbered = self.numbered.wrapping_add(1);
        let failures = turn.failures.saturating_add(1);
        let turn = Turn { failures, ..turn };
        self.later.insert((at, self.numbered), turn);
    }

    fn forget(&mut self, now: Instant) {
        while let Some((at, _)) = self.negative_order.front()
            && now.duration_since(*at) >= NEGATIVE
            && let Some((_, key)) = self.negative_order.pop_front()
        {
            self.negative.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> OwnerKey {
        OwnerKey {
            api_version: "argoproj.io/v1alpha1".into(),
            kind: "Rollout".into(),
            namespace: "shop".into(),
            name: name.into(),
        }
    }

    #[test]
    fn an_owner_is_asked_for_once_however_often_it_is_pushed() {
        let now = Instant::now();
        let mut queue = Queue::default();
        for _ in 0..3 {
            assert_eq!(queue.push(key("a"), now), None);
        }
        assert_eq!(queue.due(now).map(|turn| turn.key), Some(key("a")));
        queue.push(key("a"), now);
        assert_eq!(queue.due(now), None, "asked for while it is asked for");
        queue.found(&key("a"));
        queue.push(key("a"), now);
        assert!(queue.due(now).is_some());
    }

    #[test]
    fn what_is_unknowable_is_so_for_five_minutes() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.push(key("a"), now);
        queue.due(now);
        queue.unknowable(key("a"), now);
        let later = now + NEGATIVE;
        assert_eq!(
            queue.push(key("a"), later - Duration::from_secs(1)),
            Some(key("a"))
        );
        assert_eq!(queue.push(key("a"), later), None);
        assert!(queue.due(later).is_some());
    }

    #[test]
    fn what_failed_comes_again_at_its_time_and_before_new_ones() {
        let now = Instant::now();
        let at = now + Duration::from_secs(1);
        let mut queue = Queue::default();
        queue.push(key("a"), now);
        let turn = queue.due(now).unwrap();
        queue.again(turn, at);
        queue.push(key("b"), now);
        queue.push(key("c"), now);
        let names =
            |queue: &mut Queue, now| queue.due(now).map(|turn| (turn.key.name, turn.failures));
        assert_eq!(names(&mut queue, now), Some(("b".into(), 0)));
        assert_eq!(
            (queue.next_due(), names(&mut queue, at)),
            (Some(at), Some(("a".into(), 1)))
        );
        assert_eq!(names(&mut queue, at), Some(("c".into(), 0)));
    }

    #[test]
    fn everything_is_bounded() {
        let now = Instant::now();
        let mut queue = Queue::default();
        for number in 0..MAX_PENDING {
            assert!(queue.has_room());
            queue.push(key(&number.to_string()), now);
        }
        assert!(!queue.has_room());
        for number in 0..3 * MAX_NEGATIVE {
            queue.unknowable(key(&number.to_string()), now);
        }
        assert_eq!(
            (queue.negative.len(), queue.negative_order.len()),
            (MAX_NEGATIVE, MAX_NEGATIVE)
        );
    }
}
