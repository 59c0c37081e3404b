//! Pods that ask a DNS cache of their node: it is they who ask.

use e2e::mapper::Mapper;
use e2e::scene::{self, Scene};

use super::{LONG, apply, wait_ready};

pub(super) fn is_the_map(mapper: &Mapper) {
    apply(include_str!("../../../nodes/cache.yaml"));
    wait_ready("cached", "deployment/web");
    wait_ready("cached", "daemonset/cache");
    apply(include_str!("../../../nodes/cached.yaml"));

    let mut scene = Scene::new(0, "cached");
    scene.edges(&[
        "caller/DaemonSet -> web/Deployment via web :8080/tcp [dns,tcp]",
        "asker/Deployment -> outside.example at 203.0.113.10 [dns]",
    ]);
    scene::wait_edges(mapper, &scene, LONG);
}
