//! How far a log was read, and how reading goes on from there.
//!
//! The Kubernetes API gives a log again from a second on, in whole seconds. Lines before the last stamp are skipped, and at
//! an equal stamp as many as were taken: what came at that stamp later is new.

use map::Time;

/// How far a log was read: the stamp of the last line that was taken, and how many lines with this stamp were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "live", derive(serde::Serialize, serde::Deserialize))]
pub struct Place {
    /// The stamp. Where no line was taken yet, the time from which on lines are wanted.
    pub at: Time,
    /// Lines with this stamp that were taken.
    pub lines: u32,
}

/// What to do with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// It was taken before.
    Again,
    /// It is new.
    New,
    /// It is new, and the line that was taken last is not there any more: between the two, lines may be lost.
    NewBehindGap,
}

/// One way through a log, from a place on.
#[derive(Clone, Copy, Debug)]
pub struct Passage {
    place: Place,
    /// While lines come that may have been taken before: the place where that ends, and the lines there so far.
    again: Option<(Place, u32)>,
}

impl Place {
    /// Nothing was read, and nothing before this time is wanted.
    pub const fn from(at: Time) -> Self {
        Self { at, lines: 0 }
    }
}

impl Passage {
    /// From a place in the same log on.
    pub const fn resume(place: Place) -> Self {
        Self {
            place,
            again: Some((place, 0)),
        }
    }

    /// How far it is.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// What to do with a line with this stamp; when it is new, it counts as taken.
    ///
    /// Once a new line came, all that follow are new, whatever their stamps: clocks of nodes step back.
    pub fn take(&mut self, stamp: Time) -> Take {
        let mut gap = false;
        if let Some((until, met)) = &mut self.again {
            if stamp < until.at {
                return Take::Again;
            }
            if stamp == until.at && *met < until.lines {
                *met += 1;
                return Take::Again;
            }
            gap = *met < until.lines;
            self.again = None;
        }
        if stamp == self.place.at {
            self.place.lines = self.place.lines.saturating_add(1);
        } else {
            self.place = Place {
                at: stamp,
                lines: 1,
            };
        }
        if gap { Take::NewBehindGap } else { Take::New }
    }
}
