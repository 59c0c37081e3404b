//! Wrong use and broken files: one clear message that names the file and the remedy; what could be read counts.

use testkit::capture::{link, pcap};
use testkit::frames::{ethernet, ip};
use testkit::traffic::Traffic;

use crate::{Folder, portolan, recorded, replay};

const TRAFFIC: Traffic = Traffic {
    workloads: 20,
    pace_nanos: 1_000_000,
};

fn frames(calls: usize) -> Vec<(i64, Vec<u8>)> {
    (0..calls).flat_map(|call| TRAFFIC.call(call)).collect()
}

/// A folder with a good cluster, and this capture.
fn with_capture(capture: &[u8]) -> (Folder, String) {
    let folder = Folder::new();
    let capture = folder.write("node.pcap", capture);
    let cluster = folder.write("cluster.json", TRAFFIC.snapshot().to_string());
    let args = format!("--capture {capture} --cluster {cluster}");
    (folder, args)
}

/// A folder with a good capture, and this cluster.
fn with_cluster(cluster: &str) -> (Folder, String) {
    let folder = Folder::new();
    let capture = folder.write("node.pcap", pcap(link::ETHERNET, &frames(10)));
    let cluster = folder.write("cluster.json", cluster);
    let args = format!("--capture {capture} --cluster {cluster}");
    (folder, args)
}

#[test]
fn wrong_use_is_explained() {
    for args in [
        &["replay"][..],
        &["frobnicate"],
        &["replay", "--capture", "x", "--cluster", "y", "-o", "poem"],
    ] {
        let ran = portolan(args);
        assert_eq!(ran.code, Some(2));
        assert!(
            ran.err.contains("Usage:") || ran.err.contains("possible values"),
            "{}",
            ran.err
        );
    }
}

#[test]
fn what_is_no_capture() {
    let cluster = recorded("shop", "cluster-end.json.gz");
    let text = recorded("shop", "truth.txt");
    replay(&format!("--capture {text} --cluster {cluster}")).failed(
        2,
        &[
            "truth.txt: is not a capture file",
            "try: record with tcpdump",
        ],
    );
    replay(&format!("--capture /nowhere/node.pcap --cluster {cluster}"))
        .failed(2, &["/nowhere/node.pcap: no such file"]);
    let folder = Folder::new();
    replay(&format!(
        "--capture {} --cluster {cluster}",
        folder.path("")
    ))
    .failed(2, &["is a folder, not a file"]);
    let empty = folder.write("empty.pcap", "");
    replay(&format!("--capture {empty} --cluster {cluster}"))
        .failed(2, &["empty.pcap: is not a capture file"]);
}

#[test]
fn standard_input_is_read_once() {
    replay("--capture - --cluster -").failed(2, &["standard input: can be read only once"]);
}

#[test]
fn a_capture_that_breaks_off_still_counts() {
    let whole = pcap(link::ETHERNET, &frames(10));
    let (_folder, args) = with_capture(&whole[..whole.len() - 7]);
    let ran = replay(&args).well();
    ran.said(&[
        "node.pcap: breaks off after 59 frames; what came before counts",
        "59 packets in 1 capture",
    ]);
    assert!(ran.out.contains("workload-0 in namespace shop calls:"));
}

#[test]
fn packets_that_are_cut_off_are_counted() {
    let mut frames = frames(10);
    for (_, frame) in frames.iter_mut().step_by(6) {
        frame.truncate(30);
    }
    let (_folder, args) = with_capture(&pcap(link::ETHERNET, &frames));
    replay(&args).well().said(&[
        "10   truncated",
        "warning: 10 packets are cut off",
        "tcpdump -s 0",
    ]);
}

#[test]
fn an_unknown_link_type_is_named() {
    let (_folder, args) = with_capture(&pcap(147, &frames(1)));
    replay(&args).well().said(&[
        "6   unknown link type",
        "node.pcap: link type 147 is not known",
        "tcpdump -i any",
    ]);
}

#[test]
fn a_capture_without_dns_or_handshakes_says_so() {
    let (_folder, args) = with_capture(&pcap(link::ETHERNET, &frames(10).split_off(2)[..4]));
    replay(&args)
        .well()
        .said(&["warning: the captures hold no DNS"]);
    let (_folder, args) = with_capture(&pcap(link::ETHERNET, &frames(1)[..2]));
    replay(&args)
        .well()
        .said(&["warning: the captures hold no TCP handshakes"]);
    let other = ethernet(
        &[],
        &ip([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 1, &[8, 0, 0, 0]),
    );
    let (_folder, args) = with_capture(&pcap(link::ETHERNET, &[(0, other)]));
    replay(&args).well().said(&["1   neither TCP nor UDP"]);
    let (_folder, args) = with_capture(&pcap(link::ETHERNET, &[]));
    replay(&args)
        .well()
        .said(&["warning: the captures hold no packets"]);
}

#[test]
fn what_is_no_cluster() {
    for (cluster, message) in [
        ("", "cluster.json: holds no Kubernetes objects"),
        ("{}", "cluster.json: holds no Kubernetes objects"),
        (
            "{\"kind\": \"Po",
            "cluster.json: breaks off or is no JSON or YAML",
        ),
        ("<html>", "cluster.json: "),
    ] {
        let (_folder, args) = with_cluster(cluster);
        let ran = replay(&args);
        ran.failed(2, &[message, "try: save it with `kubectl get "]);
        assert_eq!(ran.err.lines().count(), 2, "{}", ran.err);
    }
}

/// A capture and a folder in the places of documents.
#[test]
fn each_file_is_told_how_to_get_it() {
    let (folder, args) = with_capture(&pcap(link::ETHERNET, &frames(1)));
    let events = folder.write("events.txt", "2026-11-24 10:00:00 scaled down\n");
    replay(&format!("{args} --pod-events {events}")).failed(
        2,
        &[
            "events.txt: ",
            "try: record it with `kubectl get pods -A -w",
        ],
    );
    replay(&format!("{args} --pod-events {}", folder.path("none")))
        .failed(2, &["no such file", "try: check the path"]);
    replay(&format!("{args} --cluster {}", folder.path("")))
        .failed(2, &["is a folder, not a file", "try: name the files in it"]);
}

#[test]
fn missing_kinds_are_told_and_unknown_ones_do_no_harm() {
    let mut snapshot = TRAFFIC.snapshot();
    let items = snapshot["items"].as_array_mut().unwrap();
    items.retain(|item| {
        item["kind"] != "ReplicaSet" && item["kind"] != "EndpointSlice" && item["kind"] != "Node"
    });
    items.push(serde_json::json!({ "apiVersion": "example.com/v1", "kind": "Spaceship", "metadata": { "name": "x" } }));
    let (_folder, args) = with_cluster(&snapshot.to_string());
    let ran = replay(&args).well();
    ran.said(&[
        "hold no ReplicaSets",
        "hold no EndpointSlices",
        "hold no Nodes",
    ]);
    assert!(
        ran.out
            .contains("workload-0-5d7677ff9f in namespace shop calls:\n - workload-1-5d7677ff9f\n"),
        "{}",
        ran.out
    );
}

#[test]
fn a_document_that_breaks_off_still_counts() {
    let snapshot = TRAFFIC.snapshot();
    let items = snapshot["items"].as_array().unwrap();
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    let mut stream = items.join("\n");
    stream.truncate(stream.len() - 40);
    let (_folder, args) = with_cluster(&stream);
    let ran = replay(&args).well();
    ran.said(&[
        "cluster.json: breaks off or is no JSON or YAML",
        "what came before counts",
    ]);
    assert!(ran.out.contains("workload-0 in namespace shop calls:"));
}

#[test]
fn one_bad_object_spoils_only_itself() {
    let mut snapshot = TRAFFIC.snapshot();
    let items = snapshot["items"].as_array_mut().unwrap();
    items.push(serde_json::json!({ "apiVersion": "v1", "kind": "Pod", "metadata": "nonsense" }));
    let (_folder, args) = with_cluster(&snapshot.to_string());
    let ran = replay(&args).well();
    ran.said(&["the other objects count"]);
    assert!(ran.out.contains("workload-0 in namespace shop calls:"));
}

#[test]
fn folders_without_socket_tables() {
    let (folder, args) = with_capture(&pcap(link::ETHERNET, &frames(1)));
    let empty = folder
        .write("proc/readme.txt", "nothing here")
        .replace("/readme.txt", "");
    replay(&format!("{args} --sockets {empty}")).failed(
        2,
        &["proc: holds no socket tables", "try: copy /proc/<pid>/"],
    );
    replay(&format!("{args} --sockets {empty}/none")).failed(2, &["none: no such file"]);
    replay(&format!("{args} --sockets {empty}/readme.txt")).failed(
        2,
        &["readme.txt: is neither a folder nor a tar", "try: copy"],
    );
}

#[test]
fn a_place_that_cannot_be_written_fails() {
    let (folder, args) = with_capture(&pcap(link::ETHERNET, &frames(1)));
    let ran = replay(&format!("{args} --output {}", folder.path("none/map")));
    ran.failed(1, &["cannot write ", "none/map"]);
}
