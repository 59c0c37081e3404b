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

/// Documents that a cluster may enforce say nothing of the outside unless they are asked to.
#[test]
fn client_intents_to_the_internet_on_request() {
    for version in ["clientintents", "clientintents-json", "clientintents-v1"] {
        let inside = whole("harder", &format!(" -o {version}")).out;
        assert!(!inside.contains("internet"), "{version}");
        let all = whole("harder", &format!(" -o {version} --external")).out;
        assert!(all.contains("internet"), "{version}");
        assert!(all.len() > inside.len());
    }
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

#[test]
fn manual_pages_for_every_command() {
    let folder = Folder::new();
    portolan(&["man", &folder.path("man")]).well();
    for (page, word) in [
        ("portolan.1", "watch"),
        ("portolan-list.1", "external"),
        ("portolan-network-mapper-export.1", "output\\-version"),
    ] {
        let text = std::fs::read_to_string(folder.path(&format!("man/{page}"))).unwrap();
        assert!(text.contains(word), "{page}");
    }
}

/// Pixels are for files and pipes; `script` gives the command a terminal.
#[test]
fn no_picture_goes_to_a_terminal() {
    let program = env!("CARGO_BIN_EXE_portolan");
    let line = format!("{program} demo -q -o png");
    let ran = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .stdin(Stdio::null())
        .output();
    match ran {
        Err(error) if error.kind() == ErrorKind::NotFound => println!("no script here"),
        ran => {
            let ran = ran.unwrap();
            let said = String::from_utf8_lossy(&ran.stdout);
            assert_eq!(ran.status.code(), Some(2), "{said}");
            assert!(
                said.contains("a picture is no text for a terminal"),
                "{said}"
            );
        }
    }
    let piped = Command::new(program)
        .args(["demo", "-q", "-o", "png"])
        .output()
        .unwrap();
    assert!(piped.status.success() && piped.stdout.starts_with(b"\x89PNG"));
}

/// Whoever has read enough closes the pipe.
#[test]
fn a_closed_pipe_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(["demo", "-q", "-o", "html"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn two_maps_are_compared() {
    let folder = Folder::new();
    let (all, none) = (
        folder.path("all.json"),
        folder.write("none.json", "{\"version\":1,\"edges\":[]}"),
    );
    whole("shop", &format!(" -o json --output {all}"));
    let same = portolan(&["diff", "--exit-code", &all, &all]).well();
    assert_eq!(same.out, "");
    let new = portolan(&["diff", "--exit-code", &none, &all]);
    let edges = portolan(&["list", "--external", "--map", &all]).well().out;
    let edges = edges.lines().filter(|line| line.starts_with(" - ")).count();
    assert_eq!((new.code, new.err.as_str()), (Some(1), ""));
    assert_eq!(
        new.out
            .lines()
            .filter(|line| line.starts_with("+ "))
            .count(),
        edges
    );
    let gone = portolan(&["diff", "-o", "json", &all, &none]).well().out;
    let gone: serde_json::Value = serde_json::from_str(&gone).unwrap();
    assert_eq!(gone["removed"].as_array().unwrap().len(), edges);
}

#[test]
fn an_empty_list_of_a_file_says_why() {
    let folder = Folder::new();
    let all = folder.path("all.json");
    whole("shop", &format!(" -o json --output {all}"));
    let ran = portolan(&["list", "--map", &all, "-n", "nowhere"]).well();
    assert_eq!(ran.out, "");
    ran.said(&["nothing to show: the filter leaves none of"]);
    portolan(&["list", "--server", "cart", "--map", &all]).failed(2, &["--server cart: no server"]);
}
