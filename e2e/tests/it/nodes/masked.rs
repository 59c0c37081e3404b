//! Pods whose node speaks for them: it is they who call.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use e2e::mapper::Mapper;
use e2e::scene::{self, Scene};

use super::{LONG, STRANGER, apply, wait_ready};

pub(super) fn is_the_map(mapper: &Mapper) {
    let seen = [8088, 8089].map(outside);
    apply(include_str!("../../../nodes/masked.yaml"));
    wait_ready("masked", "deployment/far");
    apply(include_str!("../../../nodes/maskers.yaml"));

    let mut scene = Scene::new(0, "masked");
    scene.edges(&[
        "by-own-node/Deployment -> far/Deployment via far :8080/tcp [tcp]",
        "by-other-node/Deployment -> far/Deployment via far :8080/tcp [tcp]",
        "to-outside/DaemonSet -> outside.example at 203.0.113.10 :8088/tcp,8089/tcp [dns,tcp]",
    ]);
    scene::wait_edges(mapper, &scene, LONG);
    // They were truly masked.
    for seen in seen {
        let from = seen.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(from.starts_with("10.64.255.1"), "{from}");
    }
}

/// Serves outside, and tells by whom it was called.
fn outside(port: u16) -> std::sync::mpsc::Receiver<String> {
    let (tell, told) = std::sync::mpsc::channel();
    let listener = TcpListener::bind((STRANGER, port)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _asked = stream.read(&mut [0; 1024]);
            let _said = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
            let from = stream.peer_addr().map(|from| from.ip().to_string());
            if from.is_ok_and(|from| tell.send(from).is_err()) {
                return;
            }
        }
    });
    told
}
