//! A problem that repeats is printed [`PRINTED`] times within [`WINDOW`], and then counted until the window ends.
//!
//! Two lines are alike when they come from the same place in the code with the same message (its beginning). Every line is either
//! printed or counted in exactly one sum, whatever happens to the table.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use map::Time;
use tracing::Level;
use tracing::callsite::Identifier;

use super::line::Line;

/// How often a problem is printed within a window: often enough to see that it repeats and whether its fields differ.
pub const PRINTED: u32 = 3;

/// How long lines are summed up. A minute is what people think in, and what alerts are evaluated by.
pub const WINDOW: Duration = Duration::from_mins(1);

/// How many different problems are told apart. Messages may hold text from outside; beyond this many, all messages of
/// one place in the code count as one, and places are as many as the code has.
pub const MAX_PROBLEMS: usize = 256;

/// How much of a message is compared, and stands before its sum, in bytes.
const MAX_EXCERPT: usize = 256;

/// A place in the code that logs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place(pub(super) Identifier);

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Print,
    Count,
}

#[derive(Default)]
pub(super) struct Repeats(HashMap<(Place, Option<String>), Problem>);

struct Problem {
    since: Time,
    level: Level,
    target: &'static str,
    excerpt: String,
    printed: u32,
    more: u64,
}

impl Repeats {
    /// Whether this line is printed, or counted for the sum. Call [`Repeats::due`] before.
    pub(super) fn admit(&mut self, place: Place, line: &Line, now: Time) -> Verdict {
        let excerpt = &line.message[..line.message.floor_char_boundary(MAX_EXCERPT)];
        let mut key = (place, Some(excerpt.to_owned()));
        let full = self.0.len() >= MAX_PROBLEMS;
        if full && !self.0.contains_key(&key) {
            key.1 = None;
        }
        let problem = match self.0.entry(key) {
            Entry::Occupied(problem) => problem.into_mut(),
            Entry::Vacant(vacant) => vacant.insert(Problem {
                since: now,
                level: line.level,
                target: line.target,
                excerpt: excerpt.to_owned(),
                printed: 0,
                more: 0,
            }),
        };
        if problem.printed < PRINTED {
            problem.printed += 1;
            return Verdict::Print;
        }
        problem.more = problem.more.saturating_add(1);
        Verdict::Count
    }

    /// The sums of the windows that are over, which are forgotten. A clock that stepped back ends a window too.
    pub(super) fn due(&mut self, now: Time) -> Vec<Line> {
        self.take(now, |problem| {
            now < problem.since || now.since(problem.since) >= WINDOW
        })
    }

    /// All sums; everything is forgotten.
    pub(super) fn drain(&mut self, now: Time) -> Vec<Line> {
        self.take(now, |_| true)
    }

    fn take(&mut self, now: Time, over: impl Fn(&Problem) -> bool) -> Vec<Line> {
        let over = self
            .0
            .extract_if(|_, problem| over(problem))
            .map(|(_, problem)| problem);
        let mut repeated: Vec<_> = over.filter(|problem| problem.more > 0).collect();
        repeated.sort_by(|a, b| (a.since, &a.excerpt).cmp(&(b.since, &b.excerpt)));
        repeated.iter().map(|problem| problem.sum(now)).collect()
    }
}

impl Problem {
    fn sum(&self, now: Time) -> Line {
        Line::sum(
            self.level,
            self.target,
            &self.excerpt,
            self.more,
            now.since(self.since),
        )
    }
}
