//! TCP (RFC 9293) and UDP (RFC 768).

use super::{Tcp, TcpFlags, Transport, Udp, Unreadable};
use crate::bytes;

/// IANA protocol numbers.
mod protocol {
    pub(super) const TCP: u8 = 6;
    pub(super) const UDP: u8 = 17;
}

/// TCP options (IANA).
mod option {
    pub(super) const END: u8 = 0;
    pub(super) const NO_OPERATION: u8 = 1;
    pub(super) const TIMESTAMPS: u8 = 8;
}

pub(super) fn parse(protocol: u8, segment: &[u8]) -> Result<Transport<'_>, Unreadable> {
    match protocol {
        protocol::TCP => tcp(segment).map(Transport::Tcp),
        protocol::UDP => udp(segment).map(Transport::Udp),
        _ => Err(Unreadable::OtherTransport),
    }
}

fn udp(datagram: &[u8]) -> Result<Udp<'_>, Unreadable> {
    let header = datagram.first_chunk::<8>().ok_or(Unreadable::Truncated)?;
    // Zero is the length of a jumbogram (RFC 2675 4), or left by segmentation offload.
    let end = match u16::from_be_bytes([header[4], header[5]]) {
        0 => datagram.len(),
        length => usize::from(length).min(datagram.len()),
    };
    Ok(Udp {
        source_port: u16::from_be_bytes([header[0], header[1]]),
        destination_port: u16::from_be_bytes([header[2], header[3]]),
        payload: datagram.get(8..end).ok_or(Unreadable::Truncated)?,
    })
}

fn tcp(segment: &[u8]) -> Result<Tcp<'_>, Unreadable> {
    let header = segment.first_chunk::<20>().ok_or(Unreadable::Truncated)?;
    let data_offset = usize::from(header[12] >> 4) * 4;
    if data_offset < header.len() {
        return Err(Unreadable::Truncated);
    }
    // A capture may be cut inside the options: then they, and the payload, are what is there.
    let (header_length, payload) = match segment.get(data_offset..) {
        Some(payload) => (data_offset, payload),
        None => (segment.len(), [].as_slice()),
    };
    Ok(Tcp {
        source_port: u16::from_be_bytes([header[0], header[1]]),
        destination_port: u16::from_be_bytes([header[2], header[3]]),
        sequence: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        acknowledgement: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
        flags: TcpFlags(header[13]),
        timestamp: segment.get(20..header_length).and_then(timestamp),
        payload,
    })
}

/// The sender's value of the timestamps option (RFC 7323 3.2), among at most 40 bytes of options.
fn timestamp(mut options: &[u8]) -> Option<u32> {
    loop {
        match *options.first()? {
            option::END => return None,
            option::NO_OPERATION => options = options.get(1..)?,
            option::TIMESTAMPS => return bytes::be32(options, 2),
            _ => {
                // The length counts the option's two first bytes; less would not move on.
                let length = usize::from(*options.get(1)?).max(2);
                options = options.get(length..)?;
            }
        }
    }
}
