//! The map: all edges, all attempts, and the join that makes two maps one.
//!
//! # Why merge is a join
//!
//! Among maps with the same floors, [`Map::merge`] joins key by key: times by minimum and maximum, activity by
//! union, counters by maximum, attributes by the greater of (time, value). Each is commutative, associative and
//! idempotent. A window of activity ends at the last time, itself a maximum, so forgetting what has fallen out of it
//! can be done early or late.
//!
//! A floor says: what lies below does not exist. Where two maps differ in it, the lower one is *lifted* first. It
//! cannot be cut exactly, because its first times are minima over all that was ever joined: a hull from 1 to 10 may
//! stand for sightings at 1–2 and 8–10 or for one from 4 to 10, and a floor at 5 cuts these differently. So lifting
//! gives up all that may lie below: edges and facets last seen below the floor vanish; the others keep their last
//! time and lose the first time (which becomes neutral for the minimum), the buckets that start at or before the
//! floor, and the counters. Lifting keeps joins (lift(a ∨ b) = lift a ∨ lift b) and can be done in steps
//! (from 1 to 3 = from 1 to 2, then to 3). A family of semilattices with such maps between them, indexed by a
//! semilattice (floors under maximum), is again a semilattice: a Płonka sum.
//!
//! Only [`Map::raise_floor`] cuts exactly, for an owner whose map it is. It is no part of the join, but lies above
//! it: a map with edges cut exactly absorbs the same map lifted.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use serde::Deserialize;

use crate::attributes::{Description, Workloads};
use crate::file::MapFile;
use crate::limits::{MAX_ATTEMPTS, MAX_EDGES, MAX_WORKLOADS};
use crate::table::Table;
use crate::{Attributes, Change, Edge, EdgeKey, Peer, Sighting, Time, Workload};

/// All that is known of who calls whom.
///
/// Its bounds are in [`limits`](crate::limits). Texts are bounded where they are read.
///
/// An edge with a port, an evidence, a service and one reporter takes 770 bytes when it was active without a gap, 960
/// with gaps of minutes and 1 410 with gaps of days too (measured by `tests/memory.rs`, texts up to 24 bytes).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "MapFile")]
pub struct Map {
    pub(crate) edges: Table,
    pub(crate) attempts: Table,
    pub(crate) workloads: Workloads,
    /// By cluster, where it is above the epoch.
    pub(crate) floors: BTreeMap<CompactString, Time>,
}

/// What a higher floor made vanish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Edges.
    pub edges: Vec<EdgeKey>,
    /// Attempts.
    pub attempts: Vec<EdgeKey>,
    /// Workloads that nothing names any more.
    pub workloads: Vec<Workload>,
}

impl Map {
    /// Without edges and floors.
    pub fn new() -> Self {
        Self {
            edges: Table::new(),
            attempts: Table::new(),
            workloads: Workloads::new(),
            floors: BTreeMap::new(),
        }
    }

    /// Takes the sighting of an edge. One that straddles the floor counts from the floor on.
    pub fn record(&mut self, sighting: &Sighting<'_>) -> Change {
        let floor = self.floor(&sighting.key.cluster);
        self.edges.record(sighting, floor, MAX_EDGES)
    }

    /// Takes the sighting of an attempt: a connection that was refused or never answered.
    pub fn record_attempt(&mut self, sighting: &Sighting<'_>) -> Change {
        let floor = self.floor(&sighting.key.cluster);
        self.attempts.record(sighting, floor, MAX_ATTEMPTS)
    }

    /// Notes the attributes that a workload had at a time. The latest count, and among those of the same time the
    /// greatest. Whether they were taken: not when older, and not when the table is full.
    pub fn describe(
        &mut self,
        cluster: &str,
        workload: &Workload,
        at: Time,
        attributes: Attributes,
    ) -> bool {
        self.workloads.describe(
            cluster,
            workload,
            &Description { at, attributes },
            MAX_WORKLOADS,
        )
    }

    /// All edges, sorted by key.
    pub fn edges(&self) -> impl Iterator<Item = (&EdgeKey, &Edge)> {
        self.edges.iter()
    }

    /// The edges from one client, sorted by server.
    pub fn edges_of<'m>(
        &'m self,
        cluster: &str,
        client: &Peer,
    ) -> impl Iterator<Item = (&'m EdgeKey, &'m Edge)> {
        self.edges.of(cluster, client)
    }

    /// All attempts, sorted by key.
    pub fn attempts(&self) -> impl Iterator<Item = (&EdgeKey, &Edge)> {
        self.attempts.iter()
    }

    /// One edge.
    pub fn edge(&self, key: &EdgeKey) -> Option<&Edge> {
        self.edges.get(key)
    }

    /// One attempt.
    pub fn attempt(&self, key: &EdgeKey) -> Option<&Edge> {
        self.attempts.get(key)
    }

    /// What is known of a workload.
    pub fn attributes(&self, cluster: &str, workload: &Workload) -> Option<&Attributes> {
        self.workloads.get(cluster, workload)
    }

    /// The workloads that are described, sorted, by cluster.
    pub fn described_workloads(&self) -> impl Iterator<Item = (&CompactString, &Workload)> {
        let all = self.workloads.iter();
        all.map(|(cluster, workload, _)| (cluster, workload))
    }

    /// When the attributes of a workload were noted.
    pub fn described(&self, cluster: &str, workload: &Workload) -> Option<Time> {
        self.workloads.at(cluster, workload)
    }

    /// How many edges.
    pub fn len(&self) -> usize {
        self.edges.len()
    }

    /// How many attempts.
    pub fn attempts_len(&self) -> usize {
        self.attempts.len()
    }

    /// Whether there are no edges. There may be attempts.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Below this time, nothing of this cluster exists.
    pub fn floor(&self, cluster: &str) -> Time {
        self.floors.get(cluster).copied().unwrap_or(Time::EPOCH)
    }

    /// All floors above the epoch, by cluster.
    pub fn floors(&self) -> impl Iterator<Item = (&str, Time)> {
        self.floors
            .iter()
            .map(|(cluster, floor)| (cluster.as_str(), *floor))
    }

    /// Joins an edge that was stored, from a map with the same floor. What lies below the floor is dropped.
    pub fn join_edge(&mut self, key: EdgeKey, mut edge: Edge) {
        if edge.raise(self.floor(&key.cluster)) {
            self.edges.join(key, edge);
        }
    }

    /// Joins an attempt that was stored, from a map with the same floor. What lies below the floor is dropped.
    pub fn join_attempt(&mut self, key: EdgeKey, mut edge: Edge) {
        if edge.raise(self.floor(&key.cluster)) {
            self.attempts.join(key, edge);
        }
    }

    /// The same map, where the cluster without a name has this one.
    #[must_use]
    pub fn with_name(&self, cluster: &str) -> Self {
        let mut named = self.of(|name| !name.is_empty(), None);
        named.merge(&self.of(str::is_empty, Some(cluster)));
        named
    }

    /// The part about some clusters, under another name if there is one.
    fn of(&self, is_wanted: impl Fn(&str) -> bool, name: Option<&str>) -> Self {
        let named = |old: &CompactString| name.map_or_else(|| old.clone(), CompactString::from);
        let mut part = Self::new();
        let floors = self.floors.iter().filter(|(old, _)| is_wanted(old));
        part.floors = floors.map(|(old, floor)| (named(old), *floor)).collect();
        for (old, workload, description) in self.workloads.iter().filter(|(old, ..)| is_wanted(old))
        {
            let room = usize::MAX;
            part.workloads
                .describe(&named(old), workload, description, room);
        }
        for (old, new) in [
            (&self.edges, &mut part.edges),
            (&self.attempts, &mut part.attempts),
        ] {
            for (key, edge) in old.iter().filter(|(key, _)| is_wanted(&key.cluster)) {
                let cluster = named(&key.cluster);
                let key = EdgeKey {
                    cluster,
                    ..key.clone()
                };
                new.join(key, edge.clone());
            }
        }
        part
    }

    /// Joins another map into this one: commutative, associative and idempotent.
    pub fn merge(&mut self, other: &Self) {
        self.lift(&other.floors);
        let lifted = |key: &EdgeKey| {
            let floor = self.floors.get(&key.cluster)?;
            (other.floor(&key.cluster) < *floor).then_some(*floor)
        };
        for (mine, theirs) in [
            (&mut self.edges, &other.edges),
            (&mut self.attempts, &other.attempts),
        ] {
            for (key, edge) in theirs.iter() {
                let Some(floor) = lifted(key) else {
                    mine.join_ref(key, edge);
                    continue;
                };
                let mut edge = edge.clone();
                if edge.lift(floor) {
                    mine.join(key.clone(), edge);
                }
            }
        }
        self.workloads.join(&other.workloads);
    }

    /// Takes over the floors that are higher than ours, which came from a map that has not seen what we saw.
    fn lift(&mut self, floors: &BTreeMap<CompactString, Time>) {
        let higher = |(cluster, floor): &(&CompactString, &Time)| **floor > self.floor(cluster);
        let higher: BTreeMap<CompactString, Time> = floors
            .iter()
            .filter(higher)
            .map(|(cluster, floor)| (cluster.clone(), *floor))
            .collect();
        if higher.is_empty() {
            return;
        }
        for table in [&mut self.edges, &mut self.attempts] {
            table.retain(|key, edge| {
                higher
                    .get(&key.cluster)
                    .is_none_or(|floor| edge.lift(*floor))
            });
        }
        self.floors.extend(higher);
    }

    /// Forgets what lies below the floor, exactly: for a reset, or for expiry, by the owner of the map. Does nothing
    /// if the floor is as high already.
    ///
    /// Edges and facets last seen below it vanish, first times and activity are cut at it. Attributes have no floor,
    /// but those of workloads that no edge or attempt names any more are forgotten too; a merge may bring them back,
    /// unseen.
    ///
    /// Returns what vanished.
    pub fn raise_floor(&mut self, cluster: &str, floor: Time) -> Gone {
        let mut gone = Gone::default();
        if floor <= self.floor(cluster) {
            return gone;
        }
        self.floors.insert(cluster.into(), floor);
        let mut named = BTreeSet::new();
        let tables = [
            (&mut self.edges, &mut gone.edges),
            (&mut self.attempts, &mut gone.attempts),
        ];
        for (table, gone) in tables {
            table.retain(|key, edge| {
                if key.cluster != cluster {
                    return true;
                }
                let stays = edge.raise(floor);
                if stays {
                    let ends = [&key.client, &key.server];
                    named.extend(ends.into_iter().filter_map(Peer::workload).cloned());
                } else {
                    gone.push(key.clone());
                }
                stays
            });
        }
        gone.workloads = self.workloads.retain(cluster, &named);
        gone
    }

    /// Starts the next generation, by which one who writes down what changes counts; returns the one that ends.
    pub fn next_generation(&mut self) -> u32 {
        self.attempts.next_generation();
        self.edges.next_generation()
    }

    /// Edges that changed in this generation or since, in no order.
    pub fn edges_changed_since(&self, generation: u32) -> impl Iterator<Item = (&EdgeKey, &Edge)> {
        self.edges.changed_since(generation)
    }

    /// Attempts that changed in this generation or since, in no order.
    pub fn attempts_changed_since(
        &self,
        generation: u32,
    ) -> impl Iterator<Item = (&EdgeKey, &Edge)> {
        self.attempts.changed_since(generation)
    }
}
