//! How much of a processor may be used.

use std::time::Duration;

/// A share of one processor. What is not used is saved up to a bound; what was used too much is paid back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    thousandths: u32,
    /// In nanoseconds; below zero while it is paid back.
    saved: i64,
}

/// The most that is saved: the share of this long.
const MOST_SAVED: Duration = Duration::from_secs(10);

impl Budget {
    pub(crate) fn new(thousandths: u16) -> Self {
        Self {
            thousandths: thousandths.into(),
            saved: 0,
        }
    }

    /// Time has passed.
    pub(crate) fn earn(&mut self, time: Duration) {
        let most = self.share(MOST_SAVED);
        self.saved = self.saved.saturating_add(self.share(time)).min(most);
    }

    /// A processor was kept busy.
    pub(crate) fn spend(&mut self, busy: Duration) {
        let busy = i64::try_from(busy.as_nanos()).unwrap_or(i64::MAX);
        self.saved = self.saved.saturating_sub(busy);
    }

    /// Whether something may be done.
    pub(crate) const fn has_some(&self) -> bool {
        self.saved > 0
    }

    fn share(&self, time: Duration) -> i64 {
        let share = time.saturating_mul(self.thousandths) / 1000;
        i64::try_from(share.as_nanos()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_time_no_more_than_the_share_is_used() {
        let mut budget = Budget::new(10);
        let (mut used, second) = (Duration::ZERO, Duration::from_secs(1));
        for _ in 0..1_000 {
            budget.earn(second);
            while budget.has_some() {
                budget.spend(Duration::from_millis(7));
                used += Duration::from_millis(7);
            }
        }
        assert!(used >= Duration::from_secs(10), "{used:?}");
        assert!(used <= Duration::from_millis(10_007), "{used:?}");
    }

    #[test]
    fn not_everything_is_saved() {
        let mut budget = Budget::new(10);
        budget.earn(Duration::from_hours(1));
        budget.spend(Duration::from_millis(100));
        assert!(!budget.has_some());
    }
}
