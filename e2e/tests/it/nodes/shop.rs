//! Pods that call a Deployment in every way.

use std::process::Command;

use e2e::mapper::Mapper;
use e2e::scene::{self, Scene};

use super::{LONG, STRANGER, apply, wait_ready};

pub(super) fn is_the_map(mapper: &Mapper) {
    // A call before the Service has endpoints would be an attempt.
    apply(include_str!("../../../nodes/shop.yaml"));
    wait_ready("shop", "deployment/web");
    apply(include_str!("../../../nodes/clients.yaml"));

    let mut scene = Scene::new(0, "shop");
    scene.edges(&[
        "client/DaemonSet -> web/Deployment via web :8080/tcp [dns,tcp]",
        "headless/Deployment -> web/Deployment via direct :8080/tcp [dns,tcp]",
        "itself/Deployment -> itself/Deployment via mirror :8080/tcp [dns,tcp]",
    ]);
    scene::wait_edges(mapper, &scene, LONG);

    apply(include_str!("../../../nodes/brief.yaml"));
    scene.edges(&["brief/Job -> web/Deployment via web :8080/tcp [dns,tcp]"]);
    scene::wait_edges(mapper, &scene, LONG);

    // A caller from outside, by the port of a node.
    let url = "http://10.64.255.11:30080/";
    let call = ["-s", "--max-time", "5", "--interface", STRANGER, url];
    let called = Command::new("curl").args(call).output().unwrap();
    assert!(called.status.success(), "{called:?}");
    scene.edges(&["internet -> web/Deployment via web at 203.0.113.10 :8080/tcp [tcp]"]);
    scene::wait_edges(mapper, &scene, LONG);
}
