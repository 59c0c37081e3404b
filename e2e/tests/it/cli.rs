//! The built command line, through the API server: a Service, a pod, a real port-forward to the built mapper.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use e2e::bed::{built, variable};
use e2e::kube::{Kube, Proxy, path};
use e2e::mapper::Mapper;
use e2e::scene::{Scene, play, set_up};
use e2e::time::wait;
use e2e::tls::Certificate;
use parking_lot::Mutex;
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
    let output = Command::new(built("portolan"))
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
    for version in ["clientintents", "clientintents-v1"] {
        strict(&run(&["export", "-o", version]).well());
        let all = run(&["export", "-o", version, "--external"]).well();
        assert!(
            all.contains("internet:") && all.contains("198.51.100.7"),
            "{all}"
        );
        strict(&all);
    }

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
    let to = |verb: &str, resource: &str| json!({ "apiGroups": [""], "verbs": [verb], "resources": [resource] });
    let mut given = Vec::new();
    for (lacking, then) in [
        ("get services", to("get", "services")),
        ("list pods", to("list", "pods")),
        ("create pods/portforward", to("get", "pods/portforward")),
    ] {
        let named = format!("you have no right to `{lacking}` in namespace {RIGHTS}");
        let said = wait(Duration::from_secs(10), || {
            let ran = portolan(&nobody(), RIGHTS, &["list"]);
            ran.err.contains(&named).then_some(ran)
        });
        let ran = said.unwrap_or_else(|| portolan(&nobody(), RIGHTS, &["list"]));
        ran.failed(&[&named, "get and create pods/portforward"]);
        portolan(&nobody(), RIGHTS, &["network-mapper", "list"]).failed(&["Error: ", &named]);
        given.push(then);
        let changed = kube.send(
            "PATCH",
            &path(RIGHTS, roles, "portolan"),
            &json!({ "rules": given }),
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

/// The kubeconfig of the testbed, changed.
fn kubeconfig(change: impl FnOnce(&mut Value)) -> tempfile::NamedTempFile {
    let output = Command::new(variable("KUBECTL"))
        .args(["config", "view", "--raw", "-o", "json"])
        .output()
        .unwrap();
    let mut config: Value = serde_json::from_slice(&output.stdout).unwrap();
    change(&mut config);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(config.to_string().as_bytes()).unwrap();
    file
}

/// A proxy for one connection (RFC 9110, 9.3.6), and what was asked of it.
fn proxy_for_one() -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        let mut client = listener.accept().unwrap().0;
        let mut asked = Vec::new();
        let mut byte = [0];
        while !asked.ends_with(b"\r\n\r\n") {
            client.read_exact(&mut byte).unwrap();
            asked.push(byte[0]);
        }
        let asked = String::from_utf8(asked).unwrap();
        let to = asked.split(' ').nth(1).unwrap();
        let server = TcpStream::connect(to).unwrap();
        client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
        join(&client, &server);
        asked
    });
    (address, serving)
}

/// Where the error is one of the mapper's Service, the API server was reached, and knew who asked.
#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn credentials_of_programs_and_proxies_are_used() {
    let reached = |file: &tempfile::NamedTempFile| {
        let ran = portolan(file.path().to_str().unwrap(), "no-such", &["list"]);
        ran.failed(&["no Service otterize-network-mapper in namespace no-such"]);
    };
    let folder = tempfile::tempdir().unwrap();
    let credential = folder.path().join("credential.json");
    let by_program = kubeconfig(|config| {
        let user = &mut config["users"][0]["user"];
        let text = |field: &str| {
            let pem = match user[field.to_owned() + "-data"].as_str() {
                Some(base64) => BASE64.decode(base64).unwrap(),
                None => std::fs::read(user[field].as_str().unwrap()).unwrap(),
            };
            String::from_utf8(pem).unwrap()
        };
        let shown = json!({
            "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
            "status": {
                "clientCertificateData": text("client-certificate"), "clientKeyData": text("client-key"),
            },
        });
        std::fs::write(&credential, shown.to_string()).unwrap();
        *user = json!({ "exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/cat", "args": [credential],
            "interactiveMode": "Never",
        } });
    });
    reached(&by_program);

    let (proxy, asked) = proxy_for_one();
    let by_proxy = kubeconfig(|config| {
        config["clusters"][0]["cluster"]["proxy-url"] = json!(format!("http://{proxy}"));
    });
    reached(&by_proxy);
    let asked = asked.join().unwrap();
    assert!(asked.starts_with("CONNECT 127.0.0.1:"), "{asked}");

    let no_program = kubeconfig(|config| {
        config["users"][0]["user"] = json!({ "exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "/no/such/program",
            "interactiveMode": "Never",
        } });
    });
    let ran = portolan(no_program.path().to_str().unwrap(), "no-such", &["list"]);
    ran.failed(&["/no/such/program"]);
    let unknown = kubeconfig(|config| {
        config["users"][0]["user"] = json!({ "token": "wrong" });
    });
    let ran = portolan(unknown.path().to_str().unwrap(), "no-such", &["list"]);
    ran.failed(&["does not know you", "kubectl auth whoami"]);
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn a_mapper_with_a_certificate_is_reached_by_its_own_address() {
    let certificate = Certificate::new("command-line");
    let arguments = certificate.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mapper = Mapper::ready("command-line-tls", &arguments);
    let url = format!("https://localhost:{}", mapper.address.port());
    let trusted = certificate.file();
    let trusted = trusted.to_str().unwrap();
    let run = |arguments: &[&str]| portolan("/nowhere", "none", arguments);
    let status = run(&["status", "--mapper-url", &url, "--ca-file", trusted]);
    assert!(status.well().contains("0 edges"));
    run(&["status", "--mapper-url", &url]).failed(&["certificate", "--ca-file FILE"]);
}

/// An address whose connections lead to whichever mapper is the one now.
fn relay(to: SocketAddr) -> (SocketAddr, Arc<Mutex<SocketAddr>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let now = Arc::new(Mutex::new(to));
    let target = Arc::clone(&now);
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let to = *target.lock();
            if let Ok(server) = TcpStream::connect(to) {
                join(&client, &server);
            }
        }
    });
    (address, now)
}

/// Copies both ways until one end closes.
fn join(client: &TcpStream, server: &TcpStream) {
    for (from, to) in [(client, server), (server, client)] {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        std::thread::spawn(move || {
            let _broken = std::io::copy(&mut from, &mut to);
            let _closed = to.shutdown(Shutdown::Both);
        });
    }
}

/// The mapper goes away and another one comes with its store: whoever watches is told what came meanwhile, and all once.
#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn a_watch_survives_the_mapper() {
    let proxy = Proxy::start();
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().to_str().unwrap();
    let start = || Mapper::ready("command-line-watch", &["--data-dir", store]);
    let mut scenes = [Scene::new(193, "watched"), Scene::new(194, "later")];
    for scene in &mut scenes {
        let (client, server) = (scene.deployment("client"), scene.deployment("server"));
        scene.tcp(&client.ip, &server.ip, 8080);
        scene.edges(&["client/Deployment -> server/Deployment :8080/tcp [tcp]"]);
    }
    let mapper = start();
    set_up(&proxy, &mapper, &mut scenes);
    let (address, now) = relay(mapper.address);
    let mut watching = Command::new(built("portolan"))
        .env_clear()
        .args(["watch", "--count", "2"])
        .args(["--mapper-url", &format!("http://{address}")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let watched = wait(Duration::from_secs(10), || {
        (mapper.metrics().get("portolan_mapper_event_readers") == 1).then_some(())
    });
    assert!(watched.is_some(), "nobody watches");
    play(&mapper, &scenes[..1]);
    drop(mapper);
    let mapper = start();
    play(&mapper, &scenes[1..]);
    *now.lock() = mapper.address;
    let ended = wait(Duration::from_mins(1), || watching.try_wait().unwrap());
    if ended.is_none() {
        watching.kill().unwrap();
    }
    let output = watching.wait_with_output().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let told = out.lines().filter_map(|line| line.split_once(" + "));
    let told: Vec<&str> = told.map(|(_, edge)| edge).collect();
    assert_eq!(
        told,
        [
            "client.watched (Deployment) -> server.watched (Deployment): port 8080/tcp",
            "client.later (Deployment) -> server.later (Deployment): port 8080/tcp",
        ],
        "{err}"
    );
    assert!(err.contains("looking for it again"), "{err}");
}
