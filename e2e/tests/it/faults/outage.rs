//! The API server dies, hangs, or has forgotten, while reports keep coming.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::bed;
use e2e::http::Client;
use e2e::kube::{Kube, Proxy};
use e2e::mapper::{Mapper, Metrics};
use e2e::scene::{self, Scene, play, set_up};
use e2e::time::{wait, whole_from_now};
use serde_json::{Value, json};

use super::load::{Call, Load};

/// Waits for what metrics say.
fn wait_for(mapper: &Mapper, what: &str, holds: impl Fn(&Metrics) -> bool) {
    let found = wait(Duration::from_mins(1), || {
        holds(&mapper.metrics()).then_some(())
    });
    let metrics = mapper.metrics();
    assert!(
        found.is_some(),
        "{what}: {} lists, {} expired, {} errors; {} held, {} resolved, {:?}",
        of_pods(&metrics, "lists"),
        of_pods(&metrics, "expired"),
        of_pods(&metrics, "errors"),
        metrics.held(),
        metrics.resolved(),
        metrics.dropped()
    );
}

/// What is counted of the watch of pods: `lists`, `expired` and so on.
fn of_pods(metrics: &Metrics, what: &str) -> u64 {
    metrics.get(&format!(
        "portolan_mapper_watch_{what}_total{{kind=\"Pod\"}}"
    ))
}

/// A running pod on no node, and its UID.
fn run_pod(kube: &mut Kube, namespace: &str, name: &str, ip: &str) -> String {
    let object = json!({"metadata": {"name": name}, "spec": {"nodeName": "by-hand",
        "automountServiceAccountToken": false, "containers": [{"name": "main", "image": "registry.example/main:1"}]}});
    let uid = kube.create(namespace, "pods", &object);
    let now = whole_from_now(0);
    let status = json!({"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "startTime": now, "conditions": [
        {"type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": now}]});
    kube.set_status(namespace, "pods", name, &status);
    uid
}

/// The edges between workloads and to outside, as text.
fn edges(mapper: &Mapper, namespace: &str) -> BTreeSet<String> {
    let edges = scene::all(mapper, "edges");
    edges
        .iter()
        .map(|edge| scene::render(edge, namespace))
        .collect()
}

fn set(edges: &[&str]) -> BTreeSet<String> {
    edges.iter().map(|edge| (*edge).to_owned()).collect()
}

/// Three clients and a server behind a Service; a caller that is nobody.
fn town(number: u16, name: &str) -> (Scene, Vec<Call>) {
    let mut scene = Scene::new(number, name);
    let (client, server) = (scene.deployment("client"), scene.deployment("server"));
    let (bare, nobody) = (scene.pod("bare"), scene.address());
    let service = scene.service("svc", &[&server]);
    scene.tcp(&client.ip, &service.ip, 80);
    scene.edges(&["client/Deployment -> server/Deployment via svc :8080/tcp [tcp]"]);
    let call = |from: &str, to: &str, port| Call {
        from: from.to_owned(),
        uid: None,
        to: to.to_owned(),
        port,
    };
    let calls = vec![
        call(&client.ip, &service.ip, 80),
        call(&bare.ip, &server.ip, 8080),
        call(&server.ip, &bare.ip, 5432),
        call(&nobody, &server.ip, 8080),
    ];
    (scene, calls)
}

const TOWN: [&str; 3] = [
    "bare/Pod -> server/Deployment :8080/tcp [tcp]",
    "client/Deployment -> server/Deployment via svc :8080/tcp [tcp]",
    "server/Deployment -> bare/Pod :5432/tcp [tcp]",
];

/// Nobody's calls are refused; some others may be, where their time was not confirmed within half a minute.
fn check_refusals(metrics: &Metrics) {
    let dropped = metrics.dropped();
    let reasons: Vec<&str> = dropped.keys().map(String::as_str).collect();
    assert!(dropped.contains_key("unknown_source"), "{dropped:?}");
    assert!(
        reasons
            .iter()
            .all(|reason| ["unknown_source", "unsettled"].contains(reason)),
        "{dropped:?}"
    );
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn faults_the_api_server_dies_and_comes_back_under_load() {
    let proxy = Proxy::start();
    let mapper = Mapper::ready("dies", &[]);
    let (scene, calls) = town(243, "dies");
    let mut scenes = [scene];
    set_up(&proxy, &mapper, &mut scenes);
    drop(proxy);
    let load = Load::new(&mapper, calls);
    let metrics = load.during(|| {
        wait_for(&mapper, "edges come", |metrics| metrics.resolved() > 0);
        bed::testbed(&["kill", "apiserver"]);
        wait_for(&mapper, "it does not notice", |metrics| {
            of_pods(metrics, "errors") > 0
        });
        assert_eq!(mapper.get("/readyz").map(|answer| answer.status), Some(200));
        bed::testbed(&["start", "apiserver"]);
        let (resolved, lists) = (mapper.metrics().resolved(), "events");
        let events = of_pods(&mapper.metrics(), lists);
        run_pod(
            &mut Proxy::start().client(),
            "dies",
            "late",
            "10.150.243.200",
        );
        wait_for(&mapper, "no new pod is seen", |metrics| {
            of_pods(metrics, lists) > events
        });
        wait_for(&mapper, "nothing resolves any more", |metrics| {
            metrics.resolved() > resolved + 100
        });
    });
    check_refusals(&metrics);
    assert_eq!(edges(&mapper, "dies"), set(&TOWN));
}

/// Goes on, whatever happens.
struct Paused(&'static str);

impl Paused {
    fn new(component: &'static str) -> Self {
        bed::testbed(&["signal", component, "STOP"]);
        Self(component)
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        bed::testbed(&["signal", self.0, "CONT"]);
    }
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn faults_an_api_server_that_hangs_delays_answers_and_spoils_none() {
    let proxy = Proxy::start();
    let mapper = Mapper::ready("hangs", &[]);
    let (scene, calls) = town(244, "hangs");
    let mut scenes = [scene];
    set_up(&proxy, &mapper, &mut scenes);
    let load = Load::new(&mapper, calls);
    let metrics = load.during(|| {
        wait_for(&mapper, "edges come", |metrics| metrics.resolved() > 0);
        let paused = Paused::new("etcd");
        // Nothing is certain any more: all of it waits, and the mapper answers.
        let held = mapper.metrics().held();
        wait_for(&mapper, "more waits than usual", |metrics| {
            metrics.held() > held + 300
        });
        assert_eq!(mapper.get("/readyz").map(|answer| answer.status), Some(200));
        assert_eq!(
            mapper.query("{ health }", &json!({})),
            json!({"health": true})
        );
        drop(paused);
        let held = mapper.metrics().held();
        wait_for(&mapper, "it does not catch up", |metrics| {
            metrics.held() < held / 2
        });
    });
    check_refusals(&metrics);
    assert_eq!(edges(&mapper, "hangs"), set(&TOWN));
}

/// Asks etcd itself, by its JSON gateway.
fn etcd(path: &str, body: &Value) -> Value {
    let port: u16 = bed::variable("TESTBED_PORT_BASE").parse().unwrap();
    let mut client = Client::new(([127, 0, 0, 1], port).into());
    let kind = [("content-type", "application/json")];
    let answer = client
        .send("POST", path, &kind, body.to_string().as_bytes())
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// While the API server is away a pod vanishes, and the history of it; its address is another's when it comes back.
#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn faults_a_watch_that_expired_is_followed_by_a_new_list() {
    let proxy = Proxy::start();
    let mapper = Mapper::ready("expired", &[]);
    let mut scene = Scene::new(245, "expired");
    let (victim, server) = (scene.pod("victim"), scene.deployment("server"));
    scene.tcp(&victim.ip, &server.ip, 8080);
    scene.edges(&["victim/Pod -> server/Deployment :8080/tcp [tcp]"]);
    let mut scenes = [scene];
    set_up(&proxy, &mapper, &mut scenes);
    play(&mapper, &scenes);
    drop(proxy);
    let lists = of_pods(&mapper.metrics(), "lists");
    bed::testbed(&["kill", "apiserver"]);
    let key = base64(b"/registry/pods/expired/victim");
    let gone = etcd("/v3/kv/deleterange", &json!({ "key": key }));
    assert_eq!(gone["deleted"], "1");
    etcd(
        "/v3/kv/compaction",
        &json!({"revision": gone["header"]["revision"], "physical": true}),
    );
    bed::testbed(&["start", "apiserver"]);
    wait_for(&mapper, "no watch has expired", |metrics| {
        of_pods(metrics, "expired") > 0
    });
    wait_for(&mapper, "pods are not listed again", |metrics| {
        of_pods(metrics, "lists") > lists
    });
    let proxy = Proxy::start();
    run_pod(&mut proxy.client(), "expired", "heir", &victim.ip);
    let call = |port| Call {
        from: victim.ip.clone(),
        uid: None,
        to: server.ip.clone(),
        port,
    };
    // Whose the first of these are is not sure; then they are the heir's.
    Load::new(&mapper, vec![call(9090)]).during(|| {
        wait_for(&mapper, "the heir does not get its calls", |_| {
            edges(&mapper, "expired").len() > 1
        });
    });
    assert_eq!(
        edges(&mapper, "expired"),
        set(&[
            "heir/Pod -> server/Deployment :9090/tcp [tcp]",
            "victim/Pod -> server/Deployment :8080/tcp [tcp]",
        ])
    );
}

/// RFC 4648, for what needs no padding rules beyond the usual.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let padded = [
            chunk[0],
            *chunk.get(1).unwrap_or(&0),
            *chunk.get(2).unwrap_or(&0),
        ];
        let number = padded
            .iter()
            .fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        for place in 0..4 {
            let digit = DIGITS[number >> (18 - 6 * place) & 63];
            text.push(if place <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}
