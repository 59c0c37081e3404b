//! From the map to documents: who gets one, and under which name.

use std::collections::{BTreeMap, BTreeSet};

use map::{Map, Peer, Workload};

use super::targets::Targets;
use super::{Client, ClientIntents};
use crate::Options;

/// The longest name of an object (Kubernetes: "Object Names and IDs", DNS subdomain names).
const MAX_OBJECT_NAME: usize = 253;

/// A document for each workload that calls something that is shown, sorted by cluster, name, namespace and kind.
///
/// Attempts are left out, as are callers from outside.
pub fn client_intents(map: &Map, options: Options) -> Vec<ClientIntents> {
    // Name before namespace is the order of the replaced tool.
    let mut clients: BTreeMap<(&str, &str, &str, &str), Targets> = BTreeMap::new();
    for (key, edge) in map.edges() {
        let Peer::Workload(Workload {
            namespace,
            name,
            kind,
        }) = &key.client
        else {
            continue;
        };
        clients
            .entry((&key.cluster, name, namespace, kind))
            .or_default()
            .add(namespace, &key.server, edge, options);
    }
    clients.retain(|_, targets| !targets.is_empty());
    let mut names = Names::of(clients.keys().map(|(cluster, name, namespace, _)| {
        // The workload's own namespace decides which documents may clash.
        (*cluster, *namespace, *name)
    }));
    clients
        .into_iter()
        .map(
            |((cluster, name, namespace, kind), targets)| ClientIntents {
                name: names.take(cluster, namespace, name, kind),
                namespace: namespace.to_owned(),
                workload: Client {
                    name: name.to_owned(),
                    kind: kind.to_owned(),
                },
                shares_name: names.is_shared(cluster, namespace, name),
                targets: targets.into_sorted(),
            },
        )
        .collect()
}

/// Gives each document a name of its own in its cluster and namespace.
struct Names<'m> {
    /// How many kinds of workload have this name.
    kinds: BTreeMap<(&'m str, &'m str, &'m str), usize>,
    /// Names that are some workload's own go to no other.
    reserved: BTreeSet<(&'m str, &'m str, String)>,
    taken: BTreeSet<(&'m str, &'m str, String)>,
}

impl<'m> Names<'m> {
    fn of(workloads: impl Iterator<Item = (&'m str, &'m str, &'m str)>) -> Self {
        let mut names = Self {
            kinds: BTreeMap::new(),
            reserved: BTreeSet::new(),
            taken: BTreeSet::new(),
        };
        for (cluster, namespace, name) in workloads {
            *names.kinds.entry((cluster, namespace, name)).or_default() += 1;
            if object_name(name) == name {
                names.reserved.insert((cluster, namespace, name.to_owned()));
            }
        }
        names
    }

    fn is_shared(&self, cluster: &'m str, namespace: &'m str, name: &'m str) -> bool {
        self.kinds.get(&(cluster, namespace, name)) > Some(&1)
    }

    /// The workload's name where that is free: the first kind has it. Else with the kind behind it, else with a
    /// number.
    fn take(&mut self, cluster: &'m str, namespace: &'m str, name: &str, kind: &str) -> String {
        let own = object_name(name);
        let with_kind = object_name(&format!("{own}-{kind}"));
        let numbered = (2..).map(|number: u32| object_name(&format!("{with_kind}-{number}")));
        let candidates = [own.clone(), with_kind.clone()].into_iter().chain(numbered);
        for candidate in candidates {
            let is_own = candidate == name;
            let candidate = (cluster, namespace, candidate);
            if !self.taken.contains(&candidate) && (is_own || !self.reserved.contains(&candidate)) {
                self.taken.insert(candidate.clone());
                return candidate.2;
            }
        }
        own
    }
}

/// The name as Kubernetes allows it for an object: lower case letters, digits, `-` and `.`, the first and last a
/// letter or a digit.
fn object_name(name: &str) -> String {
    let allowed: String = name
        .chars()
        .take(MAX_OBJECT_NAME)
        .map(|c| match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '-' | '.') => c,
            _ => '-',
        })
        .collect();
    let trimmed = allowed.trim_matches(['-', '.']);
    if trimmed.is_empty() {
        "workload".to_owned()
    } else {
        trimmed.to_owned()
    }
}
