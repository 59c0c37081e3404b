//! The map, the dashboard and the alerts in a real Prometheus.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use e2e::http::Client;
use e2e::node;
use e2e::time::wait;
use serde_json::Value;

use super::scraper::{Prometheus, file, program, relay};
use crate::town::{SOON, Town, serve};

/// What promtool finds wrong with: names of the replaced system, which are kept.
const KEPT: [&str; 5] = [
    "dns_reported_connections",
    "tcp_reported_connections",
    "socketscan_reported_connections",
    "kafka_reported_topics",
    "istio_reported_connections",
];

/// Where Grafana Tempo's service graph looks, as Grafana asks it.
const TEMPO: [&str; 3] = [
    "sum by (client, server) (rate(traces_service_graph_request_total[10s]))",
    "sum by (client, server, server_service_namespace, client_service_namespace) (rate(traces_service_graph_request_total[10s]))",
    "sum by (client, server) (rate(traces_service_graph_request_failed_total[10s]))",
];

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn observed_by_prometheus() {
    if !node::is_allowed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "--map-metrics",
        // Nobody takes it: what could not be sent is counted.
        "--enable-otel-export",
        "--data-dir",
        folder.path().to_str().unwrap(),
    ];
    let (mut town, [client, server], service) = Town::with(
        188,
        "prometheus",
        ["client", "server"],
        &arguments,
        |scene, [_, server]| scene.service("server", &[server]),
    );
    town.node.service(&service.ip, 80, &[&server]);
    let _serving = serve(&server, "serve", &["0.0.0.0:8080"]);
    let sniffer = Arc::new(town.sniffer(&[]));
    // The relay outlives the test, and must not keep the sniffer alive.
    let of = Arc::downgrade(&sniffer);
    let pages = [
        ("mapper", town.mapper.metrics_address),
        (
            "sniffer",
            relay(move || {
                of.upgrade()
                    .map(|sniffer| sniffer.page("2112", "/metrics"))
                    .unwrap_or_default()
            }),
        ),
    ];
    let prometheus = Prometheus::start(&pages);

    let (open, refused) = (format!("{}:80", service.ip), format!("{}:81", server.ip));
    for round in 0..5 {
        assert_eq!(client.does(&["connect", &open]), ["open"], "{round}");
        assert_eq!(
            client.does(&["connect", &refused]),
            ["ConnectionRefused"],
            "{round}"
        );
    }
    town.scene
        .edges(&["client/Deployment -> server/Deployment via server :8080/tcp [tcp]"]);
    town.scene
        .attempts(&["client/Deployment -> server/Deployment :81/tcp [tcp] refused"]);
    town.wait(SOON);

    // Refreshes come every minute at most.
    let whole = |metric: &str, number: &str| {
        let query = format!("{metric}{{client=\"client\",server=\"server\"}}");
        let found = wait(Duration::from_secs(100), || {
            (prometheus.value(&query).as_deref() == Some(number)).then_some(())
        });
        assert!(found.is_some(), "{:?}", prometheus.series(metric));
    };
    whole("traces_service_graph_request_total", "10");
    whole("traces_service_graph_request_failed_total", "5");
    for query in TEMPO {
        let found = prometheus.series(query);
        let edge = found
            .iter()
            .find(|(labels, _)| labels["client"] == "client");
        let value = edge.map(|(_, value)| value.parse::<f64>().unwrap());
        println!("{query}\n  {found:?}");
        assert!(value.is_some_and(|rate| rate > 0.0), "{query}: {found:?}");
    }

    for (panel, query) in dashboard() {
        let found = prometheus.series(&query);
        println!(
            "{panel}: {query}\n  {} series, {:?}",
            found.len(),
            found.first()
        );
        assert!(!found.is_empty(), "{panel}: {query} finds nothing");
    }
    for (name, health, state) in prometheus.rules() {
        assert_eq!(health, "ok", "{name}");
        // Namespaces of other tests come and go on this node, so that one may be pending.
        assert_ne!(state, "firing", "{name}");
    }
    for (job, address) in pages {
        let page = Client::new(address).send("GET", "/metrics", &[], b"");
        let page = page.unwrap().text();
        assert_documented(job, &page);
        let unclean: Vec<String> = unclean(&page);
        let unknown: Vec<&String> = unclean
            .iter()
            .filter(|said| !KEPT.iter().any(|name| said.starts_with(name)))
            .collect();
        assert!(unknown.is_empty(), "{job}: {unknown:#?}");
    }
}

/// All queries of the dashboard, with their panel.
fn dashboard() -> Vec<(String, String)> {
    let dashboard = fs::read_to_string(file("portolan.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().unwrap();
            let query = query
                .replace("$__rate_interval", "10s")
                .replace("$job", ".*")
                .replace("$instance", ".*");
            assert!(!query.contains('$'), "{query}");
            queries.push((panel["title"].as_str().unwrap().to_owned(), query));
        }
    }
    assert!(queries.len() > 30, "{}", queries.len());
    queries
}

/// The list of metrics says of each what the page says of it.
fn assert_documented(process: &str, page: &str) {
    let list = fs::read_to_string(e2e::bed::root().join("docs/metrics.md")).unwrap();
    let of = [
        format!("portolan-{process}\n"),
        "Every process\n".to_owned(),
    ];
    let mine = |part: &&str| of.iter().any(|title| part.starts_with(title));
    let list: String = list.split("\n## ").filter(mine).collect();
    let helps = page.lines().filter_map(|line| line.strip_prefix("# HELP "));
    let helps: Vec<(&str, &str)> = helps.filter_map(|line| line.split_once(' ')).collect();
    assert!(helps.len() > 40, "{process}: {page}");
    for (name, help) in helps {
        let kind = page.lines().find_map(|line| {
            let kind = line.strip_prefix("# TYPE ")?.strip_prefix(name)?;
            kind.strip_prefix(' ')
        });
        let begin = format!("| `{name}` | {} |", kind.unwrap());
        let labels = page.lines().find_map(|line| {
            let labels = line.strip_prefix(name)?.strip_prefix('{')?;
            Some(labels.split('=').next().unwrap_or_default().to_owned())
        });
        let line = list.lines().find(|line| line.starts_with(&begin));
        let line = line.unwrap_or_else(|| panic!("{begin} is missing: ./dev metrics"));
        assert!(line.contains(&format!("| {help} |")), "{help}: {line}");
        let first = labels.filter(|label| !label.contains(' '));
        assert!(
            first.is_none_or(|label| line.contains(&label)),
            "{line}: ./dev metrics"
        );
    }
}

/// What promtool does not like.
fn unclean(page: &str) -> Vec<String> {
    let mut tool = Command::new(program("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    tool.stdin
        .take()
        .unwrap()
        .write_all(page.as_bytes())
        .unwrap();
    let output = tool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    said.lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn observed_alerts_fire_for_what_they_are_about() {
    let tests = file("alerts.test.yaml");
    let alerts = file("alerts.yaml");
    for (verb, path) in [("check", &alerts), ("test", &tests)] {
        let tool = Command::new(program("promtool"))
            .args([verb, "rules"])
            .arg(path)
            .output()
            .unwrap();
        let said = [tool.stdout, tool.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(
            tool.status.success() && said.contains("SUCCESS"),
            "{verb}: {said}"
        );
    }
    // No alert without a test.
    let (alerts, tests) = (
        fs::read_to_string(alerts).unwrap(),
        fs::read_to_string(tests).unwrap(),
    );
    let names = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    let untested: Vec<&str> = names.filter(|name| !tests.contains(name)).collect();
    assert!(untested.is_empty(), "{untested:?}");
}
