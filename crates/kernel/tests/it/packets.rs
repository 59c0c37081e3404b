use std::net::{IpAddr, SocketAddr};

use kernel::packet::{LinkType, Transport, Unreadable, parse};
use proptest::prelude::*;
use testkit::frames::{self, ACK, ECN, RST, SYN, Segment};

pub(crate) fn socket() -> impl Strategy<Value = SocketAddr> {
    any::<SocketAddr>().prop_map(|socket| match socket {
        // Flow and scope are no part of a packet.
        SocketAddr::V6(v6) => SocketAddr::new(v6.ip().to_canonical(), v6.port()),
        v4 @ SocketAddr::V4(_) => v4,
    })
}

fn link() -> impl Strategy<Value = LinkType> {
    prop_oneof![
        Just(LinkType::Ethernet),
        Just(LinkType::LinuxSll),
        Just(LinkType::LinuxSll2),
        Just(LinkType::RawIp),
    ]
}

fn framed(link: LinkType, tags: &[u16], packet: &[u8]) -> Vec<u8> {
    match link {
        LinkType::Ethernet => frames::ethernet(tags, packet),
        LinkType::LinuxSll => frames::sll(packet),
        LinkType::LinuxSll2 => frames::sll2(packet),
        LinkType::RawIp => packet.to_vec(),
    }
}

/// Hop-by-hop, routing, destination options, mobility, authentication, and an unfragmented fragment header.
fn extension() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let units = |number: u8| {
        (0..3_u8).prop_map(move |units| {
            let mut body = vec![units];
            body.resize(7 + 8 * usize::from(units), 0);
            (number, body)
        })
    };
    let authentication = (2..5_u8).prop_map(|words| {
        let mut body = vec![words];
        body.resize(4 * usize::from(words) + 7, 0);
        (51, body)
    });
    let fragment = Just((44, vec![0, 0, 1, 0, 0, 0, 9]));
    prop_oneof![
        units(0),
        units(43),
        units(60),
        units(135),
        authentication,
        fragment
    ]
}

fn tags() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(prop::sample::select(&[0x8100, 0x88a8, 0x9100][..]), 0..4)
}

proptest! {
    #[test]
    fn every_datagram_comes_back(
        link in link(), tags in tags(), source in socket(), destination in socket(),
        extensions in prop::collection::vec(extension(), 0..8),
        payload in prop::collection::vec(any::<u8>(), 0..64), padding in 0..20_usize,
    ) {
        let mut packet = frames::udp(source, destination, &payload);
        if packet[0] >> 4 == 6 {
            packet = frames::with_extensions(&packet, &extensions);
        }
        let mut frame = framed(link, &tags, &packet);
        frame.resize(frame.len() + padding, 0xee);
        let packet = parse(link, &frame).unwrap();
        prop_assert_eq!(packet.source, source.ip());
        prop_assert_eq!(packet.destination, destination.ip());
        let Transport::Udp(udp) = packet.transport else { panic!("{packet:?}") };
        prop_assert_eq!(udp.source_port, source.port());
        prop_assert_eq!(udp.destination_port, destination.port());
        prop_assert_eq!(udp.payload, payload);
    }

    #[test]
    fn every_segment_comes_back(
        link in link(), source in socket(), destination in socket(), flags in any::<u8>(),
        sequence in any::<u32>(), acknowledgement in any::<u32>(), timestamp in any::<Option<u32>>(),
        payload in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let segment = Segment { flags, sequence, acknowledgement, timestamp, payload: &payload };
        let frame = framed(link, &[], &frames::tcp(source, destination, segment));
        let Transport::Tcp(tcp) = parse(link, &frame).unwrap().transport else { panic!("no TCP") };
        prop_assert_eq!((tcp.source_port, tcp.destination_port), (source.port(), destination.port()));
        prop_assert_eq!((tcp.sequence, tcp.acknowledgement), (sequence, acknowledgement));
        prop_assert_eq!(tcp.flags.syn(), flags & SYN != 0);
        prop_assert_eq!(tcp.flags.ack(), flags & ACK != 0);
        prop_assert_eq!(tcp.flags.rst(), flags & RST != 0);
        prop_assert_eq!(tcp.flags.fin(), flags & frames::FIN != 0);
        prop_assert_eq!(tcp.timestamp, timestamp);
        prop_assert_eq!(tcp.payload, payload);
    }

    /// However little of a frame was kept: an error, or a payload that is the beginning of the whole one.
    #[test]
    fn a_cut_off_frame_is_never_misread(link in link(), source in socket(), destination in socket(), cut in 0..120_usize) {
        let payload = b"what was said";
        let frame = framed(link, &[0x8100], &frames::udp(source, destination, payload));
        let kept = &frame[..cut.min(frame.len())];
        match parse(link, kept) {
            Err(reason) => prop_assert_eq!(reason, Unreadable::Truncated),
            Ok(packet) => {
                let Transport::Udp(udp) = packet.transport else { panic!("no UDP") };
                prop_assert_eq!(packet.source, source.ip());
                prop_assert!(payload.starts_with(udp.payload));
            }
        }
    }

    #[test]
    fn noise_does_no_harm(link in link(), frame in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(packet) = parse(link, &frame) {
            let payload = match packet.transport {
                Transport::Tcp(tcp) => tcp.payload,
                Transport::Udp(udp) => udp.payload,
            };
            prop_assert!(payload.len() < frame.len());
        }
    }
}

fn v4(last: u8, port: u16) -> SocketAddr {
    (IpAddr::from([10, 0, 0, last]), port).into()
}

#[test]
fn ecn_does_not_hide_a_syn() {
    let segment = Segment {
        flags: SYN | ECN,
        ..Segment::default()
    };
    let packet = frames::tcp(v4(1, 40_000), v4(2, 80), segment);
    let Transport::Tcp(tcp) = parse(LinkType::RawIp, &packet).unwrap().transport else {
        panic!("no TCP")
    };
    assert!(tcp.flags.syn() && !tcp.flags.ack());
}

#[test]
fn only_the_first_fragment_has_ports() {
    let mut packet = frames::udp(v4(1, 53), v4(2, 40_000), b"first part");
    packet[6] = 0x20; // more fragments
    assert!(parse(LinkType::RawIp, &packet).is_ok());
    packet[7] = 1; // at offset 8
    assert_eq!(parse(LinkType::RawIp, &packet), Err(Unreadable::Fragment));

    let v6 = |last| SocketAddr::new(IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, last]), 53);
    let packet = frames::udp(v6(1), v6(2), b"last part");
    let later = frames::with_extensions(&packet, &[(44, vec![0, 0, 8, 0, 0, 0, 9])]);
    assert_eq!(parse(LinkType::RawIp, &later), Err(Unreadable::Fragment));
}

#[test]
fn an_ipv4_address_in_ipv6_is_ipv4() {
    let mapped = |last: u16| IpAddr::from([0, 0, 0, 0, 0, 0xffff, 0x0a00, last]);
    let packet = frames::udp(
        SocketAddr::new(mapped(1), 9),
        SocketAddr::new(mapped(2), 9),
        b"",
    );
    let packet = parse(LinkType::RawIp, &packet).unwrap();
    assert_eq!(packet.source, v4(1, 9).ip());
}

#[test]
fn what_is_neither_is_said() {
    let icmp = frames::ip(v4(1, 0).ip(), v4(2, 0).ip(), 1, &[8, 0, 0, 0]);
    assert_eq!(
        parse(LinkType::RawIp, &icmp),
        Err(Unreadable::OtherTransport)
    );
    let mut arp = frames::ethernet(&[], &icmp);
    arp[12..14].copy_from_slice(&[0x08, 0x06]);
    assert_eq!(parse(LinkType::Ethernet, &arp), Err(Unreadable::NotIp));
    let endless = vec![0x8100; 9];
    let frame = frames::ethernet(&endless, &icmp);
    assert_eq!(parse(LinkType::Ethernet, &frame), Err(Unreadable::NotIp));
}

#[test]
fn extension_headers_end_somewhere() {
    let v6 = |last| SocketAddr::new(IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, last]), 53);
    let packet = frames::udp(v6(1), v6(2), b"");
    let many = vec![(60, vec![0; 7]); 9];
    assert_eq!(
        parse(LinkType::RawIp, &frames::with_extensions(&packet, &many)),
        Err(Unreadable::OtherTransport)
    );
}

/// Segmentation offload leaves lengths of zero in captured packets: then the frame's end counts.
#[test]
fn a_length_of_zero_means_the_frame() {
    let mut packet = frames::udp(v4(1, 53), v4(2, 40_000), b"whole");
    packet[2..4].fill(0);
    packet[24..26].fill(0);
    let Transport::Udp(udp) = parse(LinkType::RawIp, &packet).unwrap().transport else {
        panic!("no UDP")
    };
    assert_eq!(udp.payload, b"whole");
}
