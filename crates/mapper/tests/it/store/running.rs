//! A mapper that runs on a data folder, without its process and its server.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use cluster::{Index, Kind, Present, Settings, Update, document};
use compact_str::CompactString;
use map::{Map, PodUid, Time};
use mapper::Ingest;
use mapper::report::Switches;
use mapper::store::{Disk, FILE, Figures, File};
use mapper::writer::{Clock, Mapper, Writer};
use serde_json::{Value, json};
use testkit::cluster::{node, pod, uid};
use tokio::sync::{mpsc, oneshot};
use wire::{Decoded, Report, decode};

pub(super) struct Running {
    pub(super) mapper: Mapper,
    pub(super) figures: Arc<Figures>,
    updates: mpsc::Sender<Update>,
    stop: oneshot::Sender<()>,
    writer: tokio::task::JoinHandle<Writer>,
    keeper: std::thread::JoinHandle<()>,
}

/// How it is started.
pub(super) struct Start<'a> {
    pub(super) folder: &'a Path,
    /// Which of [`PODS`] the cluster has.
    pub(super) pods: &'a [&'a str],
    pub(super) disk: Option<Box<dyn Disk>>,
    pub(super) clock: Clock,
    pub(super) expiry: Option<Duration>,
    /// Rows that cannot be read.
    pub(super) unreadable: u64,
}

pub(super) const PODS: [(&str, &str); 5] = [
    ("web", "10.244.0.5"),
    ("cart", "10.244.0.6"),
    ("late", "10.244.0.7"),
    ("mail", "10.244.0.8"),
    ("bank", "10.244.0.9"),
];

impl<'a> Start<'a> {
    pub(super) fn on(folder: &'a Path, pods: &'a [&'a str]) -> Self {
        Self {
            folder,
            pods,
            disk: None,
            clock: app::clock::now,
            expiry: None,
            unreadable: 0,
        }
    }

    /// Starts, and tells the cluster.
    pub(super) async fn start(self) -> Running {
        let (name, now) = ("0123456789abcdef", (self.clock)());
        let opened = match self.disk {
            None => File::open(self.folder, name, now),
            Some(disk) => File::open_on(disk, self.folder, name, now),
        };
        let (file, loaded, aside) = opened.unwrap();
        assert_eq!(aside, None);
        assert_eq!(loaded.unreadable, self.unreadable);
        let index = Index::live(Settings::default());
        let ingest = Ingest::live("", BTreeSet::<CompactString>::new());
        let (writer, mapper, queue) =
            Writer::new(index, ingest, Switches::default(), None, self.clock);
        let figures = Arc::new(Figures::default());
        let writer = writer.expiring(self.expiry);
        let (writer, keeper) = writer.keeping(file, loaded, Arc::clone(&figures));
        let (updates, updates_in) = mpsc::channel(100);
        let (stop, stopped) = oneshot::channel();
        let keeper = std::thread::spawn(move || keeper.run());
        let writer = tokio::spawn(writer.run(updates_in, queue, async {
            let _ = stopped.await;
        }));
        let running = Running {
            mapper,
            figures,
            updates,
            stop,
            writer,
            keeper,
        };
        running.tell_cluster(self.pods, now).await;
        running
    }
}

impl Running {
    /// Starts, and tells the cluster with these pods.
    pub(super) async fn start(folder: &Path, pods: &[&str]) -> Self {
        Start::on(folder, pods).start().await
    }

    async fn tell_cluster(&self, pods: &[&str], asked: Time) {
        self.tell(&node("n1", "172.18.0.2", "10.244.0.0/24")).await;
        for (name, address) in PODS.iter().filter(|(name, _)| pods.contains(name)) {
            self.tell(&pod("shop", name, address, None)).await;
        }
        for kind in cluster::live::KINDS {
            let present = match kind {
                Kind::Pod => Present::Pods(pods.iter().map(|name| pod_uid(name)).collect()),
                _ => Present::Named(HashSet::from([("".into(), "n1".into())])),
            };
            let listed = Update::Listed {
                kind,
                present,
                asked,
            };
            self.updates.send(listed).await.unwrap();
        }
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
    pub(super) async fn reports(&self, from: &str, to: &str, at: Time) -> bool {
        self.counts(from, to, at, 1).await
    }

    /// The same with how many connections its reporter has counted.
    pub(super) async fn counts(&self, from: &str, to: &str, at: Time, connections: u64) -> bool {
        let report = report(from, to, at, connections);
        self.mapper.report(report, 100).await.unwrap()
    }

    pub(super) async fn map(&self) -> Map {
        self.mapper.view().await.unwrap().map.clone()
    }

    pub(super) async fn edges(&self) -> Vec<String> {
        edges(&self.map().await)
    }

    /// How many transactions there were.
    pub(super) fn commits(&self) -> u64 {
        self.figures.commits.load(Relaxed)
    }

    /// An orderly end.
    pub(super) async fn stop(self) {
        self.stop.send(()).unwrap();
        drop(self.writer.await.unwrap());
        tokio::task::spawn_blocking(|| self.keeper.join().unwrap())
            .await
            .unwrap();
    }
}

pub(super) fn edges(map: &Map) -> Vec<String> {
    let edges = map.edges();
    edges
        .map(|(key, _)| format!("{} → {}", key.client, key.server))
        .collect()
}

/// As [`edges`] writes it.
pub(super) fn edge(from: &str, to: &str) -> String {
    format!("shop/{from} (Pod) → shop/{to} (Pod)")
}

fn pod_uid(name: &str) -> PodUid {
    uid("Pod", &format!("shop/{name}")).parse().unwrap()
}

fn report(from: &str, to: &str, at: Time, connections: u64) -> Report {
    let address = |name: &str| PODS.iter().find(|(pod, _)| *pod == name).unwrap().1;
    let body = json!({
        "query": "mutation($results: CaptureTCPResults!) { reportTCPCaptureResults(results: $results) }",
        "variables": { "results": { "results": [{
            "srcIp": address(from), "srcHostname": "", "srcPodUid": pod_uid(from).to_string(),
            "nodeName": "n1", "reporterId": "n1/1",
            "destinations": [{
                "destination": address(to), "destinationIP": address(to), "destinationPort": 8080,
                "destinationPodUid": pod_uid(to).to_string(), "connections": connections,
                "TTL": null, "lastSeen": at.to_string(), "srcPorts": [40000],
            }],
        }] } },
    });
    match decode(body.to_string().as_bytes()) {
        Decoded::Recognised(report) => report,
        other => panic!("{other:?}"),
    }
}

/// What a process that is killed now leaves behind, while nothing is being written.
pub(super) fn killed(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(folder.join(FILE), copy.path().join(FILE)).unwrap();
    copy
}

/// Waits until something holds.
pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waits = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let held = tokio::time::timeout(Duration::from_mins(1), waits).await;
    assert!(held.is_ok(), "not within a minute: {what}");
}
