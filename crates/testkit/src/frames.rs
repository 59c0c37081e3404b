//! Frames, from the transport outwards. Checksums are zero: nobody looks at them.

use std::net::{IpAddr, SocketAddr};

/// FIN of TCP.
pub const FIN: u8 = 0x01;
/// SYN of TCP.
pub const SYN: u8 = 0x02;
/// RST of TCP.
pub const RST: u8 = 0x04;
/// ACK of TCP.
pub const ACK: u8 = 0x10;
/// ECN-Echo and CWR: what a SYN that offers ECN carries (RFC 3168 6.1.1).
pub const ECN: u8 = 0xc0;

/// A TCP segment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Segment<'a> {
    /// The flags' byte.
    pub flags: u8,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// The sender's value of the timestamps option, behind an MSS option.
    pub timestamp: Option<u32>,
    /// Data.
    pub payload: &'a [u8],
}

/// An IP packet with a UDP datagram.
pub fn udp(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let mut datagram = ports(source, destination);
    datagram.extend((8 + payload.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    ip(source.ip(), destination.ip(), 17, &datagram)
}

/// An IP packet with a TCP segment.
pub fn tcp(source: SocketAddr, destination: SocketAddr, segment: Segment<'_>) -> Vec<u8> {
    let mut options = Vec::new();
    if let Some(value) = segment.timestamp {
        options.extend([2, 4, 5, 180, 1, 1, 8, 10]);
        options.extend(value.to_be_bytes());
        options.extend([0, 0, 0, 0]);
    }
    let mut bytes = ports(source, destination);
    bytes.extend(segment.sequence.to_be_bytes());
    bytes.extend(segment.acknowledgement.to_be_bytes());
    bytes.push((((20 + options.len()) / 4) << 4) as u8);
    bytes.push(segment.flags);
    bytes.extend([0xff, 0xff, 0, 0, 0, 0]);
    bytes.extend(options);
    bytes.extend(segment.payload);
    ip(source.ip(), destination.ip(), 6, &bytes)
}

fn ports(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    [
        source.port().to_be_bytes(),
        destination.port().to_be_bytes(),
    ]
    .concat()
}

/// An IP packet of the version of its source.
pub fn ip(source: IpAddr, destination: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(40 + payload.len());
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            bytes.extend([0x45, 0]);
            bytes.extend((20 + payload.len() as u16).to_be_bytes());
            // "Do not fragment", as Linux sends it.
            bytes.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
            bytes.extend(source.octets());
            bytes.extend(destination.octets());
        }
        (source, destination) => {
            bytes.extend([0x60, 0, 0, 0]);
            bytes.extend((payload.len() as u16).to_be_bytes());
            bytes.extend([protocol, 64]);
            bytes.extend(v6(source));
            bytes.extend(v6(destination));
        }
    }
    bytes.extend(payload);
    bytes
}

fn v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// Fills in the checksum of TCP or UDP (RFC 9293 3.1, RFC 768), so that a kernel takes the packet.
pub fn summed(mut packet: Vec<u8>) -> Vec<u8> {
    let (addresses, header, protocol) = match packet[0] >> 4 {
        4 => (12..20, 20, packet[9]),
        _ => (8..40, 40, packet[6]),
    };
    let place = header + if protocol == 17 { 6 } else { 16 };
    packet[place..place + 2].fill(0);
    let length = (packet.len() - header) as u32;
    let words = |bytes: &[u8]| -> u32 {
        let pairs = bytes.chunks(2);
        pairs
            .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0)))
            .sum()
    };
    let mut sum = words(&packet[addresses]) + words(&packet[header..]);
    sum += u32::from(protocol) + length;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    packet[place..place + 2].copy_from_slice(&(!sum as u16).to_be_bytes());
    packet
}

/// Puts extension headers into an IPv6 packet: each its number and its bytes behind the number of the next header.
pub fn with_extensions(packet: &[u8], extensions: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let (header, payload) = packet.split_at(40);
    let mut bytes = header.to_vec();
    let transport = header[6];
    let mut numbers = extensions.iter().map(|(number, _)| *number);
    bytes[6] = numbers.next().unwrap_or(transport);
    for (_, body) in extensions {
        bytes.push(numbers.next().unwrap_or(transport));
        bytes.extend(body);
    }
    bytes.extend(payload);
    let length = (bytes.len() - 40) as u16;
    bytes[4..6].copy_from_slice(&length.to_be_bytes());
    bytes
}

/// The ethertype of an IP packet.
fn ethertype(packet: &[u8]) -> [u8; 2] {
    match packet.first().map(|byte| byte >> 4) {
        Some(6) => [0x86, 0xdd],
        _ => [0x08, 0x00],
    }
}

/// An Ethernet frame; each VLAN tag is its ethertype (0x8100, 0x88a8).
pub fn ethernet(tags: &[u16], packet: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2; 12];
    for tag in tags {
        bytes.extend(tag.to_be_bytes());
        bytes.extend([0x20, 42]);
    }
    bytes.extend(ethertype(packet));
    bytes.extend(packet);
    bytes
}

/// A frame of Linux cooked capture, version 1.
pub fn sll(packet: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 4, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0];
    bytes.extend(ethertype(packet));
    bytes.extend(packet);
    bytes
}

/// A frame of Linux cooked capture, version 2.
pub fn sll2(packet: &[u8]) -> Vec<u8> {
    let mut bytes = ethertype(packet).to_vec();
    bytes.extend([0, 0, 0, 0, 0, 3, 0, 1, 4, 6, 2, 2, 2, 2, 2, 2, 0, 0]);
    bytes.extend(packet);
    bytes
}
