//! Every view of every kind of edge, byte by byte. `UPDATE_GOLDEN=1` writes the files anew.

use std::path::PathBuf;

use export::{Format, Options};
use map::{HttpMethod, Map};

use crate::maps::{everything, record, resource, workload};

const WHOLE: Options = Options {
    external: true,
    attempts: true,
    as_kubernetes_service: false,
};

pub(crate) fn check(name: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert!(
        golden == text,
        "{} differs; what came out:\n{text}",
        path.display()
    );
}

#[test]
fn every_format_of_everything() {
    for (name, format) in Format::ALL {
        if format.is_binary() {
            continue;
        }
        check(
            &format!("everything.{name}"),
            &format.render(&everything(), WHOLE),
        );
    }
}

#[test]
fn the_cluster_alone() {
    for (name, format) in [
        ("cluster.list", Format::List),
        ("cluster.clientintents", Format::ClientIntents),
    ] {
        check(name, &format.render(&everything(), Options::default()));
    }
}

#[test]
fn services_by_their_own_names() {
    let options = Options {
        as_kubernetes_service: true,
        ..Options::default()
    };
    check(
        "services.clientintents",
        &Format::ClientIntents.render(&everything(), options),
    );
    check(
        "services.clientintents-v1",
        &Format::ClientIntentsV1.render(&everything(), options),
    );
}

/// The documents that the acceptance test of the replaced system expects of `client → server`.
#[test]
fn json_is_that_of_the_replaced_tool() {
    let mut map = Map::new();
    let facets = [map::Facet::Evidence(map::Evidence::Dns)];
    record(
        &mut map,
        workload("otterize-tutorial-mapper", "client", "Deployment"),
        workload("otterize-tutorial-mapper", "server", "Deployment"),
        &facets,
    );
    let expected = r#"[
  {
    "kind": "ClientIntents",
    "apiVersion": "k8s.otterize.com/v2beta1",
    "metadata": {
      "name": "client",
      "namespace": "otterize-tutorial-mapper",
      "creationTimestamp": null
    },
    "spec": {
      "workload": {
        "name": "client",
        "kind": "Deployment"
      },
      "targets": [
        {
          "kubernetes": {
            "name": "server",
            "kind": "Deployment"
          }
        }
      ]
    },
    "status": {
      "upToDate": false,
      "observedGeneration": 0
    }
  }
]
"#;
    let json = Format::ClientIntentsJson.render(&map, Options::default());
    assert_eq!(String::from_utf8(json).unwrap(), expected);
}

#[test]
fn an_empty_map_is_an_empty_text() {
    let render = |format: Format| format.render(&Map::new(), WHOLE);
    assert_eq!(render(Format::List), b"");
    assert_eq!(render(Format::ClientIntents), b"");
    assert_eq!(render(Format::ClientIntentsV1), b"");
    assert_eq!(render(Format::ClientIntentsJson), b"[]\n");
}

/// A policy reads a path exactly, or with a `*` at the end; what is folded to one is said once.
#[test]
fn paths_are_exact_or_end_with_a_star() {
    let mut map = Map::default();
    let facets = [
        resource("/api/v1.2/items", HttpMethod::Get),
        resource("/users/{id}/orders", HttpMethod::Get),
        resource("/users/{id}/carts", HttpMethod::Post),
        resource("/files/*", HttpMethod::Get),
        resource("/odd*name/x", HttpMethod::Get),
    ];
    let (client, server) = (workload("shop", "web", ""), workload("shop", "api", ""));
    record(&mut map, client, server, &facets);
    let text = Format::ClientIntents.render(&map, Options::default());
    let text = String::from_utf8(text).unwrap();
    let paths = text.lines().filter_map(|line| line.split_once("path: "));
    let paths: Vec<&str> = paths.map(|(_, path)| path).collect();
    assert_eq!(
        paths,
        ["/api/v1.2/items", "/files/*", "/odd*", "/users/*"],
        "{text}"
    );
    assert_eq!(text.matches("- POST").count(), 1);
}
