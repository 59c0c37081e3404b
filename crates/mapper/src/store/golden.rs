//! A file of version 1, which every program to come has to read: `tests/golden/map-v1.redb`, with one of everything.

use std::path::{Path, PathBuf};

use map::workload::AddressRange;
use map::{
    Answer, Attributes, CloudProvider, CloudResource, Connection, DnsName, EdgeKey, Evidence,
    Facet, HttpMethod, KafkaOperation, Map, Observation, Outcome, Peer, Protocol, Sighting, Source,
    Target, Time, Workload,
};

use super::rows::{Batch, Op, Row};
use super::{FILE, File};
use crate::fact::{Claim, CloudAccess, CloudClient, Fact, HttpRequest, TopicAccess};
use crate::pairs::Waiting;
use crate::resolve::Server;
use crate::unsaved::{Held, HeldAnswer};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/map-v1.redb")
}

const CLUSTER: &str = "east";

fn at(seconds: i64) -> Time {
    Time::from_secs(1_790_000_000 + seconds)
}

fn web() -> Workload {
    Workload::new("shop", "web", "Deployment")
}

fn peers() -> Vec<Peer> {
    vec![
        Peer::Workload(web()),
        Peer::Workload(Workload::new("shop", "Ünïcode \"quoted\"", "")),
        Peer::Name(DnsName::new("*.example.com")),
        Peer::Address(AddressRange {
            address: [198, 51, 100, 0].into(),
            prefix: 24,
        }),
        Peer::Internet,
        Peer::Cloud(CloudResource {
            provider: CloudProvider::Aws,
            name: "arn:aws:s3:::bucket".into(),
        }),
    ]
}

fn facets() -> Vec<Facet> {
    let mut facets = vec![
        Facet::Port {
            protocol: Protocol::Tcp,
            port: 8080,
        },
        Facet::Port {
            protocol: Protocol::Udp,
            port: 53,
        },
        Facet::Service("cart".into()),
        Facet::Address("2001:db8::1".parse().unwrap()),
        Facet::Topic {
            topic: "orders".into(),
            operation: KafkaOperation::Produce,
        },
        Facet::Resource {
            path: "/a/{id}".into(),
            method: HttpMethod::Get,
        },
        Facet::CloudAction("s3:GetObject".into()),
        Facet::CloudDataAction("read".into()),
        Facet::CloudRole("role".into()),
        Facet::Assumed,
    ];
    facets.extend(Evidence::ALL.map(Facet::Evidence));
    facets
}

/// One of everything that a map may hold.
fn map() -> Map {
    let mut map = Map::new();
    map.raise_floor(CLUSTER, at(-1_000_000));
    let sighting = |server: &Peer, facets, seconds| Sighting {
        key: EdgeKey {
            cluster: CLUSTER.into(),
            client: Peer::Workload(web()),
            server: server.clone(),
        },
        facets,
        first: at(seconds),
        last: at(seconds + 5),
        reporter: Some("node-1/7"),
        connections: 12,
    };
    let (facets, refused) = (facets(), [Facet::Outcome(Outcome::Refused)]);
    for (number, server) in (0..).zip(&peers()) {
        // With gaps of minutes and of days.
        for seconds in [0, 400, 90_000] {
            map.record(&sighting(server, &facets, seconds + number));
        }
        map.record_attempt(&sighting(server, &refused, number));
    }
    let attributes = Attributes {
        labels: [("app".into(), "web".into())].into(),
        api_group: "apps".into(),
        api_version: "v1".into(),
        by_annotation: true,
    };
    map.describe(CLUSTER, &web(), at(1), attributes);
    map
}

/// One of everything that may be held.
pub(super) fn held() -> Vec<Held> {
    let seen = |target, evidence| Observation {
        source: Source {
            address: [10, 0, 0, 1].into(),
            pod_uid: Some("5d8fcf4f-5f3e-4a3c-8c5e-0d6f4b2a1c3e".parse().unwrap()),
        },
        target,
        evidence,
        first_seen: at(1),
        last_seen: at(2),
        connections: 3,
        ttl: 30,
    };
    let claim = Claim {
        hostname: "web-1".into(),
        destination_name: "cart-1".into(),
        reporter: "node-1/7".into(),
        awaits_outcome: true,
    };
    let answer = Target::Answer(Answer {
        name: DnsName::new("cart.shop.svc.cluster.local"),
        address: Some([10, 96, 0, 7].into()),
    });
    let connection = Target::Connection(Connection {
        protocol: Protocol::Tcp,
        meant: ([10, 96, 0, 7], 80).into(),
        reached: Some(([10, 0, 0, 2], 8080).into()),
        server_pod: None,
        outcome: Outcome::Accepted,
    });
    let cloud = |client| CloudAccess {
        client,
        resource: CloudResource {
            provider: CloudProvider::Azure,
            name: "scope".into(),
        },
        actions: vec!["read".into()],
        data_actions: vec!["write".into()],
        role: "role".into(),
        at: at(3),
    };
    let servers = [
        Server::Workload {
            workload: web(),
            service: Some("web".into()),
            assumed: true,
            pod: None,
        },
        Server::Empty(web()),
        Server::Name(DnsName::new("api.example.com")),
        Server::Outside([198, 51, 100, 7].into()),
    ];
    let facts = [
        Fact::Seen(seen(answer, Evidence::Dns), claim.clone()),
        Fact::Seen(seen(connection, Evidence::Tcp), claim),
        Fact::Topic(TopicAccess {
            client: [10, 0, 0, 1].into(),
            broker: ("kafka".into(), "broker-0".into()),
            topic: "orders".into(),
            operation: KafkaOperation::Consume,
            at: at(4),
            outcome: Outcome::Accepted,
        }),
        Fact::Request(HttpRequest {
            client: ("shop".into(), "web".into()),
            server: ("shop".into(), "cart".into()),
            service: "cart".into(),
            path: "/cart".into(),
            methods: vec![HttpMethod::Post],
            at: at(5),
            outcome: Outcome::Refused,
            client_canonical: "".into(),
            server_canonical: "".into(),
        }),
        Fact::Cloud(cloud(CloudClient::Named("shop".into(), "web".into()))),
        Fact::Cloud(cloud(CloudClient::At([10, 0, 0, 1].into()))),
    ];
    let answers = servers.map(|server| {
        Held::Answer(HeldAnswer {
            client: web(),
            address: [10, 96, 0, 7].into(),
            waiting: Waiting {
                server,
                first: at(6),
                last: at(7),
                observations: 2,
                answers: 5,
                reporter: "node-1/7".into(),
                ticket: None,
            },
        })
    });
    facts.map(Held::Fact).into_iter().chain(answers).collect()
}

fn write(folder: &Path) {
    let (file, _, _) = File::open(folder, "0123456789abcdef", at(0)).unwrap();
    let map = map();
    let mut ops = vec![
        Op::epoch(3),
        Op::held(41, &held()),
        Op::floor(CLUSTER, map.floor(CLUSTER)),
    ];
    let edges = map.edges();
    ops.extend(edges.map(|(key, edge)| Op::edge(Row::Edge, key, Some(edge))));
    let attempts = map.attempts();
    ops.extend(attempts.map(|(key, edge)| Op::edge(Row::Attempt, key, Some(edge))));
    let what = map.described(CLUSTER, &web());
    let what = what.zip(map.attributes(CLUSTER, &web()));
    ops.push(Op::workload(CLUSTER, &web(), what));
    Batch { ops }.write(&file.database).unwrap();
}

fn assert_is_read(folder: &Path) {
    let (_, loaded, aside) = File::open(folder, "other", at(0)).unwrap();
    assert_eq!((loaded.unreadable, aside), (0, None));
    assert_eq!((&*loaded.instance, loaded.epoch), ("0123456789abcdef", 3));
    assert_eq!(loaded.map, map());
    let segments = loaded.held.into_iter();
    let segments: Vec<_> = segments.map(|one| (one.number, one.held)).collect();
    assert_eq!(segments, [(41, held())]);
}

#[test]
fn a_file_of_version_1_is_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(golden(), folder.path().join(FILE)).unwrap();
    assert_is_read(folder.path());
}

#[test]
fn what_is_written_now_is_read_too() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    assert_is_read(folder.path());
}

/// Once for each version; never again for one that was released.
#[test]
#[ignore = "writes the golden file"]
fn write_the_golden_file() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    std::fs::copy(folder.path().join(FILE), golden()).unwrap();
}
