//! Pods that have one address, one after the other, as soon as that can be.

use std::net::Ipv4Addr;
use std::process::Command;

use e2e::bed;
use e2e::mapper::Mapper;
use e2e::scene::{self, Scene};

use super::{LONG, apply, kubectl, wait_ready};

/// How many pods.
const PODS: u32 = 3;

/// Which address comes next is what this file of the plugin host-local says, on the node.
const LAST: &str = "/run/cni/pods/last_reserved_ip.0";

pub(super) fn is_the_map(mapper: &Mapper) {
    let numbered = |manifest: &str, n: u32| manifest.replace("$N", &n.to_string());
    for n in 1..=PODS {
        apply(&numbered(include_str!("../../../nodes/reused.yaml"), n));
    }
    for n in 1..=PODS {
        wait_ready("reused", &format!("deployment/web-{n}"));
    }
    let mut scene = Scene::new(0, "reused");
    let mut shared = None;
    for n in 1..=PODS {
        let name = format!("client-{n}");
        if let Some(address) = shared {
            free(address);
        }
        apply(&numbered(include_str!("../../../nodes/reuser.yaml"), n));
        let object = format!("pod/{name}");
        kubectl(
            &[
                "-n",
                "reused",
                "wait",
                "--for=condition=Ready",
                "--timeout=60s",
                &object,
            ],
            "",
        );
        let ip = kubectl(
            &[
                "-n",
                "reused",
                "get",
                &object,
                "-o",
                "jsonpath={.status.podIP}",
            ],
            "",
        );
        let ip: Ipv4Addr = ip.parse().unwrap();
        assert_eq!(*shared.get_or_insert(ip), ip, "{name} has another address");
        let edge = format!("{name}/Pod -> web-{n}/Deployment via web-{n} :8080/tcp [dns,tcp]");
        scene.edges(&[&edge]);
        scene::wait_edges(mapper, &scene, LONG);
        kubectl(&["-n", "reused", "delete", &object], "");
    }
    scene::wait_edges(mapper, &scene, LONG);
}

/// Lets the plugin give this address to the next pod, once it is free.
fn free(address: Ipv4Addr) {
    let before = Ipv4Addr::from(u32::from(address) - 1);
    let script = format!(
        "for try in $(seq 100); do [ ! -e /run/cni/pods/{address} ] && break; sleep 0.1; done
         echo -n {before} >{LAST}"
    );
    bed::variable("TESTBED_ENTER");
    let done = Command::new("sh")
        .args(["-c", "$TESTBED_ENTER node-1 sh -ec \"$1\"", "sh", &script])
        .status();
    assert!(done.unwrap().success());
}
