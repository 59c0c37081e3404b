//! What sniffers report: DNS answers, handshakes and open connections.

use std::net::{IpAddr, SocketAddr};

use compact_str::CompactString;
use map::{
    Answer, Connection, DnsName, Evidence, Observation, Outcome, PodUid, Protocol, Source, Target,
};
use wire::input::{Destination, RecordedDestinationsForSrc};
use wire::{Int, Text};

use super::{Item, Receipt, address, outcome};
use crate::fact::{Claim, Fact};
use crate::fate::Refusal;

/// How long a DNS answer is taken to be valid when nobody says, in seconds, as in the replaced system.
const DEFAULT_TTL: u32 = 120;

pub(super) fn read(
    sources: Vec<RecordedDestinationsForSrc>,
    evidence: Evidence,
    on: bool,
    receipt: &mut Receipt,
    each: &mut dyn FnMut(Item),
) {
    let mut items = 0;
    for source in sources {
        let from = Reporter::read(&source);
        for destination in source.destinations {
            items += 1;
            let fact = match &from {
                _ if !on => Err(Refusal::SwitchedOff),
                _ if items > wire::limits::MAX_ITEMS => Err(Refusal::Unreadable),
                Some(from) => fact(from, &destination, evidence, receipt),
                None => Err(Refusal::Unreadable),
            };
            each(fact.map_err(|refusal| (evidence, refusal)));
        }
    }
}

/// What all destinations of a source share.
struct Reporter {
    source: Source,
    hostname: CompactString,
    /// Empty for a sniffer of the replaced system.
    id: CompactString,
}

impl Reporter {
    fn read(source: &RecordedDestinationsForSrc) -> Option<Self> {
        source.check().ok()?;
        let pod_uid = match &source.src_pod_uid {
            Some(text) => Some(text.parse().ok()?),
            None => None,
        };
        Some(Self {
            source: Source {
                address: address(&source.src_ip)?,
                pod_uid,
            },
            hostname: source.src_hostname.0.clone(),
            id: source
                .reporter_id
                .as_ref()
                .map(|id| id.0.clone())
                .unwrap_or_default(),
        })
    }
}

fn fact(
    from: &Reporter,
    destination: &Destination,
    evidence: Evidence,
    receipt: &mut Receipt,
) -> Result<Fact, Refusal> {
    destination.check().map_err(|_| Refusal::Unreadable)?;
    let mut named = CompactString::default();
    let target = if evidence == Evidence::Dns {
        Target::Answer(answer(destination)?)
    } else {
        let address = address(&destination.destination);
        if evidence == Evidence::Tcp && address.is_none() {
            named.clone_from(&destination.destination.0);
        }
        Target::Connection(connection(from, destination, address, evidence)?)
    };
    let last_seen = receipt.clamp(destination.last_seen.0);
    let first_seen = destination.first_seen;
    let first_seen = first_seen.map_or(last_seen, |first| receipt.clamp(first.0).min(last_seen));
    let observation = Observation {
        source: from.source,
        target,
        evidence,
        first_seen,
        last_seen,
        connections: connections(destination),
        ttl: destination
            .ttl
            .map_or(DEFAULT_TTL, |ttl| u32::try_from(ttl.0).unwrap_or(0)),
    };
    let claim = Claim {
        hostname: from.hostname.clone(),
        destination_name: named,
        reporter: from.id.clone(),
        awaits_outcome: !from.id.is_empty(),
    };
    Ok(Fact::Seen(observation, claim))
}

fn answer(destination: &Destination) -> Result<Answer, Refusal> {
    if destination.destination.is_empty() {
        return Err(Refusal::Unreadable);
    }
    Ok(Answer {
        name: DnsName::new(&destination.destination),
        address: optional_address(destination.destination_ip.as_ref())?,
    })
}

fn connection(
    from: &Reporter,
    destination: &Destination,
    address: Option<IpAddr>,
    evidence: Evidence,
) -> Result<Connection, Refusal> {
    let given = match &destination.destination_ip {
        Some(text) if address.is_some() && *text == destination.destination => address,
        text => optional_address(text.as_ref())?,
    };
    let seen = address.or(given).ok_or(Refusal::Unreadable)?;
    // The replaced sniffer swaps the ports of open connections.
    let is_swapped = evidence == Evidence::Socket && from.id.is_empty();
    let server_port = if is_swapped {
        let ports = destination.src_ports.as_ref();
        ports.and_then(|ports| ports.first().copied())
    } else {
        destination.destination_port
    };
    let seen = SocketAddr::new(seen, port(server_port)?);
    let original = optional_address(destination.original_destination.as_ref())?;
    let meant = match original {
        Some(original) => SocketAddr::new(original, port(destination.original_port)?),
        None => seen,
    };
    let server_pod: Option<PodUid> = match &destination.destination_pod_uid {
        Some(text) => Some(text.parse().map_err(|_| Refusal::Unreadable)?),
        None => None,
    };
    let outcome = outcome(destination.attempt);
    let protocol = destination.protocol.map_or(Protocol::Tcp, Protocol::from);
    Ok(Connection {
        protocol,
        meant,
        // A connection that was not made reached nobody.
        reached: (original.is_some() && (outcome == Outcome::Accepted || meant != seen))
            .then_some(seen),
        server_pod,
        outcome,
    })
}

fn optional_address(text: Option<&Text>) -> Result<Option<IpAddr>, Refusal> {
    match text {
        Some(text) if !text.is_empty() => address(text).map(Some).ok_or(Refusal::Unreadable),
        _ => Ok(None),
    }
}

/// A port; 0 when it is not told.
fn port(number: Option<Int>) -> Result<u16, Refusal> {
    match number {
        Some(number) => u16::try_from(number.0).map_err(|_| Refusal::Unreadable),
        None => Ok(0),
    }
}

/// At least one: it was seen. Without a counter, the distinct ports of the client tell.
fn connections(destination: &Destination) -> u64 {
    if let Some(counted) = destination.connections {
        return u64::try_from(counted.0).unwrap_or(0).max(1);
    }
    let ports = destination.src_ports.as_deref().unwrap_or_default();
    if ports.len() < 2 {
        return 1;
    }
    let mut ports: Vec<i64> = ports.iter().map(|port| port.0).collect();
    ports.sort_unstable();
    ports.dedup();
    ports.len() as u64
}
