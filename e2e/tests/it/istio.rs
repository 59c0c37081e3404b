//! Real Envoys, the built watcher and mapper: which methods and paths are called, from statistics to the exported file.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Output;
use std::time::Duration;

use e2e::bed::{self, built};
use e2e::envoy::{self, Envoy, Serves, Watcher};
use e2e::kube::{self, Kube, Proxy};
use e2e::mapper::Mapper;
use e2e::time::wait;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

/// A namespace with a mapper, and pods whose address is one of this machine.
struct Mesh {
    name: &'static str,
    kube: Kube,
    mapper: Mapper,
    _proxy: Proxy,
}

impl Mesh {
    fn new(name: &'static str) -> Self {
        let proxy = Proxy::start();
        let mut kube = proxy.client();
        kube.namespace(name);
        let mapper = Mapper::ready(name, &[]);
        Self {
            name,
            kube,
            mapper,
            _proxy: proxy,
        }
    }

    /// A pod of a Deployment of its name.
    fn pod(&mut self, name: &str, labels: &Value) {
        let template = json!({"metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "app", "image": "app"}]}});
        let deployment = json!({
            "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
        });
        let owner = self
            .kube
            .create(self.name, "apis/apps/v1/deployments", &deployment);
        let owner =
            json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": name, "uid": owner}]);
        let pod = json!({
            "metadata": {"name": name, "labels": labels, "ownerReferences": owner},
            "spec": {"containers": [{"name": "app", "image": "app"}], "nodeName": "elsewhere"},
        });
        self.kube.create(self.name, "pods", &pod);
    }

    /// A pod whose sidecar started then.
    fn sidecar(&mut self, name: &str, address: Ipv4Addr, started: &str) {
        self.pod(name, &json!({"security.istio.io/tlsMode": "istio"}));
        self.starts(name, address, started);
    }

    fn starts(&mut self, name: &str, address: Ipv4Addr, started: &str) {
        let running = |of: &str| {
            json!({"name": of, "image": "i", "imageID": "", "ready": true, "restartCount": 0,
                "state": {"running": {"startedAt": started}}})
        };
        let status = json!({
            "phase": "Running", "podIP": address.to_string(), "podIPs": [{"ip": address.to_string()}],
            "startTime": started, "containerStatuses": [running("app")],
            "initContainerStatuses": [running("istio-proxy")],
        });
        self.kube.set_status(self.name, "pods", name, &status);
    }

    fn envoy(&self, address: Ipv4Addr, workload: &str) -> Envoy {
        Envoy::start(
            address,
            Serves {
                namespace: self.name,
                workload,
                service: "nginx-service",
                reporter: "destination",
                path_label: "request_path",
            },
        )
    }

    fn watcher(&self, arguments: &[&str]) -> Watcher {
        Watcher::start(self.name, self.mapper.address, arguments)
    }

    /// What `portolan export` writes in this form.
    fn export(&self, format: &str) -> String {
        let url = format!("http://{}", self.mapper.address);
        let Output {
            status,
            stdout,
            stderr,
        } = std::process::Command::new(built("portolan"))
            .args(["export", "--mapper-url", &url, "--format", format])
            .output()
            .unwrap();
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }

    /// `METHODS path` of all edges, sorted.
    fn paths(&self) -> Vec<String> {
        let query = "{ edges { client { namespace } httpResources { path methods } } }";
        let data = self.mapper.query(query, &json!({}));
        let edges = data["edges"].as_array().unwrap().iter();
        let mine = edges.filter(|edge| edge["client"]["namespace"] == self.name);
        let mut paths: Vec<String> = mine
            .flat_map(|edge| edge["httpResources"].as_array().unwrap())
            .map(|resource| {
                let methods = resource["methods"].as_array().unwrap().iter();
                let methods: Vec<&str> = methods.map(|method| method.as_str().unwrap()).collect();
                format!(
                    "{} {}",
                    methods.join(","),
                    resource["path"].as_str().unwrap()
                )
            })
            .collect();
        paths.sort();
        paths
    }

    fn wait_paths(&self, watcher: &Watcher, expected: &[&str]) {
        let found = wait(SOON, || (self.paths() == expected).then_some(()));
        assert!(found.is_some(), "{:?}\n{}", self.paths(), watcher.log());
    }
}

/// The tutorial's list and file; `/before` was called before the watcher began, and a query is never told.
const LISTED: &str = "\
client in namespace otterize-tutorial-istio-mapping calls:
 - nginx
   - path /client-path, methods: [GET]
client2 in namespace otterize-tutorial-istio-mapping calls:
 - nginx
   - path /client2-path, methods: [POST]
";
const EXPORTED: &str = "\
apiVersion: k8s.otterize.com/v2beta1
kind: ClientIntents
metadata:
  name: client
  namespace: otterize-tutorial-istio-mapping
spec:
  workload:
    name: client
    kind: Deployment
  targets:
    - kubernetes:
        name: nginx
        kind: Deployment
        http:
          - path: /client-path
            methods:
              - GET
---
apiVersion: k8s.otterize.com/v2beta1
kind: ClientIntents
metadata:
  name: client2
  namespace: otterize-tutorial-istio-mapping
spec:
  workload:
    name: client2
    kind: Deployment
  targets:
    - kubernetes:
        name: nginx
        kind: Deployment
        http:
          - path: /client2-path
            methods:
              - POST
";

const LONG_AGO: &str = "2026-01-01T00:00:00Z";

/// A second from now, as Kubernetes writes it.
fn now() -> String {
    let now = jiff::Timestamp::now().to_string();
    format!("{}Z", now.split('.').next().unwrap().trim_end_matches('Z'))
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn istio_tutorial_from_statistics_to_the_exported_file() {
    let mut mesh = Mesh::new("otterize-tutorial-istio-mapping");
    for client in ["client", "client2"] {
        mesh.pod(client, &json!({}));
    }
    let address = envoy::address();
    mesh.sidecar("nginx", address, LONG_AGO);
    let nginx = mesh.envoy(address, "nginx");
    nginx.request("client", "GET", "/before");
    let watcher = mesh.watcher(&[]);
    watcher.answered(1);
    watcher.rounds(1);
    nginx.request("client", "GET", "/client-path");
    nginx.request("client2", "POST", "/client2-path?token=secret");
    mesh.wait_paths(&watcher, &["GET /client-path", "POST /client2-path"]);
    assert_eq!(mesh.export("list"), LISTED);
    let exported = mesh.export("clientintents");
    assert_eq!(exported, EXPORTED);
    let ready = wait(SOON, || {
        (watcher.health("/readyz") == Some(200)).then_some(())
    });
    assert!(ready.is_some() && watcher.health("/healthz") == Some(200));
    assert!(watcher.end() < Duration::from_secs(8));
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn istio_rounds_tell_what_has_happened_since_and_a_restarted_envoy_counts_anew() {
    let mut mesh = Mesh::new("istio-rounds");
    mesh.pod("web", &json!({}));
    let address = envoy::address();
    mesh.sidecar("api", address, LONG_AGO);
    let old = mesh.envoy(address, "api");
    old.request("web", "GET", "/old");
    let watcher = mesh.watcher(&[]);
    watcher.answered(1);
    watcher.rounds(2);
    assert_eq!(mesh.paths(), [""; 0]);
    assert_eq!(watcher.metric("portolan_istio_offered_total"), 0);
    old.request("web", "GET", "/new");
    mesh.wait_paths(&watcher, &["GET /new"]);
    // Rounds without requests tell nothing.
    let offered = watcher.metric("portolan_istio_offered_total");
    watcher.rounds(3);
    assert_eq!(watcher.metric("portolan_istio_offered_total"), offered);
    // Another Envoy of the same pod: as many requests as before, of the same path.
    drop(old);
    let again = mesh.envoy(address, "api");
    again.request("web", "GET", "/old");
    again.request("web", "HEAD", "/head");
    mesh.starts("api", address, &now());
    mesh.wait_paths(&watcher, &["ALL /head", "GET /new", "GET /old"]);
    assert!(watcher.metric("portolan_istio_restarts_total") >= 1);
    // One that comes later counts in full.
    let address = envoy::address();
    let later = Envoy::start(
        address,
        Serves {
            namespace: mesh.name,
            workload: "api",
            service: "api",
            reporter: "destination",
            path_label: "request_path",
        },
    );
    later.request("web", "GET", "/first");
    mesh.sidecar("api-2", address, &now());
    mesh.wait_paths(
        &watcher,
        &["ALL /head", "GET /first", "GET /new", "GET /old"],
    );
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn istio_paths_are_whole_and_thousands_of_them_few() {
    let mut mesh = Mesh::new("istio-paths");
    for pod in ["web", "crawler"] {
        mesh.pod(pod, &json!({}));
    }
    let address = envoy::address();
    mesh.sidecar("api", address, LONG_AGO);
    let api = mesh.envoy(address, "api");
    let watcher = mesh.watcher(&["--include-history"]);
    let odd = [
        "/api/v1.2/index.html",
        "/a b",
        "/\"q\"",
        "/back\\slash",
        "/ünï/码",
        "/a%20b?x=1#y",
        "/pkg.Service/Method",
    ];
    api.requests("web", "GET", odd.iter().map(|path| (*path).to_owned()));
    let whole = [
        "GET /\"q\"",
        "GET /a b",
        "GET /a%20b",
        "GET /api/v1.2/index.html",
        "GET /back\\slash",
        "GET /pkg.Service/Method",
        "GET /ünï/码",
    ];
    mesh.wait_paths(&watcher, &whole);
    api.requests(
        "crawler",
        "GET",
        (0..3_000).map(|user| format!("/users/{user}/orders.json")),
    );
    let folded = wait(SOON, || {
        mesh.paths()
            .contains(&"GET /users/*".to_owned())
            .then_some(())
    });
    assert!(folded.is_some(), "{}", watcher.log());
    watcher.rounds(2);
    assert!(
        mesh.paths().len() <= whole.len() + 102,
        "{:?}",
        mesh.paths()
    );
    assert!(watcher.metric("portolan_istio_folded_total") >= 2_800);
}

/// A sidecar that does to each connection what `act` does.
fn fake(address: Ipv4Addr, act: impl Fn(&mut std::net::TcpStream) + Send + Sync + 'static) {
    let listener = TcpListener::bind((address, 15_090)).unwrap();
    let act = std::sync::Arc::new(act);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let act = std::sync::Arc::clone(&act);
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let _asked = stream.read(&mut [0; 4096]);
                act(&mut stream);
            });
        }
    });
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn istio_huge_slow_and_broken_sidecars_hold_up_nobody() {
    let mut mesh = Mesh::new("istio-broken");
    mesh.pod("web", &json!({}));
    let address = envoy::address();
    mesh.sidecar("api", address, LONG_AGO);
    let api = mesh.envoy(address, "api");
    let bad = |mesh: &mut Mesh, name: &str, act: fn(&mut std::net::TcpStream)| {
        let address = envoy::address();
        fake(address, act);
        mesh.sidecar(name, address, LONG_AGO);
    };
    bad(&mut mesh, "silent", |_| {
        std::thread::sleep(Duration::from_mins(1));
    });
    bad(&mut mesh, "closes", |_| {});
    bad(&mut mesh, "refuses", |stream| {
        let _sent = stream.write_all(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n");
    });
    bad(&mut mesh, "breaks", |stream| {
        let _sent = stream.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\nistio_requests_total{source_workload=\"web",
        );
    });
    bad(&mut mesh, "garbage", |stream| {
        let _sent = stream.write_all(b"\x00\xff\x13 what is this\r\n\r\n");
    });
    bad(&mut mesh, "endless", |stream| {
        let head = b"HTTP/1.1 200 OK\r\n\r\n";
        let line = "istio_requests_total{request_path=\"/x".to_owned() + &"y".repeat(1 << 20);
        if stream.write_all(head).is_ok() {
            while stream.write_all(line.as_bytes()).is_ok() {}
        }
    });
    // And one where nobody listens.
    mesh.sidecar("absent", envoy::address(), LONG_AGO);
    let watcher = mesh.watcher(&[]);
    watcher.answered(1);
    watcher.rounds(1);
    api.request("web", "GET", "/good");
    mesh.wait_paths(&watcher, &["GET /good"]);
    for reason in ["connect", "late", "status", "broken"] {
        let name = format!("portolan_istio_failures_total{{reason=\"{reason}\"}}");
        assert!(watcher.metric(&name) > 0, "{reason}: {}", watcher.log());
    }
    assert_eq!(watcher.health("/healthz"), Some(200));
    assert!(watcher.end() < Duration::from_secs(8));
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn istio_without_paths_says_what_to_apply() {
    let mut mesh = Mesh::new("istio-no-paths");
    let address = envoy::address();
    mesh.sidecar("api", address, LONG_AGO);
    let api = Envoy::start(
        address,
        Serves {
            namespace: mesh.name,
            workload: "api",
            service: "api",
            reporter: "destination",
            path_label: "other_label",
        },
    );
    api.request("web", "GET", "/a");
    let watcher = mesh.watcher(&[]);
    let said = wait(SOON, || {
        let log = watcher.log();
        (log.contains("counts requests without their paths") && log.contains("request.url_path"))
            .then_some(())
    });
    assert!(said.is_some(), "{}", watcher.log());
    assert_eq!(watcher.metric("portolan_istio_mesh{state=\"no_paths\"}"), 1);
    let printed = envoy::command().arg("--print-telemetry").output().unwrap();
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(
        text.starts_with("apiVersion: telemetry.istio.io/") && text.contains("request.url_path")
    );
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn istio_waypoints_tell_of_the_workloads_behind_them() {
    let mut mesh = Mesh::new("istio-waypoint");
    for pod in ["web", "cart"] {
        mesh.pod(pod, &json!({}));
    }
    let address = envoy::address();
    let label = json!({"gateway.networking.k8s.io/gateway-class-name": "istio-waypoint"});
    mesh.pod("waypoint", &label);
    mesh.starts("waypoint", address, LONG_AGO);
    let serves = Serves {
        namespace: mesh.name,
        workload: "cart",
        service: "cart",
        reporter: "waypoint",
        path_label: "request_path",
    };
    let waypoint = Envoy::start(address, serves);
    let watcher = mesh.watcher(&[]);
    watcher.answered(1);
    watcher.rounds(1);
    waypoint.request("web", "GET", "/cart/7");
    mesh.wait_paths(&watcher, &["GET /cart/7"]);
    // One of the workload's pods has a sidecar too, which counts the same request: it stays one.
    let address = envoy::address();
    let sidecar = Envoy::start(
        address,
        Serves {
            reporter: "destination",
            ..serves
        },
    );
    sidecar.request("web", "GET", "/cart/7");
    sidecar.request("web", "POST", "/cart");
    mesh.sidecar("cart-2", address, &now());
    mesh.wait_paths(&watcher, &["GET /cart/7", "POST /cart"]);
    let listed = "\
web in namespace istio-waypoint calls:
 - cart
   - path /cart, methods: [POST]
   - path /cart/7, methods: [GET]
";
    assert_eq!(mesh.export("list"), listed);
    // One that is not to be asked is not.
    let without = mesh.watcher(&["--waypoint-selector="]);
    without.answered(1);
    assert_eq!(without.metric("portolan_istio_sidecars"), 1);
}

impl Mesh {
    /// What a user that has no rights may do in this namespace from now on.
    fn allow_nobody(&mut self, name: &str, resource: &str, verbs: &[&str]) {
        let group = "apis/rbac.authorization.k8s.io/v1";
        let role = json!({
            "metadata": {"name": name},
            "rules": [{"apiGroups": [""], "resources": [resource], "verbs": verbs}],
        });
        let (mesh, kube) = (self.name, &mut self.kube);
        kube.create(mesh, &format!("{group}/roles"), &role);
        let binding = json!({
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "nobody"}],
        });
        kube.create(mesh, &format!("{group}/rolebindings"), &binding);
    }

    /// A pod with two containers whose sidecar's port is closed, and that runs commands.
    fn closed(&mut self, name: &str) {
        let pod = json!({
            "metadata": {"name": name, "labels": {"security.istio.io/tlsMode": "istio"}},
            "spec": {"nodeName": "fake-0", "containers": [
                {"name": "app", "image": "app"}, {"name": "istio-proxy", "image": "proxy"}]},
        });
        self.kube.create(self.name, "pods", &pod);
        let path = kube::path(self.name, "pods", name);
        let runs = wait(SOON, || {
            let pod = self.kube.send("GET", &path, &json!({})).json();
            (pod["status"]["phase"] == "Running").then_some(())
        });
        assert!(runs.is_some(), "KWOK does not run it");
        // Its start is known to the second. A watcher that begins within that time takes it for a later one, and tells all.
        std::thread::sleep(Duration::from_secs(2));
        let address = envoy::address().to_string();
        let status = json!({"podIP": address, "podIPs": [{"ip": address}]});
        self.kube.set_status(self.name, "pods", name, &status);
    }
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn istio_sidecars_behind_a_closed_port_are_asked_by_a_command_when_told() {
    let mut mesh = Mesh::new("istio-exec");
    for pod in ["web", "cart"] {
        mesh.pod(pod, &json!({}));
    }
    mesh.closed("api");
    mesh.allow_nobody("pods", "pods", &["list", "watch"]);
    let serves = Serves {
        namespace: mesh.name,
        workload: "cart",
        service: "cart",
        reporter: "destination",
        path_label: "request_path",
    };
    let address = envoy::address();
    let cart = Envoy::start(address, serves);
    cart.request("web", "GET", "/before");

    // Not told, it runs none.
    let quiet = mesh.watcher(&[]);
    quiet.rounds(2);
    let failed = |watcher: &Watcher, reason: &str| {
        watcher.metric(&format!(
            "portolan_istio_failures_total{{reason=\"{reason}\"}}"
        ))
    };
    assert!(failed(&quiet, "connect") >= 2 && failed(&quiet, "exec") == 0);
    assert!(quiet.log().contains("--istio-exec"), "{}", quiet.log());
    drop(quiet);

    // Told, it needs the right, and says so.
    let kubeconfig = bed::variable("KUBECONFIG") + "-nobody";
    let to = mesh.mapper.address;
    let watcher = Watcher::start_as(&kubeconfig, mesh.name, to, &["--istio-exec"]);
    let says = |text: &str| {
        let said = wait(SOON, || watcher.log().contains(text).then_some(()));
        assert!(said.is_some(), "not {text}: {}", watcher.log());
    };
    says("let the service account create and get pods/exec there");
    mesh.allow_nobody("commands", "pods/exec", &["create", "get"]);
    // What the command complains of is told too.
    says("no Envoy runs");
    assert!(failed(&watcher, "exec") >= 2);

    let written = std::path::PathBuf::from(bed::variable("PORTOLAN_E2E_EXEC")).join("istio-exec");
    std::fs::write(written, address.to_string()).unwrap();
    watcher.answered(1);
    watcher.rounds(1);
    cart.request("web", "GET", "/by-command?x=1");
    mesh.wait_paths(&watcher, &["GET /by-command"]);
    // Its port is not asked first any more.
    let connects = failed(&watcher, "connect");
    watcher.rounds(2);
    assert_eq!(failed(&watcher, "connect"), connects);
    assert!(watcher.metric("portolan_istio_exec_answers_total") >= 3);
    // Thousands of paths are more than one piece.
    let many = (0..3_000).map(|user| format!("/users/{user}/orders.json"));
    cart.requests("web", "GET", many);
    let folded = wait(SOON, || {
        mesh.paths()
            .contains(&"GET /users/*".to_owned())
            .then_some(())
    });
    assert!(folded.is_some(), "{}", watcher.log());
    // The round that folded them may have begun before the last request.
    let read = wait(SOON, || {
        (watcher.metric("portolan_istio_lines_total{fate=\"series\"}") >= 3_000).then_some(())
    });
    assert!(read.is_some(), "{}", watcher.log());

    let query = "{ coverage { nodeName role rights version seen { reason count } } }";
    let told = mesh.mapper.query(query, &json!({}));
    let mine = { told["coverage"].as_array().unwrap().iter() }
        .find(|one| one["role"] == "istio-watcher")
        .unwrap_or_else(|| panic!("{told}"));
    assert_eq!(mine["nodeName"], "");
    assert_eq!(mine["rights"], json!(["statistics", "exec"]));
    assert_eq!(mine["seen"][0]["reason"], "istio");
}
