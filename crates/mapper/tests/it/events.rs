//! The live stream: each edge once, and no more than there is room for.

use std::collections::BTreeSet;

use cluster::{Index, Settings, Update, document};
use map::Time;
use mapper::Ingest;
use mapper::limits::{MAX_NEWS, MAX_NEWS_BYTES};
use mapper::report::Switches;
use mapper::writer::{Event, Mapper, Writer};
use serde_json::{Value, json};
use testkit::cluster::{deployment, list};
use tokio::sync::mpsc;
use wire::{Decoded, Report, ReportKind, decode};

use crate::live::second;

fn clock() -> Time {
    second(600.0)
}

/// Workloads `w0` to `w63`, to have many small edges.
const SMALL: usize = 64;

/// Runs a test beside a writer that knows the workloads `client`, `cart`, `bank` and the small ones.
fn beside_a_writer(test: impl AsyncFnOnce(&Mapper)) {
    let mut index = Index::live(Settings::default());
    let mut names = ["client", "cart", "bank"].map(str::to_owned).to_vec();
    names.extend((0..SMALL).map(|number| format!("w{number}")));
    let workloads = names.iter().enumerate();
    let workloads =
        workloads.map(|(number, name)| deployment("shop", name, &[&format!("10.244.0.{number}")]));
    let objects = list(&workloads.flatten().collect::<Vec<_>>()).to_string();
    document::read(objects.as_bytes(), &mut |event| {
        index.update(Update::Event(event), clock());
    });
    let ingest = Ingest::live("", BTreeSet::new());
    let (writer, mapper, queue) = Writer::new(index, ingest, Switches::default(), None, clock);
    let (_updates, no_updates) = mpsc::channel(1);
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().build().unwrap();
    runtime.block_on(async {
        tokio::select! {
            _ = writer.run(no_updates, queue, std::future::pending()) => panic!("the writer ended"),
            () = test(&mapper) => {}
        }
    });
}

/// Requests that sidecars counted, from `client`.
fn requests(server: &str, paths: impl Iterator<Item = String>) -> Report {
    let results: Vec<Value> = paths
        .map(|path| {
            json!({
                "srcWorkload": "client", "srcWorkloadNamespace": "shop",
                "dstWorkload": server, "dstWorkloadNamespace": "shop", "dstServiceName": server,
                "path": path, "methods": ["GET"], "lastSeen": clock().to_string(),
            })
        })
        .collect();
    let kind = ReportKind::Istio;
    let query = format!(
        "mutation($v: {}!) {{ {}({}: $v) }}",
        kind.input(),
        kind.field(),
        kind.argument()
    );
    let body = json!({ "query": query, "variables": { "v": { "results": results } } }).to_string();
    match decode(body.as_bytes()) {
        Decoded::Recognised(report) => report,
        _ => panic!("not a report: {body}"),
    }
}

async fn send(mapper: &Mapper, server: &str, paths: impl Iterator<Item = String>) {
    assert_eq!(mapper.report(requests(server, paths), 1).await, Ok(true));
    // The writer tells what is new before it turns to whoever comes next.
    mapper.view().await.unwrap();
}

fn numbered(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("/{number}"))
}

/// Kind, server and number of paths of a change.
fn told(event: Event) -> (String, String, usize) {
    let Event::Edge(json) = event else {
        panic!("{event:?}")
    };
    let change: Value = serde_json::from_slice(&json).unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let paths = change["edge"]["httpResources"].as_array().unwrap().len();
    (
        word(&change["kind"]),
        word(&change["edge"]["server"]["name"]),
        paths,
    )
}

#[test]
fn an_edge_with_much_that_is_new_is_told_once() {
    beside_a_writer(async |mapper| {
        let mut reader = mapper.news();
        send(mapper, "cart", numbered(1_000)).await;
        send(mapper, "cart", numbered(1_000)).await; // nothing new
        send(mapper, "cart", numbered(1_002)).await;
        send(mapper, "bank", numbered(1)).await;
        let mut next = async || told(reader.next().await);
        let expected =
            |kind: &str, server: &str, paths| (kind.to_owned(), server.to_owned(), paths);
        assert_eq!(next().await, expected("ADDED", "cart", 1_000));
        assert_eq!(next().await, expected("CHANGED", "cart", 1_002));
        assert_eq!(next().await, expected("ADDED", "bank", 1));
    });
}

#[test]
fn a_slow_reader_is_told_what_it_missed_and_goes_on() {
    beside_a_writer(async |mapper| {
        let mut reader = mapper.news();
        let reports = MAX_NEWS + 10;
        for number in 0..reports {
            let server = format!("w{}", number % SMALL);
            send(mapper, &server, std::iter::once(format!("/{number}"))).await;
        }
        assert_eq!(reader.next().await, Event::Missed(10));
        for _ in 0..MAX_NEWS {
            assert!(matches!(reader.next().await, Event::Edge(_)));
        }
        send(mapper, "cart", std::iter::once("/last".to_owned())).await;
        assert!(matches!(reader.next().await, Event::Edge(_)));
    });
}

#[test]
fn large_edges_find_no_more_room_than_there_is() {
    beside_a_writer(async |mapper| {
        let mut reader = mapper.news();
        // Paths as long as they may be: a megabyte at first, and a little more with each report.
        let long = |number: usize| format!("/{number:07999}");
        send(mapper, "cart", (0..125).map(long)).await;
        let reports = 40;
        for number in 0..reports {
            send(mapper, "cart", std::iter::once(long(1_000 + number))).await;
        }
        let Event::Missed(missed) = reader.next().await else {
            panic!("nothing was missed")
        };
        let held = 1 + reports as u64 - missed;
        let mut bytes = 0;
        for _ in 0..held {
            let Event::Edge(json) = reader.next().await else {
                panic!("missed more")
            };
            bytes += json.len();
        }
        assert!(bytes <= MAX_NEWS_BYTES);
        assert!(bytes > MAX_NEWS_BYTES / 2, "{bytes}");
        // One that alone is too large is missed, and what comes then is told.
        let long = |number: usize| format!("/b{number:07998}");
        send(mapper, "bank", (0..2_500).map(long)).await;
        assert_eq!(reader.next().await, Event::Missed(1));
        send(mapper, "client", numbered(1)).await;
        assert_eq!(told(reader.next().await).1, "client");
    });
}
