//! A mapper in this process, with its threads as the built one has them, and many reporters.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use app::clock::Stopwatch;
use cluster::{Event, Index, Settings, Update};
use map::Time;
use mapper::Ingest;
use mapper::report::Switches;
use mapper::store::{FILE, Figures, File};
use mapper::writer::{Mapper, Writer};
use testkit::city::{City, Kind, REPLICAS, Sniffer};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use wire::{Decoded, ReportKind, decode};

/// Reporters at the same time.
const REPORTERS: usize = 64;

/// Deployments of which one pod calls many others: a report each, every call an edge.
pub(super) struct Town(City);

impl Town {
    pub(super) fn with(edges: usize) -> Self {
        // Twenty-five Deployments for each call give a million edges 5 000 of them, and 200 calls each.
        let calls = (edges / 25).isqrt().max(1);
        let deployments = edges / calls;
        Self(City {
            pods: deployments * REPLICAS,
            calls,
        })
    }

    pub(super) fn edges(&self) -> usize {
        self.0.edges()
    }

    pub(super) fn observations(&self) -> f64 {
        f64::from(u32::try_from(self.0.deployments() * self.0.calls).unwrap())
    }

    pub(super) fn bodies(&self, count: u64) -> Vec<String> {
        let first = (0..self.0.pods).step_by(REPLICAS);
        first.map(|pod| body(&self.0, pod, count)).collect()
    }

    /// A report with one new edge.
    pub(super) fn single(&self, number: usize) -> String {
        let one = City { calls: 1, ..self.0 };
        let pods = one.deployments();
        body(&one, number % pods * REPLICAS, 1)
    }

    fn index(&self) -> Index {
        let mut index = Index::live(Settings::default());
        for object in self.0.objects() {
            if let Ok(object) = serde_json::from_value(object) {
                index.update(Update::Event(Event::Applied(object)), Time::EPOCH);
            }
        }
        index.set_current(app::clock::now().plus(Duration::from_hours(1)));
        index
    }
}

fn body(city: &City, pod: usize, count: u64) -> String {
    let query = serde_json::to_string(ReportKind::TcpCaptures.document()).unwrap();
    let now = app::clock::now().to_string();
    let variables = city.report(Sniffer::Ours, Kind::Tcp, pod..pod + 1, &now, count);
    format!(r#"{{"query":{query},"variables":{variables}}}"#)
}

pub(super) struct Bench {
    runtime: Runtime,
    mapper: Mapper,
    figures: Arc<Figures>,
    folder: Option<PathBuf>,
    stop: oneshot::Sender<()>,
    writer: JoinHandle<()>,
    keeper: Option<JoinHandle<()>>,
    _updates: mpsc::Sender<Update>,
}

impl Bench {
    pub(super) fn start(town: &Town, folder: Option<&Path>) -> Self {
        let ingest = Ingest::live("", BTreeSet::new());
        let switches = Switches::default();
        let (writer, mapper, queue) =
            Writer::new(town.index(), ingest, switches, None, app::clock::now);
        let figures = Arc::new(Figures::default());
        let (writer, keeper) = match folder {
            None => (writer.in_memory("bench"), None),
            Some(folder) => {
                let (file, loaded, _) = File::open(folder, "bench", app::clock::now()).unwrap();
                let (writer, keeper) = writer.keeping(file, loaded, Arc::clone(&figures));
                let keeper = std::thread::spawn(move || keeper.run());
                (writer, Some(keeper))
            }
        };
        let (updates, updates_in) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel();
        let writer = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            let run = writer.run(updates_in, queue, async {
                let _ = stopped.await;
            });
            drop(runtime.block_on(run));
        });
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        Self {
            runtime,
            mapper,
            figures,
            folder: folder.map(Path::to_owned),
            stop,
            writer,
            keeper,
            _updates: updates,
        }
    }

    /// How long it takes until all of these are answered with `true`.
    pub(super) fn report(&self, bodies: &[String]) -> Duration {
        let watch = Stopwatch::start();
        let next = Arc::new(AtomicUsize::new(0));
        let bodies: Arc<[String]> = bodies.into();
        let tasks: Vec<_> = (0..REPORTERS)
            .map(|_| {
                let (bodies, next) = (Arc::clone(&bodies), Arc::clone(&next));
                let mapper = self.mapper.clone();
                self.runtime.spawn(async move {
                    while let Some(body) = bodies.get(next.fetch_add(1, Relaxed)) {
                        while !send(&mapper, body).await {}
                    }
                })
            })
            .collect();
        for task in tasks {
            self.runtime.block_on(task).unwrap();
        }
        watch.elapsed()
    }

    pub(super) fn edges(&self) -> usize {
        self.runtime.block_on(self.mapper.view()).unwrap().map.len()
    }

    /// Transactions, rows in them, and the time that they took.
    pub(super) fn figures(&self) -> (u64, u64, Duration) {
        let figures = &self.figures;
        let nanos = figures.nanos.load(Relaxed);
        (
            figures.commits.load(Relaxed),
            figures.rows.load(Relaxed),
            Duration::from_nanos(nanos),
        )
    }

    pub(super) fn stop(self) {
        self.stop.send(()).unwrap();
        self.writer.join().unwrap();
        if let Some(keeper) = self.keeper {
            keeper.join().unwrap();
        }
    }

    /// Keeps the file as a kill leaves it, and ends.
    pub(super) fn kill(self) {
        let folder = self.folder.clone().unwrap();
        // Nothing is written while nothing is new and no refreshes are due.
        let mut commits = 0;
        while commits != self.figures().0 {
            commits = self.figures().0;
            std::thread::sleep(Duration::from_secs(1));
        }
        std::fs::copy(folder.join(FILE), left(&folder)).unwrap();
        self.stop();
    }
}

/// Where [`Bench::kill`] leaves the file.
pub(super) fn left(folder: &Path) -> PathBuf {
    folder.join("left.redb")
}

async fn send(mapper: &Mapper, body: &str) -> bool {
    let Decoded::Recognised(report) = decode(body.as_bytes()) else {
        panic!("no report: {body}");
    };
    mapper.report(report, body.len()).await.unwrap()
}
