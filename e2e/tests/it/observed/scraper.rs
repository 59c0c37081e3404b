//! A Prometheus that scrapes what a test shows it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use e2e::bed;
use e2e::http::Client;
use e2e::mapper::free_address;
use e2e::time::wait;
use serde_json::Value;

/// A program of the testbed.
pub(super) fn program(name: &str) -> PathBuf {
    bed::root().join("target/testbed/bin").join(name)
}

/// The file of this name that belongs to Portolan.
pub(super) fn file(name: &str) -> PathBuf {
    bed::root().join("observability").join(name)
}

/// A running Prometheus with our alerts, which scrapes every second.
pub(super) struct Prometheus {
    process: Child,
    address: SocketAddr,
    folder: PathBuf,
}

impl Prometheus {
    /// One that scrapes these, each under the name of its job.
    pub(super) fn start(targets: &[(&str, SocketAddr)]) -> Self {
        let folder =
            std::env::temp_dir().join(format!("portolan-{}-prometheus", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let alerts = file("alerts.yaml");
        let targets_of = targets.iter().map(|(job, address)| {
            format!("  - {{job_name: {job}, static_configs: [{{targets: [\"{address}\"]}}]}}\n")
        });
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [\"{}\"]\nscrape_configs:\n{}",
            alerts.display(),
            targets_of.collect::<String>()
        );
        fs::write(folder.join("prometheus.yaml"), config).unwrap();
        let address = free_address();
        let process = Command::new(program("prometheus"))
            .current_dir(&folder)
            .args([
                "--config.file=prometheus.yaml",
                "--storage.tsdb.path=data",
                "--log.level=error",
            ])
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let prometheus = Self {
            process,
            address,
            folder,
        };
        let all = targets.len().to_string();
        let scraped = wait(Duration::from_secs(30), || {
            let up = Client::new(address)
                .send("GET", "/-/ready", &[], b"")
                .ok()?;
            (up.status == 200 && prometheus.value("sum(up)") == Some(all.clone())).then_some(())
        });
        assert!(
            scraped.is_some(),
            "Prometheus does not get all pages: {:?}",
            prometheus.series("up")
        );
        prometheus
    }

    /// What a query finds: labels and value of each series.
    pub(super) fn series(&self, query: &str) -> Vec<(Value, String)> {
        let fields = [("content-type", "application/x-www-form-urlencoded")];
        let body = format!("query={}", encoded(query));
        let mut client = Client::new(self.address);
        let answer = client
            .send("POST", "/api/v1/query", &fields, body.as_bytes())
            .unwrap();
        let answer = answer.json();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        let found = answer["data"]["result"].as_array().unwrap().iter();
        found
            .map(|series| {
                let value = series["value"][1].as_str().unwrap();
                (series["metric"].clone(), value.to_owned())
            })
            .collect()
    }

    /// The value of the one series that a query finds.
    pub(super) fn value(&self, query: &str) -> Option<String> {
        let mut series = self.series(query);
        assert!(series.len() <= 1, "{query}: {series:?}");
        series.pop().map(|(_, value)| value)
    }

    /// Its rules: names with health and state.
    pub(super) fn rules(&self) -> Vec<(String, String, String)> {
        let answer = Client::new(self.address).send("GET", "/api/v1/rules", &[], b"");
        let answer = answer.unwrap().json();
        let groups = answer["data"]["groups"].as_array().unwrap().iter();
        let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        rules
            .map(|rule| {
                (
                    text(&rule["name"]),
                    text(&rule["health"]),
                    text(&rule["state"]),
                )
            })
            .collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _code = self.process.wait();
        let _left = fs::remove_dir_all(&self.folder);
    }
}

/// Serves a page that is asked for elsewhere, to whoever comes, until the test ends.
pub(super) fn relay(page: impl Fn() -> String + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            if read_request(&mut stream).is_none() {
                continue;
            }
            let page = page();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\nconnection: close\r\n";
            let answer = format!("{head}content-length: {}\r\n\r\n{page}", page.len());
            // Whoever asked may have gone.
            let _sent = stream.get_mut().write_all(answer.as_bytes());
        }
    });
    address
}

/// Up to the empty line.
fn read_request(stream: &mut BufReader<impl Read>) -> Option<()> {
    let mut line = String::new();
    while stream.read_line(&mut line).ok()? > 2 {
        line.clear();
    }
    Some(())
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
