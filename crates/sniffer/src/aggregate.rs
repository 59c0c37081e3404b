//! What was seen since the last report, one entry per distinct thing.

use std::hash::BuildHasher;
use std::net::IpAddr;

use hashbrown::{HashMap, HashTable};
use kernel::dns::Name;
use map::{Answer, Connection, DnsName, Evidence, Observation, Source, Target, Time};

use crate::limits::{MAX_KEYS, ROOMY};

/// Whether a sighting found room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregated {
    /// It is the first of its kind since the last report.
    New,
    /// It refreshed an entry.
    Again,
    /// The table is full: it is lost, and counted by the caller.
    Full,
}

/// What became of all sightings. At every time `new` is what was drained and what is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AggregateCounts {
    /// First of their kind since the drain before.
    pub new: u64,
    /// Taken together with one before.
    pub again: u64,
    /// Lost to a full table.
    pub full: u64,
    /// Observations that were drained.
    pub drained: u64,
}

impl AggregateCounts {
    const fn count(&mut self, what: Aggregated) -> Aggregated {
        match what {
            Aggregated::New => self.new += 1,
            Aggregated::Again => self.again += 1,
            Aggregated::Full => self.full += 1,
        }
        what
    }
}

/// Distinct answers and connections since the last [`drain`](Self::drain), at most [`MAX_KEYS`] of each.
#[derive(Debug)]
pub struct Aggregate<S> {
    room: usize,
    counts: AggregateCounts,
    answers: HashTable<AnswerEntry>,
    connections: HashMap<(Source, Connection, Evidence), Seen, S>,
    hasher: S,
}

/// Names stay in wire form until they are reported: comparing them needs no allocation.
#[derive(Debug)]
struct AnswerEntry {
    source: Source,
    name: Box<[u8]>,
    address: IpAddr,
    seen: Seen,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    first: Time,
    last: Time,
    count: u64,
    ttl: u32,
}

impl Seen {
    const fn once(at: Time, ttl: u32) -> Self {
        Self {
            first: at,
            last: at,
            count: 1,
            ttl,
        }
    }

    fn again(&mut self, at: Time, ttl: u32) {
        self.first = self.first.min(at);
        self.last = self.last.max(at);
        self.count = self.count.saturating_add(1);
        self.ttl = self.ttl.max(ttl);
    }
}

impl<S: BuildHasher + Clone> Aggregate<S> {
    /// An empty table. The hasher must be keyed: strangers choose the keys.
    pub fn new(hasher: S) -> Self {
        Self::with_room(hasher, MAX_KEYS)
    }

    /// An empty table for so many of each.
    pub fn with_room(hasher: S, room: usize) -> Self {
        Self {
            room,
            counts: AggregateCounts::default(),
            answers: HashTable::new(),
            connections: HashMap::with_hasher(hasher.clone()),
            hasher,
        }
    }

    /// How many distinct things it holds.
    pub fn len(&self) -> usize {
        self.answers.len() + self.connections.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What became of everything so far.
    pub const fn counts(&self) -> AggregateCounts {
        self.counts
    }

    /// `source` learned `address` for `name`, for `ttl` seconds.
    pub fn answer(
        &mut self,
        source: Source,
        name: &Name,
        address: IpAddr,
        ttl: u32,
        at: Time,
    ) -> Aggregated {
        let wire = name.as_wire();
        let hash = self.hasher.hash_one((&source, wire, address));
        let found = self.answers.find_mut(hash, |entry| {
            entry.source == source && entry.address == address && *entry.name == *wire
        });
        if let Some(entry) = found {
            entry.seen.again(at, ttl);
            return self.counts.count(Aggregated::Again);
        }
        if self.answers.len() >= self.room {
            return self.counts.count(Aggregated::Full);
        }
        let entry = AnswerEntry {
            source,
            name: wire.into(),
            address,
            seen: Seen::once(at, ttl),
        };
        let hasher = &self.hasher;
        self.answers.insert_unique(hash, entry, |entry| {
            hasher.hash_one((&entry.source, &*entry.name, entry.address))
        });
        self.counts.count(Aggregated::New)
    }

    /// `source` opened, held or tried a connection.
    pub fn connection(
        &mut self,
        source: Source,
        connection: Connection,
        evidence: Evidence,
        at: Time,
    ) -> Aggregated {
        let full = self.connections.len() >= self.room;
        let what = match self.connections.entry((source, connection, evidence)) {
            hashbrown::hash_map::Entry::Occupied(mut entry) => {
                entry.get_mut().again(at, 0);
                Aggregated::Again
            }
            hashbrown::hash_map::Entry::Vacant(_) if full => Aggregated::Full,
            hashbrown::hash_map::Entry::Vacant(entry) => {
                entry.insert(Seen::once(at, 0));
                Aggregated::New
            }
        };
        self.counts.count(what)
    }

    /// Everything since the last time, in order of first sighting; the table is empty afterwards.
    pub fn drain(&mut self) -> Vec<Observation> {
        let answers = self.answers.drain().map(|entry| {
            let name = DnsName::new(&Name::text_of_wire(&entry.name));
            let target = Target::Answer(Answer {
                name,
                address: Some(entry.address),
            });
            observation(entry.source, target, Evidence::Dns, entry.seen)
        });
        let connections = self
            .connections
            .drain()
            .map(|((source, connection, evidence), seen)| {
                observation(source, Target::Connection(connection), evidence, seen)
            });
        let mut all: Vec<Observation> = answers.chain(connections).collect();
        self.counts.drained += all.len() as u64;
        // The first sweep and floods fill them as nothing else does.
        let is_roomy = |places: usize| places > ROOMY.max(all.len() * 4);
        if is_roomy(self.connections.capacity()) {
            self.connections.shrink_to(all.len());
        }
        if is_roomy(self.answers.capacity()) {
            // It is empty, so that nothing has to find its new place.
            self.answers.shrink_to(all.len(), |_| 0);
        }
        all.sort_unstable_by(|a, b| {
            (a.first_seen, a.source, &a.target, a.evidence).cmp(&(
                b.first_seen,
                b.source,
                &b.target,
                b.evidence,
            ))
        });
        all
    }
}

const fn observation(
    source: Source,
    target: Target,
    evidence: Evidence,
    seen: Seen,
) -> Observation {
    Observation {
        source,
        target,
        evidence,
        first_seen: seen.first,
        last_seen: seen.last,
        connections: seen.count,
        ttl: seen.ttl,
    }
}
