//! Only what the mapper knows is sent.

use wire::client::Reason;
use wire::input::{
    CaptureTcpResults, Destination, KafkaMapperResult, KafkaMapperResults, NodeCoverage,
    RecordedDestinationsForSrc,
};
use wire::{AttemptOutcome, Int, Protocol, Report, Time, response};

use super::reporters::{all_out, report, run, settings};
use super::server::{Knows, Reply, Server};

/// A connection, an attempt, a coverage: three items with all that can be said.
fn everything() -> Vec<Report> {
    let destination = Destination {
        destination: "10.1.0.1".into(),
        destination_ip: Some("10.1.0.1".into()),
        destination_port: Some(Int(8080)),
        last_seen: Time(map::Time::from_secs(0)),
        src_ports: Some(vec![Int(40_000)]),
        destination_pod_uid: Some("uid".into()),
        original_destination: Some("10.96.0.1".into()),
        original_port: Some(Int(80)),
        protocol: Some(Protocol::Tcp),
        first_seen: Some(Time(map::Time::from_secs(0))),
        connections: Some(Int(7)),
        ..Destination::default()
    };
    let attempt = Destination {
        attempt: Some(AttemptOutcome::Refused),
        ..destination.clone()
    };
    let source = RecordedDestinationsForSrc {
        src_ip: "10.0.0.1".into(),
        src_hostname: "".into(),
        destinations: vec![destination, attempt],
        src_pod_uid: Some("uid".into()),
        node_name: Some("node".into()),
        reporter_id: Some("r".into()),
    };
    vec![
        Report::TcpCaptures(CaptureTcpResults {
            results: vec![source],
        }),
        Report::Coverage(NodeCoverage::default()),
    ]
}

const OLD: &str = concat!(
    r#"{"query":"\nmutation reportTCPCaptureResults ($results: CaptureTCPResults!) {\n\treportTCPCaptureResults(results: $results)\n}\n","#,
    r#""variables":{"results":{"results":[{"srcIp":"10.0.0.1","srcHostname":"","destinations":[{"destination":"10.96.0.1","#,
    r#""destinationIP":"10.96.0.1","destinationPort":80,"TTL":null,"lastSeen":"1970-01-01T00:00:00Z","srcPorts":[40000]}]}]}},"#,
    r#""operationName":"reportTCPCaptureResults"}"#
);

#[tokio::test]
async fn a_mapper_that_knows_all_gets_all() {
    let server = Server::start().await;
    let (reporter, _task) = run(settings(&server.url()));
    for report in everything() {
        reporter.offer(report);
    }
    let stats = all_out(&reporter).await;
    assert_eq!((stats.delivered, stats.dropped_in_all()), (3, 0));
    let got: Vec<_> = server
        .reports()
        .iter()
        .map(super::server::Seen::report)
        .collect();
    assert_eq!(got, everything());
}

#[tokio::test]
async fn the_replaced_mapper_gets_old_fields_only_byte_for_byte() {
    for knows in [
        Knows::Old,
        Knows::Refuses(400),
        Knows::Refuses(422),
        Knows::Refuses(200),
    ] {
        let server = Server::start().await;
        server.knows(knows);
        server.map(None);
        let (reporter, _task) = run(settings(&server.url()));
        for report in everything() {
            reporter.offer(report);
        }
        let stats = all_out(&reporter).await;
        assert_eq!(
            (stats.delivered, stats.dropped(Reason::Unknown)),
            (1, 2),
            "{knows:?}"
        );
        let bodies: Vec<_> = server.reports().into_iter().map(|seen| seen.body).collect();
        assert_eq!(bodies, [OLD], "{knows:?}");
        assert_eq!(reporter.map(), None);
    }
}

#[tokio::test]
async fn nothing_is_sent_before_the_mapper_has_said_what_it_knows() {
    for status in [401, 403, 408, 429, 500, 503] {
        let server = Server::start().await;
        server.knows(Knows::Refuses(status));
        let (reporter, _task) = run(settings(&server.url()));
        reporter.offer(report(0..1));
        super::reporters::until(&reporter, |stats| stats.trouble.is_some()).await;
        assert_eq!(server.reports().len(), 0);
        server.knows(Knows::All);
        all_out(&reporter).await;
        assert_eq!(server.taken(), [0]);
    }
}

/// A rolled-back mapper behind the same connection, such as that of a proxy.
#[tokio::test]
async fn after_a_422_the_mapper_is_asked_again() {
    let server = Server::start().await;
    let (reporter, _task) = run(settings(&server.url()));
    reporter.offer(report(0..1));
    all_out(&reporter).await;
    server.knows(Knows::Old);
    server.rule(|seen| {
        if seen.body.contains("reporterId") {
            Reply::Status(422, response::refused("unknown field"))
        } else {
            Reply::Take
        }
    });
    reporter.offer(report(1..50));
    let stats = all_out(&reporter).await;
    assert_eq!((stats.delivered, stats.dropped_in_all()), (50, 0));
    assert_eq!((server.questions(), server.reports().len()), (2, 3));
    assert!(server.seen().iter().all(|seen| seen.connection == 0));

    // And one that knows more is behind a new connection.
    server.knows(Knows::All);
    server.rule(|_| Reply::Take);
    server.stop().await;
    server.restart().await;
    reporter.offer(report(50..51));
    all_out(&reporter).await;
    assert!(server.reports().last().unwrap().body.contains("reporterId"));
}

/// The replaced mapper's consumer of TCP reports ends with a source that has no destinations.
#[tokio::test]
async fn what_says_nothing_is_not_sent() {
    let server = Server::start().await;
    let (reporter, _task) = run(settings(&server.url()));
    let empty = RecordedDestinationsForSrc::default();
    let sources = CaptureTcpResults {
        results: vec![empty.clone()],
    };
    assert_eq!(reporter.offer(Report::TcpCaptures(sources)).items, 0);
    assert_eq!(
        reporter
            .offer(Report::Kafka(KafkaMapperResults::default()))
            .items,
        0
    );
    let mut some = everything().remove(0);
    if let Report::TcpCaptures(report) = &mut some {
        report.results.insert(0, empty);
    }
    assert_eq!(reporter.offer(some).items, 2);
    let one = KafkaMapperResult::default();
    reporter.offer(Report::Kafka(KafkaMapperResults {
        results: vec![KafkaMapperResult {
            topic: "1".into(),
            ..one
        }],
    }));
    all_out(&reporter).await;
    assert_eq!(server.reports()[0].report(), everything().remove(0));
    assert_eq!(server.reports().len(), 2);
}
