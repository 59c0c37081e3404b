//! What strangers send fills no memory, and what is lost is counted.

use sniffer::{DnsFate, HandshakeFate, PacketFate, limits};
use testkit::dns::{A, query};
use testkit::frames::{SYN, Segment, tcp, udp};

use crate::node::{Node, at};

#[test]
fn a_flood_of_syns_pushes_out_the_oldest() {
    let mut node = Node::new();
    let flood = u32::try_from(limits::MAX_HANDSHAKES + 1_000).unwrap();
    let (client, server) = (at("10.244.0.5:40000"), at("10.244.0.9:8080"));
    for sequence in 0..flood {
        node.waits(-1);
        node.captures(&tcp(
            client,
            server,
            Segment {
                flags: SYN,
                sequence,
                ..Segment::default()
            },
        ));
    }
    assert_eq!(
        node.collector.held_handshakes(),
        limits::MAX_HANDSHAKES as u64
    );
    assert_eq!(node.collector.lost_handshakes(), 1_000);
    assert_eq!(node.handshake(HandshakeFate::Syn), u64::from(flood));
}

#[test]
fn a_flood_of_questions_pushes_out_the_oldest() {
    let mut node = Node::new();
    let question = |port: u16, id: u16| {
        let client = std::net::SocketAddr::from(([10, 244, 0, 5], port));
        udp(client, at("10.96.0.10:53"), &query(id, "a.example", A))
    };
    for port in 1..=3 {
        for id in 0..=u16::MAX {
            node.waits(-1);
            node.captures(&question(port, id));
        }
    }
    assert_eq!(node.collector.held_questions(), limits::MAX_QUESTIONS);
    assert_eq!(node.dns(DnsFate::Question), 3 * 65_536);
    assert_eq!(
        node.collector.lost_questions(),
        3 * 65_536 - limits::MAX_QUESTIONS as u64
    );
}

/// A table that nobody drains takes no more, and says so for each.
#[test]
fn observations_beyond_the_table_are_counted() {
    let mut node = Node::new();
    let over = 500;
    for number in 0..u32::try_from(limits::MAX_KEYS + over).unwrap() {
        let [_, a, b, c] = number.to_be_bytes();
        let (client, server) = (
            at("10.244.0.5:40000"),
            std::net::SocketAddr::from(([11, a, b, c], 80)),
        );
        node.captures(&tcp(
            client,
            server,
            Segment {
                flags: SYN,
                sequence: number,
                ..Segment::default()
            },
        ));
        let accepted = Segment {
            flags: SYN | testkit::frames::ACK,
            acknowledgement: number.wrapping_add(1),
            ..Segment::default()
        };
        node.captures(&tcp(server, client, accepted));
    }
    assert_eq!(node.observations().len(), limits::MAX_KEYS);
    assert_eq!(node.collector.lost_handshakes(), over as u64);
}

/// Every packet has one fate, whatever it is.
#[test]
fn packets_add_up() {
    let mut node = Node::new();
    let (client, server) = (at("10.244.0.5:40000"), at("10.244.0.9:8080"));
    node.captures(&udp(client, server, b"other"))
        .captures(&tcp(client, server, Segment::default()))
        .captures(&[0x45, 0])
        .captures(b"");
    let packets = node.collector.packets();
    assert_eq!(packets.total(), 4);
    assert_eq!(
        (
            packets.get(&PacketFate::OtherUdp),
            packets.get(&PacketFate::OtherTcp)
        ),
        (1, 1)
    );
}
