//! What filters show, and how they go with merge.

use map::filter::{self, Filter};
use map::{Attributes, EdgeKey, Evidence, Facet, Map, Peer, Sighting, Time, Workload};
use proptest::prelude::*;

use crate::generate::{BASE, DAY, HOUR, any_map, floorless_map, merged, time};

const SHOP: [(&str, &str, Evidence, i64); 5] = [
    ("shop/web", "shop/cart", Evidence::Tcp, 0),
    ("shop/web", "data/db", Evidence::Dns, HOUR),
    ("shop/cart", "data/db", Evidence::Socket, 2 * HOUR),
    ("ops/probe", "shop/web", Evidence::Tcp, 3 * HOUR),
    ("shop/web", "example.com", Evidence::Dns, 4 * HOUR),
];

fn peer(text: &str) -> Peer {
    match text.split_once('/') {
        Some((namespace, name)) => Peer::Workload(Workload::new(namespace, name, "Deployment")),
        None if text == "internet" => Peer::Internet,
        None => Peer::Name(map::DnsName::new(text)),
    }
}

fn record(map: &mut Map, client: &str, server: &str, evidence: Evidence, secs: i64) {
    let at = Time::from_secs(BASE + secs);
    let key = EdgeKey {
        cluster: "".into(),
        client: peer(client),
        server: peer(server),
    };
    let facets = [Facet::Evidence(evidence)];
    map.record(&Sighting {
        key,
        facets: &facets,
        first: at,
        last: at,
        reporter: None,
        connections: 0,
    });
}

fn shop() -> Map {
    let mut map = Map::new();
    for (client, server, evidence, secs) in SHOP {
        record(&mut map, client, server, evidence, secs);
    }
    let tier = |value: &str| Attributes {
        labels: [("app".into(), "x".into()), ("tier".into(), value.into())].into(),
        ..Attributes::default()
    };
    map.describe(
        "",
        &Workload::new("data", "db", "Deployment"),
        Time::EPOCH,
        tier("data"),
    );
    map.describe(
        "",
        &Workload::new("ops", "probe", "Deployment"),
        Time::EPOCH,
        tier(""),
    );
    map
}

fn all() -> Filter {
    Filter {
        external: true,
        ..Filter::default()
    }
}

/// Which edges of the shop a filter shows, by their place in it.
fn shown(filter: &Filter) -> Vec<usize> {
    let map = filter.apply(&shop());
    let is_shown = |i: &usize| {
        let (client, server, ..) = SHOP[*i];
        map.edge(&EdgeKey {
            cluster: "".into(),
            client: peer(client),
            server: peer(server),
        })
        .is_some()
    };
    (0..SHOP.len()).filter(is_shown).collect()
}

#[test]
fn each_filter_keeps_what_it_says() {
    let labels = |text| [filter::label(text)].into();
    let at = |secs| Some(Time::from_secs(BASE + secs));
    let cases = [
        (all(), vec![0, 1, 2, 3, 4]),
        (Filter::default(), vec![0, 1, 2, 3]),
        (
            Filter {
                cluster: Some("north".into()),
                ..all()
            },
            vec![],
        ),
        (
            Filter {
                namespaces: ["ops".into(), "data".into()].into(),
                ..all()
            },
            vec![3],
        ),
        (
            Filter {
                exclude_workloads: ["cart".into()].into(),
                ..all()
            },
            vec![1, 3, 4],
        ),
        (
            Filter {
                exclude_labels: labels("tier=data"),
                ..all()
            },
            vec![0, 3, 4],
        ),
        (
            Filter {
                exclude_labels: labels("tier"),
                ..all()
            },
            vec![0, 1, 2, 4],
        ),
        (
            Filter {
                exclude_labels: labels("tier=other"),
                ..all()
            },
            vec![0, 1, 2, 3, 4],
        ),
        (
            Filter {
                evidence: [Evidence::Dns].into(),
                ..all()
            },
            vec![1, 4],
        ),
        (
            Filter {
                since: at(2 * HOUR),
                ..all()
            },
            vec![2, 3, 4],
        ),
        (
            Filter {
                since: at(HOUR),
                until: at(2 * HOUR),
                ..all()
            },
            vec![1, 2],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(shown(&filter), expected, "{filter:?}");
    }
}

#[test]
fn the_server_filter_keeps_its_clients_with_all_they_call() {
    let server = |namespace: &str, name: &str| {
        let server = filter::Server {
            name: name.into(),
            namespace: namespace.into(),
        };
        Filter {
            server: Some(server),
            ..all()
        }
    };
    assert_eq!(shown(&server("shop", "cart")), [0, 1, 4]);
    assert_eq!(shown(&server("data", "db")), [0, 1, 2, 4]);
    assert_eq!(shown(&server("shop", "db")), [0_usize; 0]);
    let both = Filter {
        exclude_workloads: ["cart".into()].into(),
        ..server("shop", "cart")
    };
    assert_eq!(
        shown(&both),
        [1, 4],
        "callers are found before other filters"
    );
}

#[test]
fn for_clients_outside_the_namespace_is_the_servers() {
    let mut map = Map::new();
    record(&mut map, "internet", "shop/web", Evidence::Tcp, 0);
    let of = |namespace: &str| Filter {
        namespaces: [namespace.into()].into(),
        ..all()
    };
    assert_eq!(
        (of("shop").apply(&map).len(), of("ops").apply(&map).len()),
        (1, 0)
    );
}

#[test]
fn labels_can_be_trimmed() {
    let filter = Filter {
        include_labels: Some(["tier".into()].into()),
        ..all()
    };
    let map = filter.apply(&shop());
    let attributes = map
        .attributes("", &Workload::new("data", "db", "Deployment"))
        .unwrap();
    assert_eq!(attributes.labels, [("tier".into(), "data".into())].into());
}

#[test]
fn a_label_is_split_as_the_old_mapper_does() {
    for (text, key, value) in [
        ("a=b", "a", "b"),
        ("a", "a", ""),
        ("a=", "a", ""),
        ("a=b=c", "a", "b"),
        ("", "", ""),
    ] {
        assert_eq!(filter::label(text), (key.into(), value.into()));
    }
}

#[test]
fn facets_outside_the_time_are_left_out() {
    let mut map = Map::new();
    record(&mut map, "shop/web", "shop/cart", Evidence::Dns, 0);
    record(&mut map, "shop/web", "shop/cart", Evidence::Tcp, DAY);
    let filter = Filter {
        since: Some(Time::from_secs(BASE + HOUR)),
        ..all()
    };
    let map = filter.apply(&map);
    let (_, edge) = map.edges().next().unwrap();
    assert_eq!(edge.evidence().collect::<Vec<_>>(), [Evidence::Tcp]);
    assert_eq!(
        edge.seen.first(),
        Time::from_secs(BASE),
        "its own times stay"
    );
}

fn key_filter() -> impl Strategy<Value = Filter> {
    let some = |words: &'static [&'static str]| {
        prop::collection::btree_set(prop::sample::select(words), 0..2)
    };
    let cluster = prop::option::of(prop::sample::select(&["", "north"][..]));
    (
        cluster,
        some(&["shop", "ops"]),
        some(&["web", "cart"]),
        any::<bool>(),
    )
        .prop_map(|(cluster, namespaces, exclude, external)| Filter {
            cluster: cluster.map(Into::into),
            namespaces: namespaces.into_iter().map(Into::into).collect(),
            exclude_workloads: exclude.into_iter().map(Into::into).collect(),
            external,
            ..Filter::default()
        })
}

fn keys(map: &Map) -> Vec<&EdgeKey> {
    map.edges().map(|(key, _)| key).collect()
}

proptest! {
    #[test]
    fn filters_by_key_distribute_over_merge(filter in key_filter(), a in any_map(), b in any_map()) {
        prop_assert_eq!(filter.apply(&merged(&a, &b)), merged(&filter.apply(&a), &filter.apply(&b)));
    }

    #[test]
    fn filters_are_idempotent(filter in key_filter(), since in time(), map in any_map()) {
        let filter = Filter { since: Some(since), include_labels: Some(["app".into()].into()), ..filter };
        let once = filter.apply(&map);
        prop_assert_eq!(filter.apply(&once), once);
    }

    #[test]
    fn a_filter_by_evidence_keeps_the_same_edges_under_the_same_floors(a in floorless_map(), b in floorless_map()) {
        let filter = Filter { evidence: [Evidence::Dns, Evidence::Kafka].into(), ..all() };
        let (before, after) = (merged(&filter.apply(&a), &filter.apply(&b)), filter.apply(&merged(&a, &b)));
        prop_assert_eq!(keys(&before), keys(&after));
    }

    /// Though clients are passed over.
    #[test]
    fn a_filter_by_evidence_keeps_every_edge_that_has_it(
        maps in prop::array::uniform2(any_map()),
        wanted in prop::sample::select(&Evidence::ALL[..]),
    ) {
        let map = merged(&maps[0], &maps[1]);
        let filter = Filter { evidence: [wanted].into(), ..all() };
        for map in [&map, &Filter { since: Some(Time::from_secs(BASE)), ..all() }.apply(&map)] {
            let expected = map.edges().filter(|(_, edge)| edge.evidence().any(|one| one == wanted));
            prop_assert!(filter.edges(map).eq(expected));
        }
    }

    #[test]
    fn a_filter_by_server_keeps_no_fewer_of_the_merged_map(a in floorless_map(), b in floorless_map()) {
        let server = filter::Server { name: "web".into(), namespace: "shop".into() };
        let filter = Filter { server: Some(server), ..all() };
        let after = filter.apply(&merged(&a, &b));
        for key in keys(&merged(&filter.apply(&a), &filter.apply(&b))) {
            prop_assert!(after.edge(key).is_some());
        }
    }

    /// As long as the activity is not forgotten.
    #[test]
    fn a_filter_by_time_keeps_no_fewer_of_the_merged_map(
        a in floorless_map(),
        b in floorless_map(),
        (since, until) in (time(), time()),
    ) {
        let filter = Filter { since: Some(since), until: Some(until), ..all() };
        let all = merged(&a, &b);
        let after = filter.apply(&all);
        for key in keys(&merged(&filter.apply(&a), &filter.apply(&b))) {
            let last = all.edge(key).unwrap().seen.last();
            let is_remembered = last.since(since).as_secs() <= 30 * DAY.unsigned_abs();
            prop_assert!(after.edge(key).is_some() || !is_remembered);
        }
    }
}
