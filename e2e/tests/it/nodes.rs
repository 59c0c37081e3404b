//! The sniffer as a DaemonSet on two real nodes, with one capability: kubelet, containerd, kube-proxy and `CoreDNS` are real,
//! and so are the shop's pods. The test itself runs outside of the nodes, beside the API server.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use e2e::bed;
use e2e::mapper::Mapper;
use e2e::scene::{self, Scene};

/// Where the nodes reach what runs beside the API server (testbed/README.md).
const OUTSIDE: &str = "10.64.255.1";

/// An address of the outside that is nobody's in the cluster.
const STRANGER: &str = "203.0.113.10";

/// Pods have to come up, and DNS evidence waits for its connection.
const LONG: Duration = Duration::from_secs(90);

fn kubectl(arguments: &[&str], input: &str) {
    let mut process = Command::new(bed::variable("KUBECTL"))
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    assert!(process.wait().unwrap().success(), "kubectl {arguments:?}");
}

fn apply(manifest: &str) {
    kubectl(&["apply", "-f", "-"], manifest);
}

fn wait_ready(namespace: &str, what: &str) {
    let limit = "--timeout=60s";
    kubectl(&["-n", namespace, "rollout", "status", limit, what], "");
}

#[test]
#[ignore = "needs real nodes: ./dev test --only e2e"]
fn nodes_with_a_shop_are_the_map() {
    let mapper = Mapper::ready("nodes", &["--access", "open"]);
    let url = format!("http://{OUTSIDE}:{}/query", mapper.address.port());
    apply(&include_str!("../../nodes/sniffer.yaml").replace("$MAPPER", &url));
    wait_ready("portolan", "daemonset/sniffer");
    // A call before the Service has endpoints would be an attempt.
    apply(include_str!("../../nodes/shop.yaml"));
    wait_ready("shop", "deployment/web");
    apply(include_str!("../../nodes/clients.yaml"));

    let mut scene = Scene::new(0, "shop");
    scene.edges(&[
        "client/DaemonSet -> web/Deployment via web :8080/tcp [dns,tcp]",
        "headless/Deployment -> web/Deployment via direct :8080/tcp [dns,tcp]",
        "itself/Deployment -> itself/Deployment via mirror :8080/tcp [dns,tcp]",
    ]);
    scene::wait_edges(&mapper, &scene, LONG);

    apply(include_str!("../../nodes/brief.yaml"));
    scene.edges(&["brief/Job -> web/Deployment via web :8080/tcp [dns,tcp]"]);
    scene::wait_edges(&mapper, &scene, LONG);

    // A caller from outside, by the port of a node.
    let url = "http://10.64.255.11:30080/";
    let call = ["-s", "--max-time", "5", "--interface", STRANGER, url];
    let called = Command::new("curl").args(call).output().unwrap();
    assert!(called.status.success(), "{called:?}");
    scene.edges(&["internet -> web/Deployment via web at 203.0.113.10 :8080/tcp [tcp]"]);
    scene::wait_edges(&mapper, &scene, LONG);
}
