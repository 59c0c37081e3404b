//! With one snapshot: the edges whose two ends it knows, and the rest counted.

use crate::{Ran, recorded, replay};

fn with_one(name: &str, snapshot: &str) -> Ran {
    let file = |file: &str| recorded(name, file);
    replay(&format!(
        "--capture {} --cluster {} --sockets {} {}",
        file("capture.pcap.gz"),
        file(snapshot),
        file("proc-start.tar.gz"),
        file("proc-end.tar.gz"),
    ))
    .well()
}

/// The list without these clients.
fn without(list: &str, clients: &[&str]) -> String {
    let mut kept = String::new();
    let mut skips = false;
    for line in list.lines() {
        if !line.starts_with(' ') {
            skips = clients
                .iter()
                .any(|client| line.starts_with(&format!("{client} in ")));
        }
        if !skips {
            kept += line;
            kept += "\n";
        }
    }
    kept
}

/// All of the shop's workloads are in either snapshot; some of their pods are not.
#[test]
fn the_shop_before_and_after() {
    for (snapshot, unknown) in [("cluster-start.json.gz", 149), ("cluster-end.json.gz", 93)] {
        let ran = with_one("shop", snapshot);
        assert_eq!(ran.out, include_str!("golden/shop.list"));
        ran.said(&[
            &format!("{unknown}   unknown address as source"),
            // The node's own processes.
            "  2   from a loopback address",
            &format!("{unknown} observations have an unknown address"),
            "--pod-events",
        ]);
    }
}

/// Pods that came or went in between are nobody: not the one who has their address later, and not the internet.
#[test]
fn the_awkward_cases_before_and_after() {
    let all = include_str!("golden/harder.list");
    let before = with_one("harder", "cluster-start.json.gz");
    let came = ["oneshot-1", "oneshot-2", "reuse-a", "reuse-b", "tick"];
    assert_eq!(before.out, without(all, &came));
    before.said(&["56   unknown address as source"]);
    let after = with_one("harder", "cluster-end.json.gz");
    assert_eq!(after.out, without(all, &["gone-client", "reuse-a"]));
    after.said(&["32   unknown address as source"]);
}
