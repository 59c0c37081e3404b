//! How long to wait before trying again.

use std::time::Duration;

/// The first wait: an API server behind a load balancer is often there again at once.
const FIRST: Duration = Duration::from_millis(100);

/// The longest wait: an API server that comes back is noticed within this time.
const LONGEST: Duration = Duration::from_secs(30);

/// Numbers that look random, the same for the same seed: xorshift64* (Vigna, "An experimental exploration of
/// Marsaglia's xorshift generators, scrambled"). They spread load and keep no secret.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// One of many, told apart by its name.
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let state = name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, fold);
        // Zero would stay zero.
        Self(state.max(1))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Somewhere between this share of a time, in percent, and all of it.
    pub(crate) fn between(&mut self, least_percent: u32, time: Duration) -> Duration {
        let least = time * least_percent.min(100) / 100;
        let room = time.saturating_sub(least).as_micros();
        let offset = u128::from(self.next()) % (room + 1);
        least + Duration::from_micros(u64::try_from(offset).unwrap_or(u64::MAX))
    }
}

/// Waits that double with each failure in a row. Each lies at random between half of that and all of it, so that many
/// clients of one API server do not come back together.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    failures: u32,
    random: Random,
}

impl Backoff {
    pub(crate) const fn new(random: Random) -> Self {
        Self {
            failures: 0,
            random,
        }
    }

    /// It worked.
    pub(crate) const fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed: how long to wait. The API server may have asked for a longer wait (`Retry-After`).
    pub(crate) fn wait(&mut self, asked: Option<Duration>) -> Duration {
        let wait = wait_after(self.failures, &mut self.random);
        self.failures = self.failures.saturating_add(1);
        wait.max(asked.unwrap_or_default()).min(LONGEST)
    }
}

/// The wait after so many failures before this one.
pub(crate) fn wait_after(failures: u32, random: &mut Random) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.min(16));
    random.between(50, doubled.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_between_half_and_all_up_to_the_longest_and_start_again_after_success() {
        let mut backoff = Backoff::new(Random::new(7, "pods"));
        for doubled in [
            100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000,
        ] {
            let wait = backoff.wait(None);
            let all = Duration::from_millis(doubled);
            assert!(wait >= all / 2 && wait <= all, "{wait:?} of {all:?}");
        }
        backoff.reset();
        assert!(backoff.wait(None) <= FIRST);
    }

    #[test]
    fn the_api_servers_wish_counts_within_the_longest() {
        let mut backoff = Backoff::new(Random::new(0, ""));
        let wish = Duration::from_secs(4);
        assert_eq!(backoff.wait(Some(wish)), wish);
        assert_eq!(backoff.wait(Some(Duration::from_secs(4000))), LONGEST);
    }

    #[test]
    fn ten_thousand_failures_in_a_row_do_not_overflow() {
        let mut backoff = Backoff::new(Random::new(u64::MAX, "x"));
        for _ in 0..10_000 {
            assert!(backoff.wait(None) <= LONGEST);
        }
    }

    #[test]
    fn names_of_one_seed_differ() {
        let waits: std::collections::BTreeSet<_> = ["pods", "nodes", "services", "jobs"]
            .iter()
            .map(|name| Random::new(1, name).between(0, Duration::from_secs(1000)))
            .collect();
        assert_eq!(waits.len(), 4);
    }
}
