//! Which of our additions a mapper knows: reporters ask by introspection and send no others, because a mapper refuses
//! a whole report for one field that it does not know.
//!
//! Ask with [`KNOWN_FIELDS`], again after each 422 and each new connection. Until it is answered, [`Known::default`]
//! stands for the replaced mapper.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::Report;
use crate::input::{Destination, IstioConnection, KafkaMapperResult, RecordedDestinationsForSrc};
use crate::response::{self, ResponseError};

/// Asks a mapper for the fields of the types that we add to; operation `KnownFields`, no variables.
pub const KNOWN_FIELDS: &str = "
query KnownFields {
	destination: __type(name: \"Destination\") {
		fields: inputFields {
			name
		}
	}
	source: __type(name: \"RecordedDestinationsForSrc\") {
		fields: inputFields {
			name
		}
	}
	kafka: __type(name: \"KafkaMapperResult\") {
		fields: inputFields {
			name
		}
	}
	istio: __type(name: \"IstioConnection\") {
		fields: inputFields {
			name
		}
	}
	mutation: __type(name: \"Mutation\") {
		fields {
			name
		}
	}
}
";

/// The fields that a mapper knows. By default none of our additions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    destination: BTreeSet<String>,
    source: BTreeSet<String>,
    kafka: BTreeSet<String>,
    istio: BTreeSet<String>,
    mutation: BTreeSet<String>,
}

/// What we send beyond the old contract: the fields of destinations, sources, Kafka's results and Istio's connections,
/// and the mutations.
const ADDED: [&[&str]; 5] = [
    &[
        "destinationPodUid",
        "originalDestination",
        "originalPort",
        "protocol",
        "attempt",
        "firstSeen",
        "connections",
    ],
    &["srcPodUid", "nodeName", "reporterId"],
    &["reporterId", "attempt"],
    &[
        "reporterId",
        "attempt",
        "srcCanonicalService",
        "dstCanonicalService",
    ],
    &["reportCoverage"],
];

impl Known {
    /// Whether the mapper knows all that we send, so that nothing is to be trimmed.
    pub fn is_complete(&self) -> bool {
        self.unknown().next().is_none()
    }

    /// What we send beyond the old contract and the mapper does not know, each name once.
    pub fn missing(&self) -> Vec<&'static str> {
        let missing: BTreeSet<_> = self.unknown().collect();
        missing.into_iter().collect()
    }

    /// Whether it is the replaced mapper, which knows nothing of what we add.
    pub fn is_replaced(&self) -> bool {
        let all: usize = ADDED.iter().map(|added| added.len()).sum();
        self.unknown().count() == all
    }

    fn unknown(&self) -> impl Iterator<Item = &'static str> {
        let known = [
            &self.destination,
            &self.source,
            &self.kafka,
            &self.istio,
            &self.mutation,
        ];
        let pairs = known.into_iter().zip(ADDED);
        pairs.flat_map(|(known, added)| {
            let is_unknown = |field: &&&str| !known.contains(**field);
            added.iter().filter(is_unknown).copied()
        })
    }

    /// From the answer to [`KNOWN_FIELDS`].
    pub fn read(body: &[u8]) -> Result<Self, ResponseError> {
        #[derive(Deserialize)]
        struct Type {
            fields: Option<Vec<Field>>,
        }

        #[derive(Deserialize)]
        struct Field {
            name: String,
        }

        let mut types: BTreeMap<String, Option<Type>> = response::data(body)?;
        let mut fields = |name: &str| {
            let fields = types.remove(name).flatten().and_then(|found| found.fields);
            let fields = fields.unwrap_or_default().into_iter();
            fields.map(|field| field.name).collect()
        };
        Ok(Self {
            destination: fields("destination"),
            source: fields("source"),
            kafka: fields("kafka"),
            istio: fields("istio"),
            mutation: fields("mutation"),
        })
    }

    /// Takes out of a report what the mapper does not know. Whether there is anything left to send.
    ///
    /// An attempt that is not told to be one would become an edge: it is taken out as a whole. Where the mapper has no
    /// place for what the client meant, that takes the place of what it reached, as the replaced sniffer reports it; where
    /// it has none for canonical names, they take the place of workloads', because it looks for no others.
    #[must_use = "a report of which nothing is left is not to be sent"]
    pub fn trim(&self, report: &mut Report) -> bool {
        match report {
            Report::Captures(report) => self.trim_sources(&mut report.results),
            Report::TcpCaptures(report) => self.trim_sources(&mut report.results),
            Report::SocketScans(report) => self.trim_sources(&mut report.results),
            Report::Kafka(report) => self.trim_kafka(&mut report.results),
            Report::Istio(report) => self.trim_istio(&mut report.results),
            Report::Coverage(_) => self.mutation.contains("reportCoverage"),
            Report::Aws(_) | Report::Azure(_) | Report::Gcp(_) | Report::Traffic(_) => true,
        }
    }

    fn trim_sources(&self, sources: &mut Vec<RecordedDestinationsForSrc>) -> bool {
        let known = &self.source;
        for source in &mut *sources {
            keep(known, "srcPodUid", &mut source.src_pod_uid);
            keep(known, "nodeName", &mut source.node_name);
            keep(known, "reporterId", &mut source.reporter_id);
            self.trim_destinations(&mut source.destinations);
        }
        sources.retain(|source| !source.destinations.is_empty());
        !sources.is_empty()
    }

    fn trim_destinations(&self, destinations: &mut Vec<Destination>) {
        let known = &self.destination;
        if !known.contains("attempt") {
            destinations.retain(|destination| destination.attempt.is_none());
        }
        for destination in destinations {
            if !known.contains("originalDestination")
                && let Some(meant) = destination.original_destination.take()
            {
                destination.destination_ip = Some(meant.clone());
                destination.destination = meant;
                if let Some(port) = destination.original_port.take() {
                    destination.destination_port = Some(port);
                }
                // The pod is that of the backend.
                destination.destination_pod_uid = None;
            }
            keep(known, "originalPort", &mut destination.original_port);
            keep(
                known,
                "destinationPodUid",
                &mut destination.destination_pod_uid,
            );
            keep(known, "protocol", &mut destination.protocol);
            keep(known, "firstSeen", &mut destination.first_seen);
            keep(known, "connections", &mut destination.connections);
        }
    }

    fn trim_kafka(&self, results: &mut Vec<KafkaMapperResult>) -> bool {
        if !self.kafka.contains("attempt") {
            results.retain(|result| result.attempt.is_none());
        }
        for result in &mut *results {
            keep(&self.kafka, "reporterId", &mut result.reporter_id);
        }
        !results.is_empty()
    }

    fn trim_istio(&self, results: &mut Vec<IstioConnection>) -> bool {
        if !self.istio.contains("attempt") {
            results.retain(|result| result.attempt.is_none());
        }
        for result in &mut *results {
            keep(&self.istio, "reporterId", &mut result.reporter_id);
            if !self.istio.contains("srcCanonicalService")
                && let Some(canonical) = result.src_canonical_service.take()
            {
                result.src_workload = canonical;
            }
            if !self.istio.contains("dstCanonicalService")
                && let Some(canonical) = result.dst_canonical_service.take()
            {
                result.dst_workload = canonical;
            }
        }
        !results.is_empty()
    }
}

fn keep<T>(known: &BTreeSet<String>, field: &str, value: &mut Option<T>) {
    if !known.contains(field) {
        *value = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{
        CaptureTcpResults, IstioConnectionResults, KafkaMapperResults, NodeCoverage,
    };
    use crate::{AttemptOutcome, Int, Protocol, Text};

    fn report() -> Report {
        let destination = Destination {
            destination: "10.244.1.2".into(),
            destination_ip: Some("10.244.1.2".into()),
            destination_port: Some(Int(8080)),
            destination_pod_uid: Some("uid".into()),
            original_destination: Some("10.96.0.1".into()),
            original_port: Some(Int(80)),
            protocol: Some(Protocol::Tcp),
            ..Destination::default()
        };
        let attempt = Destination {
            attempt: Some(AttemptOutcome::Refused),
            ..Destination::default()
        };
        let source = |destinations| RecordedDestinationsForSrc {
            reporter_id: Some("r".into()),
            destinations,
            ..RecordedDestinationsForSrc::default()
        };
        Report::TcpCaptures(CaptureTcpResults {
            results: vec![
                source(vec![destination, attempt.clone()]),
                source(vec![attempt]),
            ],
        })
    }

    #[test]
    fn the_replaced_mapper_gets_what_the_client_meant_and_no_attempts() {
        let mut report = report();
        assert!(Known::default().trim(&mut report));
        let Report::TcpCaptures(CaptureTcpResults { results }) = report else {
            panic!("another kind");
        };
        assert_eq!(results.len(), 1);
        assert_eq!(results[0].reporter_id, None);
        let [destination] = &results[0].destinations[..] else {
            panic!("an attempt is left");
        };
        let meant = Destination {
            destination: "10.96.0.1".into(),
            destination_ip: Some(Text::from("10.96.0.1")),
            destination_port: Some(Int(80)),
            ..Destination::default()
        };
        assert_eq!(*destination, meant);
    }

    impl Known {
        /// In the order of `ADDED`.
        fn parts(&mut self) -> [&mut BTreeSet<String>; 5] {
            [
                &mut self.destination,
                &mut self.source,
                &mut self.kafka,
                &mut self.istio,
                &mut self.mutation,
            ]
        }
    }

    fn complete() -> Known {
        let mut known = Known::default();
        for (part, fields) in known.parts().into_iter().zip(ADDED) {
            part.extend(fields.iter().map(|field| (*field).to_owned()));
        }
        known
    }

    #[test]
    fn complete_is_what_lacks_no_field() {
        assert!(complete().is_complete());
        for (at, fields) in ADDED.iter().enumerate() {
            for field in *fields {
                let mut known = complete();
                assert!(known.parts()[at].remove(*field));
                assert!(!known.is_complete(), "{field}");
            }
        }
    }

    #[test]
    fn what_lacks_no_field_gets_all_that_can_be_said() {
        let some = || Some(Text::from("x"));
        let destination = Destination {
            destination_pod_uid: some(),
            original_destination: some(),
            original_port: Some(Int(1)),
            protocol: Some(Protocol::Tcp),
            attempt: Some(AttemptOutcome::Refused),
            first_seen: Some(crate::Time::default()),
            connections: Some(Int(1)),
            ..Destination::default()
        };
        let source = RecordedDestinationsForSrc {
            src_pod_uid: some(),
            node_name: some(),
            reporter_id: some(),
            destinations: vec![destination],
            ..RecordedDestinationsForSrc::default()
        };
        let kafka = KafkaMapperResult {
            reporter_id: some(),
            attempt: Some(AttemptOutcome::Refused),
            ..KafkaMapperResult::default()
        };
        let istio = IstioConnection {
            reporter_id: some(),
            attempt: Some(AttemptOutcome::Refused),
            src_canonical_service: some(),
            dst_canonical_service: some(),
            ..IstioConnection::default()
        };
        for report in [
            Report::TcpCaptures(CaptureTcpResults {
                results: vec![source],
            }),
            Report::Kafka(KafkaMapperResults {
                results: vec![kafka],
            }),
            Report::Istio(IstioConnectionResults {
                results: vec![istio],
            }),
            Report::Coverage(NodeCoverage::default()),
        ] {
            let mut trimmed = report.clone();
            assert!(complete().trim(&mut trimmed));
            assert_eq!(trimmed, report);
        }
    }

    #[test]
    fn the_replaced_mapper_gets_the_names_that_it_looks_for() {
        let of = |canonical: Option<&str>| IstioConnection {
            src_workload: "web-v1".into(),
            dst_workload: "api-v2".into(),
            src_canonical_service: canonical.map(Text::from),
            ..IstioConnection::default()
        };
        let mut report = Report::Istio(IstioConnectionResults {
            results: vec![of(Some("web")), of(None)],
        });
        assert!(Known::default().trim(&mut report));
        let Report::Istio(IstioConnectionResults { results }) = report else {
            panic!("another kind");
        };
        let found = results
            .iter()
            .map(|one| (&*one.src_workload, &*one.dst_workload));
        assert_eq!(
            found.collect::<Vec<_>>(),
            [("web", "api-v2"), ("web-v1", "api-v2")]
        );
        assert_eq!(results[0].src_canonical_service, None);
    }

    #[test]
    fn nothing_is_sent_for_what_has_no_place_at_all() {
        assert!(!Known::default().trim(&mut Report::Coverage(NodeCoverage::default())));
        let mut empty = Report::TcpCaptures(CaptureTcpResults::default());
        assert!(!Known::default().trim(&mut empty));
    }

    #[test]
    fn a_type_that_the_mapper_lacks_has_no_fields() {
        let answer = br#"{"data":{"source":{"fields":[{"name":"nodeName"}]},"kafka":null}}"#;
        let known = Known::read(answer).unwrap();
        assert!(known.source.contains("nodeName"));
        assert!(known.kafka.is_empty() && known.mutation.is_empty());
    }
}
