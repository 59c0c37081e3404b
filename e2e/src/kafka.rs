//! Real Kafka brokers and their users, in pods of namespaces, and the built watcher of their logs.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use parking_lot::Mutex;

use crate::bed;
use crate::http::{Answer, Client};
use crate::mapper::{Metrics, free_address};
use crate::node::NetPod;
use crate::process::Process;
use crate::time::{from_now, wait};

fn folder() -> PathBuf {
    bed::root().join("target/testbed/kafka")
}

/// Where KWOK takes the brokers' logs from; `./dev test --only e2e` says it.
pub fn logs() -> PathBuf {
    bed::variable("PORTOLAN_E2E_KAFKA").into()
}

/// A broker's log, as a container runtime keeps it (Kubernetes design document "CRI: Log management for container
/// stdout/stderr streams") and as the broker's own file. Both can be rotated.
#[derive(Clone, Debug)]
pub struct Log(Arc<Mutex<Files>>);

#[derive(Debug)]
struct Files {
    runtime: PathBuf,
    own: PathBuf,
    rotations: u32,
}

fn append(path: &Path, text: &str) {
    let mut options = OpenOptions::new();
    let mut file = options.append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

impl Log {
    fn new(pod: &str) -> Self {
        let runtime = logs().join(format!("{pod}.log"));
        File::create(&runtime).unwrap();
        Self(Arc::new(Mutex::new(Files {
            runtime,
            own: logs().join(format!("{pod}.own.log")),
            rotations: 0,
        })))
    }

    fn write(&self, line: &str) {
        let files = self.0.lock();
        append(
            &files.runtime,
            &format!("{} stdout F {line}\n", from_now(0)),
        );
        append(&files.own, &format!("{line}\n"));
    }

    /// The broker's own file.
    pub fn own(&self) -> PathBuf {
        self.0.lock().own.clone()
    }

    /// The runtime's file is renamed and a new one made, as the kubelet does; the broker's own one likewise, or it is
    /// copied and emptied.
    pub fn rotate(&self, copies: bool) {
        let mut files = self.0.lock();
        files.rotations += 1;
        for path in [&files.runtime, &files.own] {
            let old = path.with_extension(format!("log.{}", files.rotations));
            if copies && *path == files.own {
                fs::copy(path, old).unwrap();
                File::options()
                    .write(true)
                    .truncate(true)
                    .open(path)
                    .unwrap();
            } else {
                fs::rename(path, old).unwrap();
                File::create(path).unwrap();
            }
        }
    }

    /// What is there becomes the log of the container before.
    pub fn begin_anew(&self) {
        let files = self.0.lock();
        fs::rename(&files.runtime, files.runtime.with_extension("previous.log")).unwrap();
        File::create(&files.runtime).unwrap();
    }
}

/// A running broker; it is killed when it is dropped.
#[derive(Debug)]
pub struct Broker {
    process: Child,
    /// Its `ZooKeeper`, should it have one.
    keeper: Option<Child>,
    /// Its kind, such as `kraft-4.1`.
    pub kind: &'static str,
    /// Its pod's name.
    pub pod: String,
    net: NetPod,
    /// Its log.
    pub log: Log,
    started: Receiver<()>,
}

fn program(kind: &str, folder_of: &Path, net: &NetPod) -> Command {
    let version = if kind.ends_with("4.1") { "4.1" } else { "3.9" };
    let mut command = net.command(bed::root().join("testbed/kafka/broker.sh"));
    command
        .arg(kind)
        .arg(folder().join(format!("{version}.jars")))
        .arg(folder_of)
        .arg(&net.ip)
        .stderr(Stdio::null());
    command
}

impl Broker {
    /// Starts one in a pod.
    pub fn start(kind: &'static str, pod: &str, net: &NetPod) -> Self {
        let data = logs().join(format!("{pod}.data"));
        let keeper = kind.starts_with("zk").then(|| {
            let mut keeper = program("zookeeper", &data, net);
            keeper.stdout(Stdio::null()).spawn().unwrap()
        });
        let log = Log::new(pod);
        let (process, started) = run(kind, &data, net, &log);
        Self {
            process,
            keeper,
            kind,
            pod: pod.to_owned(),
            net: net.clone(),
            log,
            started,
        }
    }

    /// Waits until it has started.
    pub fn wait(&self) {
        let started = self.started.recv_timeout(Duration::from_mins(3));
        assert!(started.is_ok(), "the broker {} does not start", self.pod);
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("{}:9092", self.net.ip)
    }

    /// Ends it, and starts it again as another container of its pod.
    pub fn restart(&mut self) {
        let _gone = self.process.kill();
        let _code = self.process.wait();
        // What it said last is read to its end.
        while self.started.recv().is_ok() {}
        self.log.begin_anew();
        let data = logs().join(format!("{}.data", self.pod));
        (self.process, self.started) = run(self.kind, &data, &self.net, &self.log);
    }
}

fn run(kind: &str, data: &Path, net: &NetPod, log: &Log) -> (Child, Receiver<()>) {
    let mut command = program(kind, data, net);
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(process.stdout.take().unwrap());
    let (tell, started) = channel();
    let log = log.clone();
    std::thread::spawn(move || {
        for line in said.lines().map_while(Result::ok) {
            log.write(&line);
            // `Kafka Server started`, or with ZooKeeper `started`.
            if line.contains("tarted (kafka.server.Kafka") {
                let _ = tell.send(());
            }
        }
    });
    (process, started)
}

impl Drop for Broker {
    fn drop(&mut self) {
        for process in [Some(&mut self.process), self.keeper.as_mut()]
            .into_iter()
            .flatten()
        {
            let _gone = process.kill();
            let _code = process.wait();
        }
    }
}

/// A user of brokers in a pod, who does what it is told.
#[derive(Debug)]
pub struct User {
    process: Child,
    commands: ChildStdin,
    answers: Receiver<String>,
}

impl User {
    /// Starts one.
    pub fn start(name: &str, net: &NetPod) -> Self {
        let jars = folder().join("4.1.jars");
        let classes = format!("{}:{}/*", folder().join("client").display(), jars.display());
        let mut process = net
            .command("java")
            .args(["-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            // Java asks for the names of addresses, and there is no DNS server.
            .arg("-Djdk.net.hosts.file=/etc/hosts")
            .args(["-Dlog4j2.level=OFF", "-cp", &classes, "Client", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = process.stdin.take().unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        let (tell, answers) = channel();
        std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        Self {
            process,
            commands,
            answers,
        }
    }

    /// Does something, and says how that went.
    pub fn tries(&mut self, command: &str) -> String {
        writeln!(self.commands, "{command}").unwrap();
        let answer = self.answers.recv_timeout(Duration::from_mins(2));
        answer.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Does something that must go well.
    pub fn does(&mut self, command: &str) {
        assert_eq!(self.tries(command), "done", "{command}");
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _code = self.process.wait();
    }
}

/// The built watcher. When it is dropped it is killed; when that is by a panic, the end of its log is shown.
#[derive(Debug)]
pub struct Watcher {
    process: Process,
    health: SocketAddr,
    metrics: SocketAddr,
}

impl Watcher {
    /// Starts one that reports to this address.
    pub fn start(name: &str, mapper: SocketAddr, arguments: &[&str]) -> Self {
        let log =
            bed::log_folder().join(format!("kafka-watcher-{}-{name}.log", std::process::id()));
        let (health, metrics) = (free_address(), free_address());
        let program = std::env::var_os("PORTOLAN_KAFKA_WATCHER").map_or_else(
            || bed::root().join("target/debug/portolan-kafka-watcher"),
            PathBuf::from,
        );
        let process = Command::new(program)
            .env_clear()
            .env("KUBECONFIG", bed::variable("KUBECONFIG"))
            // The keys of the replaced watcher.
            .env("OTTERIZE_MAPPER_API_URL", format!("http://{mapper}/query"))
            .env("OTTERIZE_KAFKA_REPORT_INTERVAL", "500ms")
            .env("OTTERIZE_KAFKA_COOLDOWN_INTERVAL", "1s")
            .env("OTTERIZE_METRICS_PORT", metrics.port().to_string())
            .args(["--log-format", "json"])
            .args(["--health-probes-port", &health.port().to_string()])
            .args(arguments)
            .stderr(
                File::options()
                    .create(true)
                    .append(true)
                    .open(&log)
                    .unwrap(),
            )
            .spawn()
            .unwrap();
        Self {
            process: Process::new(process, log),
            health,
            metrics,
        }
    }

    /// A page for probes.
    pub fn probe(&self, path: &str) -> Option<Answer> {
        Client::new(self.health).send("GET", path, &[], b"").ok()
    }

    /// The page of metrics.
    pub fn metrics(&self) -> Metrics {
        let page = wait(Duration::from_secs(10), || {
            Client::new(self.metrics)
                .send("GET", "/metrics", &[], b"")
                .ok()
        });
        Metrics::read(&page.expect("no page of metrics").text())
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// How it ended, and after how long, if it did within that time.
    pub fn wait_end(&mut self, most: Duration) -> Option<(ExitStatus, Duration)> {
        self.process.wait_end(most)
    }

    /// What it logged, earlier ones of its name too.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.process.show("kafka-watcher");
        }
    }
}
