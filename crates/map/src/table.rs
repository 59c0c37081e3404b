//! One table of edges: those of the map, or its attempts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::{Equivalent, HashMap};

use crate::edge::Changed;
use crate::limits::{MAX_FACETS, MAX_REPORTERS};
use crate::sorted::SortedMap;
use crate::{Change, Edge, EdgeKey, Evidence, Facet, Peer, Seen, Sighting, Time};

/// Edges, or attempts, by client and then by key.
///
/// A copy shares the edges of each client until either changes them, and who the clients are until there is a new one,
/// so that a reader's copy costs a pointer a client and never holds up the writer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    callers: Arc<Callers>,
    /// In the order in which the clients came; each has at least one edge.
    edges: Vec<Arc<Edges>>,
    /// When the edges of each client changed last.
    touched: Vec<Generation>,
    /// How the edges of each client were seen.
    ways: Vec<Ways>,
    now: Generation,
    len: usize,
}

/// How some edges were seen: a bit for each kind of evidence. There may be more than the edges still have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ways(u8);

impl Ways {
    fn of(evidence: impl Iterator<Item = Evidence>) -> Self {
        Self(evidence.fold(0, |bits, one| bits | 1 << one as u8))
    }

    /// Whether an edge may have been seen in one of these ways.
    pub(crate) fn may_be_any(self, of: &BTreeSet<Evidence>) -> bool {
        of.iter().any(|one| self.0 & 1 << *one as u8 != 0)
    }
}

/// Time as the owner of a map counts it who writes down what changed: one step each time that it looks.
pub(crate) type Generation = u32;

pub(crate) type Edges = SortedMap<EdgeKey, Edge>;

/// The place of each client's edges: to look up, and in order.
#[derive(Clone, Debug, Default)]
struct Callers {
    places: HashMap<Arc<Caller>, usize>,
    sorted: BTreeMap<Arc<Caller>, usize>,
}

/// The client's half of an [`EdgeKey`], in the same order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Caller {
    cluster: CompactString,
    client: Peer,
}

/// The same to look one up by, without a copy: it hashes alike.
#[derive(Clone, Copy, Debug, Hash)]
struct Called<'a> {
    cluster: &'a str,
    client: &'a Peer,
}

impl Equivalent<Arc<Caller>> for Called<'_> {
    fn equivalent(&self, caller: &Arc<Caller>) -> bool {
        self.client == &caller.client && self.cluster == caller.cluster
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl Eq for Table {}

impl Table {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, key: &EdgeKey) -> Option<&Edge> {
        let edges = self.edges.get(self.place(&key.cluster, &key.client)?)?;
        edges.get_by(|other| other.server.cmp(&key.server))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&EdgeKey, &Edge)> {
        self.by_client().flat_map(|(_, _, edges, _)| edges.iter())
    }

    /// The clients in order, each with its edges, and how they were seen.
    pub(crate) fn by_client(&self) -> impl Iterator<Item = (&CompactString, &Peer, &Edges, Ways)> {
        let callers = self.callers.sorted.iter();
        callers.filter_map(|(caller, place)| {
            let (edges, ways) = (self.edges.get(*place)?, self.ways.get(*place)?);
            Some((&caller.cluster, &caller.client, &**edges, *ways))
        })
    }

    /// The edges from one client, sorted by server.
    pub(crate) fn of<'t>(
        &'t self,
        cluster: &str,
        client: &Peer,
    ) -> impl Iterator<Item = (&'t EdgeKey, &'t Edge)> {
        let place = self.place(cluster, client);
        let edges = place.and_then(|place| self.edges.get(place)).into_iter();
        edges.flat_map(|edges| edges.iter())
    }

    fn place(&self, cluster: &str, client: &Peer) -> Option<usize> {
        let called = Called { cluster, client };
        self.callers.places.get(&called).copied()
    }

    /// Starts the next generation, and returns the one that ends.
    pub(crate) fn next_generation(&mut self) -> Generation {
        let ended = self.now;
        self.now = self.now.wrapping_add(1);
        ended
    }

    /// The edges that changed in this generation or since.
    pub(crate) fn changed_since(
        &self,
        since: Generation,
    ) -> impl Iterator<Item = (&EdgeKey, &Edge)> {
        let age = self.now.wrapping_sub(since);
        let recent = move |at: Generation| self.now.wrapping_sub(at) <= age;
        let clients = self.edges.iter().zip(&self.touched);
        let clients = clients.filter(move |(_, touched)| recent(**touched));
        let edges = clients.flat_map(|(edges, _)| edges.iter());
        edges.filter(move |(_, edge)| recent(edge.changed.0))
    }

    /// The edges of a client, if there is room for the first of a new one. That one of them changes is noted, and how it
    /// was seen.
    fn edges_mut(&mut self, key: &EdgeKey, full: bool, ways: Ways) -> Option<&mut Edges> {
        let place = match self.place(&key.cluster, &key.client) {
            Some(place) => place,
            None if full => return None,
            None => {
                let caller = Caller {
                    cluster: key.cluster.clone(),
                    client: key.client.clone(),
                };
                self.put(Arc::new(caller), Arc::default(), self.now, ways)
            }
        };
        if let Some(touched) = self.touched.get_mut(place) {
            *touched = self.now;
        }
        if let Some(all) = self.ways.get_mut(place) {
            all.0 |= ways.0;
        }
        self.edges.get_mut(place).map(Arc::make_mut)
    }

    fn put(
        &mut self,
        caller: Arc<Caller>,
        edges: Arc<Edges>,
        touched: Generation,
        ways: Ways,
    ) -> usize {
        let place = self.edges.len();
        self.edges.push(edges);
        self.touched.push(touched);
        self.ways.push(ways);
        let callers = Arc::make_mut(&mut self.callers);
        callers.places.insert(Arc::clone(&caller), place);
        callers.sorted.insert(caller, place);
        place
    }

    /// Takes a sighting, unless it lies below the floor or finds no room.
    pub(crate) fn record(&mut self, sighting: &Sighting<'_>, floor: Time, room: usize) -> Change {
        let Sighting {
            ref key,
            facets,
            first,
            last,
            reporter,
            connections,
        } = *sighting;
        let mut seen = Seen::new(first, last);
        if !seen.raise(floor) {
            return Change::BelowFloor;
        }
        let full = self.len >= room;
        let changed = Changed(self.now);
        let ways = Ways::of(facets.iter().filter_map(Facet::evidence));
        let Some(edges) = self.edges_mut(key, full, ways) else {
            return Change::Full;
        };
        if let Some(edge) = edges.get_mut_by(|other| other.server.cmp(&key.server)) {
            edge.changed = changed;
            edge.seen.join(&seen);
            count(edge, reporter.unwrap_or_default(), connections);
            return add(edge, facets, &seen);
        }
        if full {
            return Change::Full;
        }
        let mut edge = Edge::new(seen.clone());
        edge.changed = changed;
        count(&mut edge, reporter.unwrap_or_default(), connections);
        add(&mut edge, facets, &seen);
        edges.insert(key.clone(), edge);
        self.len += 1;
        Change::NewEdge
    }

    /// Joins a whole edge into the table.
    pub(crate) fn join(&mut self, key: EdgeKey, mut edge: Edge) {
        let changed = Changed(self.now);
        let Some(edges) = self.edges_mut(&key, false, Ways::of(edge.evidence())) else {
            return;
        };
        if let Some(mine) = edges.get_mut(&key) {
            mine.join(&edge);
            mine.changed = changed;
        } else {
            edge.changed = changed;
            edges.insert(key, edge);
            self.len += 1;
        }
    }

    /// Joins a whole edge that may stay where it is.
    pub(crate) fn join_ref(&mut self, key: &EdgeKey, edge: &Edge) {
        let changed = Changed(self.now);
        let Some(edges) = self.edges_mut(key, false, Ways::of(edge.evidence())) else {
            return;
        };
        if let Some(mine) = edges.get_mut(key) {
            mine.join(edge);
            mine.changed = changed;
        } else {
            let mut edge = edge.clone();
            edge.changed = changed;
            edges.insert(key.clone(), edge);
            self.len += 1;
        }
    }

    /// Keeps the edges of which something is left.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&EdgeKey, &mut Edge) -> bool) {
        let mut kept = Self {
            now: self.now,
            ..Self::default()
        };
        for (caller, place) in &self.callers.sorted {
            let Some(edges) = self.edges.get_mut(*place) else {
                continue;
            };
            let mut edges = std::mem::take(edges);
            let touched = self.touched.get(*place).copied().unwrap_or(self.now);
            Arc::make_mut(&mut edges).retain(|key, edge| keep(key, edge));
            if !edges.is_empty() {
                kept.len += edges.len();
                let ways = Ways::of(edges.values().flat_map(Edge::evidence));
                kept.put(Arc::clone(caller), edges, touched, ways);
            }
        }
        *self = kept;
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
            table.record(&sighting, Time::EPOCH, 2)
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
