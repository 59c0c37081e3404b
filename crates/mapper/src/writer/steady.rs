//! Whether the wall clock goes as time does.

use std::time::Duration;

use app::clock::Stopwatch;
use map::Time;

use crate::limits::{CLOCK_JUMP, CLOCK_TRUST};

/// Compares the wall clock with one that never steps.
#[derive(Debug)]
pub(super) struct Steady {
    looked: Option<(Time, Stopwatch)>,
    jumped: Option<Stopwatch>,
}

impl Steady {
    pub(super) const fn new() -> Self {
        Self {
            looked: None,
            jumped: None,
        }
    }

    /// The wall clock shows `now`.
    pub(super) fn look(&mut self, now: Time) {
        if let Some((before, since)) = &self.looked {
            let passed = since.elapsed();
            if is_jump(*before, passed, now) {
                tracing::warn!(%before, %now, ?passed, "the clock jumped: nothing expires for {CLOCK_TRUST:?}");
                self.jumped = Some(Stopwatch::start());
            }
        }
        self.looked = Some((now, Stopwatch::start()));
    }

    /// Whether it has not jumped for long.
    pub(super) fn is_trusted(&self) -> bool {
        self.jumped
            .is_none_or(|jumped| jumped.elapsed() >= CLOCK_TRUST)
    }
}

/// Whether the clock went from `before` to `now` while another time `passed`.
fn is_jump(before: Time, passed: Duration, now: Time) -> bool {
    let expected = before.plus(passed);
    now.since(expected) > CLOCK_JUMP || expected.since(now) > CLOCK_JUMP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_told_from_time_that_passed() {
        let at = |seconds: i64| Time::from_secs(1_000_000 + seconds);
        let hour = Duration::from_hours(1);
        assert!(!is_jump(at(0), Duration::ZERO, at(30)));
        assert!(!is_jump(at(0), hour, at(3_590)), "the thread was held up");
        assert!(is_jump(at(0), Duration::ZERO, at(3_600)));
        assert!(is_jump(at(0), hour, at(0)));
        assert!(is_jump(at(0), Duration::ZERO, at(-3_600)));
    }

    #[test]
    fn a_clock_that_jumped_is_not_trusted() {
        let mut steady = Steady::new();
        let start = app::clock::now();
        steady.look(start);
        steady.look(start.plus(Duration::from_millis(100)));
        assert!(steady.is_trusted());
        steady.look(start.plus(Duration::from_hours(24)));
        assert!(!steady.is_trusted());
    }
}
