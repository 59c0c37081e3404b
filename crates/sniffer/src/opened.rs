//! Connections as their sockets tell of them, brought together with the packets of the same.
//!
//! A socket knows who opened a connection, and what came of it; packets know who answered behind a translated address. The
//! client's initial sequence number and its end tell that both mean one connection. Then packets have the word, and take the
//! pod from the socket; only a connection without packets is told by itself.
//!
//! The pod counts for connections from the node's own network, where many pods share the addresses. In a network of its own
//! a pod is told by its address, whichever process opened the connection: a proxy may speak for the pod.

use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr};

use kernel::socket_events::{self, SocketEvent, What};
use map::tally::Tally;
use map::{Connection, Evidence, Outcome, PodUid, Protocol, Source, Time};

use crate::aggregate::{Aggregate, Aggregated};
use crate::endpoint::Endpoint;
use crate::handshakes::Handshakes;
use crate::limits::{MAX_OPENED, PACKETS_WINDOW};
use crate::recent::Recent;

/// What became of one event of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SocketEventFate {
    /// Packets tell of the connection.
    Packets,
    /// No packets do: an observation.
    Alone,
    /// No packets do, and the table of observations was full.
    AloneAndLost,
    /// No packets do, and it is of no pod of this node: several nodes may share one kernel.
    Elsewhere,
    /// A listener accepted a connection: its client's event tells of it.
    Accepted,
    /// Between two ends inside one namespace.
    Local,
    /// Nobody answered, or the process would not wait.
    GivenUp,
    /// An event that cannot be read.
    Malformed,
    /// A full table, or one that had to forget what decides.
    TableFull,
}

impl SocketEventFate {
    /// The words for it in summaries and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Packets => "told by packets",
            Self::Alone => "not seen in packets",
            Self::AloneAndLost => "not seen in packets, and lost",
            Self::Elsewhere => "of no pod of this node",
            Self::Accepted => "the server's side",
            Self::Local => "inside one namespace",
            Self::GivenUp => "given up",
            Self::Malformed => "malformed",
            Self::TableFull => "lost to a full table",
        }
    }
}

/// A connection that was opened.
#[derive(Clone, Copy, Debug)]
struct Opened {
    sequence: u32,
    client: Endpoint,
    server: Endpoint,
    namespace: u32,
    /// The server as its own socket tells.
    reached: Option<Endpoint>,
    outcome: Outcome,
    pod_uid: Option<PodUid>,
    at: Time,
    /// How much had been forgotten by then: handshakes, and events.
    forgotten: u64,
}

type Key = (u32, Endpoint);

/// Connections whose packets may come yet, by the client's end.
#[derive(Debug)]
pub(crate) struct SocketEvents<S> {
    /// None where packets have come.
    waiting: Recent<Key, Option<Opened>, S>,
    held: usize,
    /// Events that were lost before they came here.
    lost: u64,
    fates: Tally<SocketEventFate>,
}

impl<S: BuildHasher + Clone> SocketEvents<S> {
    pub(crate) fn new(hasher: &S) -> Self {
        Self {
            waiting: Recent::new(MAX_OPENED, PACKETS_WINDOW, hasher.clone()),
            held: 0,
            lost: 0,
            fates: Tally::new(),
        }
    }

    /// Every event so far, by what became of it, but for those that wait.
    pub(crate) const fn fates(&self) -> &Tally<SocketEventFate> {
        &self.fates
    }

    /// Connections whose packets may come yet.
    pub(crate) const fn held(&self) -> usize {
        self.held
    }

    /// So many events were lost so far: what waits may have had one.
    pub(crate) const fn lost(&mut self, lost: u64) {
        self.lost = lost;
    }

    pub(crate) fn malformed(&mut self) {
        self.fates.add(SocketEventFate::Malformed, 1);
    }

    /// Takes an event of `at`. `is_node` says that it is of the node's own network.
    pub(crate) fn take(
        &mut self,
        at: Time,
        event: &SocketEvent,
        is_node: bool,
        handshakes: &mut Handshakes<S>,
    ) {
        let fate = match event.what {
            What::Accepted => Some(self.accepted(at, event)),
            What::Opened { outcome, pod } => {
                let opened = outcome_of(outcome).map(|outcome| Opened {
                    sequence: event.sequence,
                    client: endpoint(event.local),
                    server: endpoint(event.remote),
                    namespace: event.namespace,
                    reached: None,
                    outcome,
                    pod_uid: pod.filter(|_| is_node).map(PodUid::from_u128),
                    at,
                    forgotten: self.lost + handshakes.evicted(),
                });
                match opened {
                    _ if is_local(event) => Some(SocketEventFate::Local),
                    None => Some(SocketEventFate::GivenUp),
                    Some(opened) if join(handshakes, &opened) => Some(SocketEventFate::Packets),
                    Some(opened) => self.wait(opened),
                }
            }
        };
        if let Some(fate) = fate {
            self.fates.add(fate, 1);
        }
    }

    /// The SYN of a client was captured: what its socket has told goes to the handshake.
    pub(crate) fn captured(
        &mut self,
        at: Time,
        sequence: u32,
        client: Endpoint,
        handshakes: &mut Handshakes<S>,
    ) {
        if self.held == 0 {
            return;
        }
        let waiting = self.waiting.get_mut(&(sequence, client), at);
        if let Some(waiting) = waiting
            && waiting.is_some_and(|opened| join(handshakes, &opened))
        {
            *waiting = None;
            self.held -= 1;
            self.fates.add(SocketEventFate::Packets, 1);
        }
    }

    /// Tells of connections whose packets did not come. `is_here` says whether a pod of this node has an address.
    pub(crate) fn expire(
        &mut self,
        now: Time,
        is_here: impl Fn(IpAddr) -> bool,
        handshakes: &mut Handshakes<S>,
        aggregate: &mut Aggregate<S>,
    ) {
        let (held, fates, lost) = (&mut self.held, &mut self.fates, self.lost);
        self.waiting.expire(now, |opened| {
            let Some(opened) = opened else { return };
            *held -= 1;
            let fate = if join(handshakes, &opened) {
                SocketEventFate::Packets
            } else if !is_here(opened.client.address()) {
                SocketEventFate::Elsewhere
            } else if lost + handshakes.evicted() != opened.forgotten {
                // Among the handshakes that a flood pushed out may be this one, told or not; among the events that were lost,
                // that of a proxy in the client's own namespace.
                SocketEventFate::TableFull
            } else {
                tell(&opened, aggregate)
            };
            fates.add(fate, 1);
        });
    }

    fn wait(&mut self, opened: Opened) -> Option<SocketEventFate> {
        let key = (opened.sequence, opened.client);
        let before = match self.waiting.get_mut(&key, opened.at) {
            Some(waiting) => waiting.replace(opened),
            None => self.waiting.insert(key, Some(opened), opened.at).flatten(),
        };
        self.held += usize::from(before.is_none());
        before.map(|_| SocketEventFate::TableFull)
    }

    /// The server's own socket tells who it is, and whether it is in the client's own namespace: a proxy beside the client.
    fn accepted(&mut self, at: Time, event: &SocketEvent) -> SocketEventFate {
        let key = (event.sequence, endpoint(event.remote));
        if let Some(waiting) = self.waiting.get_mut(&key, at)
            && let Some(opened) = waiting
        {
            if opened.namespace == event.namespace {
                *waiting = None;
                self.held -= 1;
                self.fates.add(SocketEventFate::Local, 1);
            } else {
                opened.reached = Some(endpoint(event.local));
            }
        }
        SocketEventFate::Accepted
    }
}

/// Gives a handshake what the socket of its client told; whether there is one.
fn join<S: BuildHasher + Clone>(handshakes: &mut Handshakes<S>, opened: &Opened) -> bool {
    let Opened {
        sequence,
        client,
        server,
        outcome,
        pod_uid,
        ..
    } = *opened;
    handshakes.told_by_socket(sequence, client, server, outcome, pod_uid)
}

fn tell<S: BuildHasher + Clone>(opened: &Opened, aggregate: &mut Aggregate<S>) -> SocketEventFate {
    let source = Source {
        address: opened.client.address(),
        pod_uid: opened.pod_uid,
    };
    let reached = opened.reached.filter(|reached| *reached != opened.server);
    let connection = Connection {
        protocol: Protocol::Tcp,
        meant: opened.server.socket(),
        reached: reached.map(Endpoint::socket),
        outcome: opened.outcome,
        server_pod: None,
    };
    match aggregate.connection(source, connection, Evidence::Tcp, opened.at) {
        Aggregated::Full => SocketEventFate::AloneAndLost,
        Aggregated::New | Aggregated::Again => SocketEventFate::Alone,
    }
}

/// Of a connection that was given up nobody knows whether it would have been answered.
const fn outcome_of(outcome: socket_events::Opened) -> Option<Outcome> {
    match outcome {
        socket_events::Opened::Accepted => Some(Outcome::Accepted),
        socket_events::Opened::Refused => Some(Outcome::Refused),
        socket_events::Opened::GivenUp => None,
    }
}

fn is_local(event: &SocketEvent) -> bool {
    let remote = event.remote.ip();
    remote == event.local.ip() || remote.is_loopback() || remote.is_unspecified()
}

fn endpoint(socket: SocketAddr) -> Endpoint {
    Endpoint::new(socket.ip(), socket.port())
}
