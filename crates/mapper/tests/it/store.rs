//! The map on disk: what was answered with `true` is there again.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cluster::{Index, Kind, Present, Settings, Update, document};
use compact_str::CompactString;
use map::{PodUid, Time};
use mapper::Ingest;
use mapper::report::Switches;
use mapper::store::{FILE, Figures, File, OpenError};
use mapper::writer::{Mapper, Writer};
use serde_json::{Value, json};
use testkit::cluster::{node, pod, uid};
use tokio::sync::{mpsc, oneshot};
use wire::{Decoded, Report, decode};

/// A mapper that runs on a data folder.
struct Running {
    mapper: Mapper,
    updates: mpsc::Sender<Update>,
    stop: oneshot::Sender<()>,
    writer: tokio::task::JoinHandle<Writer>,
    keeper: std::thread::JoinHandle<()>,
}

const PODS: [(&str, &str); 3] = [
    ("web", "10.244.0.5"),
    ("cart", "10.244.0.6"),
    ("late", "10.244.0.7"),
];

fn writer(
    folder: &Path,
) -> (
    Writer,
    Mapper,
    mapper::writer::Queue,
    mapper::writer::Keeper,
) {
    let (file, loaded, aside) = File::open(folder, "0123456789abcdef", app::clock::now()).unwrap();
    assert_eq!(aside, None);
    assert_eq!(loaded.unreadable, 0);
    let index = Index::live(Settings::default());
    let ingest = Ingest::live("", BTreeSet::<CompactString>::new());
    let (writer, mapper, queue) =
        Writer::new(index, ingest, Switches::default(), None, app::clock::now);
    let (writer, keeper) = writer.keeping(file, loaded, Arc::new(Figures::default()));
    (writer, mapper, queue, keeper)
}

impl Running {
    /// Starts, and tells the cluster with these pods.
    async fn start(folder: &Path, pods: &[&str]) -> Self {
        let (writer, mapper, queue, keeper) = writer(folder);
        let (updates, updates_in) = mpsc::channel(100);
        let (stop, stopped) = oneshot::channel();
        let keeper = std::thread::spawn(move || keeper.run());
        let writer = tokio::spawn(writer.run(updates_in, queue, async {
            let _ = stopped.await;
        }));
        let running = Self {
            mapper,
            updates,
            stop,
            writer,
            keeper,
        };
        running
            .tell(&node("n1", "172.18.0.2", "10.244.0.0/24"))
            .await;
        for (name, address) in PODS.iter().filter(|(name, _)| pods.contains(name)) {
            running.tell(&pod("shop", name, address, None)).await;
        }
        for kind in cluster::live::KINDS {
            let present = match kind {
                Kind::Pod => Present::Pods(pods.iter().map(|name| pod_uid(name)).collect()),
                _ => Present::Named(HashSet::from([("".into(), "n1".into())])),
            };
            let asked = app::clock::now();
            let listed = Update::Listed {
                kind,
                present,
                asked,
            };
            running.updates.send(listed).await.unwrap();
        }
        running
    }

    async fn tell(&self, object: &Value) {
        let mut events = Vec::new();
        document::read(&mut object.to_string().as_bytes(), &mut |event| {
            events.push(event);
        });
        for event in events {
            self.updates.send(Update::Event(event)).await.unwrap();
        }
    }

    /// The answer to a report of a call, by the names of the pods.
    async fn reports(&self, from: &str, to: &str, at: Time) -> bool {
        self.mapper.report(report(from, to, at), 100).await.unwrap()
    }

    async fn edges(&self) -> Vec<String> {
        let view = self.mapper.view().await.unwrap();
        let edges = view.map.edges();
        edges
            .map(|(key, _)| format!("{} → {}", key.client, key.server))
            .collect()
    }

    /// An orderly end.
    async fn stop(self) {
        self.stop.send(()).unwrap();
        drop(self.writer.await.unwrap());
        tokio::task::spawn_blocking(|| self.keeper.join().unwrap())
            .await
            .unwrap();
    }
}

fn pod_uid(name: &str) -> PodUid {
    uid("Pod", &format!("shop/{name}")).parse().unwrap()
}

fn report(from: &str, to: &str, at: Time) -> Report {
    let address = |name: &str| PODS.iter().find(|(pod, _)| *pod == name).unwrap().1;
    let body = json!({
        "query": "mutation($results: CaptureTCPResults!) { reportTCPCaptureResults(results: $results) }",
        "variables": { "results": { "results": [{
            "srcIp": address(from), "srcHostname": "", "srcPodUid": pod_uid(from).to_string(),
            "nodeName": "n1", "reporterId": "n1/1",
            "destinations": [{
                "destination": address(to), "destinationIP": address(to), "destinationPort": 8080,
                "destinationPodUid": pod_uid(to).to_string(),
                "TTL": null, "lastSeen": at.to_string(), "srcPorts": [40000],
            }],
        }] } },
    });
    match decode(body.to_string().as_bytes()) {
        Decoded::Recognised(report) => report,
        other => panic!("{other:?}"),
    }
}

/// What a process that is killed now leaves behind.
fn killed(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(folder.join(FILE), copy.path().join(FILE)).unwrap();
    copy
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let waits = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let held = tokio::time::timeout(Duration::from_secs(20), waits).await;
    assert!(held.is_ok(), "it does not hold within 20 s");
}

const EDGE: &str = "shop/web (Pod) → shop/cart (Pod)";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_with_true_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let first = Running::start(folder.path(), &["web", "cart"]).await;
    assert!(first.reports("web", "cart", app::clock::now()).await);
    let left = killed(folder.path());
    let id = first.mapper.id();
    first.stop().await;

    let second = Running::start(left.path(), &["web", "cart"]).await;
    assert_eq!(second.edges().await, [EDGE]);
    assert_eq!(second.mapper.id(), id, "the same map");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_cluster_survives_too() {
    let folder = tempfile::tempdir().unwrap();
    let first = Running::start(folder.path(), &["web"]).await;
    assert!(first.reports("web", "late", app::clock::now()).await);
    assert_eq!(first.edges().await, [""; 0]);
    let left = killed(folder.path());
    first.stop().await;

    // The pod was there before, and is told only now.
    let second = Running::start(left.path(), &["web", "late"]).await;
    let edge = "shop/web (Pod) → shop/late (Pod)";
    until(async || second.edges().await == [edge]).await;
    // Nothing is left to take again.
    until(async || held(left.path()) == 0).await;
    second.stop().await;
}

/// Facts that a file holds for later.
fn held(folder: &Path) -> usize {
    let copy = killed(folder);
    let (_, loaded, _) = File::open(copy.path(), "", app::clock::now()).unwrap();
    loaded.held()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_holds_after_a_kill_and_against_late_reports() {
    let folder = tempfile::tempdir().unwrap();
    let first = Running::start(folder.path(), &["web", "cart"]).await;
    let before = app::clock::now();
    assert!(first.reports("web", "cart", before).await);
    let id = first.mapper.id();
    assert!(first.mapper.reset().await.unwrap());
    let reset = first.mapper.id();
    assert_ne!(reset, id, "reporters tell everything again");
    let left = killed(folder.path());
    first.stop().await;

    let second = Running::start(left.path(), &["web", "cart"]).await;
    assert_eq!(second.mapper.id(), reset);
    assert!(second.reports("web", "cart", before).await);
    assert_eq!(second.edges().await, [""; 0], "a late report from before");
    assert!(second.reports("web", "cart", app::clock::now()).await);
    assert_eq!(second.edges().await, [EDGE]);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_end_keeps_all_of_the_map() {
    let folder = tempfile::tempdir().unwrap();
    let first = Running::start(folder.path(), &["web", "cart"]).await;
    for second in (0..50).rev() {
        let at = app::clock::now().minus(Duration::from_secs(second));
        assert!(first.reports("web", "cart", at).await);
    }
    let map = first.mapper.view().await.unwrap().map.clone();
    first.stop().await;
    let (_, loaded, _) = File::open(folder.path(), "", app::clock::now()).unwrap();
    assert_eq!(loaded.map, map);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_folder_is_for_one_mapper() {
    let folder = tempfile::tempdir().unwrap();
    let first = Running::start(folder.path(), &[]).await;
    let second = File::open(folder.path(), "", app::clock::now());
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
    first.stop().await;
}

#[test]
fn a_damaged_file_is_set_aside_and_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), "no map at all".repeat(1_000)).unwrap();
    let now = Time::from_secs(1_000);
    let (_, loaded, aside) = File::open(folder.path(), "new", now).unwrap();
    assert_eq!((loaded.map.len(), &*loaded.instance), (0, "new"));
    let aside = aside.unwrap();
    assert!(
        std::fs::read_to_string(aside.path)
            .unwrap()
            .starts_with("no map")
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = File::open(Path::new("/nowhere"), "", app::clock::now()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("/nowhere") && text.contains("data folder"),
        "{text}"
    );
}
