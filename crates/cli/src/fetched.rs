//! A map from edges as a mapper answers them: what views show, without who counted and the hours of activity.

use map::{
    AddressRange, CloudProvider, CloudResource, DnsName, EdgeKey, Facet, Map, Peer, Sighting,
    Workload,
};
use wire::PeerKind;
use wire::edge::{Edge, Peer as PeerAnswer};

/// The map of these edges and attempts. What cannot be read is left out.
pub(crate) fn map(edges: &[Edge], attempts: &[Edge]) -> Map {
    let mut map = Map::new();
    for (all, tried) in [(edges, false), (attempts, true)] {
        for edge in all {
            let Some(key) = key(edge) else {
                continue;
            };
            let facets = facets(edge);
            let sighting = Sighting {
                key,
                facets: &facets,
                first: edge.first_seen.0,
                last: edge.last_seen.0,
                reporter: None,
                connections: u64::try_from(edge.connections.0).unwrap_or_default(),
            };
            if tried {
                map.record_attempt(&sighting);
            } else {
                map.record(&sighting);
            }
        }
    }
    map
}

/// The ends of an edge.
pub(crate) fn key(edge: &Edge) -> Option<EdgeKey> {
    Some(EdgeKey {
        cluster: edge.cluster.0.clone(),
        client: peer(&edge.client)?,
        server: peer(&edge.server)?,
    })
}

fn peer(answer: &PeerAnswer) -> Option<Peer> {
    let text = |text: &Option<wire::Text>| text.as_ref().map_or("", wire::Text::as_str).to_owned();
    Some(match answer.kind {
        PeerKind::Workload => Peer::Workload(Workload::new(
            &text(&answer.namespace),
            answer.name.as_str(),
            &text(&answer.owner_kind),
        )),
        PeerKind::Name => Peer::Name(DnsName::new(answer.name.as_str())),
        PeerKind::Address => Peer::Address(range(answer.name.as_str())?),
        PeerKind::Internet => Peer::Internet,
        PeerKind::Cloud => Peer::Cloud(CloudResource {
            provider: CloudProvider::from(answer.provider?),
            name: answer.name.0.clone(),
        }),
    })
}

/// An address, or `192.0.2.0/24`.
fn range(text: &str) -> Option<AddressRange> {
    match text.split_once('/') {
        None => text.parse().ok().map(AddressRange::single),
        Some((address, prefix)) => Some(AddressRange {
            address: address.parse().ok()?,
            prefix: prefix.parse().ok()?,
        }),
    }
}

/// What is known of an edge, one by one.
pub(crate) fn facets(edge: &Edge) -> Vec<Facet> {
    let mut facets = Vec::new();
    for port in &edge.ports {
        if let Some(number) = port.port.port() {
            facets.push(Facet::Port {
                protocol: port.protocol.into(),
                port: number,
            });
        }
    }
    facets.extend(
        edge.evidence
            .iter()
            .map(|one| Facet::Evidence((*one).into())),
    );
    facets.extend(
        edge.services
            .iter()
            .map(|one| Facet::Service(one.0.clone())),
    );
    let addresses = edge.addresses.iter().filter_map(wire::Text::address);
    facets.extend(addresses.map(Facet::Address));
    for topic in &edge.kafka_topics {
        for operation in topic.operations.iter().flatten() {
            facets.push(Facet::Topic {
                topic: topic.name.0.clone(),
                operation: (*operation).into(),
            });
        }
    }
    for resource in &edge.http_resources {
        for method in resource.methods.iter().flatten() {
            facets.push(Facet::Resource {
                path: resource.path.0.clone(),
                method: (*method).into(),
            });
        }
    }
    let actions = edge.cloud_actions.iter();
    facets.extend(actions.map(|one| Facet::CloudAction(one.0.clone())));
    let actions = edge.cloud_data_actions.iter();
    facets.extend(actions.map(|one| Facet::CloudDataAction(one.0.clone())));
    let roles = edge.cloud_roles.iter();
    facets.extend(roles.map(|one| Facet::CloudRole(one.0.clone())));
    if edge.assumed {
        facets.push(Facet::Assumed);
    }
    facets.extend(
        edge.outcomes
            .iter()
            .map(|one| Facet::Outcome((*one).into())),
    );
    facets
}
