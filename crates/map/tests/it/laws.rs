//! Merge is a join: the one law that replays, retries, persistence and replicas rest on.

use map::Map;
use proptest::prelude::*;

use crate::generate::{Step, any_map, floor, merged, sighting, step, time};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn merge_is_associative(a in any_map(), b in any_map(), c in any_map()) {
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
    }

    #[test]
    fn merge_is_commutative(a in any_map(), b in any_map()) {
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
    }

    #[test]
    fn merge_is_idempotent(a in any_map(), b in any_map()) {
        prop_assert_eq!(&merged(&a, &a), &a);
        let both = merged(&a, &b);
        prop_assert_eq!(&merged(&both, &a), &both);
        prop_assert_eq!(&merged(&both, &Map::new()), &both);
    }

    /// Any tree of merges, of any of the maps any number of times, gives the same map.
    #[test]
    fn replicas_converge(maps in prop::collection::vec(any_map(), 1..5), order in prop::collection::vec(any::<usize>(), 8)) {
        let all = maps.iter().fold(Map::new(), |all, map| merged(&all, map));
        let mut replicas = maps.clone();
        for i in order {
            let (to, from) = (i % maps.len(), i / maps.len() % maps.len());
            let other = replicas[from].clone();
            replicas[to].merge(&other);
        }
        let gathered = replicas.iter().fold(Map::new(), |all, map| merged(&all, map));
        prop_assert_eq!(gathered, all);
    }

    #[test]
    fn the_order_of_sightings_does_not_matter(
        steps in prop::collection::vec(step(), 0..12).prop_shuffle(),
        at in time(),
    ) {
        let run = |steps: &mut dyn Iterator<Item = &Step>| {
            let mut map = floor("", at);
            for step in steps.filter(|step| !matches!(step, Step::Raise(..))) {
                step.run(&mut map);
            }
            map
        };
        prop_assert_eq!(run(&mut steps.iter()), run(&mut steps.iter().rev()));
    }

    #[test]
    fn to_record_is_to_merge_a_map_of_one_sighting(map in any_map(), one in sighting()) {
        let mut recorded = map.clone();
        one.record(&mut recorded);
        let mut single = floor(&one.key.cluster, map.floor(&one.key.cluster));
        one.record(&mut single);
        prop_assert_eq!(recorded, merged(&map, &single));
    }

    #[test]
    fn to_join_stored_edges_is_to_merge(map in any_map(), other in any_map()) {
        // Both under the same floors, as a store and its map are.
        let (map, mut other) = (merged(&map, &other), merged(&other, &map));
        other.merge(&floor("", map.floor("")));
        let mut joined = map.clone();
        for (key, edge) in other.edges() {
            joined.join_edge(key.clone(), edge.clone());
        }
        for (key, edge) in other.attempts() {
            joined.join_attempt(key.clone(), edge.clone());
        }
        prop_assert_eq!(joined, merged(&map, &other));
    }
}
