//! The built watcher: what it says of settings that are wrong, and of a broker that logs nothing that can be used.
#![allow(
    clippy::unwrap_used,
    reason = "a test may fail loudly, in its helpers too"
)]

use std::fs::{self, File};
use std::process::{Child, Command, Output};
use std::time::Duration;

use tempfile::TempDir;

fn watcher() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portolan-kafka-watcher"));
    command
        .env_clear()
        .env("OTTERIZE_MAPPER_API_URL", "http://127.0.0.1:9/query")
        .args([
            "--health-probes-port=0",
            "--metrics-port=0",
            "--log-format=text",
        ]);
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_item_that_is_no_pod_is_named_with_its_key() {
    for (key, value, item) in [
        ("OTTERIZE_KAFKA_SERVERS", "kafka-0.kafka kafka-1", "kafka-1"),
        (
            "PORTOLAN_KAFKA_SERVERS",
            "kafka-0.kafka.svc",
            "kafka-0.kafka.svc",
        ),
        ("PORTOLAN_KAFKA_SELECTORS", "app=kafka", "app=kafka"),
        ("OTTERIZE_KAFKA_LOG_READ_MODE", "journal", "journal"),
        ("OTTERIZE_KAFKA_REPORT_INTERVAL", "soon", "soon"),
    ] {
        let output = watcher().env(key, value).output().unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(key) && text.contains(item), "{text}");
    }
}

#[test]
fn a_file_without_a_pod_is_refused() {
    let mut command = watcher();
    command.env("OTTERIZE_KAFKA_LOG_READ_MODE", "file-logs");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("OTTERIZE_POD"), "{}", said(&output));
}

struct Running {
    process: Child,
    folder: TempDir,
}

impl Running {
    /// Follows a file that is not there yet.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = watcher();
        command
            .env("OTTERIZE_KAFKA_LOG_READ_MODE", "file-logs")
            .env(
                "OTTERIZE_KAFKA_AUTHZ_LOG_PATH",
                folder.path().join("authz.log"),
            )
            .env("OTTERIZE_POD", "kafka-0")
            .env("OTTERIZE_NAMESPACE", "kafka")
            .arg("--kafka-silence=1s")
            .stderr(File::create(folder.path().join("stderr")).unwrap());
        Self {
            process: command.spawn().unwrap(),
            folder,
        }
    }

    /// Waits for as long as a busy machine may take.
    fn says(&self, text: &str) -> bool {
        (0..600).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            fs::read_to_string(self.folder.path().join("stderr"))
                .unwrap()
                .contains(text)
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _code = self.process.wait();
    }
}

#[test]
fn a_broker_whose_authorizer_logs_nothing_is_told_what_to_set_and_the_watcher_ends_when_asked() {
    let mut running = Running::start();
    assert!(running.says("it is not there yet"));
    let line =
        "[2026-11-23 08:43:22,416] INFO Kafka Server started (kafka.server.KafkaRaftServer)\n";
    fs::write(running.folder.path().join("authz.log"), line.repeat(3)).unwrap();
    assert!(running.says("none of its authorizer") || running.says("nothing at all"));
    for setting in [
        "log4j.logger.kafka.authorizer.logger=DEBUG, stdout",
        "name: kafka.authorizer.logger",
        "--add-config kafka.authorizer.logger=DEBUG",
    ] {
        assert!(running.says(setting), "{setting}");
    }
    let pid = running.process.id().to_string();
    let sent = Command::new("kill").args(["-s", "TERM", &pid]).status();
    assert!(sent.unwrap().success());
    assert!(running.process.wait().unwrap().success());
}
