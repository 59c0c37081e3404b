//! Counting what became of things, by reason.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A counter for each reason. Every stop keeps some, so that in = out + dropped + held can be checked.
///
/// `R` is a small enum: its number of values is the bound of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, bound(deserialize = "R: Ord + Deserialize<'de>"))]
pub struct Tally<R>(BTreeMap<R, u64>);

impl<R> Tally<R> {
    /// Nothing counted yet.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// How many, whatever the reason.
    pub fn total(&self) -> u64 {
        self.0.values().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// Each reason that was ever counted, in the order of `R`, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (&R, u64)> {
        self.0.iter().map(|(reason, n)| (reason, *n))
    }
}

impl<R: Ord> Tally<R> {
    /// Counts `n` more for this reason. A full counter stays at its end.
    pub fn add(&mut self, reason: R, n: u64) {
        if n > 0 {
            let count = self.0.entry(reason).or_default();
            *count = count.saturating_add(n);
        }
    }

    /// How many for this reason.
    pub fn get(&self, reason: &R) -> u64 {
        self.0.get(reason).copied().unwrap_or(0)
    }

    /// Adds all that another tally counted.
    pub fn merge(&mut self, other: &Self)
    where
        R: Clone,
    {
        for (reason, n) in &other.0 {
            self.add(reason.clone(), *n);
        }
    }
}

impl<R> Default for Tally<R> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_by_reason() {
        let mut a = Tally::new();
        a.add("full", 2);
        a.add("asked", 1);
        a.add("never", 0);
        let mut b = Tally::new();
        b.add("full", 3);
        b.merge(&a);
        assert_eq!(b.iter().collect::<Vec<_>>(), [(&"asked", 1), (&"full", 5)]);
        assert_eq!((b.total(), b.get(&"full"), b.get(&"never")), (6, 5, 0));
    }

    #[test]
    fn a_full_counter_stays_full() {
        let mut tally = Tally::default();
        tally.add(1, u64::MAX);
        tally.add(1, 5);
        tally.add(2, 5);
        assert_eq!((tally.get(&1), tally.total()), (u64::MAX, u64::MAX));
    }
}
