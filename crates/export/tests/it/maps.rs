//! Maps to look at.

use std::net::IpAddr;

use map::{
    AddressRange, DnsName, EdgeKey, Evidence, Facet, HttpMethod, KafkaOperation, Map, Outcome,
    Peer, Protocol, Sighting, Time, Workload,
};

/// The 24th of November 2026.
const AT: i64 = 1_795_478_400;

pub(crate) fn workload(namespace: &str, name: &str, kind: &str) -> Peer {
    Peer::Workload(Workload::new(namespace, name, kind))
}

pub(crate) fn key(client: Peer, server: Peer) -> EdgeKey {
    EdgeKey {
        cluster: "".into(),
        client,
        server,
    }
}

pub(crate) fn record(map: &mut Map, client: Peer, server: Peer, facets: &[Facet]) {
    map.record(&sighting(key(client, server), facets));
}

pub(crate) fn sighting(key: EdgeKey, facets: &[Facet]) -> Sighting<'_> {
    Sighting {
        key,
        facets,
        first: Time::from_secs(AT),
        last: Time::from_secs(AT),
        reporter: None,
        connections: 1,
    }
}

pub(crate) fn topic(topic: &str, operation: KafkaOperation) -> Facet {
    Facet::Topic {
        topic: topic.into(),
        operation,
    }
}

pub(crate) fn resource(path: &str, method: HttpMethod) -> Facet {
    Facet::Resource {
        path: path.into(),
        method,
    }
}

pub(crate) fn port(port: u16) -> Facet {
    Facet::Port {
        protocol: Protocol::Tcp,
        port,
    }
}

pub(crate) const SEEN: Facet = Facet::Evidence(Evidence::Tcp);

/// Every kind of peer and facet, and the names that make trouble.
pub(crate) fn everything() -> Map {
    let mut map = Map::new();
    let frontend = || workload("shop", "frontend", "Deployment");
    let kafka = || workload("kafka", "kafka", "StatefulSet");
    record(
        &mut map,
        frontend(),
        workload("shop", "cart", "Deployment"),
        &[SEEN, port(7070), Facet::Service("cart-v2".into())],
    );
    // HTTP, with what YAML and the old tool's output would spoil.
    record(
        &mut map,
        frontend(),
        workload("shop", "catalog", "Deployment"),
        &[
            Facet::Evidence(Evidence::Istio),
            resource("/items", HttpMethod::Post),
            resource("/items", HttpMethod::Get),
            resource("/search?q=<a>&n=%20", HttpMethod::Get),
            resource("/any", HttpMethod::All),
            resource("yes: no", HttpMethod::Put),
        ],
    );
    // Topics: seen by the broker and on the wire; by the broker alone.
    record(
        &mut map,
        frontend(),
        kafka(),
        &[
            SEEN,
            port(9092),
            Facet::Evidence(Evidence::Kafka),
            topic("orders", KafkaOperation::Produce),
            topic("orders", KafkaOperation::Describe),
            topic("123", KafkaOperation::IdempotentWrite),
        ],
    );
    record(
        &mut map,
        workload("shop", "auditor", ""),
        kafka(),
        &[
            Facet::Evidence(Evidence::Kafka),
            topic("orders", KafkaOperation::Consume),
        ],
    );
    // Two kinds with one name, as clients and as servers; and a workload that has the name made up for the second.
    for kind in ["Deployment", "StatefulSet"] {
        record(
            &mut map,
            workload("shop", "twin", kind),
            frontend(),
            &[SEEN],
        );
        record(
            &mut map,
            frontend(),
            workload("shop", "twin", kind),
            &[SEEN],
        );
    }
    record(
        &mut map,
        workload("shop", "twin-statefulset", "Deployment"),
        frontend(),
        &[SEEN],
    );
    // A name that is no name of an object; the API server; itself.
    let dotted = || workload("shop", "app_4_2_0", "Deployment");
    record(&mut map, dotted(), dotted(), &[SEEN]);
    let api = || Peer::Workload(Workload::api_server());
    record(
        &mut map,
        dotted(),
        api(),
        &[SEEN, Facet::Service("kubernetes".into())],
    );
    record(&mut map, workload("default", "tool", "Pod"), api(), &[SEEN]);
    record(
        &mut map,
        workload("default", "tool", "Pod"),
        workload("shop", "assumed", "Deployment"),
        &[Facet::Evidence(Evidence::Dns), Facet::Assumed],
    );
    outside(&mut map);
    map.record_attempt(&sighting(
        key(frontend(), workload("shop", "gone", "Service")),
        &[SEEN, Facet::Outcome(Outcome::Refused)],
    ));
    map
}

fn outside(map: &mut Map) {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let payments = || workload("shop", "payments", "Deployment");
    let peers = [
        Peer::Name(DnsName::new("api.example.com")),
        Peer::Name(DnsName::new("*.example.org")),
        Peer::Address(AddressRange::single(address("93.184.216.34"))),
        Peer::Address(AddressRange {
            address: address("198.51.100.0"),
            prefix: 24,
        }),
        Peer::Address(AddressRange::single(address("2001:db8::1"))),
    ];
    for peer in peers {
        let facets = [SEEN, port(443), Facet::Address(address("93.184.216.34"))];
        record(map, payments(), peer, &facets);
    }
    record(
        map,
        Peer::Internet,
        payments(),
        &[SEEN, Facet::Address(address("203.0.113.9"))],
    );
}
