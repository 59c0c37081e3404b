//! Observations in the words of the mapper's contract.

use compact_str::{CompactString, ToCompactString};
use map::{Connection, Evidence, Observation, Outcome, Source, Target};
use wire::input::{
    CaptureResults, CaptureTcpResults, Destination, RecordedDestinationsForSrc, SocketScanResults,
};
use wire::{AttemptOutcome, Int, Protocol, Report, Text, Time};

/// Who reports.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) node: CompactString,
    /// One run of this sniffer.
    pub(crate) reporter: CompactString,
}

/// The reports of these observations: at most one for each evidence, by source.
pub(crate) fn reports(mut observations: Vec<Observation>, identity: &Identity) -> Vec<Report> {
    observations.sort_unstable_by_key(|one| (one.evidence, one.source));
    observations
        .chunk_by(|a, b| a.evidence == b.evidence)
        .filter_map(|same| {
            let results = same
                .chunk_by(|a, b| a.source == b.source)
                .filter_map(|of| Some(recorded(of.first()?.source, of, identity)))
                .collect();
            Some(match same.first()?.evidence {
                Evidence::Dns => Report::Captures(CaptureResults { results }),
                Evidence::Tcp => Report::TcpCaptures(CaptureTcpResults { results }),
                Evidence::Socket => Report::SocketScans(SocketScanResults { results }),
                // No collector of a node sees these.
                Evidence::Kafka | Evidence::Istio | Evidence::Cloud => return None,
            })
        })
        .collect()
}

fn recorded(
    source: Source,
    observations: &[Observation],
    identity: &Identity,
) -> RecordedDestinationsForSrc {
    RecordedDestinationsForSrc {
        src_ip: text(&source.address),
        src_hostname: Text::default(),
        destinations: observations.iter().map(destination).collect(),
        src_pod_uid: source.pod_uid.as_ref().map(text),
        node_name: Some(Text(identity.node.clone())),
        reporter_id: Some(Text(identity.reporter.clone())),
    }
}

fn destination(observation: &Observation) -> Destination {
    let seen = Destination {
        last_seen: Time(observation.last_seen),
        src_ports: Some(Vec::new()),
        first_seen: Some(Time(observation.first_seen)),
        connections: Some(Int::from(observation.connections)),
        ..Destination::default()
    };
    match &observation.target {
        Target::Answer(answer) => Destination {
            destination: text(&answer.name),
            destination_ip: answer.address.as_ref().map(text),
            ttl: Some(Int::from(observation.ttl)),
            ..seen
        },
        Target::Connection(connection) => connected(connection, seen),
    }
}

fn connected(connection: &Connection, seen: Destination) -> Destination {
    let server = connection.reached.unwrap_or(connection.meant);
    let meant = connection.reached.map(|_| connection.meant);
    Destination {
        destination: text(&server.ip()),
        destination_ip: Some(text(&server.ip())),
        destination_port: Some(Int::from(server.port())),
        destination_pod_uid: connection.server_pod.as_ref().map(text),
        original_destination: meant.map(|meant| text(&meant.ip())),
        original_port: meant.map(|meant| Int::from(meant.port())),
        protocol: Some(match connection.protocol {
            map::Protocol::Tcp => Protocol::Tcp,
            map::Protocol::Udp => Protocol::Udp,
        }),
        attempt: match connection.outcome {
            Outcome::Accepted => None,
            Outcome::Refused => Some(AttemptOutcome::Refused),
            Outcome::Unanswered => Some(AttemptOutcome::Unanswered),
        },
        ..seen
    }
}

fn text(value: &impl ToCompactString) -> Text {
    Text(value.to_compact_string())
}
