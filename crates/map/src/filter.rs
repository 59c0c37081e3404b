//! Which part of the map to show.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;

use crate::table::{Edges, Table};
use crate::{Attributes, Edge, EdgeKey, Evidence, Map, Peer, Time, Workload};

/// Which edges of a map to show. What is empty or `None` does not restrict.
///
/// As a function of maps, a filter by cluster, namespaces, workloads and outside peers distributes over
/// [`Map::merge`]: filter either map, or filter the merged one. Where the maps have the same floors, a filter by
/// evidence at least keeps the same edges either way, and a filter by server or by time keeps no fewer of the
/// merged map (a client may call the server in one map and others in the other). A filter by labels promises
/// nothing: the labels may come with the other map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this cluster.
    pub cluster: Option<CompactString>,
    /// Only clients in these namespaces; for a client outside the cluster, the server's namespace counts.
    pub namespaces: BTreeSet<CompactString>,
    /// Only clients that call this server, with all their other edges.
    pub server: Option<Server>,
    /// No edges from or to workloads with these names, in any namespace.
    pub exclude_workloads: BTreeSet<CompactString>,
    /// No edges from or to workloads that have one of these labels with just this value.
    pub exclude_labels: BTreeMap<CompactString, CompactString>,
    /// Only these labels of workloads, by key; the edges stay the same. All if `None`.
    pub include_labels: Option<BTreeSet<CompactString>>,
    /// Also edges from or to peers outside the cluster.
    pub external: bool,
    /// Only edges that were seen in one of these ways.
    pub evidence: BTreeSet<Evidence>,
    /// Only edges that were active at or after this time, and of these only such facets.
    pub since: Option<Time>,
    /// Only edges that were active at or before this time, and of these only such facets.
    pub until: Option<Time>,
}

/// A server as people name it, whatever its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The workload's name.
    pub name: CompactString,
    /// Its namespace.
    pub namespace: CompactString,
}

/// Splits `key=value` as the replaced system does: `key` alone means an empty value, and what follows a second `=`
/// is ignored.
pub fn label(text: &str) -> (CompactString, CompactString) {
    let mut parts = text.split('=');
    let mut part = || CompactString::from(parts.next().unwrap_or_default());
    (part(), part())
}

impl Filter {
    /// The part of the map to show: floors and all attributes of the cluster, and the edges and attempts that pass.
    pub fn apply(&self, map: &Map) -> Map {
        let mut shown = Map::new();
        shown.floors.clone_from(&map.floors);
        for (cluster, workload, description) in map.workloads.iter() {
            if self.is_in_cluster(cluster) {
                let mut description = description.clone();
                self.trim_labels(&mut description.attributes);
                shown
                    .workloads
                    .describe(cluster, workload, &description, usize::MAX);
            }
        }
        shown.edges = self.table(map, &map.edges);
        shown.attempts = self.table(map, &map.attempts);
        shown
    }

    /// The edges that pass, sorted, without a copy of the map. Facets outside the time are still on them.
    pub fn edges<'m>(&'m self, map: &'m Map) -> impl Iterator<Item = (&'m EdgeKey, &'m Edge)> {
        self.select(map, &map.edges)
    }

    /// The attempts that pass, likewise.
    pub fn attempts<'m>(&'m self, map: &'m Map) -> impl Iterator<Item = (&'m EdgeKey, &'m Edge)> {
        self.select(map, &map.attempts)
    }

    /// Whether an edge of the map passes by itself: all but the filter by [`server`](Self::server), which looks at
    /// the client's other edges.
    pub fn matches(&self, map: &Map, key: &EdgeKey, edge: &Edge) -> bool {
        self.is_in_cluster(&key.cluster)
            && self.is_in_namespaces(key)
            && [&key.client, &key.server]
                .into_iter()
                .all(|peer| self.is_shown(map, &key.cluster, peer))
            && (self.evidence.is_empty()
                || edge
                    .evidence()
                    .any(|evidence| self.evidence.contains(&evidence)))
            && self.is_in_time(|from, to| edge.seen.active_in(from, to))
    }

    fn table(&self, map: &Map, table: &Table) -> Table {
        let mut shown = Table::new();
        for (key, edge) in self.select(map, table) {
            shown.join(key.clone(), self.trim_facets(edge));
        }
        shown
    }

    /// Whole clients are passed over where their name, their servers or how their edges were seen say enough: a table has
    /// far fewer of them than edges.
    fn select<'m>(
        &'m self,
        map: &'m Map,
        table: &'m Table,
    ) -> impl Iterator<Item = (&'m EdgeKey, &'m Edge)> {
        let clients = table.by_client().filter(|(cluster, client, edges, ways)| {
            self.is_in_cluster(cluster)
                && self.may_be_in_namespaces(client)
                && (self.evidence.is_empty() || ways.may_be_any(&self.evidence))
                && self
                    .server
                    .as_ref()
                    .is_none_or(|server| server.is_among(cluster, client, edges))
        });
        clients
            .flat_map(|(_, _, edges, _)| edges.iter())
            .filter(|(key, edge)| self.matches(map, key, edge))
    }

    fn is_in_cluster(&self, cluster: &CompactString) -> bool {
        self.cluster.as_ref().is_none_or(|wanted| wanted == cluster)
    }

    /// A client outside the cluster may be, by its servers.
    fn may_be_in_namespaces(&self, client: &Peer) -> bool {
        self.namespaces.is_empty()
            || client
                .workload()
                .is_none_or(|workload| self.namespaces.contains(&workload.namespace))
    }

    fn is_in_namespaces(&self, key: &EdgeKey) -> bool {
        let workload = key.client.workload().or_else(|| key.server.workload());
        self.namespaces.is_empty()
            || workload.is_some_and(|workload| self.namespaces.contains(&workload.namespace))
    }

    fn is_shown(&self, map: &Map, cluster: &str, peer: &Peer) -> bool {
        match peer.workload() {
            Some(workload) => {
                !self.exclude_workloads.contains(&workload.name)
                    && !self.has_excluded_label(map, cluster, workload)
            }
            None => self.external,
        }
    }

    fn has_excluded_label(&self, map: &Map, cluster: &str, workload: &Workload) -> bool {
        // Looking a workload up takes longer than all else that is asked of an edge.
        if self.exclude_labels.is_empty() {
            return false;
        }
        let mut excluded = self.exclude_labels.iter();
        map.attributes(cluster, workload).is_some_and(|attributes| {
            excluded.any(|(key, value)| attributes.labels.get(key) == Some(value))
        })
    }

    fn is_in_time(&self, is_active: impl Fn(Time, Time) -> bool) -> bool {
        match (self.since, self.until) {
            (None, None) => true,
            (since, until) => is_active(since.unwrap_or(Time::MIN), until.unwrap_or(Time::MAX)),
        }
    }

    fn trim_facets(&self, edge: &Edge) -> Edge {
        let mut edge = edge.clone();
        edge.facets
            .retain(|_, seen| self.is_in_time(|from, to| seen.active_in(from, to)));
        edge
    }

    fn trim_labels(&self, attributes: &mut Attributes) {
        if let Some(wanted) = &self.include_labels {
            attributes.labels.retain(|key, _| wanted.contains(key));
        }
    }
}

impl Server {
    /// Whether one of a client's edges leads here. They are sorted by namespace and name first.
    fn is_among(&self, cluster: &CompactString, client: &Peer, edges: &Edges) -> bool {
        let first = EdgeKey {
            cluster: cluster.clone(),
            client: client.clone(),
            server: Peer::Workload(Workload::new(&self.namespace, &self.name, "")),
        };
        let found = edges.from(&first).next();
        found
            .and_then(|(key, _)| key.server.workload())
            .is_some_and(|workload| {
                workload.name == self.name && workload.namespace == self.namespace
            })
    }
}
