//! Which counters have moved since the last round.
//!
//! A sidecar that started before the watcher did counts what nobody knows the time of: its counters are a baseline, and
//! only what is added to them has happened. A later sidecar counts in full, and so does a series that was not there before.
//! A sidecar that starts anew counts from zero, which its container's start tells, or a counter that falls.

use std::hash::BuildHasher;
use std::time::Duration;

use hashbrown::hash_map::Entry;
use hashbrown::{DefaultHashBuilder, HashMap};
use map::{PodUid, Time};
use memchr::memmem;

use crate::exposition::Series;
use crate::limits::{MAX_ALL_SERIES, MAX_SERIES};

/// What starts are known to: Kubernetes cuts times of objects to the second.
const GRAIN: Duration = Duration::from_secs(1);

/// How a label begins that tells a path.
const PATH_LABEL: &[u8] = b"request_path=\"";

/// One run of a sidecar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sidecar {
    /// Its pod.
    pub pod: PodUid,
    /// When its container started, where Kubernetes tells.
    pub started: Option<Time>,
}

/// The counters of every sidecar, as of its last round.
#[derive(Debug)]
pub struct Rounds {
    began: Time,
    include_history: bool,
    sidecars: HashMap<PodUid, Counters>,
    counts: RoundCounts,
    hasher: DefaultHashBuilder,
}

/// What was found, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundCounts {
    /// Counters that had moved: they tell of requests.
    pub moved: u64,
    /// Counters that had not.
    pub still: u64,
    /// Counters that were met first and tell of an unknown time.
    pub baseline: u64,
    /// Counters for which there was no room: they tell nothing.
    pub no_room: u64,
    /// Sidecars that had started anew.
    pub restarts: u64,
}

/// What is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Sidecars.
    pub sidecars: usize,
    /// Their series.
    pub series: usize,
    /// Of these, with a path. None although there are series says that the mesh does not export paths.
    pub with_path: usize,
}

/// What a series tells in this round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// There were requests.
    Yes,
    /// There were none.
    No,
    /// It was met first, and its requests are of an unknown time.
    Baseline,
    /// It could not be remembered, so that nobody knows.
    NoRoom,
}

/// The counters of one sidecar.
#[derive(Debug)]
pub struct Counters {
    started: Option<Time>,
    /// Whether what is met first is of an unknown time.
    is_baseline: bool,
    /// A counter has fallen in this round.
    has_fallen: bool,
    round: u32,
    known: HashMap<u64, Known>,
    /// Of these, with a path.
    with_path: usize,
    most: usize,
    hasher: DefaultHashBuilder,
    counts: RoundCounts,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    value: u64,
    /// The round in which it was there last.
    round: u32,
    has_moved: bool,
    has_path: bool,
}

impl Rounds {
    /// None yet. What began before counts only with `include_history`.
    pub fn new(began: Time, include_history: bool) -> Self {
        Self {
            began,
            include_history,
            sidecars: HashMap::new(),
            counts: RoundCounts::default(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// Begins a round of one sidecar; its counters are away until [`end`](Self::end) brings them back.
    pub fn begin(&mut self, sidecar: Sidecar) -> Counters {
        let mut counters = match self.sidecars.remove(&sidecar.pod) {
            Some(known) if sidecar.started.is_none() || known.started == sidecar.started => known,
            // None was known of one whose start was not: it may be the same.
            Some(known) if known.started.is_none() => Counters {
                started: sidecar.started,
                ..known
            },
            Some(_) => {
                self.counts.restarts += 1;
                self.counters(sidecar.started, false)
            }
            None => self.counters(sidecar.started, self.is_older(sidecar.started)),
        };
        let elsewhere: usize = self.sidecars.values().map(|other| other.known.len()).sum();
        counters.most = MAX_ALL_SERIES.saturating_sub(elsewhere).min(MAX_SERIES);
        counters.round = counters.round.wrapping_add(1);
        counters.has_fallen = false;
        counters
    }

    /// Ends it. When the whole answer was read, series that were not in it are forgotten: they are gone.
    pub fn end(&mut self, pod: PodUid, mut counters: Counters, is_whole: bool) {
        if is_whole {
            let round = counters.round;
            counters.known.retain(|_, known| known.round == round);
            counters.is_baseline = false;
        }
        let with_path = counters.known.values().filter(|known| known.has_path);
        counters.with_path = with_path.count();
        let counts = std::mem::take(&mut counters.counts);
        self.counts.moved += counts.moved;
        self.counts.still += counts.still;
        self.counts.baseline += counts.baseline;
        self.counts.no_room += counts.no_room;
        self.counts.restarts += u64::from(counters.has_fallen);
        self.sidecars.insert(pod, counters);
    }

    /// Forgets sidecars that are gone.
    pub fn retain(&mut self, mut is_there: impl FnMut(PodUid) -> bool) {
        self.sidecars.retain(|pod, _| is_there(*pod));
    }

    /// Of how many sidecars and series it is remembered what they counted.
    pub fn held(&self) -> Held {
        let mut held = Held {
            sidecars: self.sidecars.len(),
            ..Held::default()
        };
        for sidecar in self.sidecars.values() {
            held.series += sidecar.known.len();
            held.with_path += sidecar.with_path;
        }
        held
    }

    /// What was found so far.
    pub const fn counts(&self) -> RoundCounts {
        self.counts
    }

    fn is_older(&self, started: Option<Time>) -> bool {
        !self.include_history && started.is_none_or(|started| started.plus(GRAIN) <= self.began)
    }

    fn counters(&self, started: Option<Time>, is_baseline: bool) -> Counters {
        Counters {
            started,
            is_baseline,
            has_fallen: false,
            round: 0,
            known: HashMap::new(),
            with_path: 0,
            most: 0,
            hasher: self.hasher.clone(),
            counts: RoundCounts::default(),
        }
    }
}

impl Counters {
    /// A series of the answer, and its value now.
    pub fn see(&mut self, series: Series<'_>, value: u64) -> Moved {
        // 64 bits of a keyed hash instead of 700 bytes of labels: that two of 50 000 series share them is as good as never.
        let hash = self.hasher.hash_one(series.identity());
        let round = self.round;
        let is_full = self.known.len() >= self.most;
        let moved = match self.known.entry(hash) {
            Entry::Occupied(known) => {
                let known = known.into_mut();
                let before = std::mem::replace(&mut known.value, value);
                if value < before {
                    self.fall();
                }
                let has_moved = value > 0 && (value != before || self.has_fallen);
                if let Some(known) = self.known.get_mut(&hash) {
                    (known.round, known.has_moved) = (round, has_moved);
                }
                if has_moved { Moved::Yes } else { Moved::No }
            }
            Entry::Vacant(_) if is_full => Moved::NoRoom,
            Entry::Vacant(place) => {
                let is_baseline = self.is_baseline && value > 0;
                let has_moved = value > 0 && !is_baseline;
                place.insert(Known {
                    value,
                    round,
                    has_moved,
                    has_path: memmem::find(series.identity(), PATH_LABEL).is_some(),
                });
                match (has_moved, is_baseline) {
                    (true, _) => Moved::Yes,
                    (_, true) => Moved::Baseline,
                    _ => Moved::No,
                }
            }
        };
        match moved {
            Moved::Yes => self.counts.moved += 1,
            Moved::No => self.counts.still += 1,
            Moved::Baseline => self.counts.baseline += 1,
            Moved::NoRoom => self.counts.no_room += 1,
        }
        moved
    }

    /// All of them began at zero since: those that looked still in this round count in the next one.
    fn fall(&mut self) {
        if std::mem::replace(&mut self.has_fallen, true) {
            return;
        }
        self.is_baseline = false;
        for known in self.known.values_mut() {
            if known.round == self.round && !known.has_moved {
                known.value = 0;
            }
        }
    }
}
