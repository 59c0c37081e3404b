//! An edge of the map: who calls whom, and all that is known of it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::sorted::SortedMap;
use crate::table::Generation;
use crate::vocabulary::{HttpMethod, KafkaOperation};
use crate::{Evidence, Facet, Peer, Protocol, Seen, Time};

/// Which edge: ordered by cluster, then client, then server, which is the order of every list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EdgeKey {
    /// The name of the cluster; empty when there is only one.
    #[serde(default, skip_serializing_if = "CompactString::is_empty")]
    pub cluster: CompactString,
    /// Who calls.
    pub client: Peer,
    /// Who is called.
    pub server: Peer,
}

/// What is known of an edge, or of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "EdgeFile")]
pub struct Edge {
    /// When it was seen; it encloses the times of all facets.
    pub seen: Seen,
    /// What it is made of, and when each was seen.
    pub facets: SortedMap<Facet, Seen>,
    /// How many connections each reporter counted, since that reporter started. The reporter without a name stands
    /// for all those that give none: its number is the largest single report.
    #[serde(skip_serializing_if = "SortedMap::is_empty")]
    pub connections: SortedMap<CompactString, u64>,
    /// In which generation of its table it changed last.
    #[serde(skip)]
    pub(crate) changed: Changed,
}

/// Book-keeping of the map's owner, and no part of what is known: it makes no two edges different.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Changed(pub(crate) Generation);

impl PartialEq for Changed {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Changed {}

impl Edge {
    /// Nothing but when it was seen.
    pub(crate) const fn new(seen: Seen) -> Self {
        Self {
            seen,
            facets: SortedMap::new(),
            connections: SortedMap::new(),
            changed: Changed(0),
        }
    }

    /// At least how many connections there were, over all reporters.
    pub fn connections(&self) -> u64 {
        self.connections
            .values()
            .fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// The server's ports, sorted.
    pub fn ports(&self) -> impl Iterator<Item = (Protocol, u16)> {
        self.facets.keys().filter_map(|facet| match facet {
            Facet::Port { protocol, port } => Some((*protocol, *port)),
            _ => None,
        })
    }

    /// How it was seen, sorted.
    pub fn evidence(&self) -> impl Iterator<Item = Evidence> {
        self.facets.keys().filter_map(Facet::evidence)
    }

    /// The Kubernetes Services through which it was called, sorted.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.facets.keys().filter_map(|facet| match facet {
            Facet::Service(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The addresses of the outside peer, sorted.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.facets.keys().filter_map(|facet| match facet {
            Facet::Address(address) => Some(*address),
            _ => None,
        })
    }

    /// The Kafka topics, sorted, each with its operations, sorted.
    pub fn topics(&self) -> BTreeMap<&str, Vec<KafkaOperation>> {
        let mut topics: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for facet in self.facets.keys() {
            if let Facet::Topic { topic, operation } = facet {
                topics.entry(topic).or_default().push(*operation);
            }
        }
        topics
    }

    /// The HTTP paths, sorted, each with its methods, sorted.
    pub fn resources(&self) -> BTreeMap<&str, Vec<HttpMethod>> {
        let mut resources: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for facet in self.facets.keys() {
            if let Facet::Resource { path, method } = facet {
                resources.entry(path).or_default().push(*method);
            }
        }
        resources
    }

    /// Whether the server is only assumed: taken by name among several behind one Service, and never shown by a
    /// connection.
    pub fn is_assumed(&self) -> bool {
        let shown = |evidence| matches!(evidence, Evidence::Tcp | Evidence::Socket);
        self.facets.contains_key(&Facet::Assumed) && !self.evidence().any(shown)
    }

    /// Joins another sighting of the same edge: each part by its own join.
    pub(crate) fn join(&mut self, other: &Self) {
        self.seen.join(&other.seen);
        self.facets.join_with(&other.facets, Seen::join);
        self.connections
            .join_with(&other.connections, |n, more| *n = (*n).max(*more));
    }

    /// See [`Seen::raise`].
    pub(crate) fn raise(&mut self, floor: Time) -> bool {
        self.facets.retain(|_, seen| seen.raise(floor));
        self.seen.raise(floor)
    }

    /// See [`Seen::lift`]. Of the connections, nobody can tell how many lie below the floor.
    pub(crate) fn lift(&mut self, floor: Time) -> bool {
        self.facets.retain(|_, seen| seen.lift(floor));
        self.connections.clear();
        self.seen.lift(floor)
    }
}

/// An edge as it is read, before it is checked.
#[derive(Deserialize)]
struct EdgeFile {
    seen: Seen,
    #[serde(default)]
    facets: SortedMap<Facet, Seen>,
    #[serde(default)]
    connections: SortedMap<CompactString, u64>,
}

/// A facet of an edge was seen when the edge was not: the file was changed by hand, or is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a facet was seen outside the time of its edge; take the file from a backup or export it again"
)]
pub struct EdgeError;

impl TryFrom<EdgeFile> for Edge {
    type Error = EdgeError;

    fn try_from(file: EdgeFile) -> Result<Self, EdgeError> {
        let EdgeFile {
            seen,
            facets,
            connections,
        } = file;
        let mut enclosing = seen.clone();
        facets.values().for_each(|facet| enclosing.join(facet));
        if enclosing == seen {
            Ok(Self {
                seen,
                facets,
                connections,
                changed: Changed::default(),
            })
        } else {
            Err(EdgeError)
        }
    }
}
