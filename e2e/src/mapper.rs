//! The built mapper as a process, and what is asked of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::bed;
use crate::cost;
use crate::http::{Answer, Client};
use crate::process::Process;
use crate::time::wait;

/// The built mapper, not yet started.
pub fn command() -> Command {
    Command::new(bed::mapper())
}

/// A running mapper. When it is dropped it is killed; when that is by a panic, the end of its log is shown.
#[derive(Debug)]
pub struct Mapper {
    process: Process,
    /// Where `/query` is.
    pub address: SocketAddr,
    /// Where its page of metrics is.
    pub metrics_address: SocketAddr,
}

/// The flag that says whether a mapper writes addresses into ClientIntents.
pub const WRITES_INTENTS: &str = "--dns-client-intents-update-enabled";

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Mapper {
    /// Starts one on free ports, for the testbed's API server, and waits until it is ready.
    pub fn ready(name: &str, arguments: &[&str]) -> Self {
        let mapper = Self::start(name, &bed::variable("KUBECONFIG"), arguments);
        mapper.wait_ready();
        mapper
    }

    /// Starts one, and waits until it listens. It is not ready then.
    ///
    /// Where it is not told otherwise, it writes no addresses into ClientIntents: all mappers of a testbed would write into
    /// the same, and the one whose test counts what it writes would find it done.
    pub fn start(name: &str, kubeconfig: &str, arguments: &[&str]) -> Self {
        let mut arguments = arguments.to_vec();
        if !arguments.contains(&WRITES_INTENTS) {
            arguments.extend([WRITES_INTENTS, "false"]);
        }
        let mapper = Self::spawn(command(), name, kubeconfig, &arguments);
        mapper.wait_listens();
        mapper
    }

    /// Starts one by a command that becomes it, and waits for nothing.
    pub fn spawn(mut command: Command, name: &str, kubeconfig: &str, arguments: &[&str]) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let log =
            bed::log_folder().join(format!("mapper-{}-{number}-{name}.log", std::process::id()));
        let (address, metrics) = (free_address(), free_address());
        let process = command
            .env_clear()
            .env("KUBECONFIG", kubeconfig)
            .args(["--log-format", "json", "--cluster-domain", "cluster.local"])
            .args(["--port", &address.port().to_string()])
            .args(["--metrics-port", &metrics.port().to_string()])
            .args(arguments)
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            process: Process::new(process, log),
            address,
            metrics_address: metrics,
        }
    }

    /// Waits until it listens.
    pub fn wait_listens(&self) {
        let listens = wait(Duration::from_secs(20), || self.get("/healthz"));
        assert_eq!(listens.map(|answer| answer.status), Some(200), "healthz");
    }

    /// Waits until it knows the cluster.
    pub fn wait_ready(&self) {
        let ready = wait(Duration::from_mins(1), || {
            self.get("/readyz").filter(|answer| answer.status == 200)
        });
        assert!(ready.is_some(), "it does not become ready");
    }

    /// A page, if it answers at all.
    pub fn get(&self, path: &str) -> Option<Answer> {
        self.client().send("GET", path, &[], b"").ok()
    }

    /// A client of its own connection.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// The answer to a document, which must be good.
    pub fn query(&self, document: &str, variables: &Value) -> Value {
        let answer = self.ask(document, variables);
        let text = answer.text();
        let mut json = answer.json();
        assert_eq!(answer.status, 200, "{document}\n{text}");
        assert!(json["errors"].is_null(), "{document}\n{text}");
        json["data"].take()
    }

    /// The answer to a document.
    pub fn ask(&self, document: &str, variables: &Value) -> Answer {
        let body = json!({"query": document, "variables": variables});
        self.post(body.to_string().as_bytes())
    }

    /// The answer to a body.
    pub fn post(&self, body: &[u8]) -> Answer {
        let fields = [("content-type", "application/json")];
        let answer = self.client().send("POST", "/query", &fields, body);
        answer.unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    /// Sends a report as the replaced sniffer does: `reportCaptureResults` and so on. It must be taken.
    pub fn report(&self, field: &str, argument: &Value) {
        let kind = wire::document::ReportKind::ALL
            .into_iter()
            .find(|kind| kind.field() == field)
            .unwrap();
        let data = self.query(kind.document(), &json!({ kind.argument(): argument }));
        assert_eq!(data[field], true, "{field} was not taken");
    }

    /// The page of metrics: `name` or `name{label="value"}` with their values.
    pub fn metrics(&self) -> Metrics {
        let page = wait(Duration::from_secs(10), || {
            Client::new(self.metrics_address)
                .send("GET", "/metrics", &[], b"")
                .ok()
        });
        Metrics::read(&page.expect("no page of metrics").text())
    }

    /// Waits until so many observations have come in and at most `held` wait; then every one must have its end.
    pub fn wait_ends(&self, taken: u64, held: u64, most: Duration) -> Metrics {
        let done = wait(most, || {
            let metrics = self.metrics();
            let ended = metrics.taken() >= taken && metrics.held() <= held;
            // A page may be half of one count of the writer's and half of the next.
            (ended && metrics.is_balanced()).then_some(metrics)
        });
        done.unwrap_or_else(|| {
            let metrics = self.metrics();
            panic!(
                "{} of {taken} observations came in, {} of which wait, {} are edges, {} attempts: {:#?}",
                metrics.taken(),
                metrics.held(),
                metrics.resolved(),
                metrics.attempts(),
                metrics.dropped()
            )
        })
    }

    /// Its resident memory, in KiB.
    pub fn memory(&self) -> u64 {
        cost::memory(self.pid(), "VmRSS")
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// How it ended, and after how long, if it did within that time.
    pub fn wait_end(&mut self, most: Duration) -> Option<(ExitStatus, Duration)> {
        self.process.wait_end(most)
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.process.is_alive()
    }

    /// What it logged.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

impl Drop for Mapper {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.process.show("mapper");
        }
    }
}

/// A page of metrics.
#[derive(Clone, Debug)]
pub struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// From the text of a page.
    pub(crate) fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.rsplit_once(' '));
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.parse().unwrap());
        Self(pairs.map(pair).collect())
    }

    /// One value; 0 where there is none.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts"
    )]
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |value| *value as u64)
    }

    /// All values of a metric, by their labels.
    pub fn labelled(&self, name: &str) -> BTreeMap<String, u64> {
        let values = self.0.keys().filter_map(|key| {
            let labels = key.strip_prefix(name)?.strip_prefix('{')?;
            let label = labels.split('"').nth(1)?;
            Some((label.to_owned(), self.get(key)))
        });
        values.filter(|(_, value)| *value != 0).collect()
    }

    /// Observations that came in.
    pub fn taken(&self) -> u64 {
        let taken = self.labelled("portolan_mapper_observations_total");
        taken.values().sum()
    }

    /// Requests to the API server, by what for.
    pub fn api_requests(&self) -> BTreeMap<String, u64> {
        self.labelled("portolan_mapper_api_requests_total")
    }

    /// Observations that wait.
    pub fn held(&self) -> u64 {
        self.get("portolan_mapper_held_observations")
    }

    /// Observations that made or refreshed an edge.
    pub fn resolved(&self) -> u64 {
        self.get("portolan_mapper_resolved_total")
    }

    /// Observations of attempts.
    pub fn attempts(&self) -> u64 {
        self.get("portolan_mapper_attempts_total")
    }

    /// Observations that are not in the map, by reason.
    pub fn dropped(&self) -> BTreeMap<String, u64> {
        self.labelled("portolan_mapper_dropped_total")
    }

    /// Nothing is lost silently: in = edges + attempts + dropped + held.
    pub fn assert_balanced(&self) {
        assert!(self.is_balanced(), "{self:#?}");
    }

    fn is_balanced(&self) -> bool {
        let dropped: u64 = self.dropped().values().sum();
        self.taken() == self.resolved() + self.attempts() + dropped + self.held()
    }
}

/// Where ports for mappers begin, and how many there are: below those that the system gives to clients (32768 and up), one
/// of which could take a free one before its mapper does, and below those of testbeds.
const PORTS: (u16, u16) = (12_000, 12_000);

/// A port that is free now, and nobody else's of this run.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let (first, count) = PORTS;
    loop {
        // Another run begins elsewhere.
        let number = std::process::id().wrapping_mul(101) + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = first + u16::try_from(number % u32::from(count)).unwrap();
        if TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).is_ok() {
            return (Ipv4Addr::LOCALHOST, port).into();
        }
    }
}
