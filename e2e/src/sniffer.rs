//! The built sniffer as a process on a node of namespaces.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use testkit::balance;

use crate::bed;
use crate::cost;
use crate::node::Node;
use crate::process::Process;
use crate::time::wait;

/// A running sniffer. When it is dropped it is killed; when that is by a panic, its log is shown.
#[derive(Debug)]
pub struct Sniffer {
    process: Process,
    /// Where a `curl` in the node's namespace finds its metrics.
    node: String,
}

/// The user that it runs as: not root, and with one capability.
const USER: &str = "65532";

impl Sniffer {
    /// Starts it on a node with `CAP_NET_RAW` alone, and waits until it is ready.
    pub fn ready(node: &Node, mapper: &str, arguments: &[&str]) -> Self {
        Self::start(node, mapper, arguments).wait_ready()
    }

    fn wait_ready(mut self) -> Self {
        let ready = wait(Duration::from_secs(20), || {
            let page = self.page("9090", "/readyz");
            (page.starts_with("ok") && self.metric("portolan_sniffer_walks_total") > 0.0)
                .then_some(())
        });
        assert!(
            ready.is_some() && self.is_alive(),
            "it does not become ready: {}",
            self.log()
        );
        self
    }

    /// The same with more rights, such as `bpf`.
    pub fn ready_with(node: &Node, mapper: &str, rights: &[&str]) -> Self {
        let sniffer = Self::start_with(node, mapper, rights, &[]);
        sniffer.wait_ready()
    }

    /// Starts it with `CAP_NET_RAW` alone, and waits for nothing.
    pub fn start(node: &Node, mapper: &str, arguments: &[&str]) -> Self {
        Self::start_with(node, mapper, &[], arguments)
    }

    fn start_with(node: &Node, mapper: &str, more: &[&str], arguments: &[&str]) -> Self {
        let log = bed::log_folder().join(format!("sniffer-{}.log", node.name()));
        let more = more
            .iter()
            .fold(String::new(), |all, right| all + ",+" + right);
        let sets = ["inh-caps", "ambient-caps", "bounding-set"];
        let sets = sets.map(|set| format!("--{set}=-all,+net_raw{more}"));
        let rights = [
            "--reuid",
            USER,
            "--regid",
            USER,
            "--clear-groups",
            "--no-new-privs",
        ];
        let process = node
            .command("setpriv")
            .args(rights)
            .args(sets)
            .arg(program())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .args([
                "--mapper-api-url",
                mapper,
                "--host-proc-dir",
                "/proc",
                "--node-name",
                node.name(),
            ])
            .args(["--log-format", "json"])
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
            node: node.name().to_owned(),
        }
    }

    /// One of its metrics; 0 where there is none.
    pub fn metric(&self, name: &str) -> f64 {
        let page = self.page("2112", "/metrics");
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Everything on its page of metrics adds up, once nothing is under way: what came in went out, was dropped, or is held.
    pub fn balance(&self) {
        let mut wrong = Vec::new();
        let balanced = wait(Duration::from_mins(1), || {
            // Looking is a connection too, of which its threads tell within two seconds.
            std::thread::sleep(Duration::from_secs(3));
            let page = self.page("2112", "/metrics");
            let is_there = balance::value(&page, "packets_passed_total") > 0;
            wrong = if is_there {
                balance::unbalanced(&page)
            } else {
                vec!["there is no page of metrics, or no packets".to_owned()]
            };
            wrong.is_empty().then_some(())
        });
        assert!(balanced.is_some(), "{}", wrong.join("\n"));
    }

    /// All values of one of its metrics that has a label, by that.
    pub fn labelled(&self, name: &str) -> BTreeMap<String, u64> {
        let page = self.page("2112", "/metrics");
        let values = page.lines().filter_map(|line| {
            let (labels, value) = line
                .strip_prefix(name)?
                .strip_prefix('{')?
                .split_once("} ")?;
            let label = labels.split('"').nth(1)?;
            Some((label.to_owned(), value.parse().unwrap()))
        });
        values.collect()
    }

    /// A term of the equations on its page of metrics ([`balance::value`]), such as `packets_total[handshakes]`.
    pub fn value(&self, term: &str) -> u64 {
        balance::value(&self.page("2112", "/metrics"), term)
    }

    /// Its resident memory, in KiB.
    pub fn memory(&self) -> u64 {
        cost::memory(self.pid(), "VmRSS")
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The rights of each of its threads, by name: the set of permitted capabilities as a number.
    pub fn rights_of_threads(&self) -> Vec<(String, u64)> {
        let folder = format!("/proc/{}/task", self.process.pid());
        let threads = std::fs::read_dir(folder).unwrap();
        let rights = threads.map(|thread| {
            let status = std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
            let field = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap().trim().to_owned()
            };
            let permitted = u64::from_str_radix(&field("CapPrm:"), 16).unwrap();
            (field("Name:"), permitted)
        });
        rights.collect()
    }

    /// A page of its, as it is seen on its node; empty when it does not answer.
    pub fn page(&self, port: &str, path: &str) -> String {
        let url = format!("http://127.0.0.1:{port}{path}");
        let namespace = format!("--net=/run/netns/{}", self.node);
        let output = Command::new("nsenter")
            .args([
                namespace.as_str(),
                "--",
                "curl",
                "-s",
                "--max-time",
                "5",
                &url,
            ])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// How it ended, if it did within that time.
    pub fn wait_end(&mut self, most: Duration) -> Option<ExitStatus> {
        self.process.wait_end(most).map(|(status, _)| status)
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

/// The built sniffer.
pub fn program() -> PathBuf {
    std::env::var_os("PORTOLAN_SNIFFER").map_or_else(
        || bed::root().join("target/debug/portolan-sniffer"),
        PathBuf::from,
    )
}

impl Drop for Sniffer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.process.show("sniffer");
            let page = self.page("2112", "/metrics");
            let of_sniffer = page
                .lines()
                .filter(|line| line.starts_with("portolan_sniffer"));
            eprintln!("{}", of_sniffer.collect::<Vec<_>>().join("\n"));
        }
    }
}
