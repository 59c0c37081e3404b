//! What else goes in and comes out.

use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};

use testkit::capture::{link, pcapng};
use testkit::traffic::Traffic;

use crate::recordings::whole;
use crate::{Folder, Ran, portolan, recorded, replay};

const TRAFFIC: Traffic = Traffic {
    workloads: 20,
    pace_nanos: 1_000_000,
};

#[test]
fn client_intents_of_the_shop() {
    assert_eq!(
        whole("shop", " -o clientintents").out,
        include_str!("golden/shop.clientintents")
    );
    let json = whole("shop", " -o clientintents-json").out;
    assert_eq!(json.matches("\"kind\": \"ClientIntents\"").count(), 6);
}

#[test]
fn the_whole_map_comes_back_from_json() {
    let folder = Folder::new();
    let file = folder.path("map.json");
    let ran = whole("harder", &format!(" -o json --output {file}"));
    assert_eq!(ran.out, "");
    let map: map::Map = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let list = export::Format::List.render(
        &map,
        export::Options {
            external: true,
            ..export::Options::default()
        },
    );
    assert_eq!(list, include_bytes!("golden/harder.list"));
    assert_eq!(map.attempts().count(), 4);
}

#[test]
fn attempts_and_outside_peers_on_request() {
    let attempts = whole("harder", " --attempts").out;
    assert!(attempts.starts_with(include_str!("golden/harder.list")));
    assert!(
        attempts.ends_with(include_str!("golden/harder.attempts")),
        "{attempts}"
    );
    assert!(
        !whole("harder", " --no-external")
            .out
            .contains("outside the cluster")
    );
}

/// Synthetic traffic as pcapng, from standard input, against its known truth; the cluster as YAML.
#[test]
fn pcapng_from_standard_input() {
    let calls = 100;
    let frames: Vec<_> = (0..calls).flat_map(|call| TRAFFIC.call(call)).collect();
    let folder = Folder::new();
    let cluster = folder.write("cluster.json", TRAFFIC.snapshot().to_string());
    let mut child = Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(["replay", "--capture", "-", "--cluster", &cluster, "-q"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let file = pcapng(link::ETHERNET, &frames);
    child.stdin.take().unwrap().write_all(&file).unwrap();
    let ran: Ran = child.wait_with_output().unwrap().into();
    let ran = ran.well();
    let edges: Vec<(String, String)> = edges(&ran.out);
    assert_eq!(edges, TRAFFIC.truth(calls));
}

/// Client and server by name, sorted.
fn edges(list: &str) -> Vec<(String, String)> {
    let mut edges = Vec::new();
    let mut client = "";
    for line in list.lines() {
        match line.strip_prefix(" - ") {
            Some(server) => edges.push((client.to_owned(), server.to_owned())),
            None => client = line.split(' ').next().unwrap(),
        }
    }
    edges.sort();
    edges
}

/// Captures of several nodes are one: here, one capture in two halves.
#[test]
fn several_captures_are_one() {
    let frames: Vec<_> = (0..50).flat_map(|call| TRAFFIC.call(call)).collect();
    let (odd, even): (Vec<_>, Vec<_>) = frames
        .iter()
        .cloned()
        .enumerate()
        .partition(|(place, _)| place % 2 == 1);
    let half = |half: Vec<(usize, (i64, Vec<u8>))>| {
        let frames: Vec<_> = half.into_iter().map(|(_, frame)| frame).collect();
        testkit::capture::pcap(link::ETHERNET, &frames)
    };
    let folder = Folder::new();
    let (odd, even) = (
        folder.write("odd.pcap", half(odd)),
        folder.write("even.pcap", half(even)),
    );
    let cluster = folder.write("cluster.json", TRAFFIC.snapshot().to_string());
    let ran = replay(&format!("--capture {odd} {even} --cluster {cluster}")).well();
    assert_eq!(edges(&ran.out), TRAFFIC.truth(50));
}

#[test]
fn a_folder_of_socket_tables_is_as_good_as_its_tar() {
    let folder = Folder::new();
    for scan in ["proc-start", "proc-end"] {
        let file = std::fs::File::open(recorded("harder", &format!("{scan}.tar.gz"))).unwrap();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(file));
        tar.unpack(folder.path(scan)).unwrap();
    }
    let file = |file: &str| recorded("harder", file);
    let ran = replay(&format!(
        "--capture {} --cluster {} {} --pod-events {} --sockets {} {}",
        file("capture.pcap.gz"),
        file("cluster-start.json.gz"),
        file("cluster-end.json.gz"),
        file("pod-events.json.gz"),
        folder.path("proc-start"),
        folder.path("proc-end"),
    ))
    .well();
    assert_eq!(ran.out, include_str!("golden/harder.list"));
}

#[test]
fn help_has_examples_and_completions_know_the_commands() {
    let help = portolan(&["replay", "--help"]).well().out;
    assert!(
        help.contains("Examples:")
            && help.contains("Exit codes: 0 done, 1 ran but failed, 2 wrong use")
    );
    for shell in ["bash", "zsh", "fish"] {
        let script = portolan(&["completions", shell]).well().out;
        assert!(
            script.contains("replay") && script.contains("clientintents"),
            "{shell}"
        );
    }
}

/// Shells that are not installed are passed over; CI installs them.
#[test]
fn completions_are_sound_to_every_shell_that_is_installed() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = portolan(&["completions", shell]).well().out;
        let script = folder.write(shell, script);
        match Command::new(shell).args(["-n", &script]).output() {
            Err(error) if error.kind() == ErrorKind::NotFound => println!("no {shell} here"),
            output => {
                let ran = Ran::from(output.unwrap()).well();
                assert_eq!((&*ran.out, &*ran.err), ("", ""), "{shell}");
            }
        }
    }
}
