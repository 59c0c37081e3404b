//! The map as the old contract has it: workload to workload, a row for each kind of access.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use compact_str::CompactString;
use map::{Edge, EdgeKey, Evidence, Filter, Map, Workload};
use wire::IntentType;
use wire::output::{GroupVersionKind, Intent, OtterizeServiceIdentity, ServiceIntents};

use super::edges::{Labels, resources, topics};

/// The rows of a filtered map, sorted by client and server as `namespace/name`, then by kind of access.
pub(crate) fn intents(map: &Map, filter: &Filter, labels: &Labels) -> Vec<Intent> {
    let mut pairs: Vec<_> = filter
        .edges(map)
        .filter_map(|(key, edge)| {
            let ends = (key.client.workload()?, key.server.workload()?);
            Some((ends, key, edge))
        })
        .collect();
    // Stable: what differs by its kind stays in the order of kinds.
    pairs.sort_by(|(a, ..), (b, ..)| by_name(a.0, b.0).then_with(|| by_name(a.1, b.1)));
    let rows = pairs.into_iter().flat_map(|(ends, key, edge)| {
        let accesses = accesses(edge).into_iter();
        accesses.map(move |access| intent(map, key, ends, edge, access, labels))
    });
    rows.collect()
}

/// Clients with their servers, each once by namespace and name, sorted likewise.
pub(crate) fn service_intents(map: &Map, filter: &Filter, labels: &Labels) -> Vec<ServiceIntents> {
    let mut clients: BTreeMap<String, (OtterizeServiceIdentity, BTreeMap<String, _>)> =
        BTreeMap::new();
    for (key, edge) in filter.edges(map) {
        let (Some(client), Some(server)) = (key.client.workload(), key.server.workload()) else {
            continue;
        };
        let (_, servers) = clients.entry(named(client)).or_insert_with(|| {
            let client = identity(map, &key.cluster, client, None, labels);
            (client, BTreeMap::new())
        });
        servers.entry(named(server)).or_insert_with(|| {
            let service = edge.services().next();
            identity(map, &key.cluster, server, service, labels)
        });
    }
    let clients = clients.into_values();
    clients
        .map(|(client, servers)| ServiceIntents {
            client,
            intents: servers.into_values().collect(),
        })
        .collect()
}

fn named(workload: &Workload) -> String {
    format!("{}/{}", workload.namespace, workload.name)
}

/// The order of [`named`], without the texts.
fn by_name(a: &Workload, b: &Workload) -> Ordering {
    fn bytes(of: &Workload) -> impl Iterator<Item = u8> {
        of.namespace.bytes().chain(*b"/").chain(of.name.bytes())
    }
    if a.namespace == b.namespace {
        return a.name.cmp(&b.name);
    }
    bytes(a).cmp(bytes(b))
}

/// A kind of access, as the replaced system tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Seen on the network; what for is not known.
    Network(&'static str),
    Http,
    Kafka,
}

/// The kinds of access of an edge: that on the network first.
fn accesses(edge: &Edge) -> Vec<Access> {
    let has = |wanted| edge.evidence().any(|evidence| evidence == wanted);
    let through_service = edge.services().next().is_some();
    let network = if has(Evidence::Tcp) {
        Some("handleInternalTrafficTCPResult")
    } else if has(Evidence::Socket) && through_service {
        Some("addSocketScanServiceIntent")
    } else if has(Evidence::Socket) {
        Some("addSocketScanPodIntent")
    } else if has(Evidence::Dns) {
        Some("handleDNSCaptureResultsAsKubernetesPods")
    } else {
        None
    };
    let http = has(Evidence::Istio).then_some(Access::Http);
    let kafka = has(Evidence::Kafka).then_some(Access::Kafka);
    let all = [network.map(Access::Network), http, kafka];
    all.into_iter().flatten().collect()
}

fn intent(
    map: &Map,
    key: &EdgeKey,
    (client, server): (&Workload, &Workload),
    edge: &Edge,
    access: Access,
    labels: &Labels,
) -> Intent {
    let (intent_type, how) = match access {
        Access::Network(how) => (None, how),
        Access::Http => (Some(IntentType::Http), "handleReportIstioConnectionResults"),
        Access::Kafka => (Some(IntentType::Kafka), "handleReportKafkaMapperResults"),
    };
    let facets = edge.facets.keys();
    Intent {
        client: identity(map, &key.cluster, client, None, labels),
        server: identity(map, &key.cluster, server, edge.services().next(), labels),
        intent_type,
        resolution_data: Some(how.into()),
        kafka_topics: (access == Access::Kafka).then(|| topics(facets)),
        http_resources: (access == Access::Http).then(|| resources(edge.facets.keys())),
        aws_actions: None,
    }
}

fn identity(
    map: &Map,
    cluster: &str,
    workload: &Workload,
    service: Option<&str>,
    labels: &Labels,
) -> OtterizeServiceIdentity {
    let attributes = map.attributes(cluster, workload);
    let text = |text: &CompactString| text.clone().into();
    let owner = attributes.filter(|_| !workload.kind.is_empty());
    OtterizeServiceIdentity {
        name: text(&workload.name),
        namespace: text(&workload.namespace),
        labels: attributes.map(|_| labels.of(attributes)),
        name_resolved_using_annotation: attributes.map(|known| known.by_annotation),
        resolution_data: None,
        pod_owner_kind: owner.map(|known| GroupVersionKind {
            group: (!known.api_group.is_empty()).then(|| text(&known.api_group)),
            version: text(&known.api_version),
            kind: text(&workload.kind),
        }),
        kubernetes_service: service.map(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_are_in_the_order_of_their_texts() {
        let parts = ["a", "a-b", "a.b", "a/b", "ab", "b", ""];
        let all: Vec<Workload> = { parts.iter() }
            .flat_map(|namespace| parts.map(|name| Workload::new(namespace, name, "")))
            .collect();
        for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
            assert_eq!(by_name(a, b), named(a).cmp(&named(b)), "{a} {b}");
        }
    }
}
