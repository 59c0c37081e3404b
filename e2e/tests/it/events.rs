//! The live stream of new edges (HTML Standard, 9.2).

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use e2e::http::{self, Answer};
use e2e::kube::Proxy;
use e2e::mapper::Mapper;
use e2e::scene::{EDGE, Pod, Scene, play, set_up};
use e2e::time::wait;
use serde_json::{Value, json};

/// As many as the mapper lets read.
const READERS: usize = 64;

/// A reader of the stream.
struct Reader {
    connection: BufReader<TcpStream>,
    text: String,
}

impl Reader {
    fn open(mapper: &Mapper) -> Self {
        Self::try_open(mapper)
            .unwrap_or_else(|answer| panic!("{} {}", answer.status, answer.text()))
    }

    fn try_open(mapper: &Mapper) -> Result<Self, Answer> {
        let mut connection = BufReader::new(http::connect(mapper.address).unwrap());
        let request = "GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n";
        connection.get_mut().write_all(request.as_bytes()).unwrap();
        let (status, head) = http::read_head(&mut connection).unwrap();
        if status != 200 {
            let mut body = Vec::new();
            connection.fill_buf().unwrap().clone_into(&mut body);
            return Err(Answer { status, head, body });
        }
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        let text = String::new();
        Ok(Self { connection, text })
    }

    /// The next event that says something, with its data.
    fn next(&mut self) -> (String, Value) {
        loop {
            let Some((block, rest)) = self.text.split_once("\n\n") else {
                self.read_chunk();
                continue;
            };
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
            let told = field("event: ").zip(field("data: "));
            let told =
                told.map(|(event, data)| (event.to_owned(), serde_json::from_str(data).unwrap()));
            assert!(told.is_some() || block.starts_with(':'), "{block}");
            self.text = rest.to_owned();
            if let Some(told) = told {
                return told;
            }
        }
    }

    fn read_chunk(&mut self) {
        let mut line = String::new();
        self.connection.read_line(&mut line).unwrap();
        let length = usize::from_str_radix(line.trim(), 16).unwrap();
        assert!(length > 0, "the stream ends");
        let mut chunk = vec![0; length + 2];
        self.connection.read_exact(&mut chunk).unwrap();
        self.text
            .push_str(std::str::from_utf8(&chunk[..length]).unwrap());
    }
}

/// A handshake of two pods whose node knows both.
fn calls(scene: &mut Scene, from: &Pod, to: &Pod, port: u16) {
    let uid = |pod: &Pod| format!("$uid:{}", pod.name);
    let destination = json!({"destination": to.ip, "destinationIP": to.ip, "destinationPort": port,
        "destinationPodUid": uid(to)});
    scene.sends(
        "reportTCPCaptureResults",
        json!({"srcIp": from.ip, "srcPodUid": uid(from), "destinations": [destination]}),
    );
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn new_edges_and_what_is_new_of_them_are_told_once() {
    let proxy = Proxy::start();
    let mapper = Mapper::ready("told", &[]);
    let mut scene = Scene::new(173, "told");
    let (client, server, other) = (
        scene.deployment("client"),
        scene.deployment("server"),
        scene.pod("other"),
    );
    calls(&mut scene, &client, &server, 8080);
    calls(&mut scene, &client, &server, 8080);
    calls(&mut scene, &client, &server, 9090);
    calls(&mut scene, &server, &other, 53);
    scene.edges(&[
        "client/Deployment -> server/Deployment :8080/tcp,9090/tcp [tcp]",
        "server/Deployment -> other/Pod :53/tcp [tcp]",
    ]);
    let mut scenes = [scene];
    set_up(&proxy, &mapper, &mut scenes);
    let mut readers = [Reader::open(&mapper), Reader::open(&mapper)];
    play(&mapper, &scenes);
    let document = format!("{{ edges {{ {EDGE} }} }}");
    let edges = mapper.query(&document, &json!({}))["edges"].clone();
    for reader in &mut readers {
        let told = [(); 3].map(|()| {
            let (event, data) = reader.next();
            assert_eq!(event, "edge", "{data}");
            data
        });
        let kinds = told.each_ref().map(|data| data["kind"].as_str().unwrap());
        assert_eq!(kinds, ["ADDED", "CHANGED", "ADDED"]);
        assert_eq!(
            told[0]["edge"]["ports"],
            json!([{"protocol": "TCP", "port": 8080}])
        );
        // The same as lists say.
        assert_eq!(told[1]["edge"], edges[0]);
        assert_eq!(told[2]["edge"], edges[1]);
    }
}

/// Pods that learn so many names each; every one is an edge. The names are long, so that all of them are more than the
/// buffers of a connection take.
fn crowd(pods: u16, names: u16) -> Scene {
    let mut scene = Scene::new(174, "crowd");
    let mut edges = Vec::new();
    for n in 0..pods {
        let pod = scene.pod(&format!("client-{n}"));
        let name = |i: u16| format!("n{i}.c{n}.{0}.{0}.{0}.example.com", "x".repeat(60));
        let answers: Vec<Value> = (0..names)
            .map(|i| json!({"destination": name(i), "destinationIP": "198.18.174.250", "TTL": 60}))
            .collect();
        for some in answers.chunks(300) {
            let uid = format!("$uid:{}", pod.name);
            let source = json!({"srcIp": pod.ip, "srcPodUid": uid, "destinations": some});
            scene.sends("reportCaptureResults", source);
        }
        let edge = |i| format!("client-{n}/Pod -> {} at 198.18.174.250 [dns]", name(i));
        edges.extend((0..names).map(edge));
    }
    scene.edges(&edges.iter().map(String::as_str).collect::<Vec<_>>());
    scene
}

/// How many edges a reader is told, each once, and how many it is told to have missed.
fn count(reader: &mut Reader, all: u64) -> (u64, u64) {
    let (mut seen, mut missed) = (BTreeSet::new(), 0);
    while seen.len() as u64 + missed < all {
        let (event, data) = reader.next();
        if event == "missed" {
            missed += data.as_u64().unwrap();
            continue;
        }
        let edge = &data["edge"];
        let pair = (
            edge["client"]["name"].to_string(),
            edge["server"]["name"].to_string(),
        );
        assert!(seen.insert(pair), "told twice: {data}");
    }
    (seen.len() as u64, missed)
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn a_slow_reader_is_told_how_many_it_missed_and_holds_up_nobody() {
    const ALL: u64 = 20 * 900;
    let proxy = Proxy::start();
    let mapper = Mapper::ready("slow-reader", &[]);
    let mut scenes = [crowd(20, 900)];
    set_up(&proxy, &mapper, &mut scenes);
    let (mut keen, mut slow) = (Reader::open(&mapper), Reader::open(&mapper));
    let (seen, missed) = std::thread::scope(|scope| {
        let keen = scope.spawn(move || count(&mut keen, ALL));
        // All of it is taken and listed while the slow one has read nothing.
        play(&mapper, &scenes);
        keen.join().unwrap()
    });
    assert_eq!(seen + missed, ALL);
    let (seen, missed) = count(&mut slow, ALL);
    assert_eq!(seen + missed, ALL);
    assert!(seen > 0 && missed > 0, "{seen} seen, {missed} missed");
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn too_many_readers_are_refused_until_one_has_gone() {
    let mapper = Mapper::ready("readers", &[]);
    let mut readers: Vec<Reader> = (0..READERS).map(|_| Reader::open(&mapper)).collect();
    let refused = Reader::try_open(&mapper)
        .err()
        .map(|answer| (answer.status, answer.text()));
    let (status, text) = refused.expect("one too many is let in");
    assert_eq!(status, 503);
    assert!(text.contains("too many readers"), "{text}");
    assert_eq!(
        mapper.metrics().get("portolan_mapper_event_readers"),
        READERS as u64
    );
    assert_eq!(
        mapper.query("{ health }", &json!({})),
        json!({"health": true})
    );
    readers.pop();
    let next = wait(Duration::from_secs(30), || Reader::try_open(&mapper).ok());
    assert!(next.is_some(), "the place of one that has gone stays taken");
    let posted = mapper.client().send("POST", "/events", &[], b"").unwrap();
    assert_eq!(posted.status, 405);
}
