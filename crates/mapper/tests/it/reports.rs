//! What reporters send becomes facts: each kind of report, old sniffers' and ours, item by item.

use std::time::Duration;

use map::{Evidence, Outcome, Target, Time};
use mapper::report::{self, Receipt, Switches};
use mapper::{CloudClient, Fact, Refusal};
use serde_json::{Value, json};
use wire::{Decoded, ReportKind, decode};

const NOW: &str = "2026-11-25T12:00:00Z";

fn now() -> Time {
    NOW.parse().unwrap()
}

/// The items of a report as a client sends it, and how many of its times were moved.
fn items(kind: ReportKind, variable: &Value) -> (Vec<report::Item>, u64) {
    items_with(kind, variable, Switches::default())
}

fn items_with(kind: ReportKind, variable: &Value, switches: Switches) -> (Vec<report::Item>, u64) {
    let (field, argument) = (kind.field(), kind.argument());
    let of = match kind {
        ReportKind::Aws | ReportKind::Azure | ReportKind::Gcp => format!("[{}!]!", kind.input()),
        _ => format!("{}!", kind.input()),
    };
    let query = format!(
        "mutation({argument_of}: {of}) {{ {field}({argument}: $v) }}",
        argument_of = "$v"
    );
    let body = json!({ "query": query, "variables": { "v": variable } }).to_string();
    let Decoded::Recognised(report) = decode(body.as_bytes()) else {
        panic!("not a report: {body}")
    };
    let mut receipt = Receipt::new(now());
    let mut items = Vec::new();
    report::read(report, switches, &mut receipt, &mut |item| items.push(item));
    (items, receipt.clamped)
}

fn sources(destination: &Value) -> Value {
    json!({ "results": [{ "srcIp": "10.0.0.1", "srcHostname": "", "destinations": [destination] }] })
}

/// Meant, reached, outcome and connections of the only item.
fn connection(kind: ReportKind, variable: &Value) -> String {
    match &items(kind, variable).0[..] {
        [Ok(Fact::Seen(seen, _))] => match &seen.target {
            Target::Connection(c) => format!(
                "{} {:?} {:?} {:?} ×{}",
                c.meant,
                c.reached.map(|reached| reached.to_string()),
                c.outcome,
                c.protocol,
                seen.connections
            ),
            Target::Answer(_) => panic!("an answer"),
        },
        other => panic!("{other:?}"),
    }
}

fn refusals(kind: ReportKind, variable: &Value) -> Vec<Refusal> {
    let items = items(kind, variable).0.into_iter();
    items.filter_map(|item| Some(item.err()?.1)).collect()
}

#[test]
fn a_handshake_of_an_old_sniffer_is_told_by_what_the_client_meant() {
    let old = sources(&json!({
        "destination": "10.96.0.20", "destinationIP": "10.96.0.20", "destinationPort": 80, "TTL": null,
        "lastSeen": NOW, "srcPorts": [5000, 5001, 5000],
    }));
    assert_eq!(
        connection(ReportKind::TcpCaptures, &old),
        "10.96.0.20:80 None Accepted Tcp ×2"
    );
}

#[test]
fn the_ports_of_an_old_socket_scan_are_swapped_back() {
    let mut scan = sources(&json!({
        "destination": "10.96.0.20", "destinationPort": 35236, "lastSeen": NOW, "srcPorts": [80],
    }));
    let swapped = "10.96.0.20:80 None Accepted Tcp ×1";
    assert_eq!(connection(ReportKind::SocketScans, &scan), swapped);
    scan["results"][0]["reporterId"] = "r1".into();
    scan["results"][0]["destinations"][0]["destinationPort"] = 80.into();
    scan["results"][0]["destinations"][0]["srcPorts"] = json!([35236]);
    assert_eq!(connection(ReportKind::SocketScans, &scan), swapped);
    // Without any port, as the oldest tests send it.
    let bare = sources(&json!({ "destination": "10.96.0.20", "lastSeen": NOW }));
    assert_eq!(
        connection(ReportKind::SocketScans, &bare),
        "10.96.0.20:0 None Accepted Tcp ×1"
    );
}

#[test]
fn a_translated_connection_tells_both_ends_and_an_attempt_its_outcome() {
    let mut report = sources(&json!({
        "destination": "10.244.0.6", "destinationIP": "10.244.0.6", "destinationPort": 8080,
        "originalDestination": "10.96.0.20", "originalPort": 80, "lastSeen": NOW, "connections": 7,
        "protocol": "UDP",
    }));
    assert_eq!(
        connection(ReportKind::TcpCaptures, &report),
        "10.96.0.20:80 Some(\"10.244.0.6:8080\") Accepted Udp ×7"
    );
    report["results"][0]["destinations"][0]["attempt"] = "REFUSED".into();
    assert!(connection(ReportKind::TcpCaptures, &report).contains("Refused"));
}

#[test]
fn times_far_from_their_receipt_are_moved_and_counted() {
    let seen = |last: &str| {
        let report = sources(&json!({ "destination": "a.example", "lastSeen": last }));
        let (items, clamped) = items(ReportKind::Captures, &report);
        match &items[..] {
            [Ok(Fact::Seen(seen, _))] => (seen.last_seen, clamped),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(seen(NOW), (now(), 0));
    let ahead = now().plus(Duration::from_secs(5));
    assert_eq!(seen("2026-11-25T12:01:00Z"), (ahead, 1));
    let late = now().minus(Duration::from_hours(1));
    assert_eq!(seen("2026-11-24T12:00:00+02:00"), (late, 1));
    assert_eq!(seen("0001-01-01T00:00:00Z"), (late, 1));
}

#[test]
fn one_bad_item_loses_nothing_else() {
    let report = json!({ "results": [
        { "srcIp": "nonsense", "srcHostname": "", "destinations": [
            { "destination": "10.0.0.2", "lastSeen": NOW }, { "destination": "10.0.0.3", "lastSeen": NOW } ] },
        { "srcIp": "10.0.0.1", "srcHostname": "", "destinations": [] },
        { "srcIp": "::ffff:10.0.0.1", "srcHostname": "", "destinations": [
            { "destination": "no address", "lastSeen": NOW },
            { "destination": "10.0.0.2", "destinationPort": 70000, "lastSeen": NOW },
            { "destination": "10.0.0.2", "destinationPort": 80, "lastSeen": NOW } ] },
    ] });
    assert_eq!(
        refusals(ReportKind::TcpCaptures, &report),
        [Refusal::Unreadable; 4]
    );
    assert_eq!(items(ReportKind::TcpCaptures, &report).0.len(), 5);
}

#[test]
fn an_unknown_operation_of_kafka_is_refused_alone() {
    let access = |operation: &str| {
        json!({ "srcIp": "10.0.0.1", "serverPodName": "kafka-0", "serverNamespace": "kafka", "topic": "orders",
                "operation": operation, "lastSeen": NOW })
    };
    let words = [
        "Read",
        "WRITE",
        "DescribeConfigs",
        "Fly",
        "IDEMPOTENT_WRITE",
    ];
    let report = json!({ "results": words.map(access) });
    let (items, _) = items(ReportKind::Kafka, &report);
    let read: Vec<_> = items
        .iter()
        .map(|item| match item {
            Ok(Fact::Topic(access)) => access.operation.as_str(),
            Err((Evidence::Kafka, Refusal::UnknownOperation)) => "unknown",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        read,
        [
            "CONSUME",
            "PRODUCE",
            "DESCRIBE_CONFIGS",
            "unknown",
            "IDEMPOTENT_WRITE"
        ]
    );
}

#[test]
fn requests_without_a_known_method_are_requests_all_the_same() {
    let report = json!({ "results": [{
        "srcWorkload": "a", "srcWorkloadNamespace": "n", "dstWorkload": "b", "dstServiceName": "b",
        "dstWorkloadNamespace": "n", "path": "/v1.2/x", "methods": [], "lastSeen": NOW,
    }] });
    match &items(ReportKind::Istio, &report).0[..] {
        [Ok(Fact::Request(request))] => {
            assert_eq!(request.path, "/v1.2/x");
            assert_eq!(request.methods, [map::HttpMethod::All]);
            assert_eq!(request.outcome, Outcome::Accepted);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn clients_of_clouds_are_told_by_name_or_address() {
    let operations = json!([
        { "resource": "arn:aws:s3:::b", "actions": ["s3:GetObject"], "srcIp": "10.0.0.1", "iamRole": "r" },
        { "resource": "arn:aws:s3:::b", "actions": [], "client": { "name": "a", "namespace": "n" } },
        { "resource": "arn:aws:s3:::b", "actions": [] },
        { "resource": "", "actions": [], "srcIp": "10.0.0.1" },
    ]);
    let (items, _) = items(ReportKind::Aws, &operations);
    let clients: Vec<_> = items
        .iter()
        .map(|item| match item {
            Ok(Fact::Cloud(access)) => match &access.client {
                CloudClient::At(address) => address.to_string(),
                CloudClient::Named(namespace, name) => format!("{namespace}/{name}"),
            },
            Err((Evidence::Cloud, Refusal::Unreadable)) => "unreadable".to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(clients, ["10.0.0.1", "n/a", "unreadable", "unreadable"]);
}

#[test]
fn what_is_switched_off_is_counted_and_not_taken() {
    let off = Switches {
        dns: false,
        ..Switches::default()
    };
    let report = sources(&json!({ "destination": "a.example", "lastSeen": NOW }));
    let (items, _) = items_with(ReportKind::Captures, &report, off);
    assert!(matches!(
        items[..],
        [Err((Evidence::Dns, Refusal::SwitchedOff))]
    ));
}

#[test]
fn one_bad_access_of_kafka_is_refused_alone_and_a_denied_one_is_an_attempt() {
    let access = |more: Value| {
        let mut all = json!({ "srcIp": "10.0.0.1", "serverPodName": "kafka-0", "serverNamespace": "kafka",
                              "topic": "orders", "operation": "ALL", "lastSeen": NOW });
        for (key, value) in more.as_object().unwrap() {
            all[key] = value.clone();
        }
        all
    };
    let report = json!({ "results": [
        access(json!({})),
        access(json!({ "srcIp": "client-1" })),
        access(json!({ "topic": "" })),
        access(json!({ "topic": "t".repeat(100_000) })),
        access(json!({ "operation": "" })),
        access(json!({ "topic": "orders-*", "attempt": "REFUSED" })),
    ] });
    let (items, _) = items(ReportKind::Kafka, &report);
    let read: Vec<_> = items
        .iter()
        .map(|item| match item {
            Ok(Fact::Topic(access)) => Ok((
                access.topic.as_str(),
                access.operation.as_str(),
                access.outcome,
            )),
            Err((Evidence::Kafka, refusal)) => Err(*refusal),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        read,
        [
            Ok(("orders", "ALL", Outcome::Accepted)),
            Err(Refusal::Unreadable),
            Err(Refusal::Unreadable),
            Err(Refusal::Unreadable),
            Err(Refusal::UnknownOperation),
            Ok(("orders-*", "ALL", Outcome::Refused)),
        ]
    );
}
