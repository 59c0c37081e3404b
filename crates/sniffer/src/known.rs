//! What was reported already, so that only what is new leaves at once.

use std::hash::BuildHasher;
use std::time::Duration;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use map::{Evidence, Observation, Source, Target, Time};

use crate::limits::{KEEP_KNOWN, MAX_KNOWN, REFRESH, TRIM_KNOWN};

/// Every distinct thing that was reported lately, with what has been seen of it since.
///
/// An observation that is new leaves at once ([`see`](Self::see)). One that is seen again waits and leaves with all that
/// came since, at most once in [`REFRESH`] ([`due`](Self::due)). A mapper that lost its map is told everything again
/// ([`all`](Self::all)).
#[derive(Debug)]
pub struct Known<S> {
    things: HashMap<Thing, Told, S>,
    room: usize,
    waiting: usize,
    /// When the table was last searched for what is old.
    trimmed: Time,
    counts: KnownCounts,
}

/// What became of the observations that came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownCounts {
    /// Seen for the first time, and handed on.
    pub new: u64,
    /// Seen before: folded into what is known, to be handed on with a refresh.
    pub folded: u64,
    /// Things that began to wait for a refresh, as one of these was folded in. At every time they were refreshed since, or
    /// wait.
    pub waited: u64,
    /// Refreshes that were handed on.
    pub refreshed: u64,
    /// Things that did not wait, and were handed on for a mapper that knows nothing.
    pub retold: u64,
    /// Of the new ones, those that found no room to be remembered: they will be new again.
    pub not_remembered: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Thing {
    source: Source,
    target: Target,
    evidence: Evidence,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    /// Since this reporter began.
    first: Time,
    /// The first time in what was told last, or in what waits.
    since: Time,
    last: Time,
    /// Since this reporter began.
    connections: u64,
    ttl: u32,
    /// When it was handed on, by the time of what was seen.
    at: Time,
    waits: bool,
}

impl<S: BuildHasher> Known<S> {
    /// Nothing is known. The hasher must be keyed: strangers choose the keys.
    pub fn new(hasher: S) -> Self {
        Self::with_room(hasher, MAX_KNOWN)
    }

    /// Nothing is known, and no more than so many things will be.
    pub fn with_room(hasher: S, room: usize) -> Self {
        Self {
            room,
            things: HashMap::with_hasher(hasher),
            waiting: 0,
            trimmed: Time::MIN,
            counts: KnownCounts::default(),
        }
    }

    /// How many things are known.
    pub fn len(&self) -> usize {
        self.things.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// How many of them have been seen since they were handed on.
    pub const fn waiting(&self) -> usize {
        self.waiting
    }

    /// What came in so far.
    pub const fn counts(&self) -> KnownCounts {
        self.counts
    }

    /// Takes an observation; hands it back when it is new and has to leave at once.
    pub fn see(&mut self, observation: Observation) -> Option<Observation> {
        let now = observation.last_seen;
        let is_full = self.things.len() >= self.room;
        if is_full && now.since(self.trimmed) >= TRIM_KNOWN {
            self.trim(now);
        }
        let is_full = self.things.len() >= self.room;
        let thing = Thing {
            source: observation.source,
            target: observation.target.clone(),
            evidence: observation.evidence,
        };
        match self.things.entry(thing) {
            Entry::Occupied(mut entry) => {
                let told = entry.get_mut();
                if !told.waits {
                    told.waits = true;
                    told.since = observation.first_seen;
                    self.waiting += 1;
                    self.counts.waited += 1;
                }
                told.first = told.first.min(observation.first_seen);
                told.since = told.since.min(observation.first_seen);
                told.last = told.last.max(now);
                told.connections = told.connections.saturating_add(observation.connections);
                told.ttl = told.ttl.max(observation.ttl);
                self.counts.folded += 1;
                return None;
            }
            Entry::Vacant(_) if is_full => self.counts.not_remembered += 1,
            Entry::Vacant(entry) => {
                entry.insert(Told {
                    first: observation.first_seen,
                    since: observation.first_seen,
                    last: now,
                    connections: observation.connections,
                    ttl: observation.ttl,
                    at: now,
                    waits: false,
                });
            }
        }
        self.counts.new += 1;
        Some(observation)
    }

    /// What was seen again, and was last handed on [`REFRESH`] before `now` or earlier.
    pub fn due(&mut self, now: Time) -> Vec<Observation> {
        self.waiting_since(now, REFRESH)
    }

    /// All that waits, at the end.
    pub fn rest(&mut self, now: Time) -> Vec<Observation> {
        self.waiting_since(now, Duration::ZERO)
    }

    fn waiting_since(&mut self, now: Time, pause: Duration) -> Vec<Observation> {
        if now.since(self.trimmed) >= KEEP_KNOWN {
            self.trim(now);
        }
        let mut due = Vec::new();
        if self.waiting == 0 {
            return due;
        }
        for (thing, told) in &mut self.things {
            if told.waits && now.since(told.at) >= pause {
                told.waits = false;
                told.at = now;
                due.push(observation(thing, *told, told.since));
            }
        }
        self.waiting -= due.len();
        self.counts.refreshed += due.len() as u64;
        due
    }

    /// Everything that is known, for a mapper that knows nothing; nothing waits afterwards.
    ///
    /// Where the pod is known the whole time counts. Where it is not, the address may have been somebody else's before, and
    /// only the last stretch can be told of one holder.
    pub fn all(&mut self, now: Time) -> Vec<Observation> {
        self.counts.refreshed += self.waiting as u64;
        self.counts.retold += (self.things.len() - self.waiting) as u64;
        self.waiting = 0;
        let mut all = Vec::with_capacity(self.things.len());
        for (thing, told) in &mut self.things {
            told.waits = false;
            told.at = now;
            let first = match thing.source.pod_uid {
                Some(_) => told.first,
                None => told.since,
            };
            all.push(observation(thing, *told, first));
        }
        all
    }

    /// Forgets what has not been seen for long and does not wait.
    fn trim(&mut self, now: Time) {
        self.trimmed = now;
        self.things
            .retain(|_, told| told.waits || now.since(told.last) < KEEP_KNOWN);
    }
}

fn observation(thing: &Thing, told: Told, first: Time) -> Observation {
    Observation {
        source: thing.source,
        target: thing.target.clone(),
        evidence: thing.evidence,
        first_seen: first,
        last_seen: told.last,
        connections: told.connections,
        ttl: told.ttl,
    }
}
