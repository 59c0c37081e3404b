//! What the map takes in, and what became of it.

use crate::{EdgeKey, Facet, Time};

/// A resolved observation: an edge was seen between two points in time.
#[derive(Clone, Debug)]
pub struct Sighting<'a> {
    /// Which edge.
    pub key: EdgeKey,
    /// What was seen of it.
    pub facets: &'a [Facet],
    /// The first time.
    pub first: Time,
    /// The last time.
    pub last: Time,
    /// Who counted the connections, if it has a name that lives as long as its counter.
    pub reporter: Option<&'a str>,
    /// How many connections the reporter has counted on this edge since it started.
    pub connections: u64,
}

/// What a sighting changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// The edge was not in the map.
    NewEdge,
    /// The edge was, but not all of these facets.
    NewFacet,
    /// Times and counts only.
    Refreshed,
    /// A table of the map is full: the edge, or some new facet of a known edge, was not taken.
    Full,
    /// All of it lies below the cluster's floor, or before 1970: nothing was taken.
    BelowFloor,
}
