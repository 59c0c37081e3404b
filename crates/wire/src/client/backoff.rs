//! How long to wait before trying again.

use std::time::Duration;

use super::limits::{FIRST_WAIT, LONGEST_ASKED_WAIT, LONGEST_WAIT};

/// Waits that double with each failure in a row. Each lies at random between half of that and all of it, so that the
/// reporters of all nodes do not come back together.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    failures: u32,
    random: u64,
}

impl Backoff {
    /// Every reporter has a seed of its own.
    pub(super) const fn new(seed: u64) -> Self {
        Self {
            failures: 0,
            random: seed,
        }
    }

    /// It worked.
    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed: how long to wait. The mapper may have asked for longer.
    pub(super) fn wait(&mut self, asked: Option<Duration>) -> Duration {
        let doubled = FIRST_WAIT.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let half = doubled.min(LONGEST_WAIT) / 2;
        let room = u64::try_from(half.as_micros()).unwrap_or(u64::MAX - 1);
        let own = half + Duration::from_micros(self.next() % (room + 1));
        own.max(asked.unwrap_or_default().min(LONGEST_ASKED_WAIT))
    }

    /// Numbers that look random, for all seeds: `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number
    /// generators").
    const fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_between_half_and_all_up_to_the_longest_and_start_again_after_success() {
        for seed in 0..100 {
            let mut backoff = Backoff::new(seed);
            for doubled in [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000] {
                let (wait, all) = (backoff.wait(None), Duration::from_millis(doubled));
                assert!(wait >= all / 2 && wait <= all, "{wait:?} of {all:?}");
            }
            backoff.reset();
            assert!(backoff.wait(None) <= FIRST_WAIT);
        }
    }

    #[test]
    fn seeds_differ_and_waits_do_too() {
        let waits: std::collections::BTreeSet<_> =
            (0..100).map(|seed| Backoff::new(seed).wait(None)).collect();
        assert!(waits.len() > 90);
    }

    #[test]
    fn the_wish_of_the_mapper_counts_within_a_bound_and_is_never_a_reason_to_hurry() {
        let mut backoff = Backoff::new(1);
        assert_eq!(
            backoff.wait(Some(Duration::from_secs(7))),
            Duration::from_secs(7)
        );
        assert_eq!(backoff.wait(Some(Duration::MAX)), LONGEST_ASKED_WAIT);
        assert!(backoff.wait(Some(Duration::ZERO)) >= Duration::from_millis(200));
    }

    #[test]
    fn ten_thousand_failures_in_a_row_do_not_overflow() {
        let mut backoff = Backoff::new(u64::MAX);
        for _ in 0..10_000 {
            assert!(backoff.wait(None) <= LONGEST_WAIT);
        }
    }
}
