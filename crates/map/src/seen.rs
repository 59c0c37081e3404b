//! First seen, last seen, and when in between.

use serde::Deserialize;

use crate::seen_file::SeenFile;
use crate::{Activity, Time};

/// When something was seen: first, last, and its [`Activity`] in between. 48 bytes, see [`Activity`] for more.
///
/// Joined by minimum, maximum and union. What a floor does to it is told in [`map`](crate::map).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "SeenFile<'_>")]
pub struct Seen {
    /// `Time::MAX` when it was given up: neutral for the minimum.
    first: Time,
    last: Time,
    activity: Activity,
}

impl Seen {
    /// Seen at `first`, at `last`, and perhaps in between. In the wrong order, `last` counts.
    pub fn new(first: Time, last: Time) -> Self {
        let first = first.min(last);
        let mut activity = Activity::at(last);
        if first < last {
            activity.mark(first);
        }
        Self {
            first,
            last,
            activity,
        }
    }

    /// The first time, as far as it is known: exact where all that was joined into it had the same floor, else the
    /// start of the earliest active bucket. Never after [`last`](Self::last).
    pub fn first(&self) -> Time {
        let known = match self.activity.oldest() {
            Some((start, width)) if self.first >= start.plus(width) => start,
            _ => self.first,
        };
        known.min(self.last)
    }

    /// The last time.
    pub const fn last(&self) -> Time {
        self.last
    }

    /// The buckets of time in which it was seen.
    pub const fn activity(&self) -> &Activity {
        &self.activity
    }

    /// Whether it was seen between `from` and `to`, both included. Where neither the first nor the last time tells,
    /// an active bucket that overlaps the span counts as yes.
    pub fn active_in(&self, from: Time, to: Time) -> bool {
        if self.last <= to {
            return from <= self.last;
        }
        let first = self.first();
        first <= to && (from <= first || self.activity.any_in(from, to))
    }

    /// Seen whenever either was.
    pub(crate) fn join(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.activity.merge(&other.activity);
    }

    /// What lies below the floor is forgotten, by one who saw all of it. False if nothing is left.
    pub(crate) fn raise(&mut self, floor: Time) -> bool {
        if self.last < floor {
            return false;
        }
        self.first = self.first.max(floor);
        self.activity.clear_before(floor, self.first);
        true
    }

    /// What may lie below a floor that came from another map is forgotten. False if nothing is left.
    pub(crate) fn lift(&mut self, floor: Time) -> bool {
        if self.last < floor {
            return false;
        }
        self.first = Time::MAX;
        self.activity.clear_through(floor);
        true
    }

    /// The first time if it is known, for files.
    pub(crate) fn known_first(&self) -> Option<Time> {
        (self.first != Time::MAX).then_some(self.first)
    }

    /// From the parts of a file. `None` if they contradict each other.
    pub(crate) fn from_parts(first: Option<Time>, last: Time, activity: Activity) -> Option<Self> {
        let first = first.unwrap_or(Time::MAX);
        let ordered = first <= last || first == Time::MAX;
        (ordered && last >= Time::EPOCH).then_some(Self {
            first,
            last,
            activity,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secs(secs: i64) -> Time {
        Time::from_secs(secs)
    }

    #[test]
    fn a_seen_says_when() {
        let mut seen = Seen::new(secs(1_000), secs(1_010));
        seen.join(&Seen::new(secs(5_000), secs(5_010)));
        assert_eq!((seen.first(), seen.last()), (secs(1_000), secs(5_010)));
        for (from, to, expected) in [
            (0, 899, false),
            (0, 1_000, true),
            (1_005, 1_006, true),
            (1_300, 4_799, false), // between the two
            (4_801, 4_801, true),  // same bucket as 5 000
            (5_011, 9_000, false),
            (6_000, 5_000, false),
        ] {
            assert_eq!(
                seen.active_in(secs(from), secs(to)),
                expected,
                "{from} to {to}"
            );
        }
        assert_eq!(Seen::new(secs(9), secs(3)), Seen::new(secs(3), secs(3)));
        assert!(Seen::new(secs(9), Time::MAX).active_in(Time::MAX, Time::MAX));
        assert_eq!(size_of::<Seen>(), 48);
    }

    #[test]
    fn a_floor_of_ones_own_clips_exactly() {
        let mut seen = Seen::new(secs(1_000), secs(9_000));
        seen.join(&Seen::new(secs(5_000), secs(5_000)));
        assert!(seen.raise(secs(4_801)));
        assert_eq!((seen.first(), seen.last()), (secs(4_801), secs(9_000)));
        assert!(
            seen.active_in(secs(4_900), secs(4_900)),
            "the bucket of the floor stays"
        );
        assert!(!seen.active_in(secs(1_000), secs(1_000)));
        assert!(seen.clone().raise(secs(9_000)));
        assert!(!seen.raise(secs(9_001)));
    }

    #[test]
    fn the_hour_of_a_floor_stays_where_only_hours_are_left() {
        let day = 86_400;
        let mut seen = Seen::new(secs(1_000), secs(9 * day));
        assert!(seen.raise(secs(1_800)));
        assert!(seen.active_in(secs(2_000), secs(2_000)));
        assert_eq!(seen.activity().buckets().count(), 2);

        let mut seen = Seen::new(secs(1_000), secs(9 * day));
        assert!(seen.lift(secs(1_800)));
        assert!(!seen.active_in(secs(2_000), secs(2_000)));
        assert_eq!(seen.first(), secs(9 * day));
    }

    #[test]
    fn a_floor_from_elsewhere_gives_up_what_is_uncertain() {
        let mut seen = Seen::new(secs(1_000), secs(9_000));
        seen.join(&Seen::new(secs(5_000), secs(5_000)));
        assert!(seen.lift(secs(4_801)));
        assert_eq!((seen.first(), seen.last()), (secs(9_000), secs(9_000)));
        assert!(
            !seen.active_in(secs(4_900), secs(5_000)),
            "may lie below the floor"
        );
        assert!(seen.lift(secs(8_900)));
        assert_eq!(seen.first(), secs(9_000));
        assert!(seen.lift(secs(9_000)));
        assert_eq!(seen.first(), secs(9_000), "no bucket is left");
        assert!(!seen.lift(secs(9_001)));
    }

    proptest! {
        #[test]
        fn first_and_last_enclose_all_that_was_seen(
            spans in prop::collection::vec((0..4_000_000_i64, 0..2_000_i64), 1..12),
            floor in 0..4_000_000_i64,
        ) {
            let seens: Vec<Seen> =
                spans.iter().map(|(at, length)| Seen::new(secs(*at), secs(at + length))).collect();
            let mut seen = seens[0].clone();
            for more in &seens { seen.join(more); }
            prop_assert_eq!(Some(seen.first()), spans.iter().map(|(at, _)| secs(*at)).min());
            prop_assert_eq!(Some(seen.last()), seens.iter().map(Seen::last).max());

            let mut lifted = seen.clone();
            if seen.raise(secs(floor)) && lifted.lift(secs(floor)) {
                for seen in [seen, lifted] {
                    prop_assert!(secs(floor) <= seen.first() && seen.first() <= seen.last());
                }
            }
        }
    }
}
