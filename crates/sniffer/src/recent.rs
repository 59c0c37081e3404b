//! A table of what was seen lately: bounded in count and age, oldest out first.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash};
use std::time::Duration;

use hashbrown::HashTable;
use map::Time;

use crate::limits::ROOMY;

/// Keys seen within `window`, at most `capacity` of them.
///
/// Entries sit in a queue in order of insertion; the hash table holds their numbers. The hasher is keyed, since
/// strangers choose the keys.
#[derive(Debug)]
pub(crate) struct Recent<K, V, S> {
    numbers: HashTable<u64>,
    entries: VecDeque<Entry<K, V>>,
    /// The number of the entry at the front of the queue.
    front: u64,
    capacity: usize,
    window: Duration,
    hasher: S,
}

#[derive(Debug)]
struct Entry<K, V> {
    key: K,
    since: Time,
    value: V,
}

impl<K: Eq + Hash, V, S: BuildHasher> Recent<K, V, S> {
    pub(crate) fn new(capacity: usize, window: Duration, hasher: S) -> Self {
        Self {
            numbers: HashTable::new(),
            entries: VecDeque::new(),
            front: 0,
            capacity,
            window,
            hasher,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The value under this key, unless it is older than the window.
    pub(crate) fn get_mut(&mut self, key: &K, now: Time) -> Option<&mut V> {
        let hash = self.hasher.hash_one(key);
        let number = *self.numbers.find(hash, |n| {
            at(&self.entries, self.front, *n).is_some_and(|e| e.key == *key)
        })?;
        let entry = at_mut(&mut self.entries, self.front, number)?;
        (now.since(entry.since) <= self.window).then_some(&mut entry.value)
    }

    /// Adds an entry; the key must not be there with a younger age than the window. Returns an entry that had
    /// to make room before its time.
    pub(crate) fn insert(&mut self, key: K, value: V, now: Time) -> Option<V> {
        let evicted = if self.entries.len() >= self.capacity {
            self.pop()
        } else {
            None
        };
        let hash = self.hasher.hash_one(&key);
        if let Ok(stale) = self.numbers.find_entry(hash, |n| {
            at(&self.entries, self.front, *n).is_some_and(|e| e.key == key)
        }) {
            // Its place in the queue stays until it comes to the front.
            stale.remove();
        }
        let number = self.front.wrapping_add(self.entries.len() as u64);
        self.entries.push_back(Entry {
            key,
            since: now,
            value,
        });
        let (entries, front, hasher) = (&self.entries, self.front, &self.hasher);
        self.numbers.insert_unique(hash, number, |n| {
            at(entries, front, *n).map_or(0, |e| hasher.hash_one(&e.key))
        });
        evicted
    }

    /// Drops what is older than the window, handing each value to `each`.
    pub(crate) fn expire(&mut self, now: Time, each: impl FnMut(V)) {
        let window = self.window;
        self.expire_by(now, |_| window, each);
    }

    /// The same where values have windows of their own, none longer than the table's. What is older than its own stays as
    /// long as what was inserted before it.
    pub(crate) fn expire_by(
        &mut self,
        now: Time,
        window: impl Fn(&V) -> Duration,
        mut each: impl FnMut(V),
    ) {
        while self
            .entries
            .front()
            .is_some_and(|entry| now.since(entry.since) > window(&entry.value))
        {
            if let Some(value) = self.pop() {
                each(value);
            }
        }
        // What a flood took is given back.
        let len = self.entries.len();
        if self.entries.capacity() > ROOMY.max(len * 8) {
            let (entries, front, hasher) = (&self.entries, self.front, &self.hasher);
            self.numbers.shrink_to(len * 2, |n| {
                at(entries, front, *n).map_or(0, |e| hasher.hash_one(&e.key))
            });
            self.entries.shrink_to(len * 2);
        }
    }

    fn pop(&mut self) -> Option<V> {
        let entry = self.entries.pop_front()?;
        let number = self.front;
        self.front = self.front.wrapping_add(1);
        let hash = self.hasher.hash_one(&entry.key);
        if let Ok(found) = self.numbers.find_entry(hash, |n| *n == number) {
            found.remove();
        }
        Some(entry.value)
    }
}

fn at<K, V>(entries: &VecDeque<Entry<K, V>>, front: u64, number: u64) -> Option<&Entry<K, V>> {
    entries.get(usize::try_from(number.wrapping_sub(front)).ok()?)
}

fn at_mut<K, V>(
    entries: &mut VecDeque<Entry<K, V>>,
    front: u64,
    number: u64,
) -> Option<&mut Entry<K, V>> {
    entries.get_mut(usize::try_from(number.wrapping_sub(front)).ok()?)
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use super::*;

    fn table(capacity: usize) -> Recent<u32, &'static str, RandomState> {
        Recent::new(capacity, Duration::from_secs(10), RandomState::new())
    }

    #[test]
    fn old_entries_are_not_found_and_then_expire() {
        let mut recent = table(8);
        recent.insert(1, "one", Time::from_secs(0));
        recent.insert(2, "two", Time::from_secs(5));
        assert_eq!(recent.get_mut(&1, Time::from_secs(10)), Some(&mut "one"));
        assert_eq!(recent.get_mut(&1, Time::from_secs(11)), None);
        let mut gone = Vec::new();
        recent.expire(Time::from_secs(11), |value| gone.push(value));
        assert_eq!(gone, ["one"]);
        assert_eq!(recent.len(), 1);
        assert_eq!(recent.get_mut(&2, Time::from_secs(11)), Some(&mut "two"));
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut recent = table(2);
        let now = Time::from_secs(0);
        assert_eq!(recent.insert(1, "one", now), None);
        assert_eq!(recent.insert(2, "two", now), None);
        assert_eq!(recent.insert(3, "three", now), Some("one"));
        assert_eq!(recent.get_mut(&1, now), None);
        assert_eq!(recent.get_mut(&3, now), Some(&mut "three"));
    }

    #[test]
    fn a_key_may_come_back_after_its_window() {
        let mut recent = table(4);
        recent.insert(1, "old", Time::from_secs(0));
        recent.insert(1, "new", Time::from_secs(20));
        assert_eq!(recent.get_mut(&1, Time::from_secs(20)), Some(&mut "new"));
        recent.expire(Time::from_secs(20), |value| assert_eq!(value, "old"));
        assert_eq!(recent.get_mut(&1, Time::from_secs(20)), Some(&mut "new"));
        assert_eq!(recent.len(), 1);
    }
}
