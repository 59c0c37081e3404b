//! The list, for people:
//!
//! ```text
//! <client> in namespace <namespace> calls:
//!  - <server>
//!  - <server> in namespace <namespace, where it is not the client's>
//!    - Kafka topic: <topic>, operations: [<operation> <operation>]
//!    - path <path>, methods: [<METHOD>,<METHOD>]
//! ```
//!
//! Behind a name stands the kind where two workloads share name and namespace. Clients and servers are sorted by
//! name, then namespace, which is what an operator looks for first.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use map::{Edge, EdgeKey, HttpMethod, Map, Peer, Workload};

use crate::Options;
use crate::words;

pub(crate) fn render(map: &Map, options: Options) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = section(&mut text, map.edges(), "calls", options);
    if options.attempts {
        let _ = section(&mut text, map.attempts(), "tried to call", options);
    }
    text
}

/// How a peer is sorted: outside peers have no namespace.
type Order<'m> = (String, &'m str, &'m str);

fn section<'m>(
    text: &mut String,
    edges: impl Iterator<Item = (&'m EdgeKey, &'m Edge)>,
    verb: &str,
    options: Options,
) -> fmt::Result {
    type Servers<'m> = BTreeMap<Order<'m>, (&'m Peer, &'m Edge)>;
    let mut clients: BTreeMap<(Order<'_>, &str), (&Peer, Servers<'_>)> = BTreeMap::new();
    for (key, edge) in edges {
        if key.server.workload().is_some() || options.external {
            let (_, servers) = clients
                .entry((order(&key.client), &key.cluster))
                .or_insert_with(|| (&key.client, Servers::new()));
            servers.insert(order(&key.server), (&key.server, edge));
        }
    }
    let shared = shared_names(clients.values().flat_map(|(client, servers)| {
        let servers = servers.values().map(|(server, _)| *server);
        servers.chain([*client])
    }));
    for ((_, cluster), (client, servers)) in &clients {
        let cluster = if cluster.is_empty() {
            String::new()
        } else {
            format!(" of cluster {cluster}")
        };
        let own = client.workload().map_or("", |client| &*client.namespace);
        let client = name(client, "", &shared);
        writeln!(text, "{client}{cluster} {verb}:")?;
        for (server, edge) in servers.values() {
            let assumed = if edge.is_assumed() { " (assumed)" } else { "" };
            writeln!(text, " - {}{assumed}", name(server, own, &shared))?;
            details(text, edge)?;
        }
    }
    Ok(())
}

fn order(peer: &Peer) -> Order<'_> {
    match peer {
        Peer::Workload(workload) => (
            workload.name.to_string(),
            &workload.namespace,
            &workload.kind,
        ),
        other => (other.to_string(), "", ""),
    }
}

/// Namespace and name of workloads that differ only in kind.
fn shared_names<'m>(peers: impl Iterator<Item = &'m Peer>) -> BTreeSet<(&'m str, &'m str)> {
    let workloads: BTreeSet<&Workload> = peers.filter_map(Peer::workload).collect();
    let mut once = BTreeSet::new();
    workloads
        .into_iter()
        .map(|workload| (&*workload.namespace, &*workload.name))
        .filter(|name| !once.insert(*name))
        .collect()
}

/// The namespace is left out where it is this one.
fn name(peer: &Peer, namespace: &str, shared: &BTreeSet<(&str, &str)>) -> String {
    let workload = match peer {
        Peer::Workload(workload) => workload,
        Peer::Internet => return peer.to_string(),
        Peer::Name(_) | Peer::Address(_) | Peer::Cloud(_) => {
            return format!("{peer} (outside the cluster)");
        }
    };
    let mut text = workload.name.to_string();
    if shared.contains(&(&*workload.namespace, &*workload.name)) && !workload.kind.is_empty() {
        text = format!("{text} ({})", workload.kind);
    }
    if workload.namespace != namespace {
        text = format!("{text} in namespace {}", workload.namespace);
    }
    text
}

fn details(text: &mut String, edge: &Edge) -> fmt::Result {
    for (topic, operations) in edge.topics() {
        let operations: Vec<&str> = operations.into_iter().map(words::operation).collect();
        let operations = operations.join(" ");
        writeln!(
            text,
            "   - Kafka topic: {topic}, operations: [{operations}]"
        )?;
    }
    for (path, methods) in edge.resources() {
        let methods: Vec<&str> = methods.into_iter().map(HttpMethod::as_str).collect();
        writeln!(text, "   - path {path}, methods: [{}]", methods.join(","))?;
    }
    Ok(())
}
