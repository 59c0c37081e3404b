//! A set of numbered buckets of time, kept for a window behind the newest.

use std::time::Duration;

use crate::Time;

const WORD: u32 = u64::BITS;

/// Buckets of `SECONDS` each, counted from the Unix epoch: the newest, and the `64 * WORDS - 1` before it.
///
/// Most edges are active without a gap, so that case is a number; only gaps cost `8 * WORDS` bytes of heap.
/// One set has one form, so that `==` compares sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grid<const SECONDS: u32, const WORDS: usize> {
    /// The number of the newest bucket. Where a floor cleared it, it still says where the window is.
    newest: u32,
    /// How many buckets are active, up to and with the newest, if there is no gap among them.
    run: u16,
    /// Otherwise one bit for each bucket; bit 0 of the first word is the newest.
    gaps: Option<Box<[u64; WORDS]>>,
}

impl<const SECONDS: u32, const WORDS: usize> Grid<SECONDS, WORDS> {
    /// The number of the bucket that holds `time`. What lies before 1970 counts as the first bucket.
    pub(crate) fn bucket(time: Time) -> u32 {
        let bucket = time.as_secs() / i64::from(SECONDS);
        u32::try_from(bucket.max(0)).unwrap_or(u32::MAX)
    }

    /// Where this bucket starts.
    pub(crate) fn start(bucket: u32) -> Time {
        Time::from_secs(i64::from(bucket) * i64::from(SECONDS))
    }

    /// How long a bucket is.
    pub(crate) const fn width() -> Duration {
        Duration::from_secs(SECONDS as u64)
    }

    /// How many buckets the window has.
    #[expect(clippy::cast_possible_truncation, reason = "WORDS is 5 or 12")]
    pub(crate) const fn window() -> u16 {
        WORDS as u16 * WORD as u16
    }

    /// Only the bucket that holds `time`.
    pub(crate) fn at(time: Time) -> Self {
        Self {
            newest: Self::bucket(time),
            run: 1,
            gaps: None,
        }
    }

    /// The set of these bits: the first is that of the bucket `newest`, then ever older ones.
    fn from_words(newest: u32, words: [u64; WORDS]) -> Self {
        let mut run = 0;
        for word in words {
            run += word.trailing_ones();
            if word != u64::MAX {
                break;
            }
        }
        match u16::try_from(run) {
            Ok(run) if words == Self::ones(u32::from(run)) => Self {
                newest,
                run,
                gaps: None,
            },
            _ => Self {
                newest,
                run: 0,
                gaps: Some(Box::new(words)),
            },
        }
    }

    /// One bit for each bucket, the newest first.
    fn words(&self) -> [u64; WORDS] {
        match &self.gaps {
            Some(words) => **words,
            None => Self::ones(u32::from(self.run)),
        }
    }

    /// The first `n` bits set.
    fn ones(n: u32) -> [u64; WORDS] {
        let mut left = n;
        std::array::from_fn(|_| {
            let here = left.min(WORD);
            left -= here;
            if here == WORD {
                u64::MAX
            } else {
                (1 << here) - 1
            }
        })
    }

    /// The same set, seen from a newer bucket: what no longer fits into the window is gone.
    fn words_from(&self, newest: u32) -> [u64; WORDS] {
        let distance = newest - self.newest;
        let (skip, shift) = (distance / WORD, distance % WORD);
        let mut words = [0; WORDS];
        let mut carry = 0;
        let moved = words
            .iter_mut()
            .skip(usize::try_from(skip).unwrap_or(WORDS));
        for (to, from) in moved.zip(self.words()) {
            *to = from << shift | carry;
            carry = from.checked_shr(WORD - shift).unwrap_or(0);
        }
        words
    }

    /// Adds all buckets of another set. The window ends at the newest of both.
    pub(crate) fn join(&mut self, other: &Self) {
        if other.run == 1 && self.is_active(other.newest) {
            return;
        }
        let newest = self.newest.max(other.newest);
        let mut words = self.words_from(newest);
        for (word, more) in words.iter_mut().zip(other.words_from(newest)) {
            *word |= more;
        }
        *self = Self::from_words(newest, words);
    }

    /// Removes all buckets before this one. The window stays where it is.
    pub(crate) fn clear_before(&mut self, bucket: u32) {
        let keep = (self.newest + 1).saturating_sub(bucket);
        if self.gaps.is_none() && u32::from(self.run) <= keep {
            return;
        }
        let mut words = self.words();
        for (word, kept) in words.iter_mut().zip(Self::ones(keep)) {
            *word &= kept;
        }
        *self = Self::from_words(self.newest, words);
    }

    /// Whether any bucket from `first` to `last`, both included, is active.
    pub(crate) fn any(&self, first: u32, last: u32) -> bool {
        if first > last || first > self.newest {
            return false;
        }
        let newer = Self::ones(self.newest.saturating_sub(last));
        let wanted = Self::ones(self.newest - first + 1);
        let bits = self.words().into_iter().zip(wanted).zip(newer);
        bits.into_iter()
            .any(|((word, wanted), newer)| word & wanted & !newer != 0)
    }

    /// Whether this bucket is active.
    pub(crate) fn is_active(&self, bucket: u32) -> bool {
        let Some(offset) = self.newest.checked_sub(bucket) else {
            return false;
        };
        match &self.gaps {
            None => offset < u32::from(self.run),
            Some(words) => {
                let word = words.get(usize::try_from(offset / WORD).unwrap_or(WORDS));
                word.is_some_and(|word| word >> (offset % WORD) & 1 == 1)
            }
        }
    }

    /// The oldest bucket that is in the window, active or not.
    pub(crate) fn window_start(&self) -> u32 {
        (self.newest + 1).saturating_sub(u32::from(Self::window()))
    }

    /// The newest bucket of the window, active or not.
    pub(crate) const fn window_end(&self) -> u32 {
        self.newest
    }

    /// The oldest active bucket that is not before `from`.
    pub(crate) fn oldest(&self, from: u32) -> Option<u32> {
        let keep = (self.newest + 1).saturating_sub(from);
        let mut oldest = None;
        let mut base = self.newest;
        for (word, kept) in self.words().into_iter().zip(Self::ones(keep)) {
            if let Some(bit) = (word & kept).checked_ilog2() {
                oldest = base.checked_sub(bit);
            }
            base = base.saturating_sub(WORD);
        }
        oldest
    }

    /// The runs of active buckets, newest first, each as its newest and oldest, counted back from the newest
    /// bucket of the window (which is 0).
    pub(crate) fn runs(&self) -> Vec<(u16, u16)> {
        let mut runs: Vec<(u16, u16)> = Vec::new();
        let bucket = |offset: u16| self.newest.checked_sub(u32::from(offset));
        let active = |offset: &u16| bucket(*offset).is_some_and(|bucket| self.is_active(bucket));
        for offset in (0..Self::window()).filter(active) {
            match runs.last_mut() {
                Some((_, oldest)) if *oldest + 1 == offset => *oldest = offset,
                _ => runs.push((offset, offset)),
            }
        }
        runs
    }

    /// From its runs, as [`runs`](Self::runs) gives them. `None` if one lies outside the window or before 1970.
    pub(crate) fn from_runs(newest: Time, runs: &[(u16, u16)]) -> Option<Self> {
        let newest = Self::bucket(newest);
        let mut words = [0; WORDS];
        for (first, last) in runs {
            if first > last || *last >= Self::window() || u32::from(*last) > newest {
                return None;
            }
            let (older, newer) = (
                Self::ones(u32::from(*last) + 1),
                Self::ones(u32::from(*first)),
            );
            for ((word, older), newer) in words.iter_mut().zip(older).zip(newer) {
                *word |= older & !newer;
            }
        }
        Some(Self::from_words(newest, words))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    type Small = Grid<10, 2>;

    /// What a grid stands for: a set of buckets and the end of the window.
    #[derive(Clone, Debug, Default)]
    struct Model {
        newest: u32,
        active: BTreeSet<u32>,
    }

    impl Model {
        fn mark(&mut self, bucket: u32) {
            self.newest = self.newest.max(bucket);
            self.active.insert(bucket);
            self.active.retain(|b| b + 128 > self.newest);
        }
    }

    fn time(bucket: u32) -> Time {
        Small::start(bucket).plus(Duration::from_secs(3))
    }

    fn check(grid: &Small, model: &Model) {
        let every = 0..model.newest + 200;
        let active: BTreeSet<u32> = every.filter(|b| grid.is_active(*b)).collect();
        assert_eq!(active, model.active);
        assert_eq!(grid.window_end(), model.newest);
        assert_eq!(
            Small::from_runs(Small::start(model.newest), &grid.runs()).as_ref(),
            Some(grid)
        );
        assert!(grid.gaps.is_none() || grid.runs().len() > 1 || !grid.is_active(grid.newest));
    }

    proptest! {
        #[test]
        fn a_grid_is_a_set_with_a_window(
            marks in prop::collection::vec(0..400_u32, 1..60),
            near in prop::collection::vec(200..220_u32, 0..20),
            floor in 0..450_u32,
            span in (0..450_u32, 0..200_u32),
        ) {
            let mut model = Model::default();
            let mut grid: Option<Small> = None;
            for bucket in marks.into_iter().chain(near) {
                model.mark(bucket);
                match &mut grid {
                    Some(grid) => grid.join(&Small::at(time(bucket))),
                    None => grid = Some(Small::at(time(bucket))),
                }
            }
            let mut grid = grid.unwrap();
            check(&grid, &model);

            let (first, last) = (span.0, span.0 + span.1);
            prop_assert_eq!(grid.any(first, last), model.active.range(first..=last).next().is_some());
            prop_assert!(!grid.any(last + 1, first));
            prop_assert_eq!(grid.oldest(first), model.active.range(first..).next().copied());

            grid.clear_before(floor);
            model.active.retain(|b| *b >= floor);
            check(&grid, &model);
        }

        #[test]
        fn join_is_union(
            a in prop::collection::vec(0..400_u32, 1..40),
            b in prop::collection::vec(0..400_u32, 1..40),
        ) {
            let build = |marks: &[u32]| {
                let mut grid = Small::at(time(marks[0]));
                for bucket in marks { grid.join(&Small::at(time(*bucket))); }
                grid
            };
            let mut joined = build(&a);
            joined.join(&build(&b));
            let all: Vec<u32> = a.into_iter().chain(b).collect();
            prop_assert_eq!(joined, build(&all));
        }
    }

    #[test]
    fn activity_without_a_gap_needs_no_heap() {
        let mut grid = Small::at(time(0));
        for bucket in 1..1000 {
            grid.join(&Small::at(time(bucket)));
            assert!(grid.gaps.is_none());
        }
        assert_eq!(grid.runs(), [(0, 127)]);
        assert_eq!(size_of::<Small>(), 16);
    }

    #[test]
    fn runs_outside_the_window_are_refused() {
        let newest = Small::start(500);
        assert!(Small::from_runs(newest, &[(0, 127)]).is_some());
        assert!(Small::from_runs(newest, &[(0, 128)]).is_none());
        assert!(Small::from_runs(newest, &[(5, 4)]).is_none());
        assert!(
            Small::from_runs(Small::start(3), &[(0, 4)]).is_none(),
            "before 1970"
        );
    }
}
