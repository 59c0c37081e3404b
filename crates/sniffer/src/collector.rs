//! One packet at a time: whose it is, and what became of it.

use std::hash::BuildHasher;
use std::net::IpAddr;

use kernel::packet::{Packet, Tcp, Transport, Unreadable};
use kernel::socket_events::{BadRecord, SocketEvent};
use map::tally::Tally;
use map::{PodUid, Time};

use crate::aggregate::Aggregate;
use crate::dns::{DNS_PORT, Dns, DnsFate, Ports, QuestionCounts, Way};
use crate::endpoint::Endpoint;
use crate::handshakes::{HandshakeCounts, HandshakeFate, Handshakes};
use crate::opened::{SocketEventFate, SocketEvents};

/// What kind of packet it was. Every packet has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PacketFate {
    /// A UDP datagram from or to port 53.
    Dns,
    /// A TCP segment with DNS answers.
    DnsSegment,
    /// Data from TCP port 53 of a connection whose start was not seen.
    DnsUnfollowed,
    /// SYN, SYN-ACK or RST.
    Handshake,
    /// TCP that starts or refuses no connection.
    OtherTcp,
    /// UDP on other ports.
    OtherUdp,
    /// Could not be read that far.
    Unreadable(Unreadable),
    /// A link type that is not known.
    UnknownLink,
}

impl PacketFate {
    /// The words for it in summaries and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "DNS datagrams",
            Self::DnsSegment => "DNS segments over TCP",
            Self::DnsUnfollowed => "DNS segments without their connection",
            Self::Handshake => "handshakes",
            Self::OtherTcp => "other TCP",
            Self::OtherUdp => "other UDP",
            Self::Unreadable(reason) => reason.as_str(),
            Self::UnknownLink => "unknown link type",
        }
    }
}

/// The collectors of packets on one node, with their tables and counts.
#[derive(Debug)]
pub struct Collector<S> {
    dns: Dns<S>,
    handshakes: Handshakes<S>,
    socket_events: SocketEvents<S>,
    packets: Tally<PacketFate>,
    dns_messages: Tally<DnsFate>,
    handshake_packets: Tally<HandshakeFate>,
    /// The latest time seen; captures are only nearly in order.
    now: Time,
}

impl<S: BuildHasher + Clone> Collector<S> {
    /// Empty tables. The hasher must be keyed: strangers choose the keys.
    pub fn new(hasher: &S) -> Self {
        Self {
            dns: Dns::new(hasher),
            handshakes: Handshakes::new(hasher),
            socket_events: SocketEvents::new(hasher),
            packets: Tally::new(),
            dns_messages: Tally::new(),
            handshake_packets: Tally::new(),
            now: Time::MIN,
        }
    }

    /// Takes one packet that was captured at `at`, or the reason why it could not be read. `pod_uid` is asked
    /// for the owner of a client's address, where this node knows it.
    pub fn packet(
        &mut self,
        at: Time,
        packet: Result<Packet<'_>, PacketFate>,
        pod_uid: impl Fn(IpAddr) -> Option<PodUid>,
        aggregate: &mut Aggregate<S>,
    ) {
        if at > self.now {
            self.now = at;
            self.dns.expire(at);
            self.handshakes.expire(at, aggregate);
        }
        let fate = match packet {
            Ok(packet) => self.sort(at, &packet, pod_uid, aggregate),
            Err(fate) => fate,
        };
        self.packets.add(fate, 1);
    }

    /// Takes what a socket told at `at`. `is_node` says that it is of the node's own network, where only the process tells
    /// whose a connection is.
    pub fn socket_event(&mut self, at: Time, event: Result<SocketEvent, BadRecord>, is_node: bool) {
        match event {
            Ok(event) => self
                .socket_events
                .take(at, &event, is_node, &mut self.handshakes),
            Err(BadRecord) => self.socket_events.malformed(),
        }
    }

    /// So many events of sockets were lost so far, before they came here.
    pub const fn socket_events_lost(&mut self, lost: u64) {
        self.socket_events.lost(lost);
    }

    /// Tells of connections that sockets told of, and packets did not in [`PACKETS_WINDOW`](crate::limits::PACKETS_WINDOW).
    /// `is_here` says whether a pod of this node has an address.
    pub fn expire_socket_events(
        &mut self,
        now: Time,
        is_here: impl Fn(IpAddr) -> bool,
        aggregate: &mut Aggregate<S>,
    ) {
        self.socket_events
            .expire(now, is_here, &mut self.handshakes, aggregate);
    }

    /// Settles what is due at `now` although no packet came.
    pub fn expire(&mut self, now: Time, aggregate: &mut Aggregate<S>) {
        self.now = self.now.max(now);
        self.dns.expire(now);
        self.handshakes.expire(now, aggregate);
    }

    /// Tells what is accepted and waits only for the client to disown it. At the end, when no more packets come.
    pub fn finish(&mut self, aggregate: &mut Aggregate<S>) {
        self.handshakes.tell_accepted(None, aggregate);
    }

    /// Accepted connections that are told within [`ACCEPTED_FOR`](crate::limits::ACCEPTED_FOR), by
    /// [`expire`](Self::expire) or a later packet.
    pub fn untold(&self) -> usize {
        self.handshakes.untold()
    }

    /// Every packet so far, by kind.
    pub const fn packets(&self) -> &Tally<PacketFate> {
        &self.packets
    }

    /// Every event of a socket so far, by what became of it, but for those that wait.
    pub const fn socket_events(&self) -> &Tally<SocketEventFate> {
        self.socket_events.fates()
    }

    /// Connections that sockets told of, and whose packets may come yet.
    pub const fn held_socket_events(&self) -> usize {
        self.socket_events.held()
    }

    /// Every DNS message so far, by what became of it.
    pub const fn dns_messages(&self) -> &Tally<DnsFate> {
        &self.dns_messages
    }

    /// Every packet of a handshake so far, by what became of it.
    pub const fn handshake_packets(&self) -> &Tally<HandshakeFate> {
        &self.handshake_packets
    }

    /// SYNs that still wait for an answer.
    pub fn held_handshakes(&self) -> u64 {
        self.handshakes.held()
    }

    /// SYNs that nobody answered in time: attempts.
    pub const fn unanswered_handshakes(&self) -> u64 {
        self.handshakes.unanswered()
    }

    /// SYNs that were lost: pushed out by a flood before their answer was told, or met by a full table of observations.
    pub const fn lost_handshakes(&self) -> u64 {
        self.handshakes.lost()
    }

    /// Questions that a flood pushed out before their answer, which is then unasked.
    pub const fn lost_questions(&self) -> u64 {
        self.dns.counts().lost
    }

    /// Questions in the table, answered or not.
    pub fn held_questions(&self) -> usize {
        self.dns.held()
    }

    /// What became of all questions.
    pub const fn question_counts(&self) -> QuestionCounts {
        self.dns.counts()
    }

    /// How all handshakes ended.
    pub fn handshake_counts(&self) -> HandshakeCounts {
        self.handshakes.counts()
    }

    fn sort(
        &mut self,
        at: Time,
        packet: &Packet<'_>,
        pod_uid: impl Fn(IpAddr) -> Option<PodUid>,
        aggregate: &mut Aggregate<S>,
    ) -> PacketFate {
        match &packet.transport {
            Transport::Udp(udp) => {
                let ports = Ports {
                    from_server: udp.source_port == DNS_PORT,
                    to_server: udp.destination_port == DNS_PORT,
                };
                if !ports.from_server && !ports.to_server {
                    return PacketFate::OtherUdp;
                }
                let way = way(packet, udp.source_port, udp.destination_port, at);
                let fate = self.dns.datagram(
                    way,
                    ports,
                    udp.payload,
                    pod_uid(packet.destination),
                    aggregate,
                );
                self.dns_messages.add(fate, 1);
                PacketFate::Dns
            }
            Transport::Tcp(tcp) => self.tcp(
                way(packet, tcp.source_port, tcp.destination_port, at),
                tcp,
                pod_uid,
                aggregate,
            ),
        }
    }

    fn tcp(
        &mut self,
        way: Way,
        tcp: &Tcp<'_>,
        pod_uid: impl Fn(IpAddr) -> Option<PodUid>,
        aggregate: &mut Aggregate<S>,
    ) -> PacketFate {
        let fate = match (tcp.flags.syn(), tcp.flags.ack(), tcp.flags.rst()) {
            (true, false, false) => {
                let fate = self.handshakes.syn(way, tcp, pod_uid(way.source.address()));
                self.socket_events
                    .captured(way.at, tcp.sequence, way.source, &mut self.handshakes);
                fate
            }
            (true, true, false) => {
                let fate = self.handshakes.syn_ack(way, tcp);
                if tcp.source_port == DNS_PORT && fate != HandshakeFate::Unmatched {
                    self.dns.stream_opened(way, tcp.sequence.wrapping_add(1));
                }
                fate
            }
            (false, _, true) => self.handshakes.reset(way, tcp, aggregate),
            _ if tcp.source_port == DNS_PORT && !tcp.payload.is_empty() => {
                let uid = pod_uid(way.destination.address());
                let messages = &mut self.dns_messages;
                let each = |fate| messages.add(fate, 1);
                let followed =
                    self.dns
                        .segment(way, tcp.sequence, tcp.payload, uid, aggregate, each);
                return if followed {
                    PacketFate::DnsSegment
                } else {
                    PacketFate::DnsUnfollowed
                };
            }
            _ => return PacketFate::OtherTcp,
        };
        self.handshake_packets.add(fate, 1);
        PacketFate::Handshake
    }
}

fn way(packet: &Packet<'_>, source_port: u16, destination_port: u16, at: Time) -> Way {
    Way {
        source: Endpoint::new(packet.source, source_port),
        destination: Endpoint::new(packet.destination, destination_port),
        at,
    }
}
