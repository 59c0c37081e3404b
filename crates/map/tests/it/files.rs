//! The map as a file.

use map::{Edge, EdgeKey, Evidence, Facet, Map, Peer, Protocol, Sighting, Time, Workload};
use proptest::prelude::*;

use crate::generate::any_map;

proptest! {
    #[test]
    fn a_map_survives_a_file(map in any_map()) {
        let text = serde_json::to_string(&map).unwrap();
        let read: Map = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&read, &map);
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }

    #[test]
    fn edges_survive_alone_as_in_a_store(map in any_map()) {
        for (key, edge) in map.edges().chain(map.attempts()) {
            let stored = (serde_json::to_vec(key).unwrap(), serde_json::to_vec(edge).unwrap());
            prop_assert_eq!(&serde_json::from_slice::<EdgeKey>(&stored.0).unwrap(), key);
            prop_assert_eq!(&serde_json::from_slice::<Edge>(&stored.1).unwrap(), edge);
        }
    }

    /// A damaged file is an error, or at least a map that keeps the laws.
    #[test]
    fn a_damaged_file_does_no_harm(map in any_map(), place: prop::sample::Index, byte in prop::sample::select(&b"0123456789,-\"{}[]"[..])) {
        let mut text = serde_json::to_vec(&map).unwrap();
        let place = place.index(text.len());
        text[place] = byte;
        if let Ok(mut read) = serde_json::from_slice::<Map>(&text) {
            read.merge(&map);
            prop_assert_eq!(serde_json::from_value::<Map>(serde_json::to_value(&read).unwrap()).unwrap(), read);
        }
    }
}

#[test]
fn the_format_is_this() {
    let mut map = Map::new();
    let facets = [
        Facet::Port {
            protocol: Protocol::Tcp,
            port: 6379,
        },
        Facet::Evidence(Evidence::Tcp),
    ];
    map.record(&Sighting {
        key: EdgeKey {
            cluster: "north".into(),
            client: Peer::Workload(Workload::new("shop", "cart", "Deployment")),
            server: Peer::Internet,
        },
        facets: &facets,
        first: "2026-11-23T09:42:12Z".parse().unwrap(),
        last: "2026-11-23T09:47:00.5Z".parse().unwrap(),
        reporter: Some("node-1"),
        connections: 3,
    });
    map.raise_floor("north", Time::from_secs(60));
    let seen = r#"{"first":"2026-11-23T09:42:12Z","last":"2026-11-23T09:47:00.5Z","minutes":"0-1","hours":"0"}"#;
    let expected = [
        r#"{"version":1,"floors":[["north","1970-01-01T00:01:00Z"]],"workloads":[],"edges":["#,
        r#"[{"cluster":"north","client":{"workload":{"namespace":"shop","name":"cart","kind":"Deployment"}},"#,
        r#""server":"internet"},{"seen":"#,
        seen,
        r#","facets":[[{"port":{"protocol":"tcp","port":6379}},"#,
        seen,
        r#"],[{"evidence":"tcp"},"#,
        seen,
        r#"]],"connections":[["node-1",3]]}]],"attempts":[]}"#,
    ];
    assert_eq!(serde_json::to_string(&map).unwrap(), expected.concat());
}

#[test]
fn a_file_of_another_version_is_refused() {
    for version in [0, 2, u32::MAX] {
        let text = format!(r#"{{"version":{version},"edges":{{"in":"some new form"}}}}"#);
        let error = serde_json::from_str::<Map>(&text).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("the map is in format {version}, but")),
            "{error}"
        );
    }
    assert!(
        serde_json::from_str::<Map>("{}")
            .unwrap_err()
            .to_string()
            .contains("version")
    );
    assert_eq!(
        serde_json::from_str::<Map>(r#"{"version":1}"#).unwrap(),
        Map::new()
    );
}

#[test]
fn an_edge_must_enclose_its_facets() {
    let text = r#"{"seen":{"last":"2026-01-01T00:00:00Z"},"facets":[["assumed",{"last":"2026-01-02T00:00:00Z"}]]}"#;
    let error = serde_json::from_str::<Edge>(text).unwrap_err().to_string();
    assert!(
        error.starts_with("a facet was seen outside the time of its edge"),
        "{error}"
    );
}
