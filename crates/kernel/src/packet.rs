//! From a frame to the transport header: link layer, IP, extension headers, TCP or UDP.
//!
//! Lengths are taken from the headers and checked against the bytes that are there. A capture may hold only the
//! beginning of a frame; then the payload is what is present.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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

/// VLAN tags in a row: the standard knows two, networks of networks add one or two.
const MAX_VLAN_TAGS: usize = 4;

/// IPv6 extension headers in a row: RFC 8200 4.1 has seven, each once but for destination options.
const MAX_EXTENSION_HEADERS: usize = 8;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;

/// IANA protocol numbers.
mod protocol {
    pub(super) const HOP_BY_HOP: u8 = 0;
    pub(super) const TCP: u8 = 6;
    pub(super) const UDP: u8 = 17;
    pub(super) const ROUTING: u8 = 43;
    pub(super) const FRAGMENT: u8 = 44;
    pub(super) const AUTHENTICATION: u8 = 51;
    pub(super) const DESTINATION_OPTIONS: u8 = 60;
    pub(super) const MOBILITY: u8 = 135;
}

/// Reads a frame.
pub fn parse(link: LinkType, frame: &[u8]) -> Result<Packet<'_>, Unreadable> {
    let ip = match link {
        LinkType::Ethernet => after_ethertype(frame, 12, 14)?,
        LinkType::LinuxSll => after_ethertype(frame, 14, 16)?,
        LinkType::LinuxSll2 => after_ethertype(frame, 0, 20)?,
        LinkType::RawIp => frame,
    };
    match ip.first().ok_or(Unreadable::Truncated)? >> 4 {
        4 => ipv4(ip),
        6 => ipv6(ip),
        _ => Err(Unreadable::NotIp),
    }
}

/// Skips a link header whose ethertype stands at `place`, and the VLAN tags behind it.
fn after_ethertype(frame: &[u8], place: usize, length: usize) -> Result<&[u8], Unreadable> {
    let mut ethertype = u16_at(frame, place)?;
    let mut rest = frame.get(length..).ok_or(Unreadable::Truncated)?;
    for _ in 0..=MAX_VLAN_TAGS {
        match ethertype {
            ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => return Ok(rest),
            // 802.1Q, 802.1ad, and what was used before 802.1ad.
            0x8100 | 0x88a8 | 0x9100 => {
                ethertype = u16_at(rest, 2)?;
                rest = rest.get(4..).ok_or(Unreadable::Truncated)?;
            }
            _ => return Err(Unreadable::NotIp),
        }
    }
    Err(Unreadable::NotIp)
}

/// RFC 791.
fn ipv4(ip: &[u8]) -> Result<Packet<'_>, Unreadable> {
    let header = ip.first_chunk::<20>().ok_or(Unreadable::Truncated)?;
    let header_length = usize::from(header[0] & 0x0f) * 4;
    let total_length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    // A length of zero is what segmentation offload leaves behind: then the frame's end counts.
    let end = if total_length == 0 {
        ip.len()
    } else {
        total_length.min(ip.len())
    };
    if header_length < 20 {
        return Err(Unreadable::Truncated);
    }
    let fragment_offset = u16::from_be_bytes([header[6], header[7]]) & 0x1fff;
    if fragment_offset != 0 {
        return Err(Unreadable::Fragment);
    }
    let source = Ipv4Addr::new(header[12], header[13], header[14], header[15]);
    let destination = Ipv4Addr::new(header[16], header[17], header[18], header[19]);
    let payload = ip.get(header_length..end).ok_or(Unreadable::Truncated)?;
    transport(source.into(), destination.into(), header[9], payload)
}

/// RFC 8200.
fn ipv6(ip: &[u8]) -> Result<Packet<'_>, Unreadable> {
    let header = ip.first_chunk::<40>().ok_or(Unreadable::Truncated)?;
    let payload_length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    // Zero: a jumbogram (RFC 2675) or segmentation offload; then the frame's end counts.
    let end = if payload_length == 0 {
        ip.len()
    } else {
        (40 + payload_length).min(ip.len())
    };
    let source = v6(header, 8);
    let destination = v6(header, 24);
    let mut next = header[6];
    let mut rest = ip.get(40..end).ok_or(Unreadable::Truncated)?;
    for _ in 0..=MAX_EXTENSION_HEADERS {
        let length = match next {
            protocol::HOP_BY_HOP
            | protocol::ROUTING
            | protocol::DESTINATION_OPTIONS
            | protocol::MOBILITY => 8 + 8 * usize::from(byte_at(rest, 1)?),
            // RFC 4302 2.2: in words of four bytes, less two.
            protocol::AUTHENTICATION => 8 + 4 * usize::from(byte_at(rest, 1)?),
            protocol::FRAGMENT => {
                if u16_at(rest, 2)? & 0xfff8 != 0 {
                    return Err(Unreadable::Fragment);
                }
                8
            }
            _ => {
                return transport(
                    source.to_canonical(),
                    destination.to_canonical(),
                    next,
                    rest,
                );
            }
        };
        next = byte_at(rest, 0)?;
        rest = rest.get(length..).ok_or(Unreadable::Truncated)?;
    }
    Err(Unreadable::OtherTransport)
}

fn v6(header: &[u8; 40], place: usize) -> Ipv6Addr {
    let mut octets = [0; 16];
    if let Some(bytes) = header.get(place..place + 16) {
        octets.copy_from_slice(bytes);
    }
    Ipv6Addr::from(octets)
}

fn transport(
    source: IpAddr,
    destination: IpAddr,
    number: u8,
    bytes: &[u8],
) -> Result<Packet<'_>, Unreadable> {
    let transport = match number {
        protocol::TCP => Transport::Tcp(tcp(bytes)?),
        protocol::UDP => Transport::Udp(udp(bytes)?),
        _ => return Err(Unreadable::OtherTransport),
    };
    Ok(Packet {
        source,
        destination,
        transport,
    })
}

fn udp(bytes: &[u8]) -> Result<Udp<'_>, Unreadable> {
    let header = bytes.first_chunk::<8>().ok_or(Unreadable::Truncated)?;
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let end = if length == 0 {
        bytes.len()
    } else {
        length.min(bytes.len())
    };
    Ok(Udp {
        source_port: u16::from_be_bytes([header[0], header[1]]),
        destination_port: u16::from_be_bytes([header[2], header[3]]),
        payload: bytes.get(8..end).ok_or(Unreadable::Truncated)?,
    })
}

fn tcp(bytes: &[u8]) -> Result<Tcp<'_>, Unreadable> {
    let header = bytes.first_chunk::<20>().ok_or(Unreadable::Truncated)?;
    let data_offset = usize::from(header[12] >> 4) * 4;
    if data_offset < 20 {
        return Err(Unreadable::Truncated);
    }
    // Captures are often cut after the fixed header: the options and data are what is there.
    let options = bytes
        .get(20..data_offset.min(bytes.len()))
        .unwrap_or_default();
    Ok(Tcp {
        source_port: u16::from_be_bytes([header[0], header[1]]),
        destination_port: u16::from_be_bytes([header[2], header[3]]),
        sequence: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        acknowledgement: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
        flags: TcpFlags(header[13]),
        timestamp: timestamp(options),
        payload: bytes.get(data_offset..).unwrap_or_default(),
    })
}

/// The timestamp option's value (RFC 7323 3.2), among at most 40 bytes of options.
fn timestamp(mut options: &[u8]) -> Option<u32> {
    loop {
        match *options.first()? {
            0 => return None,
            1 => options = options.get(1..)?,
            8 => {
                let option = options.first_chunk::<10>()?;
                return Some(u32::from_be_bytes([
                    option[2], option[3], option[4], option[5],
                ]));
            }
            _ => {
                let length = usize::from(*options.get(1)?).max(2);
                options = options.get(length..)?;
            }
        }
    }
}

fn byte_at(bytes: &[u8], place: usize) -> Result<u8, Unreadable> {
    bytes.get(place).copied().ok_or(Unreadable::Truncated)
}

fn u16_at(bytes: &[u8], place: usize) -> Result<u16, Unreadable> {
    let pair = bytes
        .get(place..)
        .and_then(|rest| rest.first_chunk::<2>())
        .ok_or(Unreadable::Truncated)?;
    Ok(u16::from_be_bytes(*pair))
}
