//! The documents of our own clients, and the kinds of report. Which document is a report is told by
//! [`recognise`].

pub use crate::recognise::{Recognised, recognise};

/// A kind of report: a mutation with one argument that answers with a Boolean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportKind {
    /// DNS answers.
    Captures,
    /// TCP handshakes.
    TcpCaptures,
    /// Open connections.
    SocketScans,
    /// Accesses to Kafka topics.
    Kafka,
    /// What Istio sidecars counted.
    Istio,
    /// Operations on Amazon Web Services.
    Aws,
    /// Operations on Azure.
    Azure,
    /// Operations on Google Cloud.
    Gcp,
    /// How much went between addresses.
    Traffic,
    /// What a reporter sees of its node; beyond the old contract.
    Coverage,
}

impl ReportKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Captures,
        Self::TcpCaptures,
        Self::SocketScans,
        Self::Kafka,
        Self::Istio,
        Self::Aws,
        Self::Azure,
        Self::Gcp,
        Self::Traffic,
        Self::Coverage,
    ];

    /// The field of the mutation, which is also the key of the answer.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Captures => "reportCaptureResults",
            Self::TcpCaptures => "reportTCPCaptureResults",
            Self::SocketScans => "reportSocketScanResults",
            Self::Kafka => "reportKafkaMapperResults",
            Self::Istio => "reportIstioConnectionResults",
            Self::Aws => "reportAWSOperation",
            Self::Azure => "reportAzureOperation",
            Self::Gcp => "reportGCPOperation",
            Self::Traffic => "reportTrafficLevelResults",
            Self::Coverage => "reportCoverage",
        }
    }

    /// The field's argument.
    pub const fn argument(self) -> &'static str {
        match self {
            Self::Aws | Self::Azure | Self::Gcp => "operation",
            Self::Coverage => "coverage",
            _ => "results",
        }
    }

    /// The argument's type, without the `!` and brackets around it.
    pub const fn input(self) -> &'static str {
        match self {
            Self::Captures => "CaptureResults",
            Self::TcpCaptures => "CaptureTCPResults",
            Self::SocketScans => "SocketScanResults",
            Self::Kafka => "KafkaMapperResults",
            Self::Istio => "IstioConnectionResults",
            Self::Aws => "AWSOperation",
            Self::Azure => "AzureOperation",
            Self::Gcp => "GCPOperation",
            Self::Traffic => "TrafficLevelResults",
            Self::Coverage => "NodeCoverage",
        }
    }

    /// Whether the argument is a list of that type.
    pub const fn is_list(self) -> bool {
        matches!(self, Self::Aws | Self::Azure | Self::Gcp)
    }

    /// The document that our reporters send: byte for byte that of the replaced reporters, where they have one.
    pub const fn document(self) -> &'static str {
        match self {
            Self::Captures => REPORT_CAPTURE_RESULTS,
            Self::TcpCaptures => REPORT_TCP_CAPTURE_RESULTS,
            Self::SocketScans => REPORT_SOCKET_SCAN_RESULTS,
            Self::Kafka => REPORT_KAFKA_MAPPER_RESULTS,
            Self::Istio => REPORT_ISTIO_CONNECTION_RESULTS,
            Self::Aws => REPORT_AWS_OPERATION,
            Self::Azure => REPORT_AZURE_OPERATION,
            Self::Gcp => REPORT_GCP_OPERATION,
            Self::Traffic => REPORT_TRAFFIC_LEVEL_RESULTS,
            Self::Coverage => REPORT_COVERAGE,
        }
    }
}

/// The document of a report, in the layout of the replaced reporters' generator.
macro_rules! report {
    ($field:literal, $argument:literal, $kind:literal) => {
        concat!(
            "\nmutation ",
            $field,
            " ($",
            $argument,
            ": ",
            $kind,
            ") {\n\t",
            $field,
            "(",
            $argument,
            ": $",
            $argument,
            ")\n}\n"
        )
    };
}

/// DNS answers; operation `reportCaptureResults`, variable `results`.
pub const REPORT_CAPTURE_RESULTS: &str =
    report!("reportCaptureResults", "results", "CaptureResults!");

/// TCP handshakes; operation `reportTCPCaptureResults`, variable `results`.
pub const REPORT_TCP_CAPTURE_RESULTS: &str =
    report!("reportTCPCaptureResults", "results", "CaptureTCPResults!");

/// Open connections; operation `reportSocketScanResults`, variable `results`.
pub const REPORT_SOCKET_SCAN_RESULTS: &str =
    report!("reportSocketScanResults", "results", "SocketScanResults!");

/// Kafka; operation `reportKafkaMapperResults`, variable `results`.
pub const REPORT_KAFKA_MAPPER_RESULTS: &str =
    report!("reportKafkaMapperResults", "results", "KafkaMapperResults!");

/// Istio; operation `reportIstioConnectionResults`, variable `results`.
pub const REPORT_ISTIO_CONNECTION_RESULTS: &str = report!(
    "reportIstioConnectionResults",
    "results",
    "IstioConnectionResults!"
);

/// Amazon Web Services; operation `reportAWSOperation`, variable `operation`.
pub const REPORT_AWS_OPERATION: &str =
    report!("reportAWSOperation", "operation", "[AWSOperation!]!");

/// Azure; operation `reportAzureOperation`, variable `operation`.
pub const REPORT_AZURE_OPERATION: &str =
    report!("reportAzureOperation", "operation", "[AzureOperation!]!");

/// Google Cloud; operation `reportGCPOperation`, variable `operation`.
pub const REPORT_GCP_OPERATION: &str =
    report!("reportGCPOperation", "operation", "[GCPOperation!]!");

/// Traffic levels; operation `reportTrafficLevelResults`, variable `results`.
pub const REPORT_TRAFFIC_LEVEL_RESULTS: &str = report!(
    "reportTrafficLevelResults",
    "results",
    "TrafficLevelResults!"
);

/// A node's coverage; operation `reportCoverage`, variable `coverage`.
pub const REPORT_COVERAGE: &str = report!("reportCoverage", "coverage", "NodeCoverage!");

/// Whether the mapper answers; operation `Health`.
pub const HEALTH: &str = "\nquery Health {\n\thealth\n}\n";

/// Forget the map; operation `ResetCapture`.
pub const RESET_CAPTURE: &str = "\nmutation ResetCapture {\n\tresetCapture\n}\n";

/// All intents with their details; operation `Intents`, variables as the query's arguments.
pub const INTENTS: &str = "
query Intents ($namespaces: [String!], $includeLabels: [String!], $excludeLabels: [String!], $includeAllLabels: Boolean, $server: ServerFilter) {
	intents(namespaces: $namespaces, includeLabels: $includeLabels, excludeServiceWithLabels: $excludeLabels, includeAllLabels: $includeAllLabels, server: $server) {
		client {
			name
			namespace
			labels {
				key
				value
			}
			podOwnerKind {
				group
				version
				kind
			}
			kubernetesService
		}
		server {
			name
			namespace
			labels {
				key
				value
			}
			podOwnerKind {
				group
				version
				kind
			}
			kubernetesService
		}
		type
		kafkaTopics {
			name
			operations
		}
		httpResources {
			path
			methods
		}
	}
}
";

/// Clients and their servers, for mappers without `intents`; operation `ServiceIntentsWithLabels`.
pub const SERVICE_INTENTS_WITH_LABELS: &str = "
query ServiceIntentsWithLabels ($namespaces: [String!], $includeLabels: [String!]) {
	serviceIntents(namespaces: $namespaces, includeLabels: $includeLabels) {
		client {
			name
			namespace
			labels {
				key
				value
			}
		}
		intents {
			name
			namespace
			labels {
				key
				value
			}
		}
	}
}
";

/// The same for mappers that know no labels; operation `ServiceIntentsUpToMapperV017`.
pub const SERVICE_INTENTS_UP_TO_MAPPER_V017: &str = "
query ServiceIntentsUpToMapperV017 ($namespaces: [String!]) {
	serviceIntents(namespaces: $namespaces) {
		client {
			name
			namespace
		}
		intents {
			name
			namespace
		}
	}
}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_report_of_ours_is_recognised() {
        for kind in ReportKind::ALL {
            let found = recognise(kind.document()).unwrap();
            assert_eq!(
                (found.kind, found.operation, found.variable),
                (kind, Some(kind.field()), kind.argument())
            );
        }
        for other in [HEALTH, RESET_CAPTURE, INTENTS, SERVICE_INTENTS_WITH_LABELS] {
            assert_eq!(recognise(other), None);
        }
    }
}
