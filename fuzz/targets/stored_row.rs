//! A row of the map's file: its key, a zero byte, its value. What was read reads again as itself, and joins the map once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use map::{Attributes, Edge, EdgeKey, Map, Time, Workload};
use serde::Serialize;
use serde::de::DeserializeOwned;

fuzz_target!(|row: &[u8]| {
    let Some(place) = row.iter().position(|byte| *byte == 0) else {
        return;
    };
    let (key, value) = (&row[..place], &row[place + 1..]);
    if let Some((key, edge)) = read::<EdgeKey, Edge>(key, value) {
        joins_once(&key, &edge);
    }
    read::<(String, Workload), (Time, Attributes)>(key, value);
    read::<String, Time>(key, value);
});

/// As the store reads a row, and writes it.
fn read<K, V>(key: &[u8], value: &[u8]) -> Option<(K, V)>
where
    K: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug,
    V: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug,
{
    let key = serde_json::from_slice(key).ok()?;
    let value = serde_json::from_slice(value).ok()?;
    reads_again(&key);
    reads_again(&value);
    Some((key, value))
}

fn reads_again<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(value: &T) {
    let text = serde_json::to_vec(value).expect("what was read can be written");
    let again: T = serde_json::from_slice(&text).expect("what was written can be read");
    assert_eq!(again, *value);
}

fn joins_once(key: &EdgeKey, edge: &Edge) {
    let mut map = Map::new();
    map.join_edge(key.clone(), edge.clone());
    let once = map.clone();
    map.join_edge(key.clone(), edge.clone());
    assert_eq!(map, once);
    assert!(map.len() <= 1);
    if let Some(joined) = map.edge(key) {
        assert_eq!(joined.connections(), edge.connections());
        assert_eq!(joined.seen.last(), edge.seen.last());
    }
    map.raise_floor(&key.cluster, edge.seen.last());
    assert!(
        map.edges()
            .all(|(_, edge)| edge.seen.first() <= edge.seen.last())
    );
    reads_again(&map);
}
