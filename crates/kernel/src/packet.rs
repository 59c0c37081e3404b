//! From a frame to the transport header: link layer, IP, extension headers, TCP or UDP.
//!
//! Lengths are taken from the headers and checked against the bytes that are there. A capture may hold only the
//! beginning of a frame; then the payload is what is present.

mod ip;
mod link;
mod transport;

use std::net::IpAddr;

/// How the frame begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkType {
    /// IEEE 802.3 with any stack of VLAN tags (IEEE 802.1Q, 802.1ad).
    Ethernet,
    /// Linux cooked capture, version 1.
    LinuxSll,
    /// Linux cooked capture, version 2.
    LinuxSll2,
    /// An IP packet with nothing before it.
    RawIp,
}

impl LinkType {
    /// From the number in a capture file (the `LINKTYPE_` registry of tcpdump.org).
    pub const fn from_pcap(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::Ethernet,
            113 => Self::LinuxSll,
            276 => Self::LinuxSll2,
            // 12 and 14 are what some systems wrote before 101; 228 and 229 are IPv4 and IPv6 only.
            12 | 14 | 101 | 228 | 229 => Self::RawIp,
            _ => return None,
        })
    }
}

/// A packet down to its transport header. Addresses are canonical: IPv4-mapped ones are IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Who sent it.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// What it carries.
    pub transport: Transport<'a>,
}

/// The transports that are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport<'a> {
    /// RFC 9293.
    Tcp(Tcp<'a>),
    /// RFC 768.
    Udp(Udp<'a>),
}

/// A TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp<'a> {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// Number of the first byte, or of the SYN.
    pub sequence: u32,
    /// Number of the next byte expected, when ACK is set.
    pub acknowledgement: u32,
    /// SYN, ACK, RST, FIN.
    pub flags: TcpFlags,
    /// The sender's timestamp value (RFC 7323 3), which survives address translation.
    pub timestamp: Option<u32>,
    /// The data that is present.
    pub payload: &'a [u8],
}

/// The flag bits of TCP. ECN bits may be set on a SYN (RFC 3168 6.1.1) and do not matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpFlags(u8);

impl TcpFlags {
    /// From the header's byte.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// No more data.
    pub const fn fin(self) -> bool {
        self.0 & 0x01 != 0
    }

    /// Opens a connection.
    pub const fn syn(self) -> bool {
        self.0 & 0x02 != 0
    }

    /// Refuses or aborts a connection.
    pub const fn rst(self) -> bool {
        self.0 & 0x04 != 0
    }

    /// The acknowledgement number counts.
    pub const fn ack(self) -> bool {
        self.0 & 0x10 != 0
    }
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Udp<'a> {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// The data that is present.
    pub payload: &'a [u8],
}

/// Why a frame could not be read down to a transport header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unreadable {
    /// Cut off before the transport header ends, or its lengths contradict each other.
    Truncated,
    /// Neither IPv4 nor IPv6.
    NotIp,
    /// A fragment other than the first, which has no transport header.
    Fragment,
    /// Neither TCP nor UDP, or too many extension headers.
    OtherTransport,
}

impl Unreadable {
    /// Every reason.
    pub const ALL: [Self; 4] = [
        Self::Truncated,
        Self::NotIp,
        Self::Fragment,
        Self::OtherTransport,
    ];

    /// The words for it in summaries and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::NotIp => "not IP",
            Self::Fragment => "later fragments",
            Self::OtherTransport => "neither TCP nor UDP",
        }
    }
}

/// Reads a frame down to its transport header, without a copy.
///
/// The payload ends where the IP header says (what pads an Ethernet frame is no payload), or earlier where the
/// capture does. The IP version is the one in the IP header itself.
pub fn parse(link: LinkType, frame: &[u8]) -> Result<Packet<'_>, Unreadable> {
    let ip = ip::parse(link::strip(link, frame)?)?;
    Ok(Packet {
        source: ip.source,
        destination: ip.destination,
        transport: transport::parse(ip.protocol, ip.payload)?,
    })
}

/// Reads a packet whose link header was taken off, down to its transport header; `ethertype` says what it begins with: an
/// IP header, or VLAN tags.
pub fn parse_network(ethertype: u16, bytes: &[u8]) -> Result<Packet<'_>, Unreadable> {
    parse(LinkType::RawIp, link::behind_tags(ethertype, bytes)?)
}
