//! One table of edges: those of the map, or its attempts.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use compact_str::CompactString;

use crate::limits::{MAX_FACETS, MAX_REPORTERS};
use crate::sorted::SortedMap;
use crate::{Change, Edge, EdgeKey, Facet, Peer, Seen, Sighting, Time};

/// Edges, or attempts, by client and then by key.
///
/// A copy shares the edges of each client until either changes them, so that a reader's copy costs a pointer a client
/// and never holds up the writer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    callers: BTreeMap<Caller, Arc<Edges>>,
    len: usize,
}

pub(crate) type Edges = SortedMap<EdgeKey, Edge>;

/// The client's half of an [`EdgeKey`], in the same order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Caller {
    cluster: CompactString,
    client: Peer,
}

impl Caller {
    fn of(key: &EdgeKey) -> Self {
        Self {
            cluster: key.cluster.clone(),
            client: key.client.clone(),
        }
    }
}

impl Table {
    pub(crate) const fn new() -> Self {
        Self {
            callers: BTreeMap::new(),
            len: 0,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, key: &EdgeKey) -> Option<&Edge> {
        self.callers.get(&Caller::of(key))?.get(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&EdgeKey, &Edge)> {
        self.callers.values().flat_map(|edges| edges.iter())
    }

    /// The clients in order, each with its edges.
    pub(crate) fn by_client(&self) -> impl Iterator<Item = (&CompactString, &Peer, &Edges)> {
        let callers = self.callers.iter();
        callers.map(|(caller, edges)| (&caller.cluster, &caller.client, &**edges))
    }

    /// The edges from one client, sorted by server.
    pub(crate) fn of<'t>(
        &'t self,
        cluster: &str,
        client: &Peer,
    ) -> impl Iterator<Item = (&'t EdgeKey, &'t Edge)> {
        let caller = Caller {
            cluster: cluster.into(),
            client: client.clone(),
        };
        let edges = self.callers.get(&caller).into_iter();
        edges.flat_map(|edges| edges.iter())
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
        let full = self.len >= room;
        let edges = match self.callers.entry(Caller::of(&key)) {
            Entry::Occupied(edges) => Arc::make_mut(edges.into_mut()),
            Entry::Vacant(_) if full => return Change::Full,
            Entry::Vacant(place) => Arc::make_mut(place.insert(Arc::default())),
        };
        if let Some(edge) = edges.get_mut(&key) {
            edge.seen.join(&seen);
            count(edge, reporter.unwrap_or_default(), connections);
            return add(edge, facets, &seen);
        }
        if full {
            return Change::Full;
        }
        let mut edge = Edge::new(seen.clone());
        count(&mut edge, reporter.unwrap_or_default(), connections);
        add(&mut edge, facets, &seen);
        edges.insert(key, edge);
        self.len += 1;
        Change::NewEdge
    }

    /// Joins a whole edge into the table.
    pub(crate) fn join(&mut self, key: EdgeKey, edge: Edge) {
        let edges = Arc::make_mut(self.callers.entry(Caller::of(&key)).or_default());
        if let Some(mine) = edges.get_mut(&key) {
            mine.join(&edge);
        } else {
            edges.insert(key, edge);
            self.len += 1;
        }
    }

    /// Joins a whole edge that may stay where it is.
    pub(crate) fn join_ref(&mut self, key: &EdgeKey, edge: &Edge) {
        let edges = Arc::make_mut(self.callers.entry(Caller::of(key)).or_default());
        if let Some(mine) = edges.get_mut(key) {
            mine.join(edge);
        } else {
            edges.insert(key.clone(), edge.clone());
            self.len += 1;
        }
    }

    /// Keeps the edges of which something is left.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&EdgeKey, &mut Edge) -> bool) {
        let mut len = 0;
        self.callers.retain(|_, edges| {
            let edges = Arc::make_mut(edges);
            edges.retain(|key, edge| keep(key, edge));
            len += edges.len();
            !edges.is_empty()
        });
        self.len = len;
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
