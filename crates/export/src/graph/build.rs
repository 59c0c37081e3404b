//! From the map to the graph.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use map::{CloudProvider, Edge, EdgeKey, Map, Peer, Workload};

use super::{Arrow, ArrowSort, Graph, Group, GroupSort, Limits, Node, outside};
use crate::Options;

type Seen<'m> = (&'m EdgeKey, &'m Edge, bool);

/// Which node a peer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End<'m> {
    Internet,
    Workload(&'m str, &'m Workload),
    /// A namespace that stands for its workloads.
    Namespace(&'m str, &'m str),
    /// All namespaces that are too many even so.
    Rest,
    Domain(&'m str),
    Address(&'m map::AddressRange),
    Addresses(&'static str),
    Cloud(CloudProvider, &'m str),
}

impl<'m> Graph<'m> {
    /// What the options want to see, within the limits.
    pub(crate) fn new(map: &'m Map, options: Options, limits: Limits) -> Self {
        let seen: Vec<Seen<'m>> = seen(map, options);
        let addresses: BTreeSet<_> = seen
            .iter()
            .flat_map(|(key, ..)| [&key.client, &key.server])
            .filter(|peer| matches!(peer, Peer::Address(_)))
            .collect();
        let ends = Ends {
            folds_addresses: addresses.len() > outside::MAX_ADDRESSES,
            ..Ends::default()
        };
        let graph = Self::of(&seen, &ends);
        if graph.nodes.len() <= limits.nodes && graph.arrows.len() <= limits.arrows {
            return graph;
        }
        let (workloads, edges) = (graph.nodes.len(), graph.arrows.len());
        drop(graph);
        Self::folded(&seen, ends, limits, workloads, edges)
    }

    fn folded(
        seen: &[Seen<'m>],
        mut ends: Ends<'m>,
        limits: Limits,
        nodes: usize,
        arrows: usize,
    ) -> Self {
        ends.folds_workloads = true;
        let mut busy: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (key, ..) in seen {
            for peer in [&key.client, &key.server] {
                if let Peer::Workload(workload) = peer {
                    *busy.entry((&key.cluster, &workload.namespace)).or_default() += 1;
                }
            }
        }
        if busy.len() > limits.nodes {
            let mut busiest: Vec<_> = busy.into_iter().collect();
            busiest.sort_by_key(|(_, edges)| std::cmp::Reverse(*edges));
            busiest.truncate(limits.nodes);
            ends.shown = Some(
                busiest
                    .into_iter()
                    .map(|(namespace, _)| namespace)
                    .collect(),
            );
        }
        let mut graph = Self::of(seen, &ends);
        graph.note = format!(
            "{nodes} workloads with {arrows} edges are too many for one picture: a box is a namespace. \
             Filter by namespace to see its workloads."
        );
        if graph.arrows.len() > limits.arrows {
            let left_out = graph.arrows.len() - limits.arrows;
            graph
                .arrows
                .sort_by_key(|arrow| std::cmp::Reverse(arrow.edges.len()));
            graph.arrows.truncate(limits.arrows);
            graph
                .arrows
                .sort_by_key(|arrow| (arrow.client, arrow.server));
            let more = format!(" The {left_out} arrows with the fewest edges are left out.");
            graph.note.push_str(&more);
        }
        graph
    }

    fn of(seen: &[Seen<'m>], ends: &Ends<'m>) -> Self {
        let mut members: BTreeMap<(Group, End<'m>), BTreeSet<&'m Peer>> = BTreeMap::new();
        let mut pairs: BTreeMap<[(Group, End<'m>); 2], Vec<Seen<'m>>> = BTreeMap::new();
        let many = {
            let mut clusters = seen.iter().map(|(key, ..)| &key.cluster);
            let first = clusters.next();
            clusters.any(|cluster| Some(cluster) != first)
        };
        for (key, edge, is_attempt) in seen {
            let pair = [&key.client, &key.server].map(|peer| {
                let end = ends.of(&key.cluster, peer);
                let place = (Ends::group(end, many), end);
                members.entry(place.clone()).or_default().insert(peer);
                place
            });
            pairs
                .entry(pair)
                .or_default()
                .push((key, edge, *is_attempt));
        }
        let mut graph = Self::default();
        let mut places = BTreeMap::new();
        let shared = shared_names(members.keys().map(|(_, end)| *end));
        for ((group, end), peers) in &members {
            if graph.groups.last() != Some(group) {
                graph.groups.push(group.clone());
            }
            places.insert((group, *end), graph.nodes.len());
            graph
                .nodes
                .push(node(*end, peers, graph.groups.len() - 1, &shared));
        }
        for ([client, server], edges) in pairs {
            let place = |(group, end): &(Group, End<'m>)| places.get(&(group, *end)).copied();
            let (Some(client), Some(server)) = (place(&client), place(&server)) else {
                continue;
            };
            let sorts = edges
                .iter()
                .map(|(_, edge, is_attempt)| ArrowSort::of(edge, *is_attempt));
            let sort = sorts.max().unwrap_or(ArrowSort::Plain);
            if sort != ArrowSort::Attempt {
                graph.nodes[client].is_only_tried = false;
                graph.nodes[server].is_only_tried = false;
            }
            graph.arrows.push(Arrow {
                client,
                server,
                edges,
                sort,
            });
        }
        graph
    }
}

/// The same choice as in the list.
fn seen(map: &Map, options: Options) -> Vec<Seen<'_>> {
    let edges = map.edges().map(|(key, edge)| (key, edge, false));
    let attempts = map.attempts().map(|(key, edge)| (key, edge, true));
    edges
        .chain(attempts.filter(|_| options.attempts))
        .filter(|(key, ..)| key.server.workload().is_some() || options.external)
        .collect()
}

#[derive(Clone, Debug, Default)]
struct Ends<'m> {
    folds_addresses: bool,
    folds_workloads: bool,
    /// The namespaces that are shown, where not all are.
    shown: Option<BTreeSet<(&'m str, &'m str)>>,
}

impl<'m> Ends<'m> {
    fn of(&self, cluster: &'m str, peer: &'m Peer) -> End<'m> {
        match peer {
            Peer::Internet => End::Internet,
            Peer::Workload(workload) if self.folds_workloads => {
                let namespace = (cluster, workload.namespace.as_str());
                match &self.shown {
                    Some(shown) if !shown.contains(&namespace) => End::Rest,
                    _ => End::Namespace(namespace.0, namespace.1),
                }
            }
            Peer::Workload(workload) => End::Workload(cluster, workload),
            Peer::Name(name) => End::Domain(outside::domain(name)),
            Peer::Address(range) if self.folds_addresses => End::Addresses(outside::family(range)),
            Peer::Address(range) => End::Address(range),
            Peer::Cloud(resource) => End::Cloud(resource.provider, &resource.name),
        }
    }

    fn group(end: End<'m>, many_clusters: bool) -> Group {
        let (sort, title) = match end {
            End::Internet => (GroupSort::Internet, String::new()),
            End::Workload(cluster, workload) if many_clusters && !cluster.is_empty() => (
                GroupSort::Namespace,
                format!("{cluster} / {}", workload.namespace),
            ),
            End::Workload(_, workload) => (GroupSort::Namespace, workload.namespace.to_string()),
            End::Namespace(..) | End::Rest => (GroupSort::Namespace, String::new()),
            _ => (GroupSort::Outside, "outside the cluster".to_owned()),
        };
        Group { sort, title }
    }
}

/// Workloads that differ only in kind.
fn shared_names<'m>(ends: impl Iterator<Item = End<'m>>) -> BTreeSet<(&'m str, &'m Workload)> {
    let mut shared = BTreeSet::new();
    let mut last: Option<(&str, &Workload)> = None;
    for end in ends {
        let End::Workload(cluster, workload) = end else {
            continue;
        };
        if let Some((other, twin)) = last
            && other == cluster
            && (&twin.namespace, &twin.name) == (&workload.namespace, &workload.name)
        {
            shared.extend([(cluster, twin), (cluster, workload)]);
        }
        last = Some((cluster, workload));
    }
    shared
}

fn node(
    end: End<'_>,
    peers: &BTreeSet<&Peer>,
    group: usize,
    shared: &BTreeSet<(&str, &Workload)>,
) -> Node {
    let count = |what: &str| match peers.len() {
        1 => String::new(),
        n => format!("{n} {what}"),
    };
    let all = || {
        let names: Vec<String> = peers.iter().map(ToString::to_string).collect();
        names.join("\n")
    };
    let only = || peers.first().map(ToString::to_string).unwrap_or_default();
    let (name, remark, about) = match end {
        End::Internet => ("internet".to_owned(), String::new(), "internet".to_owned()),
        End::Workload(cluster, workload) => {
            let remark = if shared.contains(&(cluster, workload)) {
                workload.kind.to_string()
            } else {
                short_kind(&workload.kind).to_owned()
            };
            // Writing to a string cannot fail.
            let mut about = format!("{}.{}", workload.name, workload.namespace);
            if !workload.kind.is_empty() {
                let _ = write!(about, "\n{}", workload.kind);
            }
            if !cluster.is_empty() {
                let _ = write!(about, "\ncluster {cluster}");
            }
            (workload.name.to_string(), remark, about)
        }
        End::Namespace(cluster, namespace) => {
            let remark = match peers.len() {
                1 => "1 workload".to_owned(),
                n => format!("{n} workloads"),
            };
            let name = match cluster {
                "" => namespace.to_owned(),
                cluster => format!("{cluster} / {namespace}"),
            };
            (
                name.clone(),
                remark.clone(),
                format!("namespace {name}\n{remark}"),
            )
        }
        End::Rest => {
            let remark = format!("{} workloads", peers.len());
            ("all other namespaces".to_owned(), remark.clone(), remark)
        }
        End::Domain(domain) if peers.len() > 1 => (domain.to_owned(), count("names"), all()),
        End::Addresses(family) => (family.to_owned(), peers.len().to_string(), all()),
        End::Domain(_) | End::Address(_) => (only(), String::new(), only()),
        End::Cloud(provider, name) => {
            let provider = provider.as_str();
            (
                name.to_owned(),
                provider.to_owned(),
                format!("{name}\n{provider}"),
            )
        }
    };
    Node {
        group,
        name,
        remark,
        about,
        is_workload: matches!(end, End::Workload(..)),
        is_only_tried: true,
    }
}

/// The short names of kubectl, where there is one.
fn short_kind(kind: &str) -> &str {
    match kind {
        "Deployment" => "deploy",
        "StatefulSet" => "sts",
        "DaemonSet" => "ds",
        "ReplicaSet" => "rs",
        "ReplicationController" => "rc",
        "CronJob" => "cj",
        "Job" => "job",
        "Pod" => "pod",
        "Service" => "svc",
        other => other,
    }
}
