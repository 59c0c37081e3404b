//! Which probes the watch of pods has caught up with.

use std::collections::VecDeque;
use std::time::Duration;

use map::Time;
use tokio::time::Instant;

/// Probes that wait for the watch. The oldest shows how long it lags; of the others the newest count.
const MAX_PENDING: usize = 64;

/// When the API server was asked, by our clock, and where it was then.
#[derive(Debug)]
struct Probe {
    asked: Time,
    version: u64,
    answered: Instant,
}

/// The books.
#[derive(Debug)]
pub(super) struct Ledger {
    pending: VecDeque<Probe>,
    announced: Time,
    /// Since when the watch runs without a failure.
    running: Option<Instant>,
    patience: Duration,
    /// A version was no number.
    incomparable: bool,
    gave_up: bool,
}

impl Ledger {
    pub(super) const fn new(patience: Duration) -> Self {
        Self {
            pending: VecDeque::new(),
            announced: Time::MIN,
            running: None,
            patience,
            incomparable: false,
            gave_up: false,
        }
    }

    /// Whether asking is of use now.
    pub(super) const fn wants_probe(&self) -> bool {
        self.running.is_some() && !self.gave_up
    }

    pub(super) fn probed(&mut self, asked: Time, version: Option<u64>, now: Instant) {
        let Some(version) = version else {
            self.incomparable = true;
            return;
        };
        if self.pending.len() >= MAX_PENDING {
            self.pending.remove(1);
        }
        self.pending.push_back(Probe {
            asked,
            version,
            answered: now,
        });
    }

    /// All was listed: earlier probes are answered by that, whatever the history did. What to announce.
    pub(super) fn listed(&mut self, asked: Time) -> Option<Time> {
        self.pending.retain(|probe| probe.asked > asked);
        self.announce(asked)
    }

    pub(super) fn opened(&mut self, now: Instant) {
        self.running.get_or_insert(now);
    }

    /// What lags now does so because of the failure.
    pub(super) fn lost(&mut self) {
        self.running = None;
    }

    /// The watch has told all up to this version: what to announce.
    pub(super) fn reached(&mut self, version: u64) -> Option<Time> {
        let told = self.pending.iter().filter(|probe| probe.version <= version);
        let newest = told.map(|probe| probe.asked).max()?;
        self.pending.retain(|probe| probe.version > version);
        self.gave_up = false;
        self.announce(newest)
    }

    fn announce(&mut self, at: Time) -> Option<Time> {
        let newer = at > self.announced;
        self.announced = at.max(self.announced);
        newer.then_some(at)
    }

    /// Whether the API server is found not to tell its progress, just now.
    pub(super) fn gives_up(&mut self, now: Instant) -> bool {
        let long = |since: Instant| now.duration_since(since) > self.patience;
        let lags = self.running.is_some_and(long)
            && self
                .pending
                .front()
                .is_some_and(|probe| long(probe.answered));
        let first = (lags || self.incomparable) && !self.gave_up;
        self.gave_up |= first;
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_secs(seconds)
    }

    fn running(now: Instant) -> Ledger {
        let mut ledger = Ledger::new(Duration::from_secs(30));
        ledger.opened(now);
        ledger
    }

    #[test]
    fn the_newest_probe_that_the_watch_has_caught_up_with_is_announced_once() {
        let now = Instant::now();
        let mut ledger = running(now);
        for (second, version) in [(1, 10), (2, 12), (3, 15)] {
            ledger.probed(at(second), Some(version), now);
        }
        assert_eq!(ledger.reached(9), None);
        assert_eq!(ledger.reached(13), Some(at(2)));
        assert_eq!(ledger.reached(13), None);
        assert_eq!(ledger.reached(15), Some(at(3)));
    }

    #[test]
    fn a_list_answers_what_was_asked_before_and_time_never_goes_back() {
        let now = Instant::now();
        let mut ledger = running(now);
        ledger.probed(at(1), Some(1_000_000), now);
        ledger.probed(at(5), Some(7), now);
        assert_eq!(ledger.listed(at(3)), Some(at(3)));
        assert_eq!(ledger.listed(at(2)), None);
        assert_eq!(ledger.reached(7), Some(at(5)));
        assert!(
            ledger.pending.is_empty(),
            "a version of a lost history stayed"
        );
    }

    #[test]
    fn a_watch_that_lags_for_long_is_given_up_once_and_taken_back_when_it_tells() {
        let now = Instant::now();
        let mut ledger = running(now);
        ledger.probed(at(1), Some(10), now);
        assert!(!ledger.gives_up(now + Duration::from_secs(30)));
        assert!(ledger.gives_up(now + Duration::from_secs(31)));
        assert!(!ledger.gives_up(now + Duration::from_secs(99)));
        assert!(!ledger.wants_probe());
        assert_eq!(ledger.reached(10), Some(at(1)));
        assert!(ledger.wants_probe());
    }

    #[test]
    fn a_watch_that_failed_meanwhile_is_not_given_up() {
        let now = Instant::now();
        let mut ledger = running(now);
        ledger.probed(at(1), Some(10), now);
        ledger.lost();
        assert!(!ledger.gives_up(now + Duration::from_mins(1)));
        ledger.opened(now + Duration::from_secs(50));
        assert!(!ledger.gives_up(now + Duration::from_mins(1)));
        assert!(ledger.gives_up(now + Duration::from_secs(81)));
    }

    #[test]
    fn versions_that_are_no_numbers_are_given_up_at_once() {
        let now = Instant::now();
        let mut ledger = running(now);
        ledger.probed(at(1), None, now);
        assert!(ledger.gives_up(now) && !ledger.gives_up(now));
    }

    #[test]
    fn probes_that_wait_are_bounded_and_the_oldest_stays() {
        let now = Instant::now();
        let mut ledger = running(now);
        for second in 0..1000 {
            ledger.probed(at(second), Some(u64::MAX), now);
        }
        assert_eq!(ledger.pending.len(), MAX_PENDING);
        let ends = (ledger.pending.front(), ledger.pending.back());
        let asked = |probe: Option<&Probe>| probe.map(|probe| probe.asked);
        assert_eq!((asked(ends.0), asked(ends.1)), (Some(at(0)), Some(at(999))));
    }
}
