use proptest::prelude::*;

use super::*;
use crate::input::{
    AwsOperation, Destination, KafkaMapperResult, NodeCoverage, RecordedDestinationsForSrc,
};
use crate::{AttemptOutcome, Int, Text};

const AT: Time = Time::from_secs(1_795_000_000);

fn sources(sizes: &[usize]) -> Report {
    let mut number = 0;
    let results = sizes.iter().map(|size| RecordedDestinationsForSrc {
        src_ip: "10.0.0.1".into(),
        reporter_id: Some("r".into()),
        destinations: (0..*size)
            .map(|_| {
                number += 1;
                Destination {
                    destination: format!("10.1.0.{number}").into(),
                    connections: Some(Int(1)),
                    ..Destination::default()
                }
            })
            .collect(),
        ..RecordedDestinationsForSrc::default()
    });
    Report::TcpCaptures(CaptureTcpResults {
        results: results.collect(),
    })
}

/// The destinations of batches, in order.
fn destinations(batches: &[Batch]) -> Vec<Text> {
    let mut found = Vec::new();
    for batch in batches {
        let Report::TcpCaptures(report) = batch.report().unwrap() else {
            panic!("another kind");
        };
        for source in report.results {
            assert_eq!(source.reporter_id, Some("r".into()));
            found.extend(source.destinations.into_iter().map(|of| of.destination));
        }
    }
    found
}

fn numbered(count: usize) -> Vec<Text> {
    let numbers = 1..=count;
    numbers.map(|n| format!("10.1.0.{n}").into()).collect()
}

proptest! {
    #[test]
    fn a_report_in_pieces_says_the_same_in_the_same_order(
        sizes in prop::collection::vec(0_usize..40, 0..12),
        most_items in 1_usize..50,
        most_bytes in 100_usize..6_000,
    ) {
        let count: usize = sizes.iter().sum();
        let encoded = encode(sources(&sizes), AT, most_items, most_bytes);
        prop_assert_eq!(encoded.unsendable, 0);
        prop_assert_eq!(destinations(&encoded.batches), numbered(count));
        for batch in &encoded.batches {
            prop_assert!(batch.items <= most_items);
            prop_assert!(batch.json.len() <= most_bytes || batch.items == 1);
            prop_assert_eq!(batch.items, items(&batch.report().unwrap()));
        }
        let joined = Batch::join(encoded.batches);
        prop_assert_eq!(joined.is_some(), count > 0);
        if let Some(joined) = joined {
            prop_assert_eq!(joined.items, count);
            prop_assert_eq!(destinations(&[joined]), numbered(count));
        }
    }

    #[test]
    fn halves_say_the_same_down_to_single_items(sizes in prop::collection::vec(1_usize..20, 1..6)) {
        let count: usize = sizes.iter().sum();
        let encoded = encode(sources(&sizes), AT, usize::MAX, usize::MAX);
        let (mut whole, mut single) = (encoded.batches, Vec::new());
        while let Some(batch) = whole.pop() {
            match batch.halves() {
                Some([first, second]) => {
                    prop_assert_eq!(first.items + second.items, batch.items);
                    prop_assert!(first.is_suspect && second.is_suspect);
                    whole.extend([second, first]);
                }
                None => single.push(batch),
            }
        }
        prop_assert!(single.iter().all(|batch| batch.items == 1));
        prop_assert_eq!(single.len(), count);
        prop_assert_eq!(destinations(&single), numbered(count));
    }
}

#[test]
fn every_kind_has_halves_but_coverage() {
    let kafka = Report::Kafka(KafkaMapperResults {
        results: vec![KafkaMapperResult::default(); 3],
    });
    let aws = Report::Aws(vec![AwsOperation::default(); 3]);
    for report in [kafka, aws] {
        let [batch] = &encode_offered(report, AT).batches[..] else {
            panic!("one batch");
        };
        let [first, second] = batch.halves().unwrap();
        assert_eq!((first.items, second.items), (1, 2));
    }
    let coverage = encode_offered(Report::Coverage(NodeCoverage::default()), AT);
    assert_eq!(coverage.batches[0].halves(), None);
    assert_eq!(coverage.batches[0].items, 1);
}

#[test]
fn an_item_that_no_mapper_takes_is_not_kept() {
    let large = |bytes| KafkaMapperResult {
        topic: "t".repeat(bytes).into(),
        ..KafkaMapperResult::default()
    };
    let results = vec![large(MAX_ITEM_BYTES), large(1), large(MAX_BATCH_BYTES)];
    let encoded = encode_offered(Report::Kafka(KafkaMapperResults { results }), AT);
    assert_eq!((encoded.unsendable, encoded.batches.len()), (1, 2));
}

#[test]
fn batches_join_when_they_are_small_of_one_kind_and_of_one_age() {
    let batch = |report| encode_offered(report, AT).batches.remove(0);
    let (one, kafka) = (
        batch(sources(&[3])),
        batch(Report::Kafka(KafkaMapperResults {
            results: vec![KafkaMapperResult::default()],
        })),
    );
    let size = (one.items, one.json.len());
    assert!(one.joins(size, &one, MAX_BATCH_BYTES));
    let later = |minutes| Batch {
        at: AT.plus(std::time::Duration::from_mins(minutes)),
        ..one.clone()
    };
    assert!(one.joins(size, &later(1), MAX_BATCH_BYTES));
    assert!(!one.joins(size, &later(2), MAX_BATCH_BYTES));
    assert!(!one.joins(size, &kafka, MAX_BATCH_BYTES));
    assert!(!one.joins(size, &one, 2 * one.json.len()));
    assert!(!one.joins((MAX_BATCH_ITEMS - 2, 1), &one, MAX_BATCH_BYTES));
    let suspect = Batch {
        is_suspect: true,
        ..one.clone()
    };
    assert!(!one.joins(size, &suspect, MAX_BATCH_BYTES));
    assert!(!suspect.joins(size, &one, MAX_BATCH_BYTES));
    let coverage = batch(Report::Coverage(NodeCoverage::default()));
    assert!(!coverage.joins((1, 1), &coverage, MAX_BATCH_BYTES));
}

#[test]
fn the_replaced_mapper_gets_what_it_knows_and_the_rest_is_counted() {
    let mut report = sources(&[2]);
    if let Report::TcpCaptures(report) = &mut report {
        report.results[0].destinations[0].attempt = Some(AttemptOutcome::Refused);
    }
    let batch = encode_offered(report, AT).batches.remove(0);
    let (body, items) = batch.body(&Known::default()).unwrap().unwrap();
    assert_eq!(items, 1);
    assert_eq!(
        String::from_utf8(body.to_vec()).unwrap(),
        concat!(
            r#"{"query":"\nmutation reportTCPCaptureResults ($results: CaptureTCPResults!) {\n\treportTCPCaptureResults(results: $results)\n}\n","#,
            r#""variables":{"results":{"results":[{"srcIp":"10.0.0.1","srcHostname":"","destinations":[{"destination":"10.1.0.2","#,
            r#""destinationIP":null,"destinationPort":null,"TTL":null,"lastSeen":"1970-01-01T00:00:00Z","srcPorts":null}]}]}},"#,
            r#""operationName":"reportTCPCaptureResults"}"#
        )
    );
    let coverage = encode_offered(Report::Coverage(NodeCoverage::default()), AT);
    assert_eq!(coverage.batches[0].body(&Known::default()).unwrap(), None);
}
