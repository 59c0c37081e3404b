//! IPv4 (RFC 791) and IPv6 (RFC 8200) with its extension headers.

use std::net::IpAddr;

use super::Unreadable;
use crate::bytes;

/// IPv6 extension headers in a row: RFC 8200 4.1 lists seven in its order, destination options twice.
const MAX_EXTENSION_HEADERS: usize = 8;

/// The extension headers among the protocol numbers of IANA.
mod extension {
    pub(super) const HOP_BY_HOP: u8 = 0;
    pub(super) const ROUTING: u8 = 43;
    pub(super) const FRAGMENT: u8 = 44;
    pub(super) const AUTHENTICATION: u8 = 51;
    pub(super) const DESTINATION_OPTIONS: u8 = 60;
    pub(super) const MOBILITY: u8 = 135;
}

/// What the IP layer says.
pub(super) struct Ip<'a> {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    /// What the payload is.
    pub(super) protocol: u8,
    pub(super) payload: &'a [u8],
}

pub(super) fn parse(packet: &[u8]) -> Result<Ip<'_>, Unreadable> {
    match packet.first().ok_or(Unreadable::Truncated)? >> 4 {
        4 => ipv4(packet),
        6 => ipv6(packet),
        _ => Err(Unreadable::NotIp),
    }
}

fn ipv4(packet: &[u8]) -> Result<Ip<'_>, Unreadable> {
    let header = packet.first_chunk::<20>().ok_or(Unreadable::Truncated)?;
    let header_length = usize::from(header[0] & 0x0f) * 4;
    if header_length < header.len() {
        return Err(Unreadable::Truncated);
    }
    // The offset, below three bits of flags.
    if u16::from_be_bytes([header[6], header[7]]) & 0x1fff != 0 {
        return Err(Unreadable::Fragment);
    }
    // Zero is what segmentation offload leaves behind: then the frame's end counts.
    let end = match u16::from_be_bytes([header[2], header[3]]) {
        0 => packet.len(),
        total_length => usize::from(total_length).min(packet.len()),
    };
    Ok(Ip {
        source: IpAddr::from([header[12], header[13], header[14], header[15]]),
        destination: IpAddr::from([header[16], header[17], header[18], header[19]]),
        protocol: header[9],
        payload: packet
            .get(header_length..end)
            .ok_or(Unreadable::Truncated)?,
    })
}

fn ipv6(packet: &[u8]) -> Result<Ip<'_>, Unreadable> {
    let (header, rest) = packet
        .split_first_chunk::<40>()
        .ok_or(Unreadable::Truncated)?;
    // Zero is a jumbogram (RFC 2675) or left by segmentation offload: then the frame's end counts.
    let length = match u16::from_be_bytes([header[4], header[5]]) {
        0 => rest.len(),
        payload_length => usize::from(payload_length).min(rest.len()),
    };
    let rest = rest.get(..length).ok_or(Unreadable::Truncated)?;
    let (protocol, payload) = behind_extensions(header[6], rest)?;
    let address = |place| {
        let address = bytes::ipv6(header, place).ok_or(Unreadable::Truncated)?;
        Ok(address.to_canonical())
    };
    Ok(Ip {
        source: address(8)?,
        destination: address(24)?,
        protocol,
        payload,
    })
}

/// Skips extension headers; each begins with the number of the next one and, but for the fragment header, its
/// own length.
fn behind_extensions(mut next: u8, mut rest: &[u8]) -> Result<(u8, &[u8]), Unreadable> {
    for _ in 0..=MAX_EXTENSION_HEADERS {
        let length = |unit: usize| {
            let units = rest.get(1).ok_or(Unreadable::Truncated)?;
            Ok(8 + unit * usize::from(*units))
        };
        let length = match next {
            extension::HOP_BY_HOP
            | extension::ROUTING
            | extension::DESTINATION_OPTIONS
            | extension::MOBILITY => length(8)?,
            // RFC 4302 2.2: in words of four bytes, less two.
            extension::AUTHENTICATION => length(4)?,
            extension::FRAGMENT => {
                // The offset, above three bits of flags.
                if bytes::be16(rest, 2).ok_or(Unreadable::Truncated)? & 0xfff8 != 0 {
                    return Err(Unreadable::Fragment);
                }
                8
            }
            _ => return Ok((next, rest)),
        };
        next = *rest.first().ok_or(Unreadable::Truncated)?;
        rest = rest.get(length..).ok_or(Unreadable::Truncated)?;
    }
    Err(Unreadable::OtherTransport)
}
