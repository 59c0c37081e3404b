//! The real recordings give exactly their true edges.
#![allow(
    clippy::unwrap_used,
    reason = "a test may fail loudly, in its helpers too"
)]

use std::path::PathBuf;
use std::process::{Command, Output};

fn portolan(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(args)
        .output()
        .unwrap()
}

fn recording(name: &str, file: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testkit/recordings");
    root.join(name).join(file).to_str().unwrap().to_owned()
}

fn replay(name: &str) -> Output {
    portolan(&[
        "replay",
        "--capture",
        &recording(name, "capture.pcap.gz"),
        "--cluster",
        &recording(name, "cluster-start.json.gz"),
        &recording(name, "cluster-end.json.gz"),
        "--pod-events",
        &recording(name, "pod-events.json.gz"),
        "--sockets",
        &recording(name, "proc-start.tar.gz"),
        &recording(name, "proc-end.tar.gz"),
    ])
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_shop_is_drawn_exactly() {
    let output = replay("shop");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), include_str!("golden/shop.list"));
}

#[test]
fn the_awkward_cases_are_drawn_exactly() {
    let output = replay("harder");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), include_str!("golden/harder.list"));
}

#[test]
fn the_demo_is_the_shop() {
    let output = portolan(&["demo"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), include_str!("golden/shop.list"));
}

#[test]
fn what_is_no_capture_is_named_with_a_remedy() {
    let bad = recording("shop", "truth.txt");
    let output = portolan(&[
        "replay",
        "--capture",
        &bad,
        "--cluster",
        &recording("shop", "cluster-end.json.gz"),
    ]);
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    assert!(
        message.contains("truth.txt: is not a capture file") && message.contains("tcpdump"),
        "{message}"
    );
}
