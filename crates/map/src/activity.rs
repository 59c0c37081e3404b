//! When something was active, by buckets of five minutes and of one hour.

use std::time::Duration;

use crate::Time;
use crate::grid::Grid;

/// 320 buckets of five minutes: 26 h 40 min, so that 24 h stay covered when the oldest hour is left to the
/// coarse grid.
pub(crate) type Fine = Grid<300, 5>;
/// 768 buckets of one hour: 32 d, so that 30 d stay covered.
pub(crate) type Coarse = Grid<3600, 12>;

const FINE_PER_COARSE: u32 = 12;

/// The buckets of time in which something was active: of five minutes for the last 24 h, of one hour for the
/// last 30 d, both counted back from the newest time that was marked.
///
/// Older activity is forgotten. A bucket says that there was activity at some time in it, not when or how often.
/// 32 bytes, plus 40 (five minutes) and 96 (hours) on the heap for a grid that has gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    fine: Fine,
    coarse: Coarse,
}

impl Activity {
    /// Active at this time only.
    pub fn at(time: Time) -> Self {
        Self {
            fine: Fine::at(time),
            coarse: Coarse::at(time),
        }
    }

    /// Active at this time too.
    pub fn mark(&mut self, time: Time) {
        self.merge(&Self::at(time));
    }

    /// Active whenever either was, as far back as the window behind the newer of both reaches.
    pub fn merge(&mut self, other: &Self) {
        self.fine.join(&other.fine);
        self.coarse.join(&other.coarse);
    }

    /// The active buckets, oldest first and without overlap: start and length of each.
    pub fn buckets(&self) -> impl Iterator<Item = (Time, Duration)> {
        let split = self.split();
        let coarse =
            (self.coarse.window_start()..split).filter(|hour| self.coarse.is_active(*hour));
        let fine = split * FINE_PER_COARSE..=self.fine.window_end();
        let fine = fine.filter(|bucket| self.fine.is_active(*bucket));
        let coarse = coarse.map(|hour| (Coarse::start(hour), Coarse::width()));
        coarse.chain(fine.map(|bucket| (Fine::start(bucket), Fine::width())))
    }

    /// The oldest active bucket: its start and length.
    pub fn oldest(&self) -> Option<(Time, Duration)> {
        let split = self.split();
        let hour = self.coarse.oldest(0).filter(|hour| *hour < split);
        if let Some(hour) = hour {
            return Some((Coarse::start(hour), Coarse::width()));
        }
        let bucket = self.fine.oldest(split * FINE_PER_COARSE)?;
        Some((Fine::start(bucket), Fine::width()))
    }

    /// Whether an active bucket overlaps the time from `from` to `to`, both included.
    pub fn any_in(&self, from: Time, to: Time) -> bool {
        if from > to || to < Time::EPOCH {
            return false;
        }
        let split = self.split();
        let hours = split > 0
            && self
                .coarse
                .any(Coarse::bucket(from), Coarse::bucket(to).min(split - 1));
        hours
            || self.fine.any(
                Fine::bucket(from).max(split * FINE_PER_COARSE),
                Fine::bucket(to),
            )
    }

    /// The first hour that lies wholly in the fine window: before it the coarse grid speaks, from it the fine one.
    fn split(&self) -> u32 {
        self.fine.window_start().div_ceil(FINE_PER_COARSE)
    }

    /// Forgets all buckets that start at or before `time`, where nothing tells which side of it they mean.
    pub(crate) fn clear_through(&mut self, time: Time) {
        self.fine.clear_before(Fine::bucket(time) + 1);
        self.coarse.clear_before(Coarse::bucket(time) + 1);
    }

    /// Forgets all buckets that end at or before `floor`, for something first seen at `first`.
    ///
    /// The bucket that holds the floor stays, unless that first time lies after it: then what the bucket tells of
    /// came from a map whose first time was given up, and may lie below the floor.
    pub(crate) fn clear_before(&mut self, floor: Time, first: Time) {
        let fine = Fine::bucket(floor);
        self.fine
            .clear_before(fine + u32::from(Fine::bucket(first) > fine));
        let coarse = Coarse::bucket(floor);
        self.coarse
            .clear_before(coarse + u32::from(Coarse::bucket(first) > coarse));
    }

    pub(crate) const fn grids(&self) -> (&Fine, &Coarse) {
        (&self.fine, &self.coarse)
    }

    pub(crate) const fn from_grids(fine: Fine, coarse: Coarse) -> Self {
        Self { fine, coarse }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const NOW: i64 = 20_000 * DAY;

    fn activity(ago: &[i64]) -> Activity {
        let times: Vec<Time> = ago.iter().map(|ago| Time::from_secs(NOW - ago)).collect();
        let mut activity = Activity::at(times[0]);
        for time in times {
            activity.mark(time);
        }
        activity
    }

    fn ago(activity: &Activity) -> Vec<(i64, u64)> {
        activity
            .buckets()
            .map(|(start, width)| (NOW - start.as_secs(), width.as_secs()))
            .collect()
    }

    #[test]
    fn the_last_day_is_fine_and_the_last_month_coarse() {
        let seen = activity(&[
            0,
            10 * MINUTE,
            DAY,
            2 * DAY + 7 * MINUTE,
            30 * DAY,
            40 * DAY,
        ]);
        let expected = [
            (30 * DAY, 3600),
            (2 * DAY + HOUR, 3600),
            (DAY, 300),
            (10 * MINUTE, 300),
            (0, 300),
        ];
        assert_eq!(ago(&seen), expected);
        assert_eq!(
            seen.oldest(),
            Some((Time::from_secs(NOW - 30 * DAY), Duration::from_hours(1)))
        );
    }

    #[test]
    fn a_time_before_1970_is_the_first_bucket() {
        let seen = Activity::at(Time::MIN);
        assert_eq!(seen.oldest(), Some((Time::EPOCH, Duration::from_mins(5))));
        assert!(!seen.any_in(Time::MIN, Time::from_secs(-1)));
        assert!(Activity::at(Time::MAX).any_in(Time::EPOCH, Time::MAX));
    }

    proptest! {
        #[test]
        fn a_span_is_active_if_it_overlaps_a_bucket(
            marks in prop::collection::vec(0..40 * DAY, 1..20),
            from in -DAY..45 * DAY,
            length in 0..DAY,
        ) {
            let seen = activity(&marks);
            let (from, to) = (NOW - from, NOW - from + length);
            let overlaps = seen.buckets().any(|(start, width)| {
                start.as_secs() <= to && from < start.plus(width).as_secs()
            });
            prop_assert_eq!(seen.any_in(Time::from_secs(from), Time::from_secs(to)), overlaps);
            prop_assert_eq!(seen.oldest(), seen.buckets().next());
        }

        #[test]
        fn buckets_are_sorted_apart_and_hold_what_was_marked(
            marks in prop::collection::vec(0..20 * DAY, 1..20),
        ) {
            let seen = activity(&marks);
            let buckets: Vec<_> = seen.buckets().collect();
            prop_assert!(buckets.windows(2).all(|pair| pair[0].0.plus(pair[0].1) <= pair[1].0));
            for ago in marks {
                let at = Time::from_secs(NOW - ago);
                prop_assert!(buckets.iter().any(|(start, width)| *start <= at && at < start.plus(*width)));
                prop_assert!(seen.any_in(at, at));
            }
        }
    }
}
