//! The one place that reads the clock.
//!
//! Everything below the rim takes time as an argument, a [`Time`] or a [`Duration`], so that it can be tested with any
//! time and never waits. Whoever starts such code reads the clock here. `clippy.toml` bans it elsewhere.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use map::Time;

/// What the wall clock shows. It may step, backwards too: for stamps, not for measuring.
#[expect(clippy::disallowed_methods, reason = "the rim that the ban points to")]
pub fn now() -> Time {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => Time::EPOCH.plus(since),
        Err(before) => Time::EPOCH.minus(before.duration()),
    }
}

/// Measures how long something takes, by a clock that never steps.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts to measure.
    #[expect(clippy::disallowed_methods, reason = "the rim that the ban points to")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long ago it was started.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_is_in_this_century_and_the_stopwatch_never_steps_back() {
        let year_2020 = Time::from_secs(1_577_836_800);
        let year_2100 = Time::from_secs(4_102_444_800);
        assert!((year_2020..year_2100).contains(&now()));
        let watch = Stopwatch::start();
        let first = watch.elapsed();
        assert!(watch.elapsed() >= first);
    }
}
