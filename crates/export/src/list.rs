//! The list: `<client> in namespace <ns> calls:`, then its servers.

use std::collections::BTreeMap;
use std::fmt::Write;

use map::{Edge, EdgeKey, Map, Peer};

use crate::Options;

pub(crate) fn render(map: &Map, options: Options) -> String {
    let mut text = String::new();
    section(&mut text, map.edges(), "calls", options);
    if options.attempts {
        section(&mut text, map.attempts(), "tried to call", options);
    }
    text
}

fn section<'m>(
    text: &mut String,
    edges: impl Iterator<Item = (&'m EdgeKey, &'m Edge)>,
    verb: &str,
    options: Options,
) {
    // By name, then namespace: what an operator looks for first.
    let mut clients: BTreeMap<(String, String), BTreeMap<String, bool>> = BTreeMap::new();
    for (key, edge) in edges {
        let (client, namespace) = match &key.client {
            Peer::Workload(client) => (client.name.to_string(), client.namespace.to_string()),
            other => (other.to_string(), String::new()),
        };
        let server = match &key.server {
            Peer::Workload(server) if server.namespace == namespace => server.name.to_string(),
            Peer::Workload(server) => format!("{} in namespace {}", server.name, server.namespace),
            _ if !options.external => continue,
            other => format!("{other} (outside the cluster)"),
        };
        let servers = clients.entry((client, namespace)).or_default();
        *servers.entry(server).or_insert(true) &= edge.is_assumed();
    }
    for ((client, namespace), servers) in clients {
        // Writing to a string cannot fail.
        let place = if namespace.is_empty() {
            String::new()
        } else {
            format!(" in namespace {namespace}")
        };
        let _ = writeln!(text, "{client}{place} {verb}:");
        for (server, assumed) in servers {
            let _ = writeln!(
                text,
                " - {server}{}",
                if assumed { " (assumed)" } else { "" }
            );
        }
    }
}
