//! What sightings do to the map, and what an edge tells.

use std::collections::BTreeMap;

use map::limits::{MAX_FACETS, MAX_REPORTERS};
use map::{
    Attributes, Change, Edge, EdgeKey, Evidence, Facet, HttpMethod, KafkaOperation, Map, Outcome,
    Peer, Protocol, Sighting, Time, Workload,
};

use crate::generate::BASE;

fn key() -> EdgeKey {
    let peer = |name| Peer::Workload(Workload::new("shop", name, "Deployment"));
    EdgeKey {
        cluster: "".into(),
        client: peer("web"),
        server: peer("cart"),
    }
}

fn at(facets: &[Facet], secs: i64) -> Sighting<'_> {
    let time = Time::from_secs(BASE + secs);
    Sighting {
        key: key(),
        facets,
        first: time,
        last: time,
        reporter: None,
        connections: 0,
    }
}

fn edge(facets: &[Facet]) -> Option<Edge> {
    let mut map = Map::new();
    map.record(&at(facets, 0));
    map.edge(&key()).cloned()
}

#[test]
fn a_sighting_says_what_it_changed() {
    let port = |port| {
        [Facet::Port {
            protocol: Protocol::Tcp,
            port,
        }]
    };
    let mut map = Map::new();
    assert!(map.is_empty());
    assert_eq!(map.record(&at(&port(80), 0)), Change::NewEdge);
    assert_eq!(map.record(&at(&port(80), 9)), Change::Refreshed);
    assert_eq!(map.record(&at(&port(81), 5)), Change::NewFacet);
    assert_eq!(
        map.record(&Sighting {
            last: Time::from_secs(-1),
            ..at(&[], 0)
        }),
        Change::BelowFloor
    );
    assert_eq!((map.len(), map.attempts().count()), (1, 0));

    let edge = map.edge(&key()).unwrap();
    assert_eq!(
        edge.ports().collect::<Vec<_>>(),
        [(Protocol::Tcp, 80), (Protocol::Tcp, 81)]
    );
    let last = |port: u16| {
        edge.facets
            .get(&Facet::Port {
                protocol: Protocol::Tcp,
                port,
            })
            .unwrap()
            .last()
    };
    assert_eq!(
        (last(80), last(81)),
        (Time::from_secs(BASE + 9), Time::from_secs(BASE + 5))
    );
}

#[test]
fn attempts_are_no_edges() {
    let mut map = Map::new();
    assert_eq!(
        map.record_attempt(&at(&[Facet::Outcome(Outcome::Refused)], 0)),
        Change::NewEdge
    );
    assert!(map.is_empty());
    assert_eq!(map.attempts().count(), 1);
    assert!(map.edge(&key()).is_none() && map.attempt(&key()).is_some());
}

#[test]
fn an_edge_lists_its_facets_grouped_and_sorted() {
    let topic = |topic: &str, operation| Facet::Topic {
        topic: topic.into(),
        operation,
    };
    let resource = |path: &str, method| Facet::Resource {
        path: path.into(),
        method,
    };
    let edge = edge(&[
        resource("/b", HttpMethod::Put),
        resource("/a", HttpMethod::Post),
        resource("/b", HttpMethod::Get),
        topic("orders", KafkaOperation::Produce),
        topic("orders", KafkaOperation::Consume),
        topic("carts", KafkaOperation::Describe),
        Facet::Service("web".into()),
        Facet::Address("2001:db8::1".parse().unwrap()),
        Facet::Address("192.0.2.1".parse().unwrap()),
        Facet::Evidence(Evidence::Kafka),
        Facet::Evidence(Evidence::Istio),
    ])
    .unwrap();
    let topics = [
        ("carts", vec![KafkaOperation::Describe]),
        (
            "orders",
            vec![KafkaOperation::Consume, KafkaOperation::Produce],
        ),
    ];
    assert_eq!(edge.topics(), BTreeMap::from(topics));
    let resources = [
        ("/a", vec![HttpMethod::Post]),
        ("/b", vec![HttpMethod::Get, HttpMethod::Put]),
    ];
    assert_eq!(edge.resources(), BTreeMap::from(resources));
    assert_eq!(edge.services().collect::<Vec<_>>(), ["web"]);
    let addresses: Vec<String> = edge
        .addresses()
        .map(|address| address.to_string())
        .collect();
    assert_eq!(addresses, ["192.0.2.1", "2001:db8::1"]);
    assert_eq!(
        edge.evidence().collect::<Vec<_>>(),
        [Evidence::Kafka, Evidence::Istio]
    );
}

#[test]
fn a_connection_ends_an_assumption() {
    let dns = Facet::Evidence(Evidence::Dns);
    let is_assumed = |facets: &[Facet]| edge(facets).unwrap().is_assumed();
    assert!(is_assumed(&[Facet::Assumed, dns.clone()]));
    assert!(!is_assumed(std::slice::from_ref(&dns)));
    for shown in [Evidence::Tcp, Evidence::Socket] {
        assert!(!is_assumed(&[
            Facet::Assumed,
            dns.clone(),
            Facet::Evidence(shown)
        ]));
    }
}

#[test]
fn counters_are_kept_by_reporter_and_summed() {
    let mut map = Map::new();
    for (reporter, connections) in [
        (Some("a"), 5),
        (Some("b"), 2),
        (Some("a"), 7),
        (Some("a"), 6),
        (None, 1),
    ] {
        map.record(&Sighting {
            reporter,
            connections,
            ..at(&[], 0)
        });
    }
    assert_eq!(map.edge(&key()).unwrap().connections(), 10);
}

#[test]
fn a_full_edge_refreshes_what_it_has_and_says_so() {
    let mut map = Map::new();
    let port = |port| Facet::Port {
        protocol: Protocol::Udp,
        port,
    };
    let ports: Vec<Facet> = (0..=u16::MAX).map(port).collect();
    assert_eq!(map.record(&at(&ports, 0)), Change::NewEdge);
    assert_eq!(map.record(&at(&ports[9_000..], 1)), Change::Full);
    assert_eq!(map.record(&at(&ports[..2], 1)), Change::Refreshed);
    assert_eq!(map.edge(&key()).unwrap().facets.len(), MAX_FACETS);

    for reporter in 0..2_000 {
        map.record(&Sighting {
            reporter: Some(&reporter.to_string()),
            connections: 1,
            ..at(&[], 2)
        });
    }
    assert_eq!(
        map.edge(&key()).unwrap().connections(),
        MAX_REPORTERS as u64
    );
}

#[test]
fn the_latest_attributes_count() {
    let workload = Workload::new("shop", "web", "Deployment");
    let labelled = |value: &str| Attributes {
        labels: [("app".into(), value.into())].into(),
        ..Attributes::default()
    };
    let mut map = Map::new();
    assert!(map.describe("", &workload, Time::from_secs(5), labelled("b")));
    assert!(!map.describe("", &workload, Time::from_secs(4), labelled("z")));
    assert!(!map.describe("", &workload, Time::from_secs(5), labelled("a")));
    assert!(map.describe("", &workload, Time::from_secs(6), labelled("c")));
    assert_eq!(map.attributes("", &workload), Some(&labelled("c")));
    assert_eq!(map.attributes("north", &workload), None);
}

#[test]
fn a_floor_forgets_the_attributes_of_workloads_that_are_gone() {
    let [web, cart, db] =
        ["web", "cart", "db"].map(|name| Workload::new("shop", name, "Deployment"));
    let mut map = Map::new();
    map.record(&at(&[], 60));
    for workload in [&web, &cart, &db] {
        map.describe("", workload, Time::from_secs(5), Attributes::default());
    }
    map.raise_floor("", Time::from_secs(BASE));
    assert!(
        map.attributes("", &web).is_some(),
        "its edge lives on, however old the description"
    );
    assert!(map.attributes("", &cart).is_some());
    assert_eq!(map.attributes("", &db), None);
}
