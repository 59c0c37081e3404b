//! Maps as they come about: by sightings, floors, descriptions and merges, in any order.
//!
//! Few keys and few times, so that they meet; times lie just beside the limits of buckets, windows and floors.

use std::net::Ipv4Addr;

use map::{
    Attributes, Change, EdgeKey, Evidence, Facet, HttpMethod, KafkaOperation, Map, Outcome, Peer,
    Protocol, Sighting, Time, Workload,
};
use proptest::prelude::*;

pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// The start of an hour bucket, and so of a bucket of five minutes.
pub(crate) const BASE: i64 = 20_000 * DAY;

pub(crate) const CLUSTERS: [&str; 2] = ["", "north"];

/// One thing that happens to a map.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Record(Owned),
    Attempt(Owned),
    Raise(&'static str, Time),
    Describe(&'static str, Workload, Time, Attributes),
}

/// A sighting that owns its parts.
#[derive(Clone, Debug)]
pub(crate) struct Owned {
    pub(crate) key: EdgeKey,
    pub(crate) facets: Vec<Facet>,
    pub(crate) first: Time,
    pub(crate) last: Time,
    pub(crate) reporter: Option<&'static str>,
    pub(crate) connections: u64,
}

impl Owned {
    pub(crate) fn sighting(&self) -> Sighting<'_> {
        Sighting {
            key: self.key.clone(),
            facets: &self.facets,
            first: self.first,
            last: self.last,
            reporter: self.reporter,
            connections: self.connections,
        }
    }

    pub(crate) fn record(&self, map: &mut Map) -> Change {
        map.record(&self.sighting())
    }
}

impl Step {
    pub(crate) fn run(&self, map: &mut Map) {
        match self {
            Self::Record(sighting) => {
                map.record(&sighting.sighting());
            }
            Self::Attempt(sighting) => {
                map.record_attempt(&sighting.sighting());
            }
            Self::Raise(cluster, floor) => {
                map.raise_floor(cluster, *floor);
            }
            Self::Describe(cluster, workload, at, attributes) => {
                map.describe(cluster, workload, *at, attributes.clone());
            }
        }
    }
}

/// The join of two maps.
pub(crate) fn merged(a: &Map, b: &Map) -> Map {
    let mut all = a.clone();
    all.merge(b);
    all
}

pub(crate) fn cluster() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&CLUSTERS[..])
}

pub(crate) fn time() -> impl Strategy<Value = Time> {
    let near = prop_oneof![
        4 => (-4..4_i64).prop_map(|buckets| buckets * 5 * MINUTE),
        4 => (-3..3_i64).prop_map(|hours| hours * HOUR),
        2 => (-3..3_i64).prop_map(|days| days * DAY),
        1 => (-2..2_i64).prop_map(|windows| windows * 320 * 5 * MINUTE),
        1 => (-2..2_i64).prop_map(|windows| windows * 32 * DAY),
        1 => -40 * DAY..40 * DAY,
    ];
    (near, -1..2_i64)
        .prop_map(|(secs, nanos)| Time::from_nanos((BASE + secs) * 1_000_000_000 + nanos))
}

pub(crate) fn workload() -> impl Strategy<Value = Workload> {
    let name = prop::sample::select(&["web", "cart"][..]);
    (prop::sample::select(&["shop", "ops"][..]), name)
        .prop_map(|(namespace, name)| Workload::new(namespace, name, "Deployment"))
}

fn peer() -> impl Strategy<Value = Peer> {
    prop_oneof![
        5 => workload().prop_map(Peer::Workload),
        1 => Just(Peer::Internet),
        1 => Just(Peer::Name(map::DnsName::new("example.com"))),
    ]
}

pub(crate) fn key() -> impl Strategy<Value = EdgeKey> {
    (cluster(), peer(), peer()).prop_map(|(cluster, client, server)| EdgeKey {
        cluster: cluster.into(),
        client,
        server,
    })
}

fn facet() -> impl Strategy<Value = Facet> {
    let operation = prop::sample::select(&[KafkaOperation::Produce, KafkaOperation::Consume][..]);
    let method = prop::sample::select(&[HttpMethod::Get, HttpMethod::Post][..]);
    prop_oneof![
        (80..82_u16).prop_map(|port| Facet::Port {
            protocol: Protocol::Tcp,
            port
        }),
        prop::sample::select(&Evidence::ALL[..]).prop_map(Facet::Evidence),
        Just(Facet::Service("web".into())),
        Just(Facet::Address(Ipv4Addr::new(192, 0, 2, 1).into())),
        operation.prop_map(|operation| Facet::Topic {
            topic: "orders".into(),
            operation
        }),
        method.prop_map(|method| Facet::Resource {
            path: "/".into(),
            method
        }),
        Just(Facet::Assumed),
        Just(Facet::Outcome(Outcome::Refused)),
    ]
}

pub(crate) fn sighting() -> impl Strategy<Value = Owned> {
    let reporter = prop::option::of(prop::sample::select(&["node-1", "node-2"][..]));
    (
        key(),
        prop::collection::vec(facet(), 0..3),
        time(),
        time(),
        reporter,
        0..4_u64,
    )
        .prop_map(|(key, facets, a, b, reporter, connections)| Owned {
            key,
            facets,
            first: a.min(b),
            last: a.max(b),
            reporter,
            connections,
        })
}

fn attributes() -> impl Strategy<Value = Attributes> {
    let labels =
        prop::collection::btree_map(prop::sample::select(&["app", "tier"][..]), "[xy]?", 0..3);
    (labels, any::<bool>()).prop_map(|(labels, by_annotation)| Attributes {
        labels: labels
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect(),
        by_annotation,
        ..Attributes::default()
    })
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => sighting().prop_map(Step::Record),
        2 => sighting().prop_map(Step::Attempt),
        1 => (cluster(), time()).prop_map(|(cluster, floor)| Step::Raise(cluster, floor)),
        1 => (cluster(), workload(), time(), attributes()).prop_map(|(c, w, at, a)| Step::Describe(c, w, at, a)),
    ]
}

fn simple_map() -> impl Strategy<Value = Map> {
    prop::collection::vec(step(), 0..10).prop_map(|steps| {
        let mut map = Map::new();
        for step in steps {
            step.run(&mut map);
        }
        map
    })
}

/// Any map: also one that was merged, recorded into, raised and merged again.
pub(crate) fn any_map() -> impl Strategy<Value = Map> {
    let rounds = prop::collection::vec((simple_map(), prop::collection::vec(step(), 0..4)), 1..3);
    rounds.prop_map(|rounds| {
        let mut map = Map::new();
        for (other, steps) in rounds {
            map.merge(&other);
            for step in steps {
                step.run(&mut map);
            }
        }
        map
    })
}

/// Any map without floors.
pub(crate) fn floorless_map() -> impl Strategy<Value = Map> {
    prop::collection::vec(step(), 0..16).prop_map(|steps| {
        let mut map = Map::new();
        for step in steps.iter().filter(|step| !matches!(step, Step::Raise(..))) {
            step.run(&mut map);
        }
        map
    })
}

/// A map of nothing but a floor.
pub(crate) fn floor(cluster: &str, floor: Time) -> Map {
    let mut map = Map::new();
    map.raise_floor(cluster, floor);
    map
}
