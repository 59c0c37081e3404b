//! A node that is told its packets.

use std::hash::RandomState;
use std::net::SocketAddr;

use kernel::packet::{self, LinkType};
use map::{Connection, Observation, Target, Time};
use sniffer::{Aggregate, Collector, DnsFate, HandshakeFate, PacketFate};

pub(crate) struct Node {
    pub(crate) collector: Collector<RandomState>,
    pub(crate) aggregate: Aggregate<RandomState>,
    /// Milliseconds.
    now: i64,
}

impl Node {
    pub(crate) fn new() -> Self {
        let hasher = RandomState::new();
        Self {
            collector: Collector::new(&hasher),
            aggregate: Aggregate::new(hasher),
            now: 1_000_000,
        }
    }

    /// Captures a packet one millisecond after the last.
    pub(crate) fn captures(&mut self, packet: &[u8]) -> &mut Self {
        self.waits(1);
        let packet = packet::parse(LinkType::RawIp, packet).map_err(PacketFate::Unreadable);
        let at = self.now();
        self.collector
            .packet(at, packet, |_| None, &mut self.aggregate);
        self
    }

    pub(crate) fn now(&self) -> Time {
        Time::from_nanos(self.now * 1_000_000)
    }

    /// Lets this many milliseconds go by.
    pub(crate) fn waits(&mut self, millis: i64) -> &mut Self {
        self.now += millis;
        self
    }

    /// Settles what is due.
    pub(crate) fn expires(&mut self) -> &mut Self {
        let now = self.now();
        self.collector.expire(now, &mut self.aggregate);
        self
    }

    /// Everything that is told up to now, and what waits to be.
    pub(crate) fn observations(&mut self) -> Vec<Observation> {
        self.collector.finish(&mut self.aggregate);
        self.aggregate.drain()
    }

    /// `client → name = address` for each answer.
    pub(crate) fn answers(&mut self) -> Vec<String> {
        let all = self.observations();
        all.iter()
            .filter_map(|observation| match &observation.target {
                Target::Answer(answer) => Some(format!(
                    "{} → {} = {}",
                    observation.source.address,
                    answer.name,
                    answer.address.unwrap()
                )),
                Target::Connection(_) => None,
            })
            .collect()
    }

    /// `client → meant (reached) outcome` for each connection.
    pub(crate) fn connections(&mut self) -> Vec<String> {
        let all = self.observations();
        all.iter()
            .filter_map(|observation| match &observation.target {
                Target::Connection(connection) => Some(format!(
                    "{} → {}",
                    observation.source.address,
                    text(connection)
                )),
                Target::Answer(_) => None,
            })
            .collect()
    }

    /// Questions that are remembered.
    pub(crate) fn questions(&self) -> usize {
        self.collector.held_questions()
    }

    pub(crate) fn dns(&self, fate: DnsFate) -> u64 {
        self.collector.dns_messages().get(&fate)
    }

    pub(crate) fn handshake(&self, fate: HandshakeFate) -> u64 {
        self.collector.handshake_packets().get(&fate)
    }
}

pub(crate) fn text(connection: &Connection) -> String {
    let reached = connection
        .reached
        .map(|reached| format!(" ({reached})"))
        .unwrap_or_default();
    format!("{}{reached} {:?}", connection.meant, connection.outcome).to_lowercase()
}

pub(crate) fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}
