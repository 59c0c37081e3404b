//! What holds for every map.

use export::{Format, Options};
use map::{DnsName, Evidence, Facet, HttpMethod, KafkaOperation, Map, Peer};
use proptest::prelude::*;
use serde_json::Value;

use crate::maps::{record, resource, topic, workload};

pub(crate) type Owned = (Peer, Peer, Vec<Facet>);

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[ab]{1,2}",
        1 => Just("kubernetes".to_owned()),
        1 => "[a-z_.: %#*&1-3]{1,6}",
        1 => "\\PC{1,5}",
    ]
}

fn peer() -> impl Strategy<Value = Peer> {
    let namespace = prop_oneof![Just("default"), Just("shop")];
    let kind = prop_oneof![Just("Deployment"), Just("StatefulSet"), Just("")];
    prop_oneof![
        8 => (namespace, name(), kind).prop_map(|(namespace, name, kind)| workload(namespace, &name, kind)),
        1 => Just(Peer::Name(DnsName::new("api.example.com"))),
        1 => Just(Peer::Internet),
    ]
}

pub(crate) fn facet() -> impl Strategy<Value = Facet> {
    let methods = prop::sample::select(HttpMethod::ALL.as_slice());
    let operations = prop::sample::select(KafkaOperation::ALL.as_slice());
    let evidence = prop::sample::select(Evidence::ALL.as_slice());
    prop_oneof![
        evidence.prop_map(Facet::Evidence),
        (name(), methods).prop_map(|(path, method)| resource(&path, method)),
        (name(), operations).prop_map(|(name, operation)| topic(&name, operation)),
        name().prop_map(|name| Facet::Service(name.into())),
    ]
}

fn edges() -> impl Strategy<Value = Vec<Owned>> {
    let facets = prop::collection::vec(facet(), 1..6);
    prop::collection::vec((peer(), peer(), facets), 0..12)
}

pub(crate) fn map_of(edges: &[Owned]) -> Map {
    let mut map = Map::new();
    for (client, server, facets) in edges {
        record(&mut map, client.clone(), server.clone(), facets);
    }
    map
}

pub(crate) fn options() -> impl Strategy<Value = Options> {
    any::<[bool; 3]>().prop_map(|[external, attempts, as_kubernetes_service]| Options {
        external,
        attempts,
        as_kubernetes_service,
    })
}

proptest! {
    #[test]
    fn the_order_of_sightings_does_not_show(edges in edges(), options in options()) {
        let (map, reversed) = (map_of(&edges), map_of(&reversed(&edges)));
        // Pixels follow from the same layout as the rest.
        for (name, format) in Format::ALL.into_iter().filter(|(_, format)| !format.is_binary()) {
            prop_assert_eq!(format.render(&map, options), format.render(&reversed, options), "{}", name);
        }
    }

    #[test]
    fn the_whole_map_comes_back_from_json(edges in edges()) {
        let map = map_of(&edges);
        let text = Format::Json.render(&map, Options::default());
        prop_assert_eq!(serde_json::from_slice::<Map>(&text).unwrap(), map);
    }

    /// Two writers of one document, one of which is a library's.
    #[test]
    fn yaml_and_json_say_the_same(edges in edges(), options in options()) {
        let map = map_of(&edges);
        let json: Vec<Value> =
            serde_json::from_slice(&Format::ClientIntentsJson.render(&map, options)).unwrap();
        let mut without = json;
        for document in &mut without {
            document.as_object_mut().unwrap().remove("status");
            document["metadata"].as_object_mut().unwrap().remove("creationTimestamp");
        }
        let yaml = String::from_utf8(Format::ClientIntents.render(&map, options)).unwrap();
        let yaml: Vec<Value> = serde_saphyr::from_multiple(&yaml).unwrap();
        prop_assert_eq!(yaml, without);
    }

    /// The rules of the definition (`required`, `enum`) and of Kubernetes for names, and no two objects of one name.
    #[test]
    fn the_definition_takes_every_document(edges in edges(), options in options()) {
        let text = Format::ClientIntentsJson.render(&map_of(&edges), options);
        let documents: Vec<Value> = serde_json::from_slice(&text).unwrap();
        let mut names = std::collections::BTreeSet::new();
        for document in &documents {
            let (name, namespace) = (&document["metadata"]["name"], &document["metadata"]["namespace"]);
            prop_assert!(names.insert((name.to_string(), namespace.to_string())), "{} twice", name);
            prop_assert!(is_object_name(name.as_str().unwrap()), "{}", name);
            let targets = document["spec"]["targets"].as_array().unwrap();
            prop_assert!(!targets.is_empty());
            for target in targets {
                check_target(target);
            }
        }
    }
}

/// RFC 1123 subdomain, as far as Kubernetes checks it for the name of an object.
fn is_object_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let outer = |c: char| inner(c) && c.is_ascii_alphanumeric();
    (1..=253).contains(&name.len())
        && name.chars().all(inner)
        && name.starts_with(outer)
        && name.ends_with(outer)
}

fn check_target(target: &Value) {
    const METHODS: [&str; 8] = [
        "GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT",
    ];
    let (sort, body) = target.as_object().unwrap().iter().next().unwrap();
    assert_eq!(target.as_object().unwrap().len(), 1);
    if sort == "internet" {
        return;
    }
    assert!(body["name"].is_string());
    for resource in body["http"].as_array().into_iter().flatten() {
        let methods = resource["methods"].as_array().unwrap();
        assert!(!methods.is_empty());
        for method in methods {
            assert!(METHODS.contains(&method.as_str().unwrap()));
        }
    }
    for topic in body["topics"].as_array().into_iter().flatten() {
        assert!(!topic["operations"].as_array().unwrap().is_empty());
    }
    assert_eq!(body["topics"].is_array(), sort == "kafka");
}

fn reversed(edges: &[Owned]) -> Vec<Owned> {
    edges.iter().rev().cloned().collect()
}
