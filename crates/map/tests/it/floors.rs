//! Reset and expiry: what lies below the floor does not exist.

use std::collections::BTreeMap;

use map::{Change, Edge, EdgeKey, Facet, Map, Time};
use proptest::prelude::*;

use crate::generate::{any_map, cluster, floor, floorless_map, merged, sighting, time};

/// Keys, facets and last times: what even a floor from elsewhere tells exactly.
fn outline(map: &Map) -> BTreeMap<(bool, EdgeKey), (Time, BTreeMap<Facet, Time>)> {
    let edge = |edge: &Edge| {
        let facets = edge
            .facets
            .iter()
            .map(|(facet, seen)| (facet.clone(), seen.last()))
            .collect();
        (edge.seen.last(), facets)
    };
    let edges = map.edges().map(|(key, e)| ((true, key.clone()), edge(e)));
    edges
        .chain(
            map.attempts()
                .map(|(key, e)| ((false, key.clone()), edge(e))),
        )
        .collect()
}

fn raised(map: &Map, cluster: &str, floor: Time) -> Map {
    let mut map = map.clone();
    map.raise_floor(cluster, floor);
    map
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn nothing_lies_below_the_floor(map in any_map(), (cluster, at) in (cluster(), time())) {
        for map in [raised(&map, cluster, at), merged(&map, &floor(cluster, at))] {
            prop_assert!(map.floor(cluster) >= at);
            for (key, edge) in map.edges().chain(map.attempts()) {
                let floor = map.floor(&key.cluster);
                for seen in edge.facets.values().chain([&edge.seen]) {
                    prop_assert!(floor <= seen.first() && seen.first() <= seen.last());
                    prop_assert!(seen.last() <= edge.seen.last());
                    prop_assert!(!seen.active_in(Time::MIN, Time::from_nanos(floor.as_nanos() - 1)));
                }
            }
        }
    }

    #[test]
    fn an_edge_encloses_its_facets_exactly_where_no_floor_came_from_elsewhere(
        map in floorless_map(),
        at in time(),
    ) {
        for map in [raised(&map, "", at), map] {
            for (_, edge) in map.edges().chain(map.attempts()) {
                for seen in edge.facets.values() {
                    prop_assert!(edge.seen.first() <= seen.first() && seen.last() <= edge.seen.last());
                }
            }
        }
    }

    #[test]
    fn raising_is_idempotent_and_the_highest_floor_decides(
        map in any_map(),
        (cluster, a, b) in (cluster(), time(), time()),
    ) {
        let once = raised(&map, cluster, a);
        prop_assert_eq!(&raised(&once, cluster, a), &once);
        let twice = raised(&once, cluster, b);
        prop_assert_eq!(twice, raised(&map, cluster, a.max(b)));
    }

    #[test]
    fn a_floor_of_ones_own_keeps_at_least_what_one_from_elsewhere_keeps(
        map in any_map(),
        (cluster, at) in (cluster(), time()),
    ) {
        let (exact, lifted) = (raised(&map, cluster, at), merged(&map, &floor(cluster, at)));
        prop_assert_eq!(outline(&exact), outline(&lifted));
        prop_assert!(merged(&exact, &map).edges().eq(exact.edges()), "the exact map lies above");
        prop_assert!(merged(&exact, &map).attempts().eq(exact.attempts()));
    }

    #[test]
    fn floors_never_fall(map in any_map(), other in any_map(), (cluster, at) in (cluster(), time())) {
        let all = merged(&map, &other);
        prop_assert_eq!(all.floor(cluster), map.floor(cluster).max(other.floor(cluster)));
        prop_assert_eq!(raised(&map, cluster, at).floor(cluster), map.floor(cluster).max(at));
    }

    #[test]
    fn a_sighting_counts_from_the_floor_on(one in sighting(), at in time()) {
        let mut map = floor(&one.key.cluster, at);
        let change = one.record(&mut map);
        if one.last < at {
            prop_assert_eq!(change, Change::BelowFloor);
            prop_assert!(map.is_empty());
        } else {
            prop_assert_eq!(change, Change::NewEdge);
            let seen = &map.edge(&one.key).unwrap().seen;
            prop_assert_eq!((seen.first(), seen.last()), (one.first.max(at), one.last));
        }
    }

    #[test]
    fn the_other_cluster_is_not_touched(map in any_map(), at in time()) {
        let of_north = |map: &Map| -> Vec<_> {
            let edges = map.edges().chain(map.attempts()).filter(|(key, _)| key.cluster == "north");
            edges.map(|(key, edge)| (key.clone(), edge.clone())).collect()
        };
        prop_assert_eq!(of_north(&raised(&map, "", at)), of_north(&map));
        prop_assert_eq!(of_north(&merged(&map, &floor("", at))), of_north(&map));
    }
}
