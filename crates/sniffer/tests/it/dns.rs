use std::net::IpAddr;

use sniffer::DnsFate;
use testkit::dns::{A, answer, answer_by_way_of, failure, over_tcp, query};
use testkit::frames::{ACK, SYN, Segment, tcp, udp};

use crate::node::{Node, at};

const CLIENT: &str = "10.244.0.5:40000";
const SERVICE: &str = "10.96.0.10:53";
const SERVER: &str = "10.244.0.2:53";
const NAME: &str = "cart.shop.svc.cluster.local";

fn cart() -> [IpAddr; 1] {
    [IpAddr::from([10, 96, 0, 20])]
}

fn asks(from: &str, to: &str, id: u16, name: &str) -> Vec<u8> {
    udp(at(from), at(to), &query(id, name, A))
}

fn answers(from: &str, to: &str, id: u16, name: &str) -> Vec<u8> {
    udp(at(from), at(to), &answer(id, name, &cart(), 30))
}

#[test]
fn an_exchange_counts_once_however_often_it_is_captured() {
    let mut node = Node::new();
    // Before and after the translation of the server's address, both ways.
    node.captures(&asks(CLIENT, SERVICE, 7, NAME))
        .captures(&asks(CLIENT, SERVER, 7, NAME))
        .captures(&answers(SERVER, CLIENT, 7, NAME))
        .captures(&answers(SERVICE, CLIENT, 7, NAME));
    let observations = node.observations();
    assert_eq!(observations.len(), 1);
    assert_eq!((observations[0].connections, observations[0].ttl), (1, 30));
    let fates = [
        DnsFate::Question,
        DnsFate::QuestionCopy,
        DnsFate::Answer,
        DnsFate::AnswerCopy,
    ];
    assert_eq!(fates.map(|fate| node.dns(fate)), [1, 1, 1, 1]);
}

#[test]
fn capitals_and_aliases_do_not_matter() {
    let mut node = Node::new();
    // Mixed case (0x20) in the question, another in the answer.
    node.captures(&asks(CLIENT, SERVER, 7, "CaRt.Shop.svc.cluster.local"));
    let message = answer_by_way_of(
        7,
        "cArt.shop.svc.cluster.local",
        &["alias.example"],
        &cart(),
        5,
    );
    node.captures(&udp(at(SERVER), at(CLIENT), &message));
    assert_eq!(
        node.answers(),
        ["10.244.0.5 → cart.shop.svc.cluster.local = 10.96.0.20"]
    );
}

#[test]
fn nobody_forges_an_edge_by_answering() {
    let mut node = Node::new();
    node.captures(&answers(SERVER, CLIENT, 7, NAME));
    node.captures(&asks(CLIENT, SERVER, 8, NAME));
    // Another id, another name, another port, too late.
    node.captures(&answers(SERVER, CLIENT, 9, NAME));
    node.captures(&answers(
        SERVER,
        CLIENT,
        8,
        "payments.shop.svc.cluster.local",
    ));
    node.captures(&answers(SERVER, "10.244.0.5:40001", 8, NAME));
    node.waits(10_001)
        .captures(&answers(SERVER, CLIENT, 8, NAME));
    assert_eq!(node.answers(), [""; 0]);
    assert_eq!(node.dns(DnsFate::Unasked), 5);
}

/// Answered questions make room, unanswered ones wait for as long as a resolver does.
#[test]
fn a_late_answer_counts_and_what_was_answered_is_forgotten_soon() {
    let mut node = Node::new();
    for id in 0..100 {
        node.captures(&asks(CLIENT, SERVER, id, NAME))
            .captures(&answers(SERVER, CLIENT, id, NAME));
    }
    node.captures(&asks(CLIENT, SERVER, 100, NAME));
    assert_eq!(node.questions(), 101);
    node.waits(3_000).expires();
    assert_eq!(node.questions(), 1);
    node.waits(6_000)
        .captures(&answers(SERVER, CLIENT, 100, NAME))
        .captures(&answers(SERVER, CLIENT, 100, NAME));
    assert_eq!(node.dns(DnsFate::Answer), 101);
    assert_eq!(node.dns(DnsFate::AnswerCopy), 1);
    node.expires();
    assert_eq!(node.questions(), 0);
}

#[test]
fn no_address_is_no_observation() {
    let mut node = Node::new();
    node.captures(&asks(CLIENT, SERVER, 7, NAME));
    node.captures(&udp(at(SERVER), at(CLIENT), &failure(7, NAME, 3)));
    assert_eq!(node.answers(), [""; 0]);
    assert_eq!(node.dns(DnsFate::Empty), 1);
}

/// What a DNS server asks its upstream is asked for others.
#[test]
fn recursion_is_not_the_servers_own_call() {
    let mut node = Node::new();
    let upstream = "8.8.8.8:53";
    node.captures(&asks(CLIENT, SERVER, 7, NAME))
        .captures(&answers(SERVER, CLIENT, 7, NAME));
    node.captures(&asks("10.244.0.2:50000", upstream, 9, "api.example.com"))
        .captures(&answers(upstream, "10.244.0.2:50000", 9, "api.example.com"));
    assert_eq!(
        node.answers(),
        [format!("10.244.0.5 → {NAME} = 10.96.0.20")]
    );
    assert_eq!(node.dns(DnsFate::Recursion), 1);
}

/// The first question of all may be one that its server has to pass on: it has answered nobody before.
#[test]
fn recursion_is_known_by_the_question_that_it_is_for() {
    let mut node = Node::new();
    let upstream = "8.8.8.8:53";
    let (name, other) = ("api.example.com", "www.example.com");
    node.captures(&asks(CLIENT, SERVER, 7, name))
        .captures(&asks("10.244.0.2:50000", upstream, 9, name))
        .captures(&answers(upstream, "10.244.0.2:50000", 9, name));
    assert_eq!(node.answers(), [""; 0]);
    assert_eq!(node.dns(DnsFate::Recursion), 1);
    node.captures(&answers(SERVER, CLIENT, 7, name));
    // Nobody asked the client for this.
    node.captures(&asks(CLIENT, upstream, 8, other))
        .captures(&answers(upstream, CLIENT, 8, other));
    let expected = [name, other].map(|name| format!("10.244.0.5 → {name} = 10.96.0.20"));
    assert_eq!(node.answers(), expected);
}

/// On the way back to a process of the node, an answer is captured behind the translation of its destination, too.
#[test]
fn a_copy_to_another_address_is_a_copy() {
    let mut node = Node::new();
    let (masked, own) = ("10.244.0.1:61000", "192.168.7.1:40000");
    node.captures(&asks(masked, SERVER, 7, NAME))
        .captures(&answers(SERVER, masked, 7, NAME))
        .captures(&answers(SERVICE, own, 7, NAME));
    assert_eq!(
        node.answers(),
        [format!("10.244.0.1 → {NAME} = 10.96.0.20")]
    );
    let fates = [DnsFate::AnswerCopy, DnsFate::Unasked];
    assert_eq!(fates.map(|fate| node.dns(fate)), [1, 0]);
    node.captures(&answers(SERVICE, own, 8, NAME));
    assert_eq!(node.dns(DnsFate::Unasked), 1);
}

#[test]
fn what_is_no_dns_is_counted() {
    let mut node = Node::new();
    node.captures(&udp(at(CLIENT), at(SERVER), b"hello"));
    node.captures(&udp(at(CLIENT), at(SERVER), &answer(7, NAME, &cart(), 30)));
    let mut notify = query(7, NAME, A);
    notify[2] |= 4 << 3; // RFC 1996
    node.captures(&udp(at(CLIENT), at(SERVER), &notify));
    assert_eq!(
        (node.dns(DnsFate::Malformed), node.dns(DnsFate::Stray)),
        (1, 2)
    );
}

/// The start of a connection to a DNS server.
fn opens(node: &mut Node, first: u32) {
    let syn = Segment {
        flags: SYN,
        sequence: 99,
        ..Segment::default()
    };
    let syn_ack = Segment {
        flags: SYN | ACK,
        sequence: first,
        acknowledgement: 100,
        ..Segment::default()
    };
    node.captures(&tcp(at(CLIENT), at(SERVER), syn));
    node.captures(&tcp(at(SERVER), at(CLIENT), syn_ack));
}

#[test]
fn answers_over_tcp_count_in_whatever_segments_they_come() {
    let mut node = Node::new();
    opens(&mut node, u32::MAX - 3);
    let bytes = over_tcp(&answer(7, NAME, &cart(), 30));
    for (start, end) in [(0, 1), (1, 20), (0, 20), (20, bytes.len())] {
        let sequence = (u32::MAX - 2).wrapping_add(u32::try_from(start).unwrap());
        let segment = Segment {
            flags: ACK,
            sequence,
            payload: &bytes[start..end],
            ..Segment::default()
        };
        node.captures(&tcp(at(SERVER), at(CLIENT), segment));
    }
    assert_eq!(
        node.answers(),
        [format!("10.244.0.5 → {NAME} = 10.96.0.20")]
    );
}

#[test]
fn a_stream_without_its_start_tells_nothing() {
    let mut node = Node::new();
    let bytes = over_tcp(&answer(7, NAME, &cart(), 30));
    let segment = Segment {
        flags: ACK,
        sequence: 5,
        payload: &bytes,
        ..Segment::default()
    };
    node.captures(&tcp(at(SERVER), at(CLIENT), segment));
    assert_eq!(node.answers(), [""; 0]);
    let unfollowed = sniffer::PacketFate::DnsUnfollowed;
    assert_eq!(node.collector.packets().get(&unfollowed), 1);
}
