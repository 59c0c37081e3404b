//! Map files: shown, joined, and fetched from a mapper.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::recordings::whole;
use crate::{Folder, portolan};

/// A folder with the map of a recording.
fn with_map(recording: &str) -> (Folder, String) {
    let folder = Folder::new();
    let file = folder.path("map.json");
    whole(recording, &format!(" -o json --output {file}"));
    (folder, file)
}

#[test]
fn a_map_file_is_shown_as_the_recording_was() {
    let (_folder, file) = with_map("harder");
    let ran = portolan(&["export", "--map", &file]).well();
    assert_eq!(ran.out, include_str!("golden/harder.list"));
}

#[test]
fn clusters_keep_their_names_where_they_are_joined() {
    let (folder, shop) = with_map("shop");
    let (_other, harder) = with_map("harder");
    let fleet = folder.path("fleet.json");
    let (north, south) = (format!("north={shop}"), format!("south={harder}"));
    portolan(&["merge", &north, &south, "--output", &fleet]).well();
    let read =
        |path: &str| -> map::Map { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let (of_shop, of_harder, all) = (read(&shop), read(&harder), read(&fleet));
    assert_eq!(all.len(), of_shop.len() + of_harder.len());
    let in_north = all.edges().filter(|(key, _)| key.cluster == "north");
    assert_eq!(in_north.count(), of_shop.len());
    // Joining once more changes nothing.
    let again = folder.path("again.json");
    portolan(&["merge", &fleet, &north, "--output", &again]).well();
    assert_eq!(read(&again), all);
}

#[test]
fn what_is_no_map_is_named() {
    let folder = Folder::new();
    let file = folder.write("no.json", "{\"edges\": 1}");
    for args in [&["merge", &file][..], &["export", "--map", &file]] {
        portolan(args).failed(2, &["no.json: is no map", "portolan export -o json"]);
    }
    portolan(&["merge", "nowhere.json"]).failed(2, &["nowhere.json: cannot be read"]);
}

/// A server that answers one request with this, and returns what it was asked.
fn answering(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = vec![0; 4096];
        let length = stream.read(&mut asked).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&asked[..length]).into_owned()
    });
    (url, asked)
}

#[test]
fn a_running_mapper_gives_its_map() {
    let (url, asked) = answering(
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"version\":1,\"edges\":[[{\"client\":{\"workload\":{\"namespace\":\"shop\",\"name\":\"web\"}},\"server\":{\"workload\":{\"namespace\":\"shop\",\"name\":\"cart\"}}},{\"seen\":{\"last\":\"2026-11-25T10:00:00Z\"}}]]}",
    );
    let ran = portolan(&["export", "--mapper-url", &url]).well();
    assert!(
        ran.out.contains("web") && ran.out.contains("cart"),
        "{}",
        ran.out
    );
    assert!(asked.join().unwrap().starts_with("GET /map HTTP/1.1\r\n"));
}

#[test]
fn a_mapper_that_does_not_answer_well_is_named() {
    let (url, asked) = answering(
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 20\r\nconnection: close\r\n\r\nno role for reading\n",
    );
    let refused = portolan(&["export", "--mapper-url", &url]);
    refused.failed(1, &["answered 403 Forbidden: no role for reading"]);
    asked.join().unwrap();

    let (url, asked) = answering("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n<html>");
    portolan(&["export", "--mapper-url", &url]).failed(1, &["is no map", "try:"]);
    asked.join().unwrap();

    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let nobody = format!("http://{nobody}");
    portolan(&["export", "--mapper-url", &nobody]).failed(1, &[&nobody, "port-forward"]);
}

#[test]
fn a_token_goes_over_tls_only() {
    let folder = Folder::new();
    let token = folder.write("token", "secret");
    let args = [
        "export",
        "--mapper-url",
        "http://localhost:1",
        "--token-file",
        &token,
    ];
    let ran = portolan(&args);
    ran.failed(1, &["never sent over plain HTTP"]);
    assert!(!ran.err.contains("secret"));
}
