//! A frame: whatever the link layer, the same IP packet reads alike, and nothing comes out that was not in it.
#![no_main]

use kernel::packet::{self, LinkType, Packet, Transport, Unreadable};
use libfuzzer_sys::fuzz_target;

const LINKS: [LinkType; 4] = [
    LinkType::Ethernet,
    LinkType::LinuxSll,
    LinkType::LinuxSll2,
    LinkType::RawIp,
];

fuzz_target!(|frame: &[u8]| {
    for link in LINKS {
        if let Ok(packet) = packet::parse(link, frame) {
            check(&packet, frame);
        }
    }
    reads_alike_behind_every_link_layer(frame);
});

fn check(packet: &Packet<'_>, frame: &[u8]) {
    assert_eq!(packet.source, packet.source.to_canonical());
    assert_eq!(packet.destination, packet.destination.to_canonical());
    let (payload, header) = match packet.transport {
        Transport::Tcp(segment) => (segment.payload, 20),
        Transport::Udp(datagram) => (datagram.payload, 8),
    };
    // An IPv4 header has at least 20 bytes.
    assert!(payload.len() + header + 20 <= frame.len());
    let within = frame.as_ptr_range();
    let place = payload.as_ptr_range();
    assert!(payload.is_empty() || within.start <= place.start && place.end <= within.end);
}

fn reads_alike_behind_every_link_layer(ip: &[u8]) {
    let ethertype = match ip.first().map(|first| first >> 4) {
        Some(4) => [0x08, 0x00],
        Some(6) => [0x86, 0xdd],
        _ => return,
    };
    let bare = packet::parse(LinkType::RawIp, ip);
    let vlan = [&[0_u8; 12], [0x81, 0x00, 0x00, 0x01].as_slice(), &ethertype].concat();
    let headers = [
        (
            LinkType::Ethernet,
            [&[0_u8; 12], ethertype.as_slice()].concat(),
        ),
        (LinkType::Ethernet, vlan),
        (
            LinkType::LinuxSll,
            [&[0_u8; 14], ethertype.as_slice()].concat(),
        ),
        (
            LinkType::LinuxSll2,
            [ethertype.as_slice(), &[0_u8; 18]].concat(),
        ),
    ];
    for (link, header) in headers {
        let frame = [header.as_slice(), ip].concat();
        let behind: Result<Packet<'_>, Unreadable> = packet::parse(link, &frame);
        assert_eq!(behind, bare, "behind {link:?}");
    }
}
