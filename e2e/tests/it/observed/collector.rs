//! The map at a collector.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use e2e::bed;
use e2e::kube::Proxy;
use e2e::mapper::{self, Mapper, WRITES_INTENTS};
use e2e::scene::{Pod, Scene, play, set_up};
use e2e::time::wait;
use e2e::tls::Certificate;
use serde_json::{Value, json};

use super::receiver::{Point, Receiver, attributes};

const OPENED: &str = "traces_service_graph_request_total";
const FAILED: &str = "traces_service_graph_request_failed_total";

/// How long anything may take on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// A mapper that sends what it knows five times a second, with these variables beside.
fn sending(name: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Mapper {
    let program: PathBuf = mapper::command().get_program().into();
    let mut command = Command::new("/usr/bin/env");
    command.arg("OTEL_METRIC_EXPORT_INTERVAL=200");
    let pairs = variables.iter();
    command.args(pairs.map(|(key, value)| format!("{key}={value}")));
    command.arg(program);
    let kubeconfig = bed::variable("KUBECONFIG");
    let own = [
        "--map-metrics",
        "--enable-otel-export",
        WRITES_INTENTS,
        "false",
    ];
    let mapper = Mapper::spawn(command, name, &kubeconfig, &[&own, arguments].concat());
    mapper.wait_listens();
    mapper.wait_ready();
    mapper
}

/// Two workloads that call a third, one of them in vain.
fn street(number: u16, name: &str) -> Scene {
    let mut scene = Scene::new(number, name);
    let [web, shop, cart] = ["web", "shop", "cart"].map(|name| scene.deployment(name));
    counted(&mut scene, &web, &shop, 7, &Value::Null);
    counted(&mut scene, &shop, &cart, 5, &Value::Null);
    counted(&mut scene, &web, &cart, 3, &json!("REFUSED"));
    scene.edges(&[
        "shop/Deployment -> cart/Deployment :8080/tcp [tcp]",
        "web/Deployment -> shop/Deployment :8080/tcp [tcp]",
    ]);
    scene.attempts(&["web/Deployment -> cart/Deployment :8080/tcp [tcp] refused"]);
    scene
}

/// What the client's node and that of the server tell of the same connections.
fn counted(scene: &mut Scene, from: &Pod, to: &Pod, connections: u32, attempt: &Value) {
    for reporter in ["client-node", "server-node"] {
        let destination = json!({"destination": to.ip, "destinationIP": to.ip, "destinationPort": 8080,
            "destinationPodUid": format!("$uid:{}", to.name), "connections": connections, "attempt": attempt});
        let mut source =
            json!({"srcIp": from.ip, "reporterId": reporter, "destinations": [destination]});
        if reporter == "client-node" {
            source["srcPodUid"] = format!("$uid:{}", from.name).into();
        }
        scene.sends("reportTCPCaptureResults", source);
    }
}

/// What must arrive.
fn expected() -> (BTreeMap<String, u64>, BTreeMap<String, u64>) {
    let of = |pairs: [(&str, u64); 4]| pairs.map(|(edge, n)| (edge.to_owned(), n)).into();
    (
        of([
            ("shop → cart", 5),
            ("web → cart", 3),
            ("web → shop", 7),
            ("other → other", 0),
        ]),
        of([
            ("shop → cart", 0),
            ("web → cart", 3),
            ("web → shop", 0),
            ("other → other", 0),
        ]),
    )
}

/// Waits until the receiver knows all that the map does.
fn wait_whole(receiver: &Receiver) {
    let whole = expected();
    let got = || (receiver.last(OPENED), receiver.last(FAILED));
    let arrived = wait(SOON, || (got() == whole).then_some(()));
    assert!(arrived.is_some(), "{:#?} arrived", got());
}

/// The map is the same by every way, and the same as on the page of metrics.
#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn observed_by_a_collector_over_both_protocols() {
    let ways: [(&str, &[(&str, &str)]); 3] = [
        // As the replaced mapper was set up.
        ("grpc", &[]),
        ("packed", &[("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")]),
        ("http", &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]),
    ];
    for (place, (name, variables)) in ways.into_iter().enumerate() {
        let mut receiver = Receiver::new(name, &["--header", "x-tenant"]);
        receiver.start(&[]);
        let is_http = name == "http";
        let port = if is_http {
            receiver.http
        } else {
            receiver.grpc
        };
        let endpoint = format!("http://127.0.0.1:{port}");
        let own = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=a%20b"),
            ("OTEL_RESOURCE_ATTRIBUTES", "k8s.cluster.name=prod,team=net"),
            ("OTEL_SERVICE_NAME", "the-map"),
        ];
        let proxy = Proxy::start();
        let mapper = sending(name, &[&own, variables].concat(), &[]);
        let mut scenes = [street(180 + u16::try_from(place).unwrap(), name)];
        set_up(&proxy, &mapper, &mut scenes);
        play(&mapper, &scenes);
        wait_whole(&receiver);

        let lines = receiver.lines();
        assert!(
            lines.iter().any(|line| line["header"] == "a b"),
            "{lines:?}"
        );
        let resource = lines
            .iter()
            .find(|line| line["resourceMetrics"].is_array())
            .unwrap();
        let resource = attributes(&resource["resourceMetrics"][0]["resource"]["attributes"]);
        for (key, value) in [
            ("service.name", "the-map"),
            ("team", "net"),
            ("k8s.cluster.name", "prod"),
        ] {
            assert_eq!(
                resource.get(key).map(String::as_str),
                Some(value),
                "{resource:?}"
            );
        }
        for point in receiver.points() {
            assert_eq!(point.temporality, 2, "{point:?}");
            assert!(point.from <= point.at, "{point:?}");
            if point.labels["client"] != "other" {
                let namespace = Some(scenes[0].name.as_str());
                for key in ["client_service_namespace", "server_service_namespace"] {
                    assert_eq!(
                        point.labels.get(key).map(String::as_str),
                        namespace,
                        "{point:?}"
                    );
                }
            }
        }
        let page = mapper.metrics();
        let on_page = |metric: &str, client: &str, server: &str| {
            let namespace = &scenes[0].name;
            page.get(&format!(
                "{metric}{{client=\"{client}\",client_service_namespace=\"{namespace}\",server=\"{server}\",\
                 server_service_namespace=\"{namespace}\",connection_type=\"\"}}"
            ))
        };
        assert_eq!(on_page(OPENED, "web", "shop"), 7, "{page:?}");
        assert_eq!(on_page(OPENED, "web", "cart"), 3, "{page:?}");
        assert_eq!(on_page(FAILED, "web", "cart"), 3, "{page:?}");
        assert_eq!(page.get("portolan_otlp_unsent_points_total"), 0);
        assert!(page.get("portolan_otlp_exports_total") > 0);
    }
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn observed_by_a_collector_over_tls() {
    for (place, protocol) in ["grpc", "http/protobuf"].into_iter().enumerate() {
        let name = format!("tls-{place}");
        let certificate = Certificate::new(&format!("otlp-{place}"));
        let file = certificate.file();
        let [file, key] = [file.clone(), file.with_extension("key")]
            .map(|path| path.to_str().unwrap().to_owned());
        let mut receiver = Receiver::new(
            &name,
            &["--cert", &file, "--key", &key, "--client-ca", &file],
        );
        receiver.start(&[]);
        let port = if place == 0 {
            receiver.grpc
        } else {
            receiver.http
        };
        let endpoint = format!("https://localhost:{port}");
        let mut variables = vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", file.as_str()),
        ];
        let proxy = Proxy::start();
        // Without a certificate of its own it is not let in, and says so.
        let stranger = sending(&format!("{name}-stranger"), &variables, &[]);
        let refused = wait(SOON, || {
            let failures = stranger.metrics().labelled("portolan_otlp_failures_total");
            (failures.values().sum::<u64>() > 0).then_some(failures)
        });
        assert!(refused.is_some(), "{}", stranger.log());
        assert!(
            stranger.log().contains("cannot be sent to the collector"),
            "{}",
            stranger.log()
        );
        assert_eq!(receiver.points().len(), 0);
        drop(stranger);

        variables.extend([
            ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", file.as_str()),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", key.as_str()),
        ]);
        let mapper = sending(&name, &variables, &[]);
        let mut scenes = [street(183 + u16::try_from(place).unwrap(), &name)];
        set_up(&proxy, &mapper, &mut scenes);
        play(&mapper, &scenes);
        wait_whole(&receiver);
    }
}

/// A collector that is away, then slow, then there: the map does not wait, and in the end nothing is missing.
#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn observed_by_a_collector_that_goes_away_and_comes_back() {
    let mut receiver = Receiver::new("away", &[]);
    let endpoint = format!("http://127.0.0.1:{}", receiver.grpc);
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
    ];
    let proxy = Proxy::start();
    let mapper = sending("away", &variables, &["--otel-metric-name", "calls_total"]);
    let mut scenes = [street(185, "away")];
    set_up(&proxy, &mapper, &mut scenes);
    let failed = |reason: &str| {
        let failures = mapper.metrics().labelled("portolan_otlp_failures_total");
        failures.get(reason).copied().unwrap_or_default()
    };
    let wait_failed = |reason: &str| {
        let before = failed(reason);
        let failed = wait(SOON, || (failed(reason) > before).then_some(()));
        assert!(failed.is_some(), "no {reason}: {}", mapper.log());
    };
    // All reports are taken, and all questions answered, while nobody is there, and while somebody is who says nothing.
    play(&mapper, &scenes);
    wait_failed("connection");
    receiver.start(&["--delay", "1h"]);
    wait_failed("timeout");
    let edges = mapper.query("{ edges { client { name } } }", &json!({}));
    assert_eq!(edges["edges"].as_array().unwrap().len(), 2, "{edges}");
    assert!(mapper.metrics().get("portolan_otlp_unsent_points_total") > 0);
    receiver.stop();
    wait_failed("connection");
    receiver.start(&[]);

    let sums = || {
        let mut sums: BTreeMap<(String, String), u64> = BTreeMap::new();
        for point in receiver.points() {
            assert_eq!(point.temporality, 1, "{point:?}");
            *sums
                .entry((point.metric.clone(), point.edge()))
                .or_default() += point.value;
        }
        sums
    };
    let of = |metric: &str, edge: &str| (metric.to_owned(), edge.to_owned());
    let whole = BTreeMap::from([
        (of("calls_total", "shop → cart"), 5),
        (of("calls_total", "web → cart"), 3),
        (of("calls_total", "web → shop"), 7),
        (of(FAILED, "web → cart"), 3),
    ]);
    let arrived = wait(SOON, || (sums() == whole).then_some(()));
    assert!(arrived.is_some(), "{:#?}", sums());
    // A delta is told once: several exports later there is nothing to tell.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(sums(), whole);
    let edges: Vec<Point> = receiver.points();
    assert!(
        edges.iter().all(|point| point.from <= point.at),
        "{edges:?}"
    );
}

/// What the interval has not sent yet leaves at the stop; a collector that does not answer holds it up for little.
#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn observed_by_a_collector_at_the_stop() {
    for (place, is_slow) in [false, true].into_iter().enumerate() {
        let mut receiver = Receiver::new(&format!("stop-{place}"), &[]);
        receiver.start(if is_slow { &["--delay", "1h"] } else { &[] });
        let endpoint = format!("http://127.0.0.1:{}", receiver.grpc);
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_METRIC_EXPORT_INTERVAL", "3600000"),
        ];
        let proxy = Proxy::start();
        let name = format!("at-stop-{place}");
        let mut mapper = sending(&name, &variables, &[]);
        let mut scenes = [street(186 + u16::try_from(place).unwrap(), &name)];
        set_up(&proxy, &mapper, &mut scenes);
        play(&mapper, &scenes);
        // The page shows what would be sent.
        let counted = wait(SOON, || {
            let shown = mapper.metrics().labelled(OPENED);
            (shown.len() >= 2).then_some(())
        });
        assert!(counted.is_some());
        assert_eq!(receiver.points().len(), 0);
        mapper.signal("TERM");
        let (status, _) = mapper.wait_end(SOON).expect("it does not end");
        assert!(status.success(), "{status}: {}", mapper.log());
        if !is_slow {
            wait_whole(&receiver);
        }
    }
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn observed_by_a_collector_needs_settings_that_make_sense() {
    let program: PathBuf = mapper::command().get_program().into();
    for (variable, said) in [
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT=ftp://collector",
            "http://collector:4317",
        ),
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL=carrier-pigeon",
            "grpc or http/protobuf",
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS=secret", "name=value"),
        ("OTEL_METRIC_EXPORT_INTERVAL=soon", "milliseconds"),
    ] {
        let mut command = Command::new("/usr/bin/env");
        command.args([variable]).arg(&program);
        let kubeconfig = bed::variable("KUBECONFIG");
        let arguments = ["--enable-otel-export", WRITES_INTENTS, "false"];
        let mut mapper = Mapper::spawn(command, "bad", &kubeconfig, &arguments);
        let (status, _) = mapper.wait_end(SOON).expect("it starts");
        assert!(!status.success());
        let (key, value) = variable.split_once('=').unwrap();
        let log = mapper.log();
        assert!(log.contains(key) && log.contains(said), "{log}");
        // Headers may be secret.
        assert!(!key.ends_with("HEADERS") || !log.contains(value), "{log}");
    }
}
