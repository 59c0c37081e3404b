//! Capture files.

/// Link types in capture files.
pub mod link {
    /// Ethernet.
    pub const ETHERNET: u32 = 1;
    /// Raw IP.
    pub const RAW: u32 = 101;
    /// Linux cooked capture, version 1.
    pub const SLL: u32 = 113;
    /// Linux cooked capture, version 2.
    pub const SLL2: u32 = 276;
}

/// A frame with its time in nanoseconds since the epoch.
pub type Timed = (i64, Vec<u8>);

/// The header of a pcap file in this machine's order, with microseconds.
pub fn pcap_header(link: u32) -> Vec<u8> {
    let mut bytes = 0xa1b2_c3d4_u32.to_ne_bytes().to_vec();
    bytes.extend(2_u16.to_ne_bytes());
    bytes.extend(4_u16.to_ne_bytes());
    for field in [0, 0, 262_144, link] {
        bytes.extend(field.to_ne_bytes());
    }
    bytes
}

/// One record of such a file.
pub fn pcap_record(nanos: i64, frame: &[u8]) -> Vec<u8> {
    let micros = nanos / 1_000;
    let length = frame.len() as u32;
    let mut bytes = Vec::with_capacity(16 + frame.len());
    for field in [
        (micros / 1_000_000) as u32,
        (micros % 1_000_000) as u32,
        length,
        length,
    ] {
        bytes.extend(field.to_ne_bytes());
    }
    bytes.extend(frame);
    bytes
}

/// A pcap file.
pub fn pcap(link: u32, frames: &[Timed]) -> Vec<u8> {
    let mut bytes = pcap_header(link);
    for (nanos, frame) in frames {
        bytes.extend(pcap_record(*nanos, frame));
    }
    bytes
}

/// A pcapng file in big-endian order with one interface that counts nanoseconds, and a block of statistics, which
/// readers skip.
pub fn pcapng(link: u32, frames: &[Timed]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut section = 0x1a2b_3c4d_u32.to_be_bytes().to_vec();
    section.extend([0, 1, 0, 0]);
    section.extend([0xff; 8]);
    block(&mut bytes, 0x0a0d_0d0a, &section);
    let mut interface = (link as u16).to_be_bytes().to_vec();
    interface.extend([0, 0, 0, 0, 0, 0]);
    // Resolution: 10^-9; then the end of options.
    interface.extend([0, 9, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0]);
    block(&mut bytes, 1, &interface);
    for (nanos, frame) in frames {
        let mut packet = vec![0; 4];
        packet.extend(nanos.to_be_bytes());
        packet.extend((frame.len() as u32).to_be_bytes());
        packet.extend((frame.len() as u32).to_be_bytes());
        packet.extend(frame);
        block(&mut bytes, 6, &packet);
    }
    block(&mut bytes, 5, &[0; 12]);
    bytes
}

fn block(bytes: &mut Vec<u8>, block_type: u32, body: &[u8]) {
    let padded = body.len().next_multiple_of(4);
    let length = (12 + padded) as u32;
    bytes.extend(block_type.to_be_bytes());
    bytes.extend(length.to_be_bytes());
    bytes.extend(body);
    bytes.resize(bytes.len() + padded - body.len(), 0);
    bytes.extend(length.to_be_bytes());
}
