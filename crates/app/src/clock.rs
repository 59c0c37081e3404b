//! The one place that reads the clock.
//!
//! Everything below the rim takes time as an argument, a [`Time`] or a [`Duration`], so that it can be tested with any
//! time and never waits. Whoever starts such code reads the clock here. `clippy.toml` bans it elsewhere.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use map::Time;
use rustix::time::{ClockId, clock_gettime};

/// What the wall clock shows. It may step, backwards too: for stamps, not for measuring.
#[expect(clippy::disallowed_methods, reason = "the rim that the ban points to")]
pub fn now() -> Time {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => Time::EPOCH.plus(since),
        Err(before) => Time::EPOCH.minus(before.duration()),
    }
}

/// When the system was started, by the clock of the day as it is now.
pub fn boot() -> Time {
    now().minus(read(ClockId::Boottime))
}

/// How long the calling thread has kept a processor busy.
pub fn thread_busy() -> Duration {
    read(ClockId::ThreadCPUTime)
}

fn read(clock: ClockId) -> Duration {
    // Both clocks count from zero, so that neither part is negative.
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
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
        let boot = boot();
        assert!(Time::EPOCH < boot && boot < now());
        assert!(thread_busy() > Duration::ZERO);
        assert!((year_2020..year_2100).contains(&now()));
        let watch = Stopwatch::start();
        let first = watch.elapsed();
        assert!(watch.elapsed() >= first);
    }
}
