//! The testbed's `CoreDNS` in a pod of a node of namespaces.

use std::time::Duration;

use crate::bed;
use crate::node::{NetPod, Running};
use crate::time::wait;

/// Starts it in a pod with this configuration, and waits until it answers. The configuration must know `ready.example`.
pub fn start(pod: &NetPod, configuration: &str) -> Running {
    let file = bed::log_folder().join(format!("{}.corefile", pod.name()));
    std::fs::write(&file, configuration).unwrap();
    let mut command = pod.command(bed::root().join("target/testbed/bin/coredns"));
    command.arg("-conf").arg(&file);
    let server = Running::start(command);
    // Within the pod, where no sniffer looks.
    let asks = ["resolve", "udp", "127.0.0.1:53", "A", "ready.example"];
    let answers = wait(Duration::from_secs(20), || pod.may_do(&asks).then_some(()));
    assert!(
        answers.is_some(),
        "CoreDNS does not answer: {configuration}"
    );
    server
}
