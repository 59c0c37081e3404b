//! A process of its own: `src/bin/app-skeleton.rs`, from its command line to its exit status.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use serde_json::Value;

use crate::http::get;

fn skeleton(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_app-skeleton"));
    command.env_clear().args(flags);
    command
}

/// One that ends by itself.
fn output(flags: &[&str], environment: &[(&str, &str)]) -> Output {
    skeleton(flags)
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

/// One that runs.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    fn start(flags: &[&str]) -> Self {
        let any = ["--metrics-port=0", "--health-probes-port=0"];
        let flags: Vec<&str> = any.into_iter().chain(flags.iter().copied()).collect();
        Self::start_exactly(&flags)
    }

    fn start_exactly(flags: &[&str]) -> Self {
        let mut child = skeleton(flags).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr }
    }

    /// Reads the log up to the line with this message.
    fn until(&mut self, message: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(
                self.stderr.read_line(&mut line).unwrap() > 0,
                "the log ended before {message:?}"
            );
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["msg"] == message {
                return line;
            }
        }
    }

    fn address(&mut self, message: &str) -> SocketAddr {
        let address: SocketAddr = self.until(message)["address"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        SocketAddr::new(std::net::Ipv4Addr::LOCALHOST.into(), address.port())
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
    }

    fn end(mut self) -> (Option<i32>, Vec<Value>) {
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        let lines = rest
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        (self.child.wait().unwrap().code(), lines)
    }
}

fn last(output: &Output) -> Value {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

#[test]
fn a_signal_ends_it_well() {
    for signal in ["TERM", "INT"] {
        let mut running = Running::start(&[]);
        running.until("metrics are served");
        running.signal(signal);
        assert_eq!(running.until("stopping")["signal"], format!("SIG{signal}"));
        let (status, lines) = running.end();
        assert_eq!(status, Some(0), "{lines:?}");
        assert_eq!(lines.last().unwrap()["msg"], "skeleton stopped");
    }
}

#[test]
fn a_second_signal_ends_it_at_once_even_when_it_hangs() {
    let mut running = Running::start(&["--fault=late"]);
    running.until("metrics are served");
    running.signal("TERM");
    running.until("stopping");
    running.signal("TERM");
    let (status, lines) = running.end();
    assert_eq!(status, Some(143));
    assert_eq!(lines[0]["msg"], "second signal: ending at once");

    let mut running = Running::start(&["--fault=stuck"]);
    running.until("stuck");
    running.signal("INT");
    running.until("stopping");
    running.signal("INT");
    assert_eq!(running.end().0, Some(130));
}

#[tokio::test]
async fn its_pages_are_served() {
    let mut running = Running::start(&["--report-interval=1ms"]);
    let probes = running.address("probes are answered");
    let metrics = running.address("metrics are served");
    assert_eq!(get(probes, "/healthz").await.status, 200);
    let page = get(metrics, "/metrics").await.body;
    assert!(page.contains("\nskeleton_rounds "), "{page}");
    assert!(
        page.contains("portolan_build_info{role=\"skeleton\","),
        "{page}"
    );
    running.signal("TERM");
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn a_task_that_goes_wrong_ends_it_with_status_1_and_its_name() {
    let any = ["--metrics-port=0", "--health-probes-port=0"];
    let ended = output(&[any[0], any[1], "--fault=end"], &[]);
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(
        last(&ended)["error"],
        "fault ended although nothing stopped it"
    );

    let panicked = output(&[any[0], any[1], "--fault=panic"], &[]);
    assert_eq!(panicked.status.code(), Some(1));
    assert_eq!(last(&panicked)["error"], "fault panicked: on purpose");
    let log = String::from_utf8(panicked.stderr).unwrap();
    assert!(
        log.lines()
            .any(|line| line.contains("\"msg\":\"panic: on purpose\"")),
        "{log}"
    );
}

#[test]
fn a_bad_setting_ends_it_with_status_2_before_there_is_a_log() {
    let refused = output(&[], &[("OTTERIZE_REPORT_INTERVAL", "soon")]);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(refused.stderr).unwrap(),
        "OTTERIZE_REPORT_INTERVAL: \"soon\" is not accepted: expected a duration such as 500ms, 1m or 1h30m\n",
    );
}

#[test]
fn help_and_version_go_to_standard_output() {
    let help = output(&["--help"], &[]);
    assert_eq!(help.status.code(), Some(0));
    assert!(
        String::from_utf8(help.stdout)
            .unwrap()
            .contains("OTTERIZE_REPORT_INTERVAL")
    );
    let version = output(&["--version"], &[]);
    assert_eq!(
        String::from_utf8(version.stdout).unwrap(),
        format!("portolan-skeleton {}\n", app::VERSION)
    );
    assert_eq!(version.stderr, b"");
}

#[test]
fn a_port_in_use_is_fatal_for_probes_and_a_warning_for_metrics() {
    let taken = std::net::TcpListener::bind("[::]:0")
        .or_else(|_| std::net::TcpListener::bind("0.0.0.0:0"))
        .unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = format!("cannot listen on port {port}: Address already in use (os error 98)");

    let ended = output(&[&format!("--health-probes-port={port}")], &[]);
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(last(&ended)["error"], error);

    let metrics = format!("--metrics-port={port}");
    let mut running = Running::start_exactly(&["--health-probes-port=0", &metrics]);
    assert_eq!(running.until("no page of metrics")["error"], error);
    running.signal("TERM");
    assert_eq!(running.end().0, Some(0));
}
