//! What the parts of the process share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use map::Time;
use map::tally::Tally;
use parking_lot::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};

use crate::accesses::{Accesses, Broker, Fate};
use crate::line::{Other, Reader, Reading};
use crate::place::Place;
use crate::silence::Heard;

/// A container's log, by its names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LogName {
    pub(crate) namespace: CompactString,
    pub(crate) pod: CompactString,
    pub(crate) container: CompactString,
}

/// How far a container's log was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Read {
    /// The pod's UID.
    pub(crate) uid: CompactString,
    /// How often the container had been started again.
    pub(crate) restarts: u32,
    /// How far.
    #[serde(flatten)]
    pub(crate) place: Place,
}

/// Why lines are missing, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    /// The line that was read last is not in the log any more.
    Rotated,
    /// The log of the container before the restart is not there.
    PreviousGone,
    /// A container was started again more than once: only the log of the last one before is kept.
    Restarts,
}

impl Gap {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Rotated => "rotated",
            Self::PreviousGone => "previous_gone",
            Self::Restarts => "restarts",
        }
    }
}

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Lines, whatever became of them.
    pub(crate) lines: u64,
    /// Lines that are no access that counts.
    pub(crate) others: Tally<Other>,
    /// Accesses, by what became of them.
    pub(crate) accesses: Tally<Fate>,
    /// Of those that are kept: denied.
    pub(crate) denied: u64,
    /// Lines that were longer than [`MAX_LINE`](crate::limits::MAX_LINE).
    pub(crate) too_long: u64,
    /// Lines that came again after a break.
    pub(crate) again: u64,
    /// Known gaps.
    pub(crate) gaps: Tally<Gap>,
    /// Logs that were opened.
    pub(crate) opened: u64,
    /// Logs that could not be opened or broke off.
    pub(crate) failed: u64,
    /// Logs beyond the bound.
    pub(crate) beyond: u64,
    /// Times that the file was replaced or emptied.
    pub(crate) rotations: u64,
    /// Records that were handed over to be reported.
    pub(crate) reported: u64,
    /// Times that the cursor was written.
    pub(crate) cursors: u64,
}

/// A broker that is followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Followed {
    /// What came of its logs.
    pub(crate) heard: Heard,
    /// Since when it is followed, from the start of the process.
    pub(crate) since: Duration,
    /// When it was last said that it is silent.
    pub(crate) said: Option<Duration>,
}

#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) accesses: Accesses,
    pub(crate) figures: Figures,
    /// How far each log was read.
    pub(crate) places: BTreeMap<LogName, Read>,
    /// Brokers by namespace and pod.
    pub(crate) brokers: BTreeMap<(CompactString, CompactString), Followed>,
    /// What is wrong now with finding pods or reading logs, by what it is about.
    pub(crate) troubles: BTreeMap<String, String>,
}

/// A cheap handle.
#[derive(Clone, Debug, Default)]
pub(crate) struct State(Arc<Mutex<Inner>>);

impl State {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock()
    }
}

impl Inner {
    /// From now on, this broker is followed.
    pub(crate) fn follow(&mut self, broker: &Broker, now: Duration) {
        let name = (broker.namespace.clone(), broker.pod.clone());
        self.brokers.entry(name).or_insert(Followed {
            heard: Heard::default(),
            since: now,
            said: None,
        });
    }
}

/// Takes the lines of one log.
#[derive(Debug)]
pub(crate) struct Intake {
    reader: Reader,
    broker: Arc<Broker>,
    name: (CompactString, CompactString),
}

impl Intake {
    pub(crate) fn new(broker: Arc<Broker>) -> Self {
        let name = (broker.namespace.clone(), broker.pod.clone());
        Self {
            reader: Reader::new(),
            broker,
            name,
        }
    }

    /// A new line, and when it was logged.
    pub(crate) fn take(&self, inner: &mut Inner, line: &[u8], at: Time) {
        let figures = &mut inner.figures;
        let mut unknown = Heard::default();
        let heard = inner
            .brokers
            .get_mut(&self.name)
            .map_or(&mut unknown, |followed| &mut followed.heard);
        figures.lines += 1;
        heard.lines += 1;
        match self.reader.read(line) {
            Reading::Other(other) => {
                figures.others.add(other, 1);
                heard.authorizer += u64::from(other != Other::Foreign);
                heard.unusable += u64::from(other.is_unusable());
            }
            Reading::Access(access) => {
                heard.authorizer += 1;
                let fate = inner.accesses.see(&self.broker, &access, at);
                figures.accesses.add(fate, 1);
                heard.allowed += u64::from(access.allowed);
                heard.denied += u64::from(!access.allowed);
                figures.denied += u64::from(fate == Fate::Kept && !access.allowed);
            }
        }
    }

    /// A line that was too long.
    pub(crate) fn too_long(inner: &mut Inner) {
        inner.figures.lines += 1;
        inner.figures.too_long += 1;
    }
}
