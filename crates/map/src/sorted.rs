//! A small sorted map in one piece of memory.

use std::cmp::Ordering;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A map for few entries: a sorted vector. 24 bytes when empty and no spare room when small, where a `BTreeMap`
/// takes eleven entries' worth of memory for the first one, and an edge has three or four facets.
///
/// In files it is a list of pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortedMap<K, V>(Vec<(K, V)>);

/// Growing makes room for this part of the entries: a client's edges are the largest part of a map's memory, and are
/// read far more often than they grow. Doubling would leave a quarter of it empty.
const TIGHT: usize = 8;

impl<K, V> SortedMap<K, V> {
    /// Without entries.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many entries.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no entries.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries in the order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    pub(crate) fn clear(&mut self) {
        self.0 = Vec::new();
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    /// The value of this key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let place = self.0.binary_search_by(|(k, _)| k.borrow().cmp(key)).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    /// The value of the key that this order puts in its place: for a part of the key that decides by itself.
    pub(crate) fn get_by(&self, mut order: impl FnMut(&K) -> Ordering) -> Option<&V> {
        let place = self.0.binary_search_by(|(k, _)| order(k)).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    /// The same, to change it.
    pub(crate) fn get_mut_by(&mut self, mut order: impl FnMut(&K) -> Ordering) -> Option<&mut V> {
        let place = self.0.binary_search_by(|(k, _)| order(k)).ok()?;
        self.0.get_mut(place).map(|(_, value)| value)
    }

    /// Whether there is an entry with this key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: std::borrow::Borrow<Q>,
    {
        self.get(key).is_some()
    }

    /// The entries from this key on, in order.
    pub(crate) fn from(&self, key: &K) -> impl Iterator<Item = (&K, &V)> {
        let start = self.0.partition_point(|(k, _)| k < key);
        let rest = self.0.get(start..).unwrap_or_default();
        rest.iter().map(|(key, value)| (key, value))
    }

    /// The value of this key, to change it.
    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let place = self.0.binary_search_by(|(k, _)| k.borrow().cmp(key)).ok()?;
        self.0.get_mut(place).map(|(_, value)| value)
    }

    /// Puts an entry in, or in the place of the one with the same key.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        match self.0.binary_search_by(|(k, _)| k.cmp(&key)) {
            Ok(place) => {
                if let Some((_, old)) = self.0.get_mut(place) {
                    *old = value;
                }
            }
            Err(place) => {
                if self.0.len() == self.0.capacity() {
                    self.0.reserve_exact(self.0.len() / TIGHT + 1);
                }
                self.0.insert(place, (key, value));
            }
        }
    }

    /// Takes all entries of another map; `join` decides where both have one. Linear in the entries of both, except
    /// that finding one takes a binary search.
    pub(crate) fn join_with(&mut self, other: &Self, mut join: impl FnMut(&mut V, &V))
    where
        K: Clone,
        V: Clone,
    {
        let mut new = Vec::new();
        for (key, value) in &other.0 {
            match self.get_mut(key) {
                Some(mine) => join(mine, value),
                None => new.push((key.clone(), value.clone())),
            }
        }
        if !new.is_empty() {
            self.0.reserve_exact(new.len());
            self.0.append(&mut new);
            self.0.sort_by(|a, b| a.0.cmp(&b.0)); // two sorted runs: linear
        }
    }
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a, K, V> IntoIterator for &'a SortedMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = std::iter::Map<std::slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> (&'a K, &'a V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(key, value)| (key, value))
    }
}

impl<K: Serialize, V: Serialize> Serialize for SortedMap<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for SortedMap<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Pairs(PhantomData))
    }
}

/// Reads the pairs of a file, in any order; a key that comes twice is an error.
struct Pairs<K, V>(PhantomData<(K, V)>);

impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for Pairs<K, V> {
    type Value = SortedMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of pairs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pairs: A) -> Result<Self::Value, A::Error> {
        let mut entries: Vec<(K, V)> = Vec::new();
        while let Some(pair) = pairs.next_element()? {
            entries.push(pair);
        }
        let read = entries.len();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|a, b| a.0 == b.0);
        if entries.len() < read {
            return Err(A::Error::custom("the same key twice in a list of pairs"));
        }
        entries.shrink_to_fit();
        Ok(SortedMap(entries))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn sorted(entries: &[(u8, u8)]) -> SortedMap<u8, u8> {
        let mut map = SortedMap::new();
        for (key, value) in entries {
            map.insert(*key, *value);
        }
        map
    }

    proptest! {
        #[test]
        fn it_is_a_map(a: Vec<(u8, u8)>, b: Vec<(u8, u8)>, key: u8) {
            let (mut ours, more) = (sorted(&a), sorted(&b));
            let mut model: BTreeMap<u8, u8> = a.into_iter().collect();
            prop_assert!(ours.iter().eq(&model));
            prop_assert_eq!(ours.get(&key), model.get(&key));

            ours.join_with(&more, |mine, other| *mine = (*mine).max(*other));
            for (key, value) in &more {
                let mine = model.entry(*key).or_default();
                *mine = (*mine).max(*value);
            }
            prop_assert!(ours.iter().eq(&model));
            ours.retain(|k, _| *k < key);
            prop_assert!(ours.keys().eq(model.range(..key).map(|(k, _)| k)));
        }

        #[test]
        fn it_is_a_list_of_pairs_in_files(entries: Vec<(u8, u8)>) {
            let map = sorted(&entries);
            let text = serde_json::to_string(&map).unwrap();
            prop_assert_eq!(serde_json::from_str::<SortedMap<u8, u8>>(&text).unwrap(), map);
        }
    }

    #[test]
    fn a_key_twice_in_a_file_is_refused() {
        assert!(serde_json::from_str::<SortedMap<u8, u8>>("[[1,2],[1,3]]").is_err());
    }
}
