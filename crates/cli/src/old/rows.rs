//! From rows of pairs to a map, which all views are made of: the rules of the replaced tool for grouping and leaving out.

use std::collections::{BTreeMap, BTreeSet};

use map::{EdgeKey, Evidence, Facet, Map, Peer, Sighting, Time, Workload};
use wire::output::{Intent, OtterizeServiceIdentity as Identity};

/// What is shown of the rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// Names of clients and servers that are left out.
    pub(crate) exclude_services: Vec<String>,
    /// The label by whose value clients are told apart.
    pub(crate) label: Option<String>,
    /// Whether Kubernetes Services stand for workloads, so that their names count too.
    pub(crate) as_kubernetes_service: bool,
}

/// Rows have no times.
const SEEN: Time = Time::from_secs(1);

/// The map of the rows.
pub(crate) fn map(rows: &[Intent], shown: &Shown) -> Map {
    let kinds = kinds(rows);
    let mut groups: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    let mut map = Map::new();
    for row in rows {
        // A group is where its first row is, whatever of it is left out.
        let client = client(&row.client, shown, &mut groups, &kinds);
        if shown.leaves_out(row) {
            continue;
        }
        let facets = facets(row);
        map.record(&Sighting {
            key: EdgeKey {
                cluster: "".into(),
                client: Peer::Workload(client),
                server: Peer::Workload(server(&row.server)),
            },
            facets: &facets,
            first: SEEN,
            last: SEEN,
            reporter: None,
            connections: 0,
        });
    }
    map
}

impl Shown {
    fn leaves_out(&self, row: &Intent) -> bool {
        let service = row.server.kubernetes_service.as_ref();
        let service = service.filter(|_| self.as_kubernetes_service);
        let names = [Some(&row.client.name), Some(&row.server.name), service];
        let mut names = names.into_iter().flatten();
        names.any(|name| self.exclude_services.iter().any(|one| *one == **name))
    }
}

/// The kinds of clients by namespace and name: a broker's log tells none, and its client is no other one for that.
fn kinds(rows: &[Intent]) -> BTreeMap<(&str, &str), BTreeSet<&str>> {
    let mut kinds: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for client in rows.iter().map(|row| &row.client) {
        if let Some(kind) = kind(client) {
            kinds
                .entry((&*client.namespace, &*client.name))
                .or_default()
                .insert(kind);
        }
    }
    kinds
}

fn kind(identity: &Identity) -> Option<&str> {
    let kind = identity.pod_owner_kind.as_ref().map(|owner| &*owner.kind);
    kind.filter(|kind| !kind.is_empty())
}

fn client<'r>(
    identity: &'r Identity,
    shown: &Shown,
    groups: &mut BTreeMap<(&'r str, &'r str), &'r str>,
    kinds: &BTreeMap<(&str, &str), BTreeSet<&str>>,
) -> Workload {
    let (namespace, name) = (&*identity.namespace, &*identity.name);
    let known = kinds.get(&(namespace, name));
    let kind = kind(identity).or_else(|| known.and_then(|kinds| kinds.first().copied()));
    let namespace = match &shown.label {
        Some(label) => groups
            .entry((name, value(identity, label)))
            .or_insert(namespace),
        None => namespace,
    };
    Workload::new(namespace, name, kind.unwrap_or_default())
}

/// The value of a label, or what the replaced tool has for those without.
fn value<'r>(identity: &'r Identity, label: &str) -> &'r str {
    let mut labels = identity.labels.iter().flatten();
    labels
        .find(|one| one.key.as_str() == label)
        .map_or("no_value", |one| one.value.as_str())
}

/// The API server is a Service, whatever kind it is said to have.
fn server(identity: &Identity) -> Workload {
    let (namespace, name) = (&*identity.namespace, &*identity.name);
    let is_api_server = Workload::new(namespace, name, "").is_api_server();
    let kind = kind(identity).filter(|_| !is_api_server);
    Workload::new(namespace, name, kind.unwrap_or_default())
}

fn facets(row: &Intent) -> Vec<Facet> {
    let mut facets = Vec::new();
    for topic in row.kafka_topics.iter().flatten() {
        for operation in topic.operations.iter().flatten() {
            facets.push(Facet::Topic {
                topic: topic.name.0.clone(),
                operation: (*operation).into(),
            });
        }
    }
    let evidence = if facets.is_empty() {
        Evidence::Tcp
    } else {
        Evidence::Kafka
    };
    facets.push(Facet::Evidence(evidence));
    for resource in row.http_resources.iter().flatten() {
        for method in resource.methods.iter().flatten() {
            facets.push(Facet::Resource {
                path: resource.path.0.clone(),
                method: (*method).into(),
            });
        }
    }
    // A topic is the broker's own, whatever Service led there.
    if evidence != Evidence::Kafka
        && let Some(service) = &row.server.kubernetes_service
    {
        facets.push(Facet::Service(service.0.clone()));
    }
    facets
}
