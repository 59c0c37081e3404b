//! One table of edges: those of the map, or its attempts.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::limits::{MAX_FACETS, MAX_REPORTERS};
use crate::{Change, Edge, EdgeKey, Facet, Peer, Seen, Sighting, Time, Workload};

/// Edges, or attempts, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table(BTreeMap<EdgeKey, Edge>);

impl Table {
    pub(crate) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, key: &EdgeKey) -> Option<&Edge> {
        self.0.get(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&EdgeKey, &Edge)> {
        self.0.iter()
    }

    /// The edges from one client, sorted by server.
    pub(crate) fn of<'t>(
        &'t self,
        cluster: &str,
        client: &Peer,
    ) -> impl Iterator<Item = (&'t EdgeKey, &'t Edge)> {
        // The least server there is: peers sort workloads first, by namespace, name, kind.
        let first = EdgeKey {
            cluster: cluster.into(),
            client: client.clone(),
            server: Peer::Workload(Workload::new("", "", "")),
        };
        let (cluster, client) = (first.cluster.clone(), first.client.clone());
        self.0
            .range(first..)
            .take_while(move |(key, _)| key.cluster == cluster && key.client == client)
    }

    /// Takes a sighting, unless it lies below the floor or finds no room.
    pub(crate) fn record(&mut self, sighting: Sighting<'_>, floor: Time, room: usize) -> Change {
        let Sighting {
            key,
            facets,
            first,
            last,
            reporter,
            connections,
        } = sighting;
        let mut seen = Seen::new(first, last);
        if !seen.raise(floor) {
            return Change::BelowFloor;
        }
        let full = self.0.len() >= room;
        let (edge, is_new) = match self.0.entry(key) {
            Entry::Occupied(edge) => (edge.into_mut(), false),
            Entry::Vacant(_) if full => return Change::Full,
            Entry::Vacant(place) => (place.insert(Edge::new(seen.clone())), true),
        };
        if !is_new {
            edge.seen.join(&seen);
        }
        count(edge, reporter.unwrap_or_default(), connections);
        let change = add(edge, facets, &seen);
        if is_new { Change::NewEdge } else { change }
    }

    /// Joins a whole edge into the table.
    pub(crate) fn join(&mut self, key: EdgeKey, edge: Edge) {
        match self.0.entry(key) {
            Entry::Occupied(mine) => mine.into_mut().join(&edge),
            Entry::Vacant(place) => {
                place.insert(edge);
            }
        }
    }

    /// Joins a whole edge that may stay where it is.
    pub(crate) fn join_ref(&mut self, key: &EdgeKey, edge: &Edge) {
        match self.0.get_mut(key) {
            Some(mine) => mine.join(edge),
            None => {
                self.0.insert(key.clone(), edge.clone());
            }
        }
    }

    /// Keeps the edges of which something is left.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&EdgeKey, &mut Edge) -> bool) {
        self.0.retain(|key, edge| keep(key, edge));
    }
}

/// Adds the facets of one sighting.
fn add(edge: &mut Edge, facets: &[Facet], seen: &Seen) -> Change {
    let mut change = Change::Refreshed;
    for facet in facets {
        if let Some(mine) = edge.facets.get_mut(facet) {
            mine.join(seen);
        } else if edge.facets.len() < MAX_FACETS {
            edge.facets.insert(facet.clone(), seen.clone());
            change = Change::NewFacet;
        } else if change == Change::Refreshed {
            change = Change::Full;
        }
    }
    change
}

/// Notes the counter of one reporter.
fn count(edge: &mut Edge, reporter: &str, connections: u64) {
    if let Some(mine) = edge.connections.get_mut(reporter) {
        *mine = (*mine).max(connections);
    } else if connections > 0 && edge.connections.len() < MAX_REPORTERS {
        edge.connections.insert(reporter.into(), connections);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Peer;

    #[test]
    fn a_full_table_refreshes_what_it_has_and_takes_nothing_new() {
        let mut table = Table::new();
        let mut record = |cluster: &str| {
            let key = EdgeKey {
                cluster: cluster.into(),
                client: Peer::Internet,
                server: Peer::Internet,
            };
            let sighting = Sighting {
                key,
                facets: &[],
                first: Time::EPOCH,
                last: Time::EPOCH,
                reporter: None,
                connections: 0,
            };
            table.record(sighting, Time::EPOCH, 2)
        };
        assert_eq!(
            ["a", "b", "c", "a"].map(&mut record),
            [
                Change::NewEdge,
                Change::NewEdge,
                Change::Full,
                Change::Refreshed
            ]
        );
        assert_eq!(table.len(), 2);
    }
}
