//! What changed between maps, and between points in time.

use map::{
    ChangedEdge, EdgeKey, Facet, Map, Peer, Protocol, Sighting, Time, Workload, difference,
    difference_between,
};
use proptest::prelude::*;

use crate::generate::{BASE, HOUR, any_map, floorless_map, merged, time};

fn key(server: &str) -> EdgeKey {
    let peer = |name| Peer::Workload(Workload::new("shop", name, "Deployment"));
    EdgeKey {
        cluster: "".into(),
        client: peer("web"),
        server: peer(server),
    }
}

fn port(port: u16) -> Facet {
    Facet::Port {
        protocol: Protocol::Tcp,
        port,
    }
}

fn record(map: &mut Map, server: &str, facets: &[Facet], secs: i64) {
    let at = Time::from_secs(BASE + secs);
    map.record(&Sighting {
        key: key(server),
        facets,
        first: at,
        last: at,
        reporter: None,
        connections: 0,
    });
}

#[test]
fn edges_and_facets_come_and_go() {
    let (mut before, mut after) = (Map::new(), Map::new());
    record(&mut before, "gone", &[port(1)], 0);
    record(&mut before, "other", &[port(1), port(2)], 0);
    record(&mut before, "same", &[port(1)], 0);
    record(&mut after, "same", &[port(1)], HOUR);
    record(&mut after, "other", &[port(2), port(3)], HOUR);
    record(&mut after, "new", &[port(1)], HOUR);
    let found = difference(&before, &after);
    assert_eq!(
        (found.added, found.removed),
        (vec![key("new")], vec![key("gone")])
    );
    let changed = ChangedEdge {
        key: key("other"),
        added: vec![port(3)],
        removed: vec![port(1)],
    };
    assert_eq!(found.changed, [changed]);
}

#[test]
fn in_time_gone_means_quiet() {
    let mut map = Map::new();
    record(&mut map, "gone", &[port(1)], 0);
    record(&mut map, "other", &[port(1), port(2)], 0);
    record(&mut map, "back", &[], 0);
    record(&mut map, "quiet", &[], HOUR);
    record(&mut map, "other", &[port(2), port(3)], 2 * HOUR);
    record(&mut map, "new", &[port(1)], 2 * HOUR);
    record(&mut map, "back", &[], 3 * HOUR);
    record(&mut map, "later", &[], 3 * HOUR);
    let found = difference_between(
        &map,
        Time::from_secs(BASE + HOUR),
        Time::from_secs(BASE + 2 * HOUR),
    );
    assert_eq!(found.added, [key("new")]);
    assert_eq!(found.removed, [key("back"), key("gone"), key("quiet")]);
    let changed = ChangedEdge {
        key: key("other"),
        added: vec![port(3)],
        removed: vec![port(1)],
    };
    assert_eq!(found.changed, [changed]);
}

proptest! {
    #[test]
    fn a_map_does_not_differ_from_itself(map in any_map()) {
        prop_assert!(difference(&map, &map).is_empty());
    }

    #[test]
    fn the_way_back_is_the_way_there(a in any_map(), b in any_map()) {
        let (there, back) = (difference(&a, &b), difference(&b, &a));
        prop_assert_eq!(there.added, back.removed);
        prop_assert_eq!(there.removed, back.added);
        let swap = |edge: ChangedEdge| ChangedEdge { key: edge.key, added: edge.removed, removed: edge.added };
        prop_assert_eq!(there.changed, back.changed.into_iter().map(swap).collect::<Vec<_>>());
    }

    #[test]
    fn a_merge_under_the_same_floors_removes_nothing(a in floorless_map(), b in floorless_map()) {
        let found = difference(&a, &merged(&a, &b));
        prop_assert!(found.removed.is_empty() && found.changed.iter().all(|edge| edge.removed.is_empty()));
    }

    #[test]
    fn in_time_lists_are_sorted_and_apart(map in any_map(), (a, b) in (time(), time())) {
        let found = difference_between(&map, a.min(b), a.max(b));
        let changed: Vec<_> = found.changed.iter().map(|edge| edge.key.clone()).collect();
        for list in [&found.added, &found.removed, &changed] {
            prop_assert!(list.is_sorted());
        }
        prop_assert!(found.added.iter().all(|key| !found.removed.contains(key) && !changed.contains(key)));
        prop_assert!(changed.iter().all(|key| !found.removed.contains(key)));
    }
}
