//! What a collector saw: addresses, names, ports, times. No Kubernetes in it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Time;

/// How something was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// A DNS answer that the client had asked for.
    Dns,
    /// A TCP handshake.
    Tcp,
    /// An open connection, found by a scan of socket tables.
    Socket,
    /// A line of a Kafka broker's authorizer log.
    Kafka,
    /// A request counter of an Istio sidecar.
    Istio,
    /// A cloud's own account of who used its resources.
    Cloud,
}

impl Evidence {
    /// Every kind, in the order in which they are listed.
    pub const ALL: [Self; 6] = [
        Self::Dns,
        Self::Tcp,
        Self::Socket,
        Self::Kafka,
        Self::Istio,
        Self::Cloud,
    ];

    /// The word for it in output, metrics and files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Socket => "socket",
            Self::Kafka => "kafka",
            Self::Istio => "istio",
            Self::Cloud => "cloud",
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A transport protocol with ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
}

impl Protocol {
    /// The word for it in output and files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The server accepted it (or, for DNS, answered with an address).
    Accepted,
    /// The server refused it: RST to a SYN. An attempt, never an edge.
    Refused,
    /// Nobody answered within the bound. An attempt, never an edge.
    Unanswered,
}

/// A DNS name: lower case, no trailing dot, at most 1 004 bytes of text.
///
/// Bytes outside printable ASCII, and dots inside a label, are written `\DDD` (RFC 4343 2.1), so that one
/// name has one text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DnsName(CompactString);

impl DnsName {
    /// From text that may hold capitals or end in a dot.
    pub fn new(text: &str) -> Self {
        let text = text.strip_suffix('.').unwrap_or(text);
        let mut name = CompactString::from(text);
        name.make_ascii_lowercase();
        Self(name)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A pod's UID: the 128 bits of the UUID, or of a static pod's configuration hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodUid(u128);

impl PodUid {
    /// From the number whose 32 hexadecimal digits are the UID's.
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// The number whose 32 hexadecimal digits are the UID's.
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

impl Serialize for PodUid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PodUid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = CompactString::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The text is not 32 hexadecimal digits, with or without the dashes (or underscores) of a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a pod UID")]
pub struct PodUidError;

impl FromStr for PodUid {
    type Err = PodUidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bits: u128 = 0;
        let mut digits = 0_u32;
        for byte in text.bytes() {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                b'A'..=b'F' => byte - b'A' + 10,
                b'-' | b'_' => continue,
                _ => return Err(PodUidError),
            };
            bits = bits << 4 | u128::from(digit);
            digits += 1;
            if digits > 32 {
                return Err(PodUidError);
            }
        }
        if digits == 32 {
            Ok(Self(bits))
        } else {
            Err(PodUidError)
        }
    }
}

impl fmt::Display for PodUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            n >> 96,
            n >> 80 & 0xffff,
            n >> 64 & 0xffff,
            n >> 48 & 0xffff,
            n & 0xffff_ffff_ffff
        )
    }
}

/// Who did it, as far as the node knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    /// The client's own address, before any translation that could be seen.
    pub address: IpAddr,
    /// The pod that owned the address at that time, where the node knows it.
    pub pod_uid: Option<PodUid>,
}

/// A DNS answer: this client learned this address for this name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Answer {
    /// The name of the question, whatever the chain of CNAMEs behind it.
    pub name: DnsName,
    /// One of the addresses in the answer, unless the reporter does not tell it.
    pub address: Option<IpAddr>,
}

/// A connection, or the attempt at one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Connection {
    /// The transport.
    pub protocol: Protocol,
    /// The address and port that the client meant, before translation. Port 0: not told.
    pub meant: SocketAddr,
    /// The real server behind a translated address, where it was seen.
    pub reached: Option<SocketAddr>,
    /// The pod that served it (at `reached`, or at `meant` without translation), where the node knows it.
    pub server_pod: Option<PodUid>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What was observed about a source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// It got a DNS answer.
    Answer(Answer),
    /// It opened, holds or tried a connection.
    Connection(Connection),
}

/// One thing seen on one node, once or several times between two points in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Who.
    pub source: Source,
    /// To what.
    pub target: Target,
    /// How it was seen.
    pub evidence: Evidence,
    /// First time.
    pub first_seen: Time,
    /// Last time.
    pub last_seen: Time,
    /// How many distinct connections, or answers.
    pub connections: u64,
    /// For answers: the longest time to live, in seconds. Zero otherwise.
    pub ttl: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pod_uids_are_read_in_every_form_that_cgroups_use() {
        let uid: PodUid = "146b5ec2-3767-4943-afa7-42218263b9bf".parse().unwrap();
        assert_eq!("146b5ec2_3767_4943_afa7_42218263b9bf".parse(), Ok(uid));
        assert_eq!("146b5ec237674943afa742218263b9bf".parse(), Ok(uid));
        assert_eq!(uid.to_string(), "146b5ec2-3767-4943-afa7-42218263b9bf");
        assert!("146b5ec2".parse::<PodUid>().is_err());
        assert!(
            "146b5ec237674943afa742218263b9bf0"
                .parse::<PodUid>()
                .is_err()
        );
    }

    #[test]
    fn names_are_lower_case_without_the_root_dot() {
        assert_eq!(DnsName::new("API.Example.com.").as_str(), "api.example.com");
    }
}
