//! What a store asks of the one writer, and what it gives back after a restart.

#![cfg_attr(
    not(feature = "server"),
    allow(dead_code, reason = "only a server keeps its map")
)]

use cluster::Index;
use compact_str::CompactString;
use map::{EdgeKey, Evidence, Map, Peer, Time, Workload};

use super::Ingest;
use crate::pairs::Known;
use crate::unsaved::{Entry, Held, HeldAnswer, Journal, Ticket, Unsaved};

impl Ingest {
    /// From now on, remembers what is new and what is held, for a store that had these segments of held facts.
    pub(crate) fn save(&mut self, segments: impl IntoIterator<Item = u64>) {
        self.unsaved = Some(Unsaved {
            journal: Journal::behind(segments),
            ..Unsaved::default()
        });
    }

    /// What is not on disk yet, and the map.
    pub(crate) fn unsaved(&mut self) -> Option<(&mut Unsaved, &Map)> {
        self.unsaved.as_mut().map(|unsaved| (unsaved, &self.map))
    }

    /// Starts the next generation of the map.
    pub(crate) fn next_generation(&mut self) -> u32 {
        self.map.next_generation()
    }

    /// Goes on with a map that was kept.
    pub(crate) fn restore(&mut self, map: Map) {
        for (key, edge) in map.edges().chain(map.attempts()) {
            let Some(client) = key.client.workload() else {
                continue;
            };
            match &key.server {
                Peer::Name(name) => {
                    self.fold.restore_name(client, name);
                    let (first, last) = (edge.seen.first(), edge.seen.last());
                    for address in edge.addresses() {
                        self.names.learn(client, address, name, first, last, 0);
                    }
                }
                Peer::Address(range) => self.fold.restore_address(client, *range),
                _ => {}
            }
        }
        self.map = map;
    }

    /// Takes again what was held when the process ended.
    pub(crate) fn resume(&mut self, index: &Index, held: Held) {
        match held {
            Held::Fact(fact) => self.take(index, fact),
            Held::Answer(HeldAnswer {
                client,
                address,
                waiting,
            }) => {
                self.taken.add(Evidence::Dns, waiting.observations);
                let key = (client, address);
                let known = self.pairs.get(&key.0, address).map(|pair| &pair.known);
                if let Some(Known::Accepted(peer)) = known {
                    let peer = peer.clone();
                    let fate = self.explained(&key.0, address, peer, &waiting);
                    self.fates.add(fate, waiting.observations);
                    return;
                }
                self.wait(index, &key, waiting);
            }
        }
    }

    /// Forgets what was last seen before: a reset, or expiry.
    pub(crate) fn raise_floor(&mut self, floor: Time) {
        let gone = self.map.raise_floor(&self.cluster, floor);
        if let Some(graph) = &mut self.graph {
            let lost = gone.edges.iter().chain(&gone.attempts);
            let is_gone =
                |key: &&EdgeKey| self.map.edge(key).is_none() && self.map.attempt(key).is_none();
            let lost: Vec<_> = lost.filter(is_gone).collect();
            graph.forget(&lost, self.now);
        }
        if let Some(unsaved) = &mut self.unsaved {
            let floor = self.map.floor(&self.cluster);
            unsaved.floors.push((self.cluster.clone(), floor));
            unsaved
                .later
                .extend(gone.edges.into_iter().map(Entry::Edge));
            let attempts = gone.attempts.into_iter();
            unsaved.later.extend(attempts.map(Entry::Attempt));
            let of = |workload| Entry::Workload(self.cluster.clone(), workload);
            unsaved.later.extend(gone.workloads.into_iter().map(of));
        }
    }

    /// Joins a map from elsewhere.
    pub fn merge(&mut self, other: &Map) {
        self.map.merge(other);
        if let Some(unsaved) = &mut self.unsaved {
            let floors = self.map.floors();
            let floors = floors.map(|(cluster, floor)| (cluster.into(), floor));
            unsaved.floors.extend(floors);
            let described = other.described_workloads();
            let of = |(cluster, workload): (&CompactString, &Workload)| {
                Entry::Workload(cluster.clone(), workload.clone())
            };
            unsaved.later.extend(described.map(of));
        }
    }

    /// What was held has come to its end.
    pub(super) fn release(&mut self, ticket: Option<Ticket>) {
        if let (Some(ticket), Some(unsaved)) = (ticket, &mut self.unsaved) {
            unsaved.journal.release(ticket);
        }
    }
}
