//! Who may report, read and reset: with real service accounts, whose tokens a real API server gives and judges.

use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::bed;
use e2e::http::{Answer, Client};
use e2e::kube::{Kube, Proxy, path};
use e2e::mapper::Mapper;
use e2e::time::wait;
use e2e::tls::Certificate;
use serde_json::{Value, json};

mod flood;

const READ: &str = "{ intents { client { name } } }";
const RESET: &str = "mutation { resetCapture }";
const REPORT: &str = "mutation { reportCaptureResults(results: {results: []}) }";
const OURS: &[&str] = &["portolan"];

/// A namespace with service accounts, and a mapper that gives them roles.
struct Scene {
    namespace: String,
    kube: Kube,
    certificate: Arc<Certificate>,
    mapper: Mapper,
    _proxy: Proxy,
}

impl Scene {
    fn new(name: &str) -> Self {
        let proxy = Proxy::start();
        let mut kube = proxy.client();
        let namespace = format!("access-{name}");
        kube.namespace(&namespace);
        for account in ["sniffer", "reader", "admin", "stranger"] {
            let object = json!({ "metadata": { "name": account } });
            kube.create(&namespace, "serviceaccounts", &object);
        }
        let certificate = Arc::new(Certificate::new(name));
        let of = |account: &str| format!("{namespace}:{account}");
        let group = format!("group:system:serviceaccounts:{namespace}-readers");
        let mut arguments: Vec<String> = certificate.arguments().into();
        arguments.extend(["--report-subjects".to_owned(), of("sniffer")]);
        arguments.extend([
            "--read-subjects".to_owned(),
            format!("{} {group}", of("reader")),
        ]);
        arguments.extend(["--reset-subjects".to_owned(), of("admin")]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mapper = Mapper::ready(&namespace, &arguments);
        Self {
            namespace,
            kube,
            certificate,
            mapper,
            _proxy: proxy,
        }
    }

    /// A token by `TokenRequest`, as kubelet gets it for a projected volume.
    fn token(&mut self, account: &str, audiences: &[&str], bound_to: Option<&Value>) -> String {
        let path = path(&self.namespace, "serviceaccounts", account) + "/token";
        let mut spec = json!({ "audiences": audiences, "expirationSeconds": 600 });
        if let Some(object) = bound_to {
            spec["boundObjectRef"] = object.clone();
        }
        let asked = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec });
        let answer = self.kube.send("POST", &path, &asked);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["status"]["token"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// A client of the cluster, over TLS.
    fn client(&self) -> Client {
        self.mapper.client().from(2).over(&self.certificate)
    }

    fn refused(&self, reason: &str) -> u64 {
        let all = self
            .mapper
            .metrics()
            .labelled("portolan_access_refused_total");
        all.get(reason).copied().unwrap_or(0)
    }
}

fn send(client: &mut Client, token: &str, body: &Value) -> Answer {
    let token = format!("Bearer {token}");
    let fields = [
        ("host", "portolan-mapper.portolan.svc:9090"),
        ("content-type", "application/json"),
        ("authorization", token.as_str()),
    ];
    let sent = client.send("POST", "/query", &fields, body.to_string().as_bytes());
    sent.unwrap_or_else(|error| panic!("no answer: {error}"))
}

fn ask(client: &mut Client, token: &str, document: &str) -> u16 {
    send(client, token, &json!({ "query": document })).status
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn each_service_account_may_do_what_its_role_says() {
    let mut scene = Scene::new("roles");
    let mut client = scene.client();
    let kind = "{ __type(name: \"Destination\") { name } }";
    let documents = ["{ health }", kind, REPORT, READ, RESET];
    for (account, allowed) in [
        ("sniffer", [true, true, true, false, false]),
        ("reader", [true, true, false, true, false]),
        ("admin", [true, true, false, false, true]),
        ("stranger", [true, true, false, false, false]),
    ] {
        let token = scene.token(account, OURS, None);
        for (document, allowed) in documents.iter().zip(allowed) {
            let wanted = if allowed { 200 } else { 403 };
            assert_eq!(
                ask(&mut client, &token, document),
                wanted,
                "{account} {document}"
            );
        }
    }
    assert_eq!(scene.refused("role"), 9);
    let metrics = scene.mapper.metrics();
    assert_eq!(metrics.get("portolan_access_tokens"), 4);
    assert!(metrics.get("portolan_tls_certificate_expiry_seconds") > 0);
    let log = scene.mapper.log();
    assert!(!log.contains("eyJ"), "a token is in the log");
}

/// Whatever somebody shows who has no good token for us, it is refused; and nobody else is harmed.
#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn forged_foreign_and_replayed_tokens_are_refused() {
    let mut scene = Scene::new("poison");
    let mut client = scene.client();
    let good = scene.token("reader", OURS, None);
    assert_eq!(ask(&mut client, &good, READ), 200);
    let foreign = scene.token("reader", &["vault"], None);
    let many = scene.token(
        "reader",
        &["https://kubernetes.default.svc.cluster.local", "vault"],
        None,
    );
    let parts: Vec<&str> = good.split('.').collect();
    let [head, payload, signature] = parts[..] else {
        panic!("no token: {good}")
    };
    let other = scene.token("admin", OURS, None);
    let other: Vec<&str> = other.split('.').collect();
    let flipped = signature.replace(['A', 'B'], "C");
    let mut forged = vec![
        ("another audience", foreign),
        ("the API server's audience", many),
        (
            "another's claims",
            format!("{head}.{}.{signature}", other[1]),
        ),
        (
            "a changed signature",
            format!("{head}.{payload}.{flipped}x"),
        ),
        ("no signature", format!("{head}.{payload}.")),
        ("no algorithm", format!("eyJhbGciOiJub25lIn0.{payload}.")),
        ("half a token", good[..good.len() / 2].to_owned()),
        ("noise", "A".repeat(4_000)),
        ("the testbed's static token", "not-a-token".to_owned()),
    ];
    forged.push(("blanks in it", "a b".to_owned()));
    for (what, token) in &forged {
        for document in [READ, RESET, REPORT, "{ health }"] {
            assert_eq!(ask(&mut client, token, document), 401, "{what} {document}");
        }
    }
    assert_eq!(scene.refused("bad_token"), 4 * (forged.len() as u64 - 1));
    assert_eq!(scene.refused("no_bearer_token"), 4);

    // Replayed after its service account was deleted: at the latest when the API server is asked again.
    scene
        .kube
        .delete(&scene.namespace.clone(), "serviceaccounts", "reader", 0);
    let begun = Instant::now();
    let refused = wait(Duration::from_secs(70), || {
        (ask(&mut client, &good, READ) == 401).then(|| begun.elapsed())
    });
    println!(
        "a deleted account's token was refused after {:?}",
        refused.unwrap()
    );
    let admin = scene.token("admin", OURS, None);
    assert_eq!(ask(&mut client, &admin, RESET), 200);
    assert!(!scene.mapper.log().contains("eyJ"), "a token is in the log");
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn a_token_of_a_pod_reports_for_the_node_of_its_pod() {
    let mut scene = Scene::new("node");
    let node = scene
        .kube
        .send("GET", "/api/v1/nodes?limit=1", &Value::Null)
        .json();
    let node = node["items"][0]["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let pod = json!({
        "metadata": { "name": "sniffer" },
        "spec": {
            "nodeName": node, "serviceAccountName": "sniffer",
            "containers": [{ "name": "c", "image": "i" }],
        },
    });
    let namespace = scene.namespace.clone();
    let uid = scene.kube.create(&namespace, "pods", &pod);
    let of = json!({ "apiVersion": "v1", "kind": "Pod", "name": "sniffer", "uid": uid });
    let bound = scene.token("sniffer", OURS, Some(&of));
    let unbound = scene.token("sniffer", OURS, None);
    let mut client = scene.client();
    let report = |node: &str| {
        let source = json!({ "srcIp": "10.153.0.1", "srcHostname": "", "destinations": [], "nodeName": node });
        let document = wire::document::REPORT_TCP_CAPTURE_RESULTS;
        json!({ "query": document, "variables": { "results": { "results": [source] } } })
    };
    assert_eq!(send(&mut client, &bound, &report(&node)).status, 200);
    let refused = send(&mut client, &bound, &report("another-node"));
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(
        refused.text().contains("another-node"),
        "{}",
        refused.text()
    );
    assert_eq!(
        send(&mut client, &unbound, &report("another-node")).status,
        200
    );
    assert_eq!(scene.refused("other_node"), 1);
    // The pod goes, and with it its token.
    scene.kube.delete(&namespace, "pods", "sniffer", 0);
    let refused = wait(Duration::from_secs(70), || {
        (send(&mut client, &bound, &report(&node)).status == 401).then_some(())
    });
    assert!(refused.is_some(), "the token outlives its pod");
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn plain_http_is_for_port_forwards_and_probes() {
    let scene = Scene::new("plain");
    let status = |last: u8, fields: &[(&str, &str)], document: &str| {
        let mut all = vec![("content-type", "application/json")];
        all.extend(fields);
        let body = json!({ "query": document }).to_string();
        let mut client = scene.mapper.client().from(last);
        client
            .send("POST", "/query", &all, body.as_bytes())
            .unwrap()
            .status
    };
    // Another pod, another namespace: any address but loopback.
    let named = ("host", "portolan-mapper.portolan:9090");
    for document in [READ, RESET, REPORT] {
        assert_eq!(status(2, &[named], document), 403);
        assert_eq!(
            status(2, &[("host", "localhost:9090")], document),
            403,
            "a Host proves nothing"
        );
        assert_eq!(status(1, &[], document), 200, "a port-forward");
        assert_eq!(status(1, &[("host", "evil.example:9090")], document), 403);
        for field in [
            "x-forwarded-for",
            "forwarded",
            "x-real-ip",
            "via",
            "x-forwarded-proto",
        ] {
            assert_eq!(status(1, &[(field, "10.0.0.1")], document), 403, "{field}");
        }
        for origin in [
            "https://evil.example",
            "null",
            "http://localhost.evil.example",
        ] {
            assert_eq!(status(1, &[("origin", origin)], document), 403, "{origin}");
        }
        assert_eq!(
            status(1, &[("origin", "http://localhost:8080")], document),
            200
        );
    }
    assert_eq!(status(2, &[named], "{ health }"), 200);
    for (page, wanted) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/events", 403),
        ("/x", 403),
    ] {
        let answer = scene
            .mapper
            .client()
            .from(2)
            .send("GET", page, &[named], b"");
        assert_eq!(answer.unwrap().status, wanted, "{page}");
    }
    // With TLS too, and whatever else is shown.
    let origin = [
        ("origin", "https://evil.example"),
        ("authorization", "Bearer x"),
    ];
    let answer = scene.client().send("GET", "/healthz", &origin, b"");
    assert_eq!(answer.unwrap().status, 403);
    for (reason, count) in [
        ("plain_http", 8),
        ("foreign_host", 3),
        ("forwarded", 15),
        ("foreign_origin", 10),
    ] {
        assert_eq!(scene.refused(reason), count, "{reason}");
    }

    let open = Mapper::ready("access-open", &["--access", "open"]);
    let body = json!({ "query": READ }).to_string();
    let ask = |fields: &[(&str, &str)]| {
        let answer = open
            .client()
            .from(2)
            .send("POST", "/query", fields, body.as_bytes());
        answer.unwrap().status
    };
    let kind = ("content-type", "application/json");
    assert_eq!(ask(&[kind, named]), 200);
    assert_eq!(ask(&[kind, named, ("origin", "https://evil.example")]), 403);
    assert!(open.log().contains("--access=open"), "{}", open.log());
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn a_new_certificate_is_taken_while_connections_stay() {
    let mut scene = Scene::new("certificate");
    let token = scene.token("reader", OURS, None);
    let mut before = scene.client();
    assert_eq!(ask(&mut before, &token, READ), 200);
    let renewed = Arc::new(scene.certificate.renew());
    let begun = Instant::now();
    let shown = wait(Duration::from_secs(20), || {
        let stream = e2e::http::connect(scene.mapper.address).ok()?;
        renewed.over(stream).ok().map(|_| begun.elapsed())
    });
    println!("a new certificate was shown after {:?}", shown.unwrap());
    assert_eq!(ask(&mut before, &token, READ), 200, "the connection stays");
    let mut after = scene.mapper.client().from(2).over(&renewed);
    assert_eq!(ask(&mut after, &token, READ), 200);
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn faults_without_an_api_server_known_tokens_pass() {
    let mut scene = Scene::new("away");
    let known = scene.token("reader", OURS, None);
    let unknown = scene.token("reader", OURS, None);
    let mut client = scene.client();
    assert_eq!(ask(&mut client, &known, READ), 200);
    bed::testbed(&["kill", "apiserver"]);
    let answer = send(&mut client, &unknown, &json!({ "query": READ }));
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.head.contains("retry-after:"), "{}", answer.head);
    // Beyond the time for which what was said counts.
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    while begun.elapsed() < Duration::from_secs(75) {
        let asked = Instant::now();
        assert_eq!(ask(&mut client, &known, READ), 200, "{:?}", begun.elapsed());
        slowest = slowest.max(asked.elapsed());
        std::thread::sleep(Duration::from_millis(500));
    }
    println!("the slowest answer to a known token was {slowest:?}");
    bed::testbed(&["start", "apiserver"]);
    let passed = wait(Duration::from_mins(1), || {
        (ask(&mut client, &unknown, READ) == 200).then_some(())
    });
    assert!(
        passed.is_some(),
        "the unknown token does not pass with an API server"
    );
}
