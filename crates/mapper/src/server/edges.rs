//! The map as the answers beyond the old contract have it.

use map::{Attributes, Change, Edge, EdgeKey, Evidence, Facet, Map, Outcome, Peer, Workload};
use wire::edge::{Edge as EdgeAnswer, EdgeChange, EdgeDetails, Peer as PeerAnswer, Port};
use wire::output::{HttpResource, KafkaConfig, PodLabel};
use wire::{AttemptOutcome, ChangeKind, CloudProvider, HttpMethod, Int, PeerKind, Text, Time};

/// Which labels of workloads an answer has: none, some by key, or all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    pub(crate) all: bool,
    pub(crate) keys: Vec<String>,
}

impl Labels {
    /// Those of a workload, sorted by key.
    pub(crate) fn of(&self, attributes: Option<&Attributes>) -> Vec<PodLabel> {
        let labels = attributes.into_iter().flat_map(|known| &known.labels);
        let wanted = labels.filter(|(key, _)| self.all || self.keys.iter().any(|k| k == *key));
        wanted
            .map(|(key, value)| PodLabel {
                key: key.clone().into(),
                value: value.clone().into(),
            })
            .collect()
    }
}

/// An edge or an attempt.
pub(crate) fn edge(map: &Map, key: &EdgeKey, edge: &Edge, labels: &Labels) -> EdgeAnswer {
    let EdgeDetails {
        ports,
        evidence,
        services,
        addresses,
        kafka_topics,
        http_resources,
        cloud_actions,
        cloud_data_actions,
        cloud_roles,
    } = details(&edge.facets.keys().collect::<Vec<_>>());
    let outcomes = edge.facets.keys().filter_map(|facet| match facet {
        Facet::Outcome(Outcome::Refused) => Some(AttemptOutcome::Refused),
        Facet::Outcome(Outcome::Unanswered) => Some(AttemptOutcome::Unanswered),
        _ => None,
    });
    EdgeAnswer {
        cluster: key.cluster.clone().into(),
        client: peer(map, &key.cluster, &key.client, labels),
        server: peer(map, &key.cluster, &key.server, labels),
        first_seen: Time(edge.seen.first()),
        last_seen: Time(edge.seen.last()),
        ports,
        evidence,
        services,
        addresses,
        kafka_topics,
        http_resources,
        cloud_actions,
        cloud_data_actions,
        cloud_roles,
        connections: Int::from(edge.connections()),
        assumed: edge.is_assumed(),
        outcomes: outcomes.collect(),
    }
}

/// What just came.
pub(crate) fn news(map: &Map, key: &EdgeKey, new: &Edge, change: Change) -> EdgeChange {
    let kind = if change == Change::NewEdge {
        ChangeKind::Added
    } else {
        ChangeKind::Changed
    };
    EdgeChange {
        kind,
        edge: edge(map, key, new, &Labels::default()),
        gained: None,
        lost: None,
    }
}

/// Facets, sorted into what they say.
pub(crate) fn details(facets: &[&Facet]) -> EdgeDetails {
    let facets = || facets.iter().copied();
    let text = |text: &compact_str::CompactString| Text(text.clone());
    let ports = facets().filter_map(|facet| match facet {
        Facet::Port { protocol, port } => Some(Port {
            protocol: (*protocol).into(),
            port: Int::from(*port),
        }),
        _ => None,
    });
    let evidence = facets().filter_map(|facet| match facet {
        Facet::Evidence(evidence) => Some((*evidence).into()),
        _ => None,
    });
    let services = facets().filter_map(|facet| match facet {
        Facet::Service(name) => Some(text(name)),
        _ => None,
    });
    let addresses = facets().filter_map(|facet| match facet {
        Facet::Address(address) => Some(Text::from(address.to_string())),
        _ => None,
    });
    let actions = facets().filter_map(|facet| match facet {
        Facet::CloudAction(action) => Some(text(action)),
        _ => None,
    });
    let data_actions = facets().filter_map(|facet| match facet {
        Facet::CloudDataAction(action) => Some(text(action)),
        _ => None,
    });
    let roles = facets().filter_map(|facet| match facet {
        Facet::CloudRole(role) => Some(text(role)),
        _ => None,
    });
    EdgeDetails {
        ports: ports.collect(),
        evidence: evidence.collect(),
        services: services.collect(),
        addresses: addresses.collect(),
        kafka_topics: topics(facets()),
        http_resources: resources(facets()),
        cloud_actions: actions.collect(),
        cloud_data_actions: data_actions.collect(),
        cloud_roles: roles.collect(),
    }
}

/// Topics, sorted, each with its operations. Facets are sorted, so that those of one topic stand together.
#[allow(
    single_use_lifetimes,
    reason = "an elided lifetime in an impl Trait argument is not stable"
)]
pub(crate) fn topics<'f>(facets: impl Iterator<Item = &'f Facet>) -> Vec<KafkaConfig> {
    let mut topics: Vec<KafkaConfig> = Vec::new();
    for facet in facets {
        let Facet::Topic { topic, operation } = facet else {
            continue;
        };
        match topics.last_mut().filter(|last| *last.name.0 == *topic) {
            Some(last) => last
                .operations
                .get_or_insert_default()
                .push((*operation).into()),
            None => topics.push(KafkaConfig {
                name: Text(topic.clone()),
                operations: Some(vec![(*operation).into()]),
            }),
        }
    }
    topics
}

/// Paths, likewise.
#[allow(
    single_use_lifetimes,
    reason = "an elided lifetime in an impl Trait argument is not stable"
)]
pub(crate) fn resources<'f>(facets: impl Iterator<Item = &'f Facet>) -> Vec<HttpResource> {
    let mut resources: Vec<HttpResource> = Vec::new();
    for facet in facets {
        let Facet::Resource { path, method } = facet else {
            continue;
        };
        let method = HttpMethod::from(*method);
        match resources.last_mut().filter(|last| *last.path.0 == *path) {
            Some(last) => last.methods.get_or_insert_default().push(method),
            None => resources.push(HttpResource {
                path: Text(path.clone()),
                methods: Some(vec![method]),
            }),
        }
    }
    resources
}

/// A peer.
pub(crate) fn peer(map: &Map, cluster: &str, peer: &Peer, labels: &Labels) -> PeerAnswer {
    let outside = |kind| PeerAnswer {
        kind,
        name: peer.to_string().into(),
        namespace: None,
        owner_kind: None,
        labels: None,
        provider: None,
    };
    match peer {
        Peer::Workload(workload) => of_workload(map, cluster, workload, labels),
        Peer::Name(_) => outside(PeerKind::Name),
        Peer::Address(_) => outside(PeerKind::Address),
        Peer::Internet => outside(PeerKind::Internet),
        Peer::Cloud(resource) => PeerAnswer {
            provider: Some(match resource.provider {
                map::CloudProvider::Aws => CloudProvider::Aws,
                map::CloudProvider::Gcp => CloudProvider::Gcp,
                map::CloudProvider::Azure => CloudProvider::Azure,
            }),
            ..outside(PeerKind::Cloud)
        },
    }
}

/// A workload as a peer.
pub(crate) fn of_workload(
    map: &Map,
    cluster: &str,
    workload: &Workload,
    labels: &Labels,
) -> PeerAnswer {
    let attributes = map.attributes(cluster, workload);
    let kind = Some(&workload.kind).filter(|kind| !kind.is_empty());
    PeerAnswer {
        kind: PeerKind::Workload,
        name: workload.name.clone().into(),
        namespace: Some(workload.namespace.clone().into()),
        owner_kind: kind.map(|kind| kind.clone().into()),
        labels: Some(labels.of(attributes)),
        provider: None,
    }
}

/// The evidence that an answer's filter names.
pub(crate) fn evidence(word: wire::Evidence) -> Evidence {
    word.into()
}
