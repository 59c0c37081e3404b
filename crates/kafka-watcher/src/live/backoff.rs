//! How long to wait before a log is asked for again.

use std::time::Duration;

use crate::limits::{FIRST_WAIT, LONGEST_WAIT};

/// Waits that double with each failure in a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff(u32);

impl Backoff {
    /// It worked.
    pub(crate) const fn reset(&mut self) {
        self.0 = 0;
    }

    /// It failed: how long to wait.
    pub(crate) fn wait(&mut self) -> Duration {
        let wait = FIRST_WAIT.saturating_mul(1 << self.0.min(10));
        self.0 = self.0.saturating_add(1);
        wait.min(LONGEST_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_start_again_after_success() {
        let mut backoff = Backoff::default();
        let first: Vec<_> = (0..4).map(|_| backoff.wait()).collect();
        assert_eq!(first, [1, 2, 4, 8].map(|n| FIRST_WAIT * n));
        for _ in 0..100 {
            assert!(backoff.wait() <= LONGEST_WAIT);
        }
        assert_eq!(backoff.wait(), LONGEST_WAIT);
        backoff.reset();
        assert_eq!(backoff.wait(), FIRST_WAIT);
    }
}
