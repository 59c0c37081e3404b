//! The sniffer as a DaemonSet on two real nodes, with one capability: kubelet, containerd, kube-proxy and `CoreDNS` are real,
//! and so are all pods. The test itself runs outside of the nodes, beside the API server.

mod cached;
mod masked;
mod reused;
mod shop;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use e2e::bed;
use e2e::mapper::Mapper;

/// Where the nodes reach what runs beside the API server (testbed/README.md).
const OUTSIDE: &str = "10.64.255.1";

/// An address of the outside that is nobody's in the cluster.
const STRANGER: &str = "203.0.113.10";

/// Pods have to come up, and DNS evidence waits for its connection.
const LONG: Duration = Duration::from_mins(2);

fn kubectl(arguments: &[&str], input: &str) -> String {
    let mut process = Command::new(bed::variable("KUBECTL"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "kubectl {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
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
fn nodes_are_the_map() {
    let mapper = Mapper::ready("nodes", &["--access", "open"]);
    let url = format!("http://{OUTSIDE}:{}/query", mapper.address.port());
    apply(&include_str!("../../../nodes/sniffer.yaml").replace("$MAPPER", &url));
    wait_ready("portolan", "daemonset/sniffer");
    // Each in a namespace of its own, and all of them at the same time.
    std::thread::scope(|scope| {
        for part in [shop::is_the_map, cached::is_the_map, masked::is_the_map] {
            let mapper = &mapper;
            scope.spawn(move || part(mapper));
        }
    });
    // Alone: no other new pod is to get the address.
    reused::is_the_map(&mapper);
    // What was answered to processes of the nodes, too.
    for node in ["10.64.255.11", "10.64.255.12"] {
        let unasked = fates(node, "unasked answers");
        assert_eq!(unasked, 0, "{node}");
    }
}

/// How many DNS messages had this fate on the node with this address.
fn fates(node: &str, fate: &str) -> u64 {
    let url = format!("http://{node}:2112/metrics");
    let page = Command::new("curl")
        .args(["-s", "--max-time", "5", &url])
        .output()
        .unwrap();
    let page = String::from_utf8(page.stdout).unwrap();
    let name = format!("portolan_sniffer_dns_messages_total{{fate=\"{fate}\"}} ");
    assert!(
        page.contains("portolan_sniffer_dns_messages_total"),
        "{page}"
    );
    let line = page.lines().find_map(|line| line.strip_prefix(&name));
    line.map_or(0, |count| count.parse().unwrap())
}
