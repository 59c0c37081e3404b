//! What the engine answers beyond the replaced contract, as our clients ask for it and read it.

use serde::Deserialize;
use serde_json::json;
use wire::edge::{Coverage, Edge, EdgeChange, Status, TrafficLevel};
use wire::known::KNOWN_FIELDS;
use wire::{AttemptOutcome, Decoded, Known, Report, decode, fields, response};

use crate::requests;
use crate::schema::{Said, by_engine, change, coverage, edge, status, traffic};

fn ask(query: &str) -> String {
    let body = json!({ "query": query }).to_string();
    let (said, answer) = by_engine(body.as_bytes());
    assert_eq!(said, Said::Answered, "{answer}");
    answer
}

#[test]
fn every_field_of_an_answer_is_asked_for_and_read() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Answers {
        edges: [Edge; 1],
        changes: [EdgeChange; 1],
        coverage: [Coverage; 1],
        traffic: [TrafficLevel; 1],
        status: Status,
    }

    let query = [
        "{ edges { ...EdgeFields } changes { ...EdgeChangeFields } ",
        "coverage { ...CoverageFields } traffic { ...TrafficLevelFields } status { ...StatusFields } }",
        fields::EDGE,
        fields::EDGE_CHANGE,
        fields::COVERAGE,
        fields::TRAFFIC_LEVEL,
        fields::STATUS,
    ];
    let read: Answers = response::data(ask(&query.concat()).as_bytes()).unwrap();
    let given = Answers {
        edges: [edge()],
        changes: [change()],
        coverage: [coverage()],
        traffic: [traffic()],
        status: status(),
    };
    assert_eq!(read, given);
}

/// Whatever is asked for, and however.
#[test]
fn rows_are_written_as_the_engine_writes_lists() {
    for selection in [
        "client { name namespace podOwnerKind { group kind version } } server { kubernetesService } type resolutionData",
        "type kafkaTopics { operations name } httpResources { methods path } awsActions",
        "__typename who: client { __typename called: name name labels { value key } }",
        "client { name } client { namespace name } client { labels { key } } server { name }",
        "...on Intent { server { ...Identity } } type client { ...Identity name }",
        "client { name @skip(if: true) namespace } server @include(if: false) { name } type",
        "client { name @skip(if: true) } server { resolutionData { host port } nameResolvedUsingAnnotation }",
    ] {
        let ask = |field: &str| {
            let fragment = if selection.contains("Identity ") {
                "fragment Identity on OtterizeServiceIdentity { name @skip(if: true) labels { key } podOwnerKind { kind } }"
            } else {
                ""
            };
            ask(&format!(
                r#"{{ rows: {field}(namespaces: ["shop", "a \"b\" \\ é"]) {{ {selection} }} }} {fragment}"#
            ))
        };
        assert_eq!(ask("intentRows"), ask("intents"), "{selection}");
    }
    assert_eq!(
        ask("{ rows: intentRows(namespaces: []) { type } }"),
        ask("{ rows: intents(namespaces: []) { type } }")
    );
    let changes = |field: &str| {
        ask(&[
            &format!("{{ rows: {field} {{ ...EdgeChangeFields }} }} "),
            fields::EDGE_CHANGE,
            fields::EDGE,
        ]
        .concat())
    };
    assert_eq!(changes("changeRows"), changes("twoChanges"));
}

const OURS: &str = r#"{"results":[{"srcIp":"10.0.0.1","srcHostname":"","srcPodUid":"u","nodeName":"n",
    "reporterId":"r","destinations":[{"destination":"10.0.0.2","lastSeen":"2026-01-01T00:00:00Z",
    "destinationPodUid":"v","originalDestination":"10.96.0.1","originalPort":80,"protocol":"TCP",
    "attempt":"REFUSED","firstSeen":"2026-01-01T00:00:00Z","connections":1}]}]}"#;

#[test]
fn our_mapper_knows_all_that_we_add() {
    let known = Known::read(ask(KNOWN_FIELDS).as_bytes()).unwrap();
    let results: wire::input::CaptureTcpResults = serde_json::from_str(OURS).unwrap();
    let attempt = results.results[0].destinations[0].attempt;
    assert_eq!(attempt, Some(AttemptOutcome::Refused));
    let report = Report::TcpCaptures(results);
    let mut trimmed = report.clone();
    assert!(known.trim(&mut trimmed));
    assert_eq!(trimmed, report);
    assert!(known.trim(&mut Report::Coverage(wire::input::NodeCoverage::default())));
    let body = requests::body(&report);
    assert!(matches!(decode(body.as_bytes()), Decoded::Recognised(sent) if sent == report));
}
