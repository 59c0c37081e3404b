//! Requests of the replaced reporters and clients, to the letter.

use serde_json::json;
use wire::document::{self, HEALTH, INTENTS, RESET_CAPTURE};
use wire::output::Intent;
use wire::{Decoded, Report, decode, response};

use crate::schema::{Said, by_engine, intent};

/// A report as our reporters send it.
pub(crate) fn body(report: &Report) -> String {
    let kind = report.kind();
    let value = match report {
        Report::Captures(results) => serde_json::to_value(results),
        Report::TcpCaptures(results) => serde_json::to_value(results),
        Report::SocketScans(results) => serde_json::to_value(results),
        Report::Kafka(results) => serde_json::to_value(results),
        Report::Istio(results) => serde_json::to_value(results),
        Report::Aws(operations) => serde_json::to_value(operations),
        Report::Azure(operations) => serde_json::to_value(operations),
        Report::Gcp(operations) => serde_json::to_value(operations),
        Report::Traffic(results) => serde_json::to_value(results),
        Report::Coverage(coverage) => serde_json::to_value(coverage),
    };
    json!({
        "query": kind.document(),
        "variables": { kind.argument(): value.unwrap() },
        "operationName": kind.field(),
    })
    .to_string()
}

const OLD_SNIFFER: &str = r#"{"query":"\nmutation reportCaptureResults ($results: CaptureResults!) {\n\treportCaptureResults(results: $results)\n}\n","variables":{"results":{"results":[{"srcIp":"10.244.0.7","srcHostname":"","destinations":[{"destination":"cart.shop.svc.cluster.local","destinationIP":"10.96.3.4","destinationPort":null,"TTL":30,"lastSeen":"2025-06-10T11:28:35.500000123Z","srcPorts":[]}]}]}},"operationName":"reportCaptureResults"}"#;

#[test]
fn a_report_of_the_replaced_sniffer_is_read_and_written_to_the_byte() {
    let Decoded::Recognised(Report::Captures(results)) = decode(OLD_SNIFFER.as_bytes()) else {
        panic!("{:?}", decode(OLD_SNIFFER.as_bytes()));
    };
    let source = &results.results[0];
    let destination = &source.destinations[0];
    assert_eq!(source.src_ip.as_str(), "10.244.0.7");
    assert_eq!(destination.ttl, Some(wire::Int(30)));
    assert_eq!(destination.src_ports.as_deref(), Some(&[][..]));
    let variables = serde_json::to_string(&results).unwrap();
    assert!(OLD_SNIFFER.contains(&variables), "{variables}");
}

fn ask(query: &str, variables: &serde_json::Value) -> (Said, String) {
    let body = json!({ "query": query, "variables": variables });
    by_engine(body.to_string().as_bytes())
}

#[derive(serde::Deserialize)]
struct Intents {
    intents: Vec<Intent>,
}

#[test]
fn the_queries_of_the_command_line_are_answered() {
    let (said, answer) = ask(INTENTS, &json!({ "namespaces": "shop", "server": null }));
    assert_eq!(said, Said::Answered, "{answer}");
    let read: Intents = response::data(answer.as_bytes()).unwrap();
    assert_eq!(read.intents, [intent(&"shop".into())]);
    for query in [
        document::SERVICE_INTENTS_WITH_LABELS,
        document::SERVICE_INTENTS_UP_TO_MAPPER_V017,
        HEALTH,
    ] {
        assert_eq!(ask(query, &json!({})).0, Said::Answered);
    }
}

#[test]
fn a_number_is_a_name_in_the_variables_of_any_query() {
    let (said, answer) = ask(INTENTS, &json!({ "namespaces": [17, "x"] }));
    assert_eq!(said, Said::Answered);
    assert!(answer.contains(r#""namespace":"17""#), "{answer}");
}

#[test]
fn an_error_of_a_resolver_is_no_error_of_the_request() {
    let (said, answer) = ask(RESET_CAPTURE, &json!({}));
    assert_eq!(said, Said::Answered);
    let error = response::boolean(answer.as_bytes(), "resetCapture").unwrap_err();
    assert_eq!(error.to_string(), "the store is full");
}

#[test]
fn what_the_schema_does_not_know_is_refused_with_422() {
    for query in [
        "{ externalTraffic { name } }",
        "{ intents(labels: []) { type } }",
        "{ intents }",
        "{ health",
        "",
        "mutation { reportCoverage(coverage: 5) }",
        "mutation { reportCaptureResults(results: { results: 5 }) }",
        "mutation { reportKafkaMapperResults(results: { results: [{ srcIp: 5 }] }) }",
    ] {
        assert_eq!(ask(query, &json!({})).0, Said::Refused(422), "{query}");
    }
}

#[test]
fn a_document_that_would_exhaust_the_stack_is_refused() {
    for query in [
        "{a".repeat(5_000),
        "[".repeat(60_000),
        "{health}".repeat(20_000),
    ] {
        let (said, why) = ask(&query, &json!({}));
        assert_eq!(said, Said::Refused(422));
        assert!(why.contains("the document"), "{why}");
    }
}
