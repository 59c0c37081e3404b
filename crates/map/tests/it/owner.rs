//! What one who writes the map down has to know: what changed, and what vanished.

use std::collections::BTreeSet;

use map::{Change, EdgeKey, Gone, Map};
use proptest::prelude::*;

use crate::generate::{any_map, cluster, sighting, time};

fn keys<'m>(edges: impl Iterator<Item = (&'m EdgeKey, &'m map::Edge)>) -> BTreeSet<EdgeKey> {
    edges.map(|(key, _)| key.clone()).collect()
}

proptest! {
    #[test]
    fn a_generation_tells_exactly_what_changed_in_it(
        mut map in any_map(),
        rounds in prop::collection::vec(prop::collection::vec(sighting(), 0..6), 1..4),
    ) {
        map.next_generation();
        for round in rounds {
            let mut changed = BTreeSet::new();
            for sighting in round {
                if !matches!(sighting.record(&mut map), Change::BelowFloor | Change::Full) {
                    changed.insert(sighting.key.clone());
                }
            }
            let generation = map.next_generation();
            prop_assert_eq!(keys(map.edges_changed_since(generation)), changed);
            prop_assert_eq!(map.attempts_changed_since(generation).count(), 0);
        }
    }

    #[test]
    fn what_changed_stays_told_until_a_later_generation(map in any_map(), more in sighting()) {
        let mut map = map;
        let first = map.next_generation();
        let taken = !matches!(more.record(&mut map), Change::BelowFloor | Change::Full);
        map.next_generation();
        let told = keys(map.edges_changed_since(first + 1));
        prop_assert_eq!(told.contains(&more.key), taken);
        let next = map.next_generation();
        prop_assert_eq!(map.edges_changed_since(next).count(), 0);
    }

    #[test]
    fn the_owner_is_told_what_vanished(map in any_map(), (cluster, at) in (cluster(), time())) {
        let before = (keys(map.edges()), keys(map.attempts()));
        let mut raised = map.clone();
        let gone = raised.raise_floor(cluster, at);
        let lost = |all: &BTreeSet<EdgeKey>, kept: &BTreeSet<EdgeKey>| -> Vec<EdgeKey> {
            all.difference(kept).cloned().collect()
        };
        prop_assert_eq!(&gone.edges, &lost(&before.0, &keys(raised.edges())));
        prop_assert_eq!(&gone.attempts, &lost(&before.1, &keys(raised.attempts())));
        prop_assert_eq!(raised.raise_floor(cluster, at), Gone::default());
    }
}

#[test]
fn an_empty_map_tells_nothing() {
    let mut map = Map::new();
    let generation = map.next_generation();
    assert_eq!(map.edges_changed_since(generation).count(), 0);
}

proptest! {
    #[test]
    fn a_cluster_without_a_name_gets_one_and_nothing_else_changes(map in any_map()) {
        let named = map.with_name("south");
        let south = |key: &EdgeKey| {
            let mut key = key.clone();
            if key.cluster.is_empty() {
                key.cluster = "south".into();
            }
            key
        };
        let expected: BTreeSet<EdgeKey> = map.edges().map(|(key, _)| south(key)).collect();
        prop_assert_eq!(keys(named.edges()), expected);
        for (key, edge) in map.edges() {
            prop_assert_eq!(named.edge(&south(key)), Some(edge));
        }
        for (key, edge) in map.attempts() {
            prop_assert_eq!(named.attempt(&south(key)), Some(edge));
        }
        prop_assert_eq!(named.floor("south"), map.floor(""));
        prop_assert_eq!(named.floor("north"), map.floor("north"));
        prop_assert_eq!(named.described_workloads().count(), map.described_workloads().count());
    }
}
