use std::net::IpAddr;
use std::time::Duration;

use kernel::socket_events::{BadRecord, Opened, SocketEvent, What};
use map::Time;
use sniffer::SocketEventFate;
use testkit::frames::{ACK, RST, SYN, Segment, tcp};

use crate::node::{Node, at};

const HOST: &str = "172.18.0.2:40000";
const CLIENT: &str = "10.244.0.5:40000";
const SERVICE: &str = "10.96.0.20:80";
const SERVER: &str = "10.244.0.9:8080";

const POD: &str = "00000000-0000-0000-0000-000000000005";
const SEQUENCE: u32 = u32::MAX;

/// Network namespaces.
const NODES: u32 = 1;
const CLIENTS: u32 = 2;
const SERVERS: u32 = 3;

fn event(namespace: u32, local: &str, remote: &str, what: What) -> SocketEvent {
    SocketEvent {
        at: Duration::ZERO,
        namespace,
        local: at(local),
        remote: at(remote),
        sequence: SEQUENCE,
        what,
    }
}

fn opened(outcome: Opened) -> What {
    What::Opened {
        outcome,
        pod: Some(5),
    }
}

fn segment(flags: u8, from: &str, to: &str) -> Vec<u8> {
    let answers = flags != SYN;
    let segment = Segment {
        flags,
        sequence: if answers { 1 } else { SEQUENCE },
        acknowledgement: if answers { SEQUENCE.wrapping_add(1) } else { 0 },
        ..Segment::default()
    };
    tcp(at(from), at(to), segment)
}

impl Node {
    fn hears(&mut self, event: SocketEvent) -> &mut Self {
        let now = self.now();
        self.collector
            .socket_event(now, Ok(event), event.namespace == NODES);
        self
    }

    /// Lets the packets' time go by, on a node whose pod has the client's address.
    fn hears_no_more(&mut self) -> &mut Self {
        let now = self.waits(3_000).now();
        let is_here = |address: IpAddr| address == at(CLIENT).ip();
        self.collector
            .expire_socket_events(now, is_here, &mut self.aggregate);
        self
    }

    fn fate(&self, fate: SocketEventFate) -> u64 {
        self.collector.socket_events().get(&fate)
    }

    /// `pod: client → meant (reached) outcome`, where the pod is known.
    fn pods(&mut self) -> Vec<String> {
        let all = self.observations();
        let pods = all.iter().filter_map(|one| {
            let pod = one.source.pod_uid?;
            Some(format!("{pod} {}", one.source.address))
        });
        pods.collect()
    }
}

/// On the node's network many pods have one address: the process tells which, whether its word comes before the packets or
/// after.
#[test]
fn a_socket_of_the_nodes_network_tells_its_pod() {
    let told = event(NODES, HOST, SERVICE, opened(Opened::Accepted));
    let refused = event(NODES, HOST, SERVICE, opened(Opened::Refused));
    for (told, flags) in [(told, SYN | ACK), (refused, RST | ACK)] {
        for comes_first in [true, false] {
            let mut node = Node::new();
            if comes_first {
                node.hears(told);
            }
            node.captures(&segment(SYN, HOST, SERVICE))
                .captures(&segment(SYN, HOST, SERVER));
            if !comes_first {
                node.hears(told);
            }
            node.captures(&segment(flags, SERVER, HOST));
            assert_eq!(node.pods(), [format!("{POD} 172.18.0.2")]);
            assert_eq!(node.fate(SocketEventFate::Packets), 1);
            // It is one connection.
            node.hears_no_more();
            assert_eq!(node.connections(), [""; 0]);
            assert_eq!(node.collector.held_socket_events(), 0);
        }
    }
}

/// A proxy in a pod's network may be another pod's process; the address is the pod's.
#[test]
fn elsewhere_the_address_tells_the_pod() {
    let mut node = Node::new();
    node.captures(&segment(SYN, CLIENT, SERVER))
        .hears(event(CLIENTS, CLIENT, SERVER, opened(Opened::Accepted)))
        .captures(&segment(SYN | ACK, SERVER, CLIENT));
    assert_eq!(node.pods(), [""; 0]);
}

/// The same sequence number from another end is another connection.
#[test]
fn strangers_are_not_joined() {
    let mut node = Node::new();
    node.hears(event(NODES, HOST, SERVICE, opened(Opened::Accepted)))
        .captures(&segment(SYN, CLIENT, SERVER))
        .captures(&segment(SYN | ACK, SERVER, CLIENT));
    assert_eq!(node.pods(), [""; 0]);
    assert_eq!(node.collector.held_socket_events(), 1);
}

#[test]
fn a_connection_without_packets_is_told_by_itself() {
    let mut node = Node::new();
    node.hears(event(CLIENTS, CLIENT, SERVICE, opened(Opened::Accepted)));
    assert_eq!(node.connections(), [""; 0]);
    node.hears_no_more();
    assert_eq!(node.connections(), ["10.244.0.5 → 10.96.0.20:80 accepted"]);
    // Once.
    node.hears_no_more();
    assert_eq!(node.connections(), [""; 0]);
    node.hears(event(CLIENTS, CLIENT, SERVER, opened(Opened::Refused)))
        .hears_no_more();
    assert_eq!(node.connections(), ["10.244.0.5 → 10.244.0.9:8080 refused"]);
    assert_eq!(node.fate(SocketEventFate::Alone), 2);
}

/// The socket that accepted it tells which server stands behind the address that was meant.
#[test]
fn the_servers_socket_tells_the_server() {
    let mut node = Node::new();
    node.hears(event(CLIENTS, CLIENT, SERVICE, opened(Opened::Accepted)))
        .hears(event(SERVERS, SERVER, CLIENT, What::Accepted))
        .hears_no_more();
    assert_eq!(
        node.connections(),
        ["10.244.0.5 → 10.96.0.20:80 (10.244.0.9:8080) accepted"]
    );
}

/// A proxy beside the client takes what was meant for others, and may call somebody else.
#[test]
fn what_ends_in_its_own_namespace_is_no_call() {
    let mut node = Node::new();
    node.hears(event(CLIENTS, CLIENT, SERVICE, opened(Opened::Accepted)))
        .hears(event(CLIENTS, "127.0.0.1:15001", CLIENT, What::Accepted))
        .hears(event(
            CLIENTS,
            "127.0.0.1:40001",
            "127.0.0.1:15001",
            opened(Opened::Accepted),
        ))
        .hears_no_more();
    assert_eq!(node.connections(), [""; 0]);
    assert_eq!(node.fate(SocketEventFate::Local), 2);
}

/// The proxy's event may be among those that were lost.
#[test]
fn after_a_loss_nothing_is_told_by_itself() {
    let mut node = Node::new();
    node.hears(event(CLIENTS, CLIENT, SERVICE, opened(Opened::Accepted)));
    node.collector.socket_events_lost(1);
    node.hears_no_more();
    assert_eq!(node.connections(), [""; 0]);
    assert_eq!(node.fate(SocketEventFate::TableFull), 1);
}

#[test]
fn what_nobody_answered_or_is_not_of_this_node_is_counted() {
    let mut node = Node::new();
    node.hears(event(CLIENTS, CLIENT, SERVICE, opened(Opened::GivenUp)))
        .hears(event(
            9,
            "10.244.7.5:40000",
            SERVICE,
            opened(Opened::Accepted),
        ))
        .hears_no_more();
    node.collector
        .socket_event(Time::from_secs(0), Err(BadRecord), false);
    assert_eq!(node.connections(), [""; 0]);
    let fates = [
        SocketEventFate::GivenUp,
        SocketEventFate::Elsewhere,
        SocketEventFate::Malformed,
    ];
    assert_eq!(fates.map(|fate| node.fate(fate)), [1, 1, 1]);
}

/// Where networking hides the answers, the client's socket knows.
#[test]
fn an_answer_that_was_not_captured_is_told_by_the_socket() {
    let mut node = Node::new();
    node.captures(&segment(SYN, CLIENT, SERVER))
        .hears(event(CLIENTS, CLIENT, SERVER, opened(Opened::Accepted)))
        .waits(31_000)
        .expires();
    assert_eq!(
        node.connections(),
        ["10.244.0.5 → 10.244.0.9:8080 accepted"]
    );
}

/// Translated before the first capture: the other end and the number are the same.
#[test]
fn a_masquerade_inside_the_pod_is_one_connection() {
    let mut node = Node::new();
    node.hears(event(
        9,
        "192.168.7.2:5000",
        SERVER,
        opened(Opened::Accepted),
    ))
    .captures(&segment(SYN, CLIENT, SERVER))
    .captures(&segment(SYN | ACK, SERVER, CLIENT));
    assert_eq!(
        node.connections(),
        ["10.244.0.5 → 10.244.0.9:8080 accepted"]
    );
    node.hears_no_more();
    assert_eq!(node.connections(), [""; 0]);
    assert_eq!(node.fate(SocketEventFate::Packets), 1);
}

#[test]
fn more_than_the_table_holds_is_counted() {
    let mut node = Node::new();
    let all = sniffer::limits::MAX_OPENED + 10;
    for number in 0..all {
        let mut told = event(CLIENTS, CLIENT, SERVICE, opened(Opened::Accepted));
        told.sequence = u32::try_from(number).unwrap();
        node.hears(told);
    }
    assert_eq!(node.fate(SocketEventFate::TableFull), 10);
    let held = node.collector.held_socket_events();
    assert_eq!(held, sniffer::limits::MAX_OPENED);
    let total = node.collector.socket_events().total() + held as u64;
    assert_eq!(total, all as u64);
}
