//! Real Envoys as sidecars, and the built Istio watcher that asks them.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::bed;
use crate::http::{Answer, Client};
use crate::mapper;
use crate::process::Process;
use crate::time::wait;

static NUMBER: AtomicU32 = AtomicU32::new(0);

fn number() -> u32 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

fn log(name: &str) -> PathBuf {
    bed::log_folder().join(format!("{name}-{}-{}.log", std::process::id(), number()))
}

/// An address of this machine that no other test has: every sidecar has its own, as pods do.
pub fn address() -> Ipv4Addr {
    let [.., a, b] = std::process::id().to_be_bytes();
    let last = u8::try_from(number() % 250 + 1).unwrap();
    Ipv4Addr::new(127, a | 64, b, last)
}

/// Whose sidecar it is, and how it names the path.
#[derive(Clone, Copy, Debug)]
pub struct Serves<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its workload.
    pub workload: &'a str,
    /// Its Service.
    pub service: &'a str,
    /// As what it reports: `destination`, or `waypoint`.
    pub reporter: &'a str,
    /// The label of the path: `request_path` where the mesh exports it.
    pub path_label: &'a str,
}

/// An Envoy that answers everything with 404, and counts it. It is killed when it is dropped.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    address: Ipv4Addr,
}

impl Envoy {
    /// Starts one, and waits until it listens.
    pub fn start(address: Ipv4Addr, serves: Serves<'_>) -> Self {
        let template =
            std::fs::read_to_string(bed::root().join("testbed/envoy/sidecar.yaml")).unwrap();
        let config = template
            .replace("ITS_ADDRESS", &address.to_string())
            .replace("ITS_NAMESPACE", serves.namespace)
            .replace("ITS_WORKLOAD", serves.workload)
            .replace("ITS_SERVICE", serves.service)
            .replace("ITS_REPORTER", serves.reporter)
            .replace("ITS_PATH", serves.path_label);
        let log = log("envoy");
        let process = Command::new(bed::root().join("target/testbed/bin/envoy"))
            .args(["--config-yaml", &config, "--concurrency", "1"])
            .args(["--use-dynamic-base-id", "--log-level", "warn"])
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let envoy = Self {
            process: Process::new(process, log),
            address,
        };
        let listens = wait(Duration::from_secs(20), || {
            let mut client = Client::new((address, 8080).into());
            client
                .send("GET", "/", &[("x-source", "unknown")], b"")
                .ok()
        });
        assert!(
            listens.is_some(),
            "it does not start: {}",
            envoy.process.log()
        );
        envoy
    }

    /// A request of a workload.
    pub fn request(&self, from: &str, method: &str, path: &str) {
        let mut client = Client::new((self.address, 8080).into());
        Self::ask(&mut client, from, method, path);
    }

    /// Many, on one connection.
    pub fn requests(&self, from: &str, method: &str, paths: impl Iterator<Item = String>) {
        let mut client = Client::new((self.address, 8080).into());
        for path in paths {
            Self::ask(&mut client, from, method, &path);
        }
    }

    /// What is no token of a request's line goes beside it.
    fn ask(client: &mut Client, from: &str, method: &str, path: &str) {
        let is_odd = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'"' | b'\\' | b'#');
        let (target, beside) = if path.bytes().any(is_odd) {
            ("/", Some(path))
        } else {
            (path, None)
        };
        let mut fields = vec![("x-source", from), ("host", "service:8080")];
        fields.extend(beside.map(|path| ("x-path", path)));
        let answer = client.send(method, target, &fields, b"").unwrap();
        assert_eq!(answer.status, 404, "{method} {path}");
    }
}

/// The built watcher. It is killed when it is dropped.
#[derive(Debug)]
pub struct Watcher {
    process: Process,
    metrics: SocketAddr,
    health: SocketAddr,
}

/// The built watcher, not yet started.
pub fn command() -> Command {
    Command::new(bed::built("portolan-istio-watcher"))
}

impl Watcher {
    /// Starts one that goes round five times a second through the sidecars of a namespace.
    pub fn start(namespace: &str, to: SocketAddr, arguments: &[&str]) -> Self {
        Self::start_as(&bed::variable("KUBECONFIG"), namespace, to, arguments)
    }

    /// Starts one with this access to the cluster.
    pub fn start_as(kubeconfig: &str, namespace: &str, to: SocketAddr, arguments: &[&str]) -> Self {
        let log = log("istio-watcher");
        let (metrics, health) = (mapper::free_address(), mapper::free_address());
        let process = command()
            .env_clear()
            .env("KUBECONFIG", kubeconfig)
            // By the keys of the replaced system.
            .env("OTTERIZE_ISTIO_RESTRICT_COLLECTION_TO_NAMESPACE", namespace)
            .env("OTTERIZE_ISTIO_COOLDOWN_INTERVAL", "200ms")
            .env("OTTERIZE_ISTIO_REPORT_INTERVAL", "200ms")
            .env("PORTOLAN_ISTIO_METRIC_FETCH_TIMEOUT", "2s")
            .args(["--log-format", "json"])
            .args(["--mapper-api-url", &format!("http://{to}/query")])
            .args(["--metrics-port", &metrics.port().to_string()])
            .args(["--health-probes-port", &health.port().to_string()])
            .args(arguments)
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self {
            process: Process::new(process, log),
            metrics,
            health,
        }
    }

    fn page(from: SocketAddr, path: &str) -> Option<Answer> {
        Client::new(from).send("GET", path, &[], b"").ok()
    }

    /// The status of one of its health pages.
    pub fn health(&self, path: &str) -> Option<u16> {
        Self::page(self.health, path).map(|answer| answer.status)
    }

    /// One of its metrics; 0 where there is none.
    pub fn metric(&self, name: &str) -> u64 {
        let text =
            Self::page(self.metrics, "/metrics").map_or_else(String::new, |page| page.text());
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().unwrap())
    }

    /// Waits until so many whole rounds more are through.
    pub fn rounds(&self, more: u64) {
        let name = "portolan_istio_rounds_total";
        let now = self.metric(name);
        // The one that is under way may have passed already.
        let through = wait(Duration::from_mins(1), || {
            (self.metric(name) > now + more).then_some(())
        });
        assert!(through.is_some(), "no rounds: {}", self.process.log());
    }

    /// Waits until so many sidecars have answered in one round.
    pub fn answered(&self, count: u64) {
        let answered = wait(Duration::from_secs(30), || {
            (self.metric("portolan_istio_sidecars_answered") == count).then_some(())
        });
        assert!(answered.is_some(), "not {count}: {}", self.process.log());
    }

    /// What it logged.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Asks it to end; how long that took.
    pub fn end(mut self) -> Duration {
        self.process.signal("TERM");
        let (status, after) = self.process.wait_end(Duration::from_secs(20)).unwrap();
        assert!(status.success(), "{}", self.process.log());
        after
    }
}
