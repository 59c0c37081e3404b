//! What changed between two maps, or between two points in time.

use serde::Serialize;

use crate::{Edge, EdgeKey, Facet, Map, Seen, Time};

/// What changed, sorted. Attempts and times are not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Edges that were not there before.
    pub added: Vec<EdgeKey>,
    /// Edges that are no longer there.
    pub removed: Vec<EdgeKey>,
    /// Edges that are there before and after, with other facets.
    pub changed: Vec<ChangedEdge>,
}

/// An edge with other facets than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedEdge {
    /// Which edge.
    pub key: EdgeKey,
    /// Facets that were not there before.
    pub added: Vec<Facet>,
    /// Facets that are no longer there.
    pub removed: Vec<Facet>,
}

impl Difference {
    /// Whether nothing changed.
    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    fn compare_facets(&mut self, key: &EdgeKey, added: Vec<Facet>, removed: Vec<Facet>) {
        if !added.is_empty() || !removed.is_empty() {
            self.changed.push(ChangedEdge {
                key: key.clone(),
                added,
                removed,
            });
        }
    }
}

/// What is in one map and not in the other.
pub fn difference(before: &Map, after: &Map) -> Difference {
    let mut difference = Difference::default();
    for (key, edge) in after.edges() {
        match before.edge(key) {
            Some(old) => difference.compare_facets(key, missing(edge, old), missing(old, edge)),
            None => difference.added.push(key.clone()),
        }
    }
    let gone = before.edges().filter(|(key, _)| after.edge(key).is_none());
    difference.removed.extend(gone.map(|(key, _)| key.clone()));
    difference
}

/// The facets of one edge that another lacks.
fn missing(edge: &Edge, from: &Edge) -> Vec<Facet> {
    edge.facets
        .keys()
        .filter(|facet| !from.facets.contains_key(*facet))
        .cloned()
        .collect()
}

/// What changed in one map after `earlier`, up to and with `later`.
///
/// Added is what was first seen then. Removed is what went quiet: it was first seen before, and not once then, as far
/// as the buckets of [`Activity`](crate::Activity) tell.
pub fn difference_between(map: &Map, earlier: Time, later: Time) -> Difference {
    let fate = |seen: &Seen| Fate::of(seen, earlier, later);
    let mut difference = Difference::default();
    for (key, edge) in map.edges() {
        match fate(&edge.seen) {
            Fate::Added => difference.added.push(key.clone()),
            Fate::Removed => difference.removed.push(key.clone()),
            Fate::Later => {}
            Fate::Kept => {
                let facets = |wanted| {
                    let facets = edge
                        .facets
                        .iter()
                        .filter(move |(_, seen)| fate(seen) == wanted);
                    facets.map(|(facet, _)| facet.clone()).collect()
                };
                difference.compare_facets(key, facets(Fate::Added), facets(Fate::Removed));
            }
        }
    }
    difference
}

/// What a span of time means for an edge or a facet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Added,
    Removed,
    Kept,
    /// First seen after the span.
    Later,
}

impl Fate {
    fn of(seen: &Seen, earlier: Time, later: Time) -> Self {
        let first = seen.first();
        let start = Time::from_nanos(earlier.as_nanos().saturating_add(1));
        if first > later {
            Self::Later
        } else if first > earlier {
            Self::Added
        } else if seen.active_in(start, later) {
            Self::Kept
        } else {
            Self::Removed
        }
    }
}
