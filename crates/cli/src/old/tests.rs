//! Every shape of map in every form of the replaced tool. `UPDATE_GOLDEN=1` writes the files anew.

use std::path::PathBuf;

use serde_json::{Value, json};
use wire::output::Intent;

use super::rows::{self, Shown};
use super::view::{self, Form};

/// A row, as old mappers answer it: `name.namespace/Kind`, where the kind may be missing.
fn row(client: &str, server: &str) -> Value {
    json!({
        "client": identity(client), "server": identity(server),
        "type": null, "kafkaTopics": null, "httpResources": null,
    })
}

fn identity(text: &str) -> Value {
    let (rest, kind) = text.split_once('/').unwrap_or((text, ""));
    let (name, namespace) = rest.split_once('.').unwrap();
    let kind =
        (!kind.is_empty()).then(|| json!({ "group": "apps", "version": "v1", "kind": kind }));
    json!({
        "name": name, "namespace": namespace, "labels": null, "podOwnerKind": kind,
        "kubernetesService": null,
    })
}

fn topics(client: &str, server: &str, topics: &[(&str, &[&str])]) -> Value {
    let mut row = row(client, server);
    row["type"] = json!("KAFKA");
    let topics = topics.iter();
    row["kafkaTopics"] = topics
        .map(|(name, operations)| json!({ "name": name, "operations": operations }))
        .collect();
    row
}

fn paths(client: &str, server: &str, paths: &[(&str, &[&str])]) -> Value {
    let mut row = row(client, server);
    row["type"] = json!("HTTP");
    let paths = paths.iter();
    row["httpResources"] = paths
        .map(|(path, methods)| json!({ "path": path, "methods": methods }))
        .collect();
    row
}

fn through(service: &str, mut row: Value) -> Value {
    row["server"]["kubernetesService"] = json!(service);
    row
}

fn labelled(labels: &[(&str, &str)], mut row: Value) -> Value {
    let labels = labels.iter();
    row["client"]["labels"] = labels
        .map(|(key, value)| json!({ "key": key, "value": value }))
        .collect();
    row
}

fn read(rows: &[Value]) -> Vec<Intent> {
    { rows.iter() }
        .map(|row| serde_json::from_value(row.clone()).unwrap())
        .collect()
}

/// All that comes of rows, one form after the other.
fn forms(rows: &[Value], shown: &Shown) -> String {
    let map = rows::map(&read(rows), shown);
    let documents = view::documents(&map, shown.as_kubernetes_service);
    let text = |form| view::text(&documents, form);
    format!(
        "=== list\n{}=== v2\n{}\n=== v1\n{}\n=== json\n{}\n",
        view::list(&documents),
        text(Form::Yaml),
        text(Form::YamlV1),
        text(Form::Json)
    )
}

fn check(name: &str, rows: &[Value], shown: &Shown) {
    let found = forms(rows, shown);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("src/old/golden/{name}"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == found,
        "{} differs; what came out:\n{found}",
        path.display()
    );
    // Whatever order the mapper answers in.
    let mut turned = rows.to_vec();
    turned.reverse();
    if shown.label.is_none() {
        assert_eq!(forms(&turned, shown), found);
    }
}

fn plain(name: &str, rows: &[Value]) {
    check(name, rows, &Shown::default());
}

#[test]
fn nothing() {
    plain("empty", &[]);
}

/// The tutorial that the replaced tool is accepted by.
#[test]
fn one_edge_each() {
    let rows = [
        row("client2.tutorial/Deployment", "server.tutorial/Deployment"),
        row("client.tutorial/Deployment", "server.tutorial/Deployment"),
    ];
    plain("tutorial", &rows);
}

/// As old mappers answer it: Kafka rows have no kinds. Topics stand beside the workload.
#[test]
fn kafka() {
    let broker = "kafka.kafka";
    let rows = [
        row("client.tutorial/Deployment", "kafka.kafka/StatefulSet"),
        topics(
            "client.tutorial",
            broker,
            &[("mytopic", &["DESCRIBE", "CONSUME"])],
        ),
        row("client-2.tutorial/Deployment", "kafka.kafka/StatefulSet"),
        topics(
            "client-2.tutorial",
            broker,
            &[("mytopic", &["PRODUCE"]), ("a", &["ALL"])],
        ),
        topics(
            "client-2.tutorial",
            broker,
            &[("mytopic", &["DESCRIBE", "CLUSTER_ACTION"])],
        ),
    ];
    plain("kafka", &rows);
}

/// A plain row beside one with paths is no target of its own.
#[test]
fn http() {
    let (client, server) = ("client.shop/Deployment", "nginx.shop/Deployment");
    let rows = [
        row(client, server),
        paths(
            client,
            server,
            &[("/b?x=1&y=<z>", &["POST", "GET"]), ("/a%20b", &["GET"])],
        ),
        paths(client, "any.web/Deployment", &[("/", &["ALL"])]),
        paths(client, "head-only.web/Deployment", &[("/", &[])]),
    ];
    plain("http", &rows);
}

#[test]
fn services() {
    let rows = [
        through(
            "front",
            row("client.shop/Deployment", "web-1.shop/Deployment"),
        ),
        through(
            "front",
            row("client.shop/Deployment", "web-2.shop/Deployment"),
        ),
        through("db", row("client.shop/Deployment", "pg.data/StatefulSet")),
        row("client.shop/Deployment", "kubernetes.default"),
        row("client.shop/Deployment", "bare.shop/Pod"),
    ];
    plain("services-by-workload", &rows);
    let shown = Shown {
        as_kubernetes_service: true,
        ..Shown::default()
    };
    check("services", &rows, &shown);
}

/// Names that need care: of other kinds of the same name, in other namespaces, that YAML misreads, that Kubernetes refuses.
#[test]
fn odd_names() {
    let rows = [
        row("twin.shop/Deployment", "a.shop/Deployment"),
        row("twin.shop/StatefulSet", "b.shop/Deployment"),
        row("app_4_2.shop/Deployment", "1e3.shop/Deployment"),
        row("true.shop/Deployment", "a.other/Deployment"),
        row("true.shop/Deployment", "a-b.shop/Deployment"),
        row("true.shop/Deployment", "a.shop/Deployment"),
        row("crd.shop/Rollout", "kindless.shop"),
        topics(
            "crd.shop/Rollout",
            "kafka.shop",
            &[("*", &["CONSUME"]), ("a: b", &["CONSUME"])],
        ),
    ];
    plain("odd-names", &rows);
}

#[test]
fn what_is_left_out_leaves_no_client_without_targets() {
    let rows = [
        row("client.shop/Deployment", "server.shop/Deployment"),
        row("client.shop/Deployment", "other.shop/Deployment"),
        row("server.shop/Deployment", "db.shop/Deployment"),
        row("alone.shop/Deployment", "server.shop/Deployment"),
    ];
    let shown = Shown {
        exclude_services: vec!["server".to_owned()],
        ..Shown::default()
    };
    let map = rows::map(&read(&rows), &shown);
    let list = view::list(&view::documents(&map, false));
    assert_eq!(
        list,
        "client in namespace shop calls:\n  - other in namespace shop\n"
    );
}

/// A group is named after where its first row is, and its servers are named as seen from there.
#[test]
fn groups_by_label() {
    let env = |value, row| labelled(&[("env", value)], row);
    let rows = [
        env("prod", row("web.a/Deployment", "db.a/Deployment")),
        env("prod", row("web.b/Deployment", "db.b/Deployment")),
        env("test", row("web.c/Deployment", "db.c/Deployment")),
        row("web.d/Deployment", "db.d/Deployment"),
    ];
    let shown = Shown {
        label: Some("env".to_owned()),
        ..Shown::default()
    };
    check("by-label", &rows, &shown);
}

#[test]
fn thousands_of_edges() {
    let rows: Vec<Value> = (0..3_000)
        .map(|n| {
            let (client, server) = (n % 60, n / 60);
            row(
                &format!("c{client}.ns/Deployment"),
                &format!("s{server}.ns/Deployment"),
            )
        })
        .collect();
    let map = rows::map(&read(&rows), &Shown::default());
    let documents = view::documents(&map, false);
    let list = view::list(&documents);
    assert_eq!((documents.len(), list.lines().count()), (60, 3_060));
    let json: Value = serde_json::from_str(&view::text(&documents, Form::Json)).unwrap();
    let targets = json.as_array().unwrap().iter();
    let targets = targets.map(|one| one["spec"]["targets"].as_array().unwrap().len());
    assert_eq!(targets.sum::<usize>(), 3_000);
    let yaml = view::text(&documents, Form::Yaml);
    assert_eq!(yaml.matches("\n---\n").count(), 59);
}
