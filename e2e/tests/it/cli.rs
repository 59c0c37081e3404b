//! The built command line, through the API server: a Service, a pod, a real port-forward to the built mapper.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use e2e::bed::variable;
use e2e::kube::{Kube, Proxy, path};
use e2e::mapper::{self, Mapper};
use e2e::scene::{Scene, play, set_up};
use e2e::time::wait;
use serde_json::{Value, json};

const NAMESPACE: &str = "command-line";
const SERVICE: &str = "otterize-network-mapper";

/// What one run printed, and its exit code.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self.out
    }

    fn failed(&self, words: &[&str]) {
        assert_eq!(self.code, Some(1), "{}{}", self.out, self.err);
        for word in words {
            assert!(self.err.contains(word), "not said: {word}\n{}", self.err);
        }
    }
}

/// The command that was built with the mapper, with the rights of a kubeconfig of the testbed and no variables.
fn portolan(kubeconfig: &str, namespace: &str, arguments: &[&str]) -> Ran {
    let built = mapper::command().get_program().to_owned();
    let output = Command::new(Path::new(&built).with_file_name("portolan"))
        .env_clear()
        .args(arguments)
        .args(["--kubeconfig", kubeconfig, "--mapper-namespace", namespace])
        .output()
        .unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn nobody() -> String {
    variable("TESTBED_STATE") + "/kubeconfig-nobody"
}

/// The mapper's Service, and a pod behind it on this node, if any.
fn install(kube: &mut Kube, namespace: &str, node: Option<&str>) {
    kube.namespace(namespace);
    let labels = json!({ "app": SERVICE });
    let service = json!({
        "metadata": { "name": SERVICE },
        "spec": { "selector": labels, "ports": [{ "port": 9090 }] },
    });
    kube.create(namespace, "services", &service);
    if let Some(node) = node {
        let pod = json!({
            "metadata": { "name": "mapper", "labels": labels },
            "spec": { "nodeName": node, "containers": [{ "name": "mapper", "image": "mapper" }] },
        });
        kube.create(namespace, "pods", &pod);
    }
}

fn wait_ready(kube: &mut Kube, namespace: &str) {
    let ready = wait(Duration::from_secs(30), || {
        let pod = kube
            .send("GET", &path(namespace, "pods", "mapper"), &Value::Null)
            .json();
        let conditions = pod["status"]["conditions"].as_array()?.clone();
        let is_ready = |one: &Value| one["type"] == "Ready" && one["status"] == "True";
        conditions.iter().any(is_ready).then_some(())
    });
    assert!(ready.is_some(), "the mapper's pod does not become ready");
}

/// From now on, port-forwards lead to this mapper.
fn forward_to(mapper: &Mapper) {
    let file = Path::new(&variable("PORTOLAN_E2E_FORWARD")).join("9090");
    std::fs::write(file, mapper.address.port().to_string()).unwrap();
}

/// A mapper with a small map: one edge within a namespace, one into another, one to the outside.
fn drawn(proxy: &Proxy) -> Mapper {
    let mapper = Mapper::ready("command-line", &[]);
    let mut scenes = [Scene::new(191, "typed"), Scene::new(192, "called")];
    let other = scenes[1].deployment("other");
    let (client, server) = (
        scenes[0].deployment("client"),
        scenes[0].deployment("server"),
    );
    scenes[0].tcp(&client.ip, &server.ip, 8080);
    scenes[0].tcp(&client.ip, &other.ip, 5432);
    scenes[0].tcp(&client.ip, "198.51.100.7", 443);
    scenes[0].edges(&[
        "client/Deployment -> server/Deployment :8080/tcp [tcp]",
        "client/Deployment -> called/other/Deployment :5432/tcp [tcp]",
        "client/Deployment -> 198.51.100.7 :443/tcp [tcp]",
    ]);
    scenes[1].edges(&["typed/client/Deployment -> other/Deployment :5432/tcp [tcp]"]);
    set_up(proxy, &mapper, &mut scenes);
    play(&mapper, &scenes);
    mapper
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn every_command_goes_through_a_port_forward() {
    let proxy = Proxy::start();
    let mut kube = proxy.client();
    install(&mut kube, NAMESPACE, Some("fake-0"));
    let mapper = drawn(&proxy);
    forward_to(&mapper);
    wait_ready(&mut kube, NAMESPACE);
    let kubeconfig = variable("KUBECONFIG");
    let run = |arguments: &[&str]| portolan(&kubeconfig, NAMESPACE, arguments);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();

    // Our own shape.
    let within = " - other in namespace called\n - server\n";
    assert_eq!(
        run(&["list"]).well(),
        format!("client in namespace typed calls:\n{within}")
    );
    let outside = run(&["list", "--external", "-n", "typed"]).well();
    assert!(
        outside.contains(" - 198.51.100.7 (outside the cluster)\n"),
        "{outside}"
    );
    let none = run(&["list", "-n", "nowhere"]);
    assert!(
        none.err.contains("the filter leaves none of 3 edges"),
        "{}",
        none.err
    );
    assert_eq!(none.well(), "");
    let status = run(&["status"]).well();
    assert!(
        status.contains("3 edges") && status.contains("3 in edges"),
        "{status}"
    );
    let status: Value = serde_json::from_str(&run(&["status", "-o", "json"]).well()).unwrap();
    assert_eq!(status["status"]["edges"], 3);
    run(&["export", "-o", "json", "--output", &file("map.json")]).well();
    assert_eq!(run(&["diff", &file("map.json"), "--exit-code"]).well(), "");
    let new = run(&["diff", "--since", "1h"]).well();
    assert_eq!(
        new.matches("+ client.typed (Deployment) -> ").count(),
        3,
        "{new}"
    );
    run(&["visualize", &file("map.svg")]).well();

    // The old one.
    let old = |arguments: &[&str]| run(&[&["network-mapper"], arguments].concat());
    assert_eq!(
        old(&["list"]).well(),
        "client in namespace typed calls:\n  - other in namespace called\n  - server in namespace typed\n"
    );
    let yaml = old(&["export"]).well();
    assert!(
        yaml.contains("    - kubernetes:\n        name: other.called\n        kind: Deployment\n"),
        "{yaml}"
    );
    let picture = old(&["visualize", "-o", &file("map.png")]);
    let said = format!("Exported graph as png format to path {}\n", file("map.png"));
    assert_eq!(picture.err, said);
    accepts(&mut kube, &old(&["export", "--format", "json"]).well());
    accepts(
        &mut kube,
        &run(&["export", "-o", "clientintents-json"]).well(),
    );
    strict(&yaml);
    strict(&old(&["export", "--output-version", "v1"]).well());
    strict(&run(&["export", "-o", "clientintents"]).well());
    strict(&run(&["export", "-o", "clientintents-v1"]).well());

    let reset = old(&["reset"]);
    assert_eq!((reset.out.as_str(), reset.err.as_str()), ("", ""));
    let empty = run(&["list"]);
    assert!(empty.err.contains("is forgotten"), "{}", empty.err);
    let empty = old(&["list"]);
    assert_eq!(
        (empty.code, empty.err.as_str()),
        (Some(0), "No connections found.\n")
    );
    run(&["reset"]).well();
}

/// The group of the definitions here: another test makes and deletes those of the real one.
const GROUP: &str = "command-line.k8s.otterize.com";

/// The definitions of both versions that are written, with their required fields and enums.
fn definitions() -> Value {
    let text = json!({ "type": "string" });
    let list = |item: &Value| json!({ "type": "array", "items": item });
    let object = |required: &[&str], properties: &Value| json!({ "type": "object", "required": required, "properties": properties });
    let methods = json!({ "type": "string", "enum":
        ["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"] });
    let operations = json!({ "type": "string", "enum":
        ["all", "consume", "produce", "create", "alter", "delete", "describe", "ClusterAction",
            "DescribeConfigs", "AlterConfigs", "IdempotentWrite"] });
    let http = list(&object(
        &["path", "methods"],
        &json!({ "path": text, "methods": list(&methods) }),
    ));
    let topics = list(&object(
        &["name", "operations"],
        &json!({ "name": text, "operations": list(&operations) }),
    ));
    let internet = object(
        &[],
        &json!({
            "domains": list(&text), "ips": list(&text), "ports": list(&json!({ "type": "integer" })),
        }),
    );
    let target = object(
        &[],
        &json!({
            "kubernetes": object(&["name"], &json!({ "name": text, "kind": text, "http": http })),
            "service": object(&["name"], &json!({ "name": text, "http": http })),
            "kafka": object(&["name"], &json!({ "name": text, "topics": topics })),
            "internet": internet,
        }),
    );
    let call = object(
        &[],
        &json!({
            "name": text, "kind": text,
            "type": { "type": "string", "enum": ["http", "kafka", "database", "aws", "internet"] },
            "kafkaTopics": topics, "HTTPResources": http, "internet": internet,
        }),
    );
    let who = object(&["name"], &json!({ "name": text, "kind": text }));
    let status = object(
        &[],
        &json!({
            "upToDate": { "type": "boolean" }, "observedGeneration": { "type": "integer" },
        }),
    );
    let version = |name: &str, storage: bool, spec: Value| {
        json!({
            "name": name, "served": true, "storage": storage,
            "schema": { "openAPIV3Schema": object(&[], &json!({
                "apiVersion": text, "kind": text, "metadata": { "type": "object" },
                "spec": spec, "status": status,
            })) },
        })
    };
    let v1 = object(
        &["service"],
        &json!({ "service": who, "calls": list(&call) }),
    );
    let v2 = object(
        &["workload"],
        &json!({ "workload": who, "targets": list(&target) }),
    );
    json!({
        "metadata": { "name": format!("clientintents.{GROUP}") },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": { "kind": "ClientIntents", "plural": "clientintents", "singular": "clientintents" },
            "versions": [version("v2beta1", true, v2), version("v1alpha3", false, v1)],
        },
    })
}

/// The API server takes these documents, all of their fields.
fn accepts(kube: &mut Kube, json: &str) {
    let crds = "apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let made = kube.send("POST", &path("", crds, ""), &definitions());
    assert!([201, 409].contains(&made.status), "{}", made.text());
    let resource = format!("apis/{GROUP}/v2beta1/clientintents");
    let served = wait(Duration::from_secs(20), || {
        let answer = kube.send("GET", &path("typed", &resource, ""), &Value::Null);
        (answer.status == 200).then_some(())
    });
    assert!(served.is_some(), "the definition is not served");
    let documents: Value = serde_json::from_str(json).unwrap();
    let documents = documents.as_array().unwrap();
    assert!(!documents.is_empty());
    for document in documents {
        let mut document = document.clone();
        document["apiVersion"] = json!(format!("{GROUP}/v2beta1"));
        let namespace = document["metadata"]["namespace"]
            .as_str()
            .unwrap()
            .to_owned();
        let strictly = "?fieldValidation=Strict&dryRun=All";
        let url = path(&namespace, &resource, "") + strictly;
        let answer = kube.send("POST", &url, &document);
        assert_eq!(answer.status, 201, "{document}\n{}", answer.text());
    }
}

/// The same of YAML, by kubectl.
fn strict(yaml: &str) {
    let yaml = yaml.replace(
        "apiVersion: k8s.otterize.com/",
        &format!("apiVersion: {GROUP}/"),
    );
    let mut kubectl = Command::new(variable("KUBECTL"))
        .args(["create", "--dry-run=server", "--validate=strict", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    kubectl
        .stdin
        .take()
        .unwrap()
        .write_all(yaml.as_bytes())
        .unwrap();
    let output = kubectl.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{yaml}\n{said}");
}

/// Each right that is missing is named, one after the other as they are given.
#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn missing_rights_are_named() {
    const RIGHTS: &str = "command-line-rights";
    let proxy = Proxy::start();
    let mut kube = proxy.client();
    install(&mut kube, RIGHTS, Some("fake-1"));
    wait_ready(&mut kube, RIGHTS);
    let roles = "apis/rbac.authorization.k8s.io/v1/roles";
    let bindings = "apis/rbac.authorization.k8s.io/v1/rolebindings";
    let role = |rules: &Value| json!({ "metadata": { "name": "portolan" }, "rules": rules });
    kube.create(RIGHTS, roles, &role(&json!([])));
    let binding = json!({
        "metadata": { "name": "portolan" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "portolan" },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "nobody" }],
    });
    kube.create(RIGHTS, bindings, &binding);
    let rule = |verb: &str, resource: &str| json!({ "apiGroups": [""], "verbs": [verb], "resources": [resource] });
    let mut rules = Vec::new();
    for (lacking, then) in [
        ("get services", rule("get", "services")),
        ("list pods", rule("list", "pods")),
        ("create pods/portforward", rule("get", "pods/portforward")),
    ] {
        let named = format!("you have no right to `{lacking}` in namespace {RIGHTS}");
        let said = wait(Duration::from_secs(10), || {
            let ran = portolan(&nobody(), RIGHTS, &["list"]);
            ran.err.contains(&named).then_some(ran)
        });
        let ran = said.unwrap_or_else(|| portolan(&nobody(), RIGHTS, &["list"]));
        ran.failed(&[&named, "get and create pods/portforward"]);
        portolan(&nobody(), RIGHTS, &["network-mapper", "list"]).failed(&["Error: ", &named]);
        rules.push(then);
        let changed = kube.send(
            "PATCH",
            &path(RIGHTS, roles, "portolan"),
            &json!({ "rules": rules }),
        );
        assert_eq!(changed.status, 200, "{}", changed.text());
    }
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn what_is_not_there_is_named() {
    const EMPTY: &str = "command-line-empty";
    let proxy = Proxy::start();
    let mut kube = proxy.client();
    let kubeconfig = variable("KUBECONFIG");
    let list = |namespace: &str| portolan(&kubeconfig, namespace, &["list"]);
    list("nowhere").failed(&[
        "no Service otterize-network-mapper in namespace nowhere",
        "--mapper-namespace",
    ]);
    install(&mut kube, EMPTY, None);
    list(EMPTY).failed(&["service otterize-network-mapper has no pods"]);
    let pod = json!({
        "metadata": { "name": "mapper", "labels": { "app": SERVICE } },
        "spec": { "nodeName": "nowhere", "containers": [{ "name": "mapper", "image": "mapper" }] },
    });
    kube.create(EMPTY, "pods", &pod);
    list(EMPTY).failed(&["has no ready pod in namespace command-line-empty: mapper is Pending"]);
    let no_file = portolan("/nowhere/kubeconfig", EMPTY, &["list"]);
    no_file.failed(&["no way to a cluster", "--mapper-url"]);
    let other = ["list", "--context", "nowhere"];
    portolan(&kubeconfig, EMPTY, &other).failed(&["no way to a cluster", "nowhere"]);
}
