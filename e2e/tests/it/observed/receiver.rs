//! The OTLP receiver of the OpenTelemetry Collector, as a process: each request that it decoded is a line of JSON.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use e2e::bed;
use e2e::mapper::free_address;
use e2e::time::wait;
use serde_json::Value;

/// What it is started with; it may be started again.
pub(super) struct Receiver {
    pub(super) grpc: u16,
    pub(super) http: u16,
    folder: PathBuf,
    arguments: Vec<String>,
    process: Option<Child>,
}

/// One number, as it was decoded.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) metric: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: u64,
    pub(super) from: u64,
    pub(super) at: u64,
    /// 1: delta, 2: cumulative.
    pub(super) temporality: u64,
}

impl Receiver {
    /// One on free ports, not started.
    pub(super) fn new(name: &str, arguments: &[&str]) -> Self {
        let folder =
            std::env::temp_dir().join(format!("portolan-{}-otlp-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (grpc, http) = (free_address().port(), free_address().port());
        Self {
            grpc,
            http,
            folder,
            arguments: arguments
                .iter()
                .map(|&argument| argument.to_owned())
                .collect(),
            process: None,
        }
    }

    pub(super) fn start(&mut self, more: &[&str]) {
        let program = bed::root().join("target/testbed/bin/otlp-receiver");
        let process = Command::new(program)
            .args(["--out", self.out().to_str().unwrap()])
            .args(["--grpc", &format!("127.0.0.1:{}", self.grpc)])
            .args(["--http", &format!("127.0.0.1:{}", self.http)])
            .args(&self.arguments)
            .args(more)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        let port = self.grpc;
        let listens = wait(Duration::from_secs(20), || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        assert!(listens.is_some(), "the receiver does not listen");
    }

    /// Ends it at once, and forgets what it got.
    pub(super) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        let _nothing = fs::remove_file(self.out());
    }

    fn out(&self) -> PathBuf {
        self.folder.join("metrics.json")
    }

    /// All that it got, line by line.
    pub(super) fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.out()).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// All numbers that it got, in their order.
    pub(super) fn points(&self) -> Vec<Point> {
        self.lines().iter().flat_map(points).collect()
    }

    /// What a counter stands at, by `client → server`, where numbers are cumulative.
    pub(super) fn last(&self, metric: &str) -> BTreeMap<String, u64> {
        let points = self.points().into_iter();
        let of = points.filter(|point| point.metric == metric);
        of.map(|point| (point.edge(), point.value)).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Point {
    pub(super) fn edge(&self) -> String {
        format!("{} → {}", self.labels["client"], self.labels["server"])
    }
}

fn points(line: &Value) -> Vec<Point> {
    let number = |value: &Value| value.as_str().unwrap().parse().unwrap();
    let mut points = Vec::new();
    for resource in line["resourceMetrics"].as_array().into_iter().flatten() {
        let scopes = resource["scopeMetrics"].as_array().into_iter().flatten();
        for metric in scopes.flat_map(|scope| scope["metrics"].as_array().unwrap()) {
            let sum = &metric["sum"];
            assert_eq!(sum["isMonotonic"], true, "{metric}");
            for point in sum["dataPoints"].as_array().into_iter().flatten() {
                points.push(Point {
                    metric: metric["name"].as_str().unwrap().to_owned(),
                    labels: attributes(&point["attributes"]),
                    value: number(&point["asInt"]),
                    from: number(&point["startTimeUnixNano"]),
                    at: number(&point["timeUnixNano"]),
                    temporality: sum["aggregationTemporality"].as_u64().unwrap(),
                });
            }
        }
    }
    points
}

/// Attributes as OTLP's JSON has them.
pub(super) fn attributes(list: &Value) -> BTreeMap<String, String> {
    let list = list.as_array().into_iter().flatten();
    list.map(|pair| {
        let (key, value) = (&pair["key"], &pair["value"]["stringValue"]);
        (
            key.as_str().unwrap().to_owned(),
            value.as_str().unwrap().to_owned(),
        )
    })
    .collect()
}
