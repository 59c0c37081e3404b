use sniffer::HandshakeFate;
use testkit::frames::{ACK, ECN, RST, SYN, Segment, tcp};

use crate::node::{Node, at};

const CLIENT: &str = "10.244.0.5:40000";
const SERVICE: &str = "10.96.0.20:80";
const SERVER: &str = "10.244.0.9:8080";

/// The client's sequence number, which translation leaves as it is.
const SEQUENCE: u32 = u32::MAX;

fn syn(from: &str, to: &str) -> Vec<u8> {
    marked_syn(from, to, None)
}

fn marked_syn(from: &str, to: &str, timestamp: Option<u32>) -> Vec<u8> {
    let segment = Segment {
        flags: SYN | ECN,
        sequence: SEQUENCE,
        timestamp,
        ..Segment::default()
    };
    tcp(at(from), at(to), segment)
}

fn reply(flags: u8, from: &str, to: &str) -> Vec<u8> {
    let acknowledgement = SEQUENCE.wrapping_add(1);
    tcp(
        at(from),
        at(to),
        Segment {
            flags,
            sequence: 1,
            acknowledgement,
            ..Segment::default()
        },
    )
}

fn syn_ack(from: &str, to: &str) -> Vec<u8> {
    reply(SYN | ACK, from, to)
}

#[test]
fn a_direct_connection() {
    let mut node = Node::new();
    node.captures(&syn(CLIENT, SERVER))
        .captures(&syn_ack(SERVER, CLIENT));
    assert_eq!(
        node.connections(),
        ["10.244.0.5 → 10.244.0.9:8080 accepted"]
    );
}

#[test]
fn a_service_is_joined_to_the_server_behind_it() {
    let mut node = Node::new();
    node.captures(&syn(CLIENT, SERVICE))
        .captures(&syn(CLIENT, SERVER))
        .captures(&syn_ack(SERVER, CLIENT))
        .captures(&syn_ack(SERVICE, CLIENT));
    assert_eq!(
        node.connections(),
        ["10.244.0.5 → 10.96.0.20:80 (10.244.0.9:8080) accepted"]
    );
    let fates = [
        HandshakeFate::Syn,
        HandshakeFate::SynCopy,
        HandshakeFate::Accepted,
        HandshakeFate::SynAckCopy,
    ];
    assert_eq!(fates.map(|fate| node.handshake(fate)), [1, 1, 1, 1]);
}

/// The translated SYN left by an interface that was not captured.
#[test]
fn an_answer_from_elsewhere_tells_the_server() {
    let mut node = Node::new();
    node.captures(&syn(CLIENT, SERVICE))
        .captures(&syn_ack(SERVER, CLIENT));
    assert_eq!(
        node.connections(),
        ["10.244.0.5 → 10.96.0.20:80 (10.244.0.9:8080) accepted"]
    );
}

#[test]
fn masquerade_does_not_change_the_client() {
    let mut node = Node::new();
    node.captures(&syn(CLIENT, "93.184.216.34:443"))
        .captures(&syn("172.18.0.2:51234", "93.184.216.34:443"))
        .captures(&syn_ack("93.184.216.34:443", "172.18.0.2:51234"))
        .captures(&syn_ack("93.184.216.34:443", CLIENT));
    assert_eq!(
        node.connections(),
        ["10.244.0.5 → 93.184.216.34:443 accepted"]
    );
}

/// NodePort and hairpin: both ends change at once, and only sequence number and timestamp stay.
#[test]
fn both_ends_translated_are_joined_by_the_timestamp() {
    let mut node = Node::new();
    let masked = "172.18.0.2:51234";
    node.captures(&marked_syn(CLIENT, "172.18.0.2:30080", Some(77)))
        .captures(&marked_syn(masked, SERVER, Some(77)))
        .captures(&syn_ack(SERVER, masked))
        .captures(&syn_ack("172.18.0.2:30080", CLIENT));
    assert_eq!(
        node.connections(),
        ["10.244.0.5 → 172.18.0.2:30080 (10.244.0.9:8080) accepted"]
    );
}

#[test]
fn strangers_with_one_sequence_number_are_not_joined() {
    let mut node = Node::new();
    node.captures(&marked_syn(CLIENT, SERVER, Some(1)))
        .captures(&marked_syn("10.244.0.6:40001", "10.244.0.10:8080", Some(2)))
        .captures(&syn_ack("10.244.0.10:8080", "10.244.0.6:40001"));
    assert_eq!(
        node.connections(),
        ["10.244.0.6 → 10.244.0.10:8080 accepted"]
    );
}

#[test]
fn a_refusal_is_an_attempt() {
    let mut node = Node::new();
    node.captures(&syn(CLIENT, SERVER))
        .captures(&reply(RST | ACK, SERVER, CLIENT))
        .captures(&reply(RST | ACK, SERVER, CLIENT));
    assert_eq!(node.connections(), ["10.244.0.5 → 10.244.0.9:8080 refused"]);
    assert_eq!(node.handshake(HandshakeFate::RefusedCopy), 1);
}

#[test]
fn a_reset_of_an_open_connection_changes_nothing() {
    let mut node = Node::new();
    node.captures(&syn(CLIENT, SERVER))
        .captures(&syn_ack(SERVER, CLIENT))
        .captures(&reply(RST | ACK, SERVER, CLIENT))
        .captures(&reply(RST, SERVER, CLIENT));
    assert_eq!(
        node.connections(),
        ["10.244.0.5 → 10.244.0.9:8080 accepted"]
    );
    assert_eq!(node.handshake(HandshakeFate::OtherReset), 2);
}

#[test]
fn a_client_disowns_what_somebody_else_sent_in_its_name() {
    let disowning = tcp(
        at(CLIENT),
        at(SERVER),
        Segment {
            flags: RST,
            sequence: SEQUENCE.wrapping_add(1),
            ..Segment::default()
        },
    );
    let mut node = Node::new();
    node.captures(&syn(CLIENT, SERVER))
        .captures(&syn_ack(SERVER, CLIENT))
        .captures(&disowning);
    assert_eq!(node.handshake(HandshakeFate::Disowned), 1);
    assert_eq!(node.waits(40_000).expires().connections(), [""; 0]);
    // Later it is only a client that goes away rudely.
    node.captures(&syn(CLIENT, SERVER))
        .captures(&syn_ack(SERVER, CLIENT))
        .waits(10)
        .captures(&disowning);
    assert_eq!(
        node.connections(),
        ["10.244.0.5 → 10.244.0.9:8080 accepted"]
    );
}

#[test]
fn nobody_answers() {
    let mut node = Node::new();
    // With its retransmission.
    node.captures(&syn(CLIENT, SERVER))
        .waits(1_000)
        .captures(&syn(CLIENT, SERVER));
    assert_eq!(node.collector.held_handshakes(), 1);
    assert_eq!(node.connections(), [""; 0]);
    node.waits(30_001).expires();
    assert_eq!(
        node.connections(),
        ["10.244.0.5 → 10.244.0.9:8080 unanswered"]
    );
    assert_eq!(node.collector.held_handshakes(), 0);
    // An answer that comes too late finds nothing.
    node.captures(&syn_ack(SERVER, CLIENT));
    assert_eq!(node.handshake(HandshakeFate::Unmatched), 1);
}

#[test]
fn an_answer_alone_is_no_connection() {
    let mut node = Node::new();
    node.captures(&syn_ack(SERVER, CLIENT));
    // The right ends, but an acknowledgement of something else.
    node.captures(&syn(CLIENT, SERVER));
    let wrong = Segment {
        flags: SYN | ACK,
        acknowledgement: 5,
        ..Segment::default()
    };
    node.captures(&tcp(at(SERVER), at(CLIENT), wrong));
    assert_eq!(node.connections(), [""; 0]);
    assert_eq!(node.handshake(HandshakeFate::Unmatched), 2);
}

#[test]
fn ipv6_is_the_same() {
    let mut node = Node::new();
    let (client, service, server) = ("[fd00::5]:40000", "[fd00:96::1]:80", "[fd00::9]:8080");
    node.captures(&syn(client, service))
        .captures(&syn(client, server))
        .captures(&syn_ack(server, client));
    assert_eq!(
        node.connections(),
        ["fd00::5 → [fd00:96::1]:80 ([fd00::9]:8080) accepted"]
    );
}
