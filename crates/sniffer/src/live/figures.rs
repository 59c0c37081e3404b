//! What the threads count, for metrics, coverage and health.

use std::sync::Arc;
use std::time::Duration;

use kernel::socket_events::EventCounts;
use map::tally::Tally;
use map::{Evidence, Time};
use parking_lot::Mutex;

use super::sources::Sources;
use crate::sockets::SocketFate;
use crate::{
    AggregateCounts, DnsFate, HandshakeCounts, HandshakeFate, KnownCounts, PacketFate,
    QuestionCounts, SocketEventFate,
};

/// Figures that one thread writes, and others read.
pub(crate) type Shared<T> = Arc<Mutex<T>>;

/// All figures; a cheap handle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) packets: Shared<Packets>,
    pub(crate) sockets: Shared<Sockets>,
    pub(crate) reports: Shared<Reports>,
    pub(crate) sources: Shared<Sources>,
}

/// Of the thread that reads packets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packets {
    /// When the thread last looked for packets, since the process began.
    pub(crate) alive: Duration,
    /// Packets that passed the kernel's filter, lost ones included.
    pub(crate) passed: u64,
    /// Of these, lost to a full ring.
    pub(crate) lost: u64,
    pub(crate) kinds: Tally<PacketFate>,
    pub(crate) dns: Tally<DnsFate>,
    pub(crate) handshakes: Tally<HandshakeFate>,
    pub(crate) questions: QuestionCounts,
    pub(crate) ends: HandshakeCounts,
    pub(crate) lost_handshakes: u64,
    pub(crate) held_questions: u64,
    pub(crate) sightings: AggregateCounts,
    /// What sockets told, by what became of it.
    pub(crate) events: Tally<SocketEventFate>,
    /// Of these, those whose packets may come yet.
    pub(crate) held_events: u32,
    /// What the kernel counted of them.
    pub(crate) event_counts: EventCounts,
    /// Distinct observations that wait for the reporting.
    pub(crate) held: u64,
}

/// Of the thread that looks through `/proc`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sockets {
    /// When the thread last went round, since the process began.
    pub(crate) alive: Duration,
    pub(crate) rows: Tally<SocketFate>,
    pub(crate) processes: u64,
    /// Processes that could not be looked at.
    pub(crate) hidden: u64,
    pub(crate) namespaces: u64,
    /// Namespaces whose tables were never read.
    pub(crate) unread: u64,
    pub(crate) walks: u64,
    /// Namespaces whose tables were read.
    pub(crate) reads: u64,
    /// Of these, by socket diagnostics.
    pub(crate) diagnosed: u64,
    /// Namespaces that diagnostics did not tell of, although they were there.
    pub(crate) undiagnosed: u64,
    /// How long a processor was kept busy.
    pub(crate) busy: Duration,
    /// When every namespace had been read.
    pub(crate) complete: Option<Time>,
    /// Why `/proc` cannot be read.
    pub(crate) trouble: Option<String>,
    pub(crate) sightings: AggregateCounts,
    /// Distinct observations that wait for the reporting.
    pub(crate) held: u64,
}

/// Of the reporting.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reports {
    /// Observations that came in.
    pub(crate) seen: Tally<Evidence>,
    /// Observations that were switched off.
    pub(crate) disabled: u64,
    /// Observations between two ends inside the node's own namespace.
    pub(crate) loopback: u64,
    /// Observations whose pod is known by this node.
    pub(crate) attributed: u64,
    pub(crate) known: KnownCounts,
    /// Distinct things that are remembered.
    pub(crate) remembered: u64,
    /// Observations whose pod is looked for.
    pub(crate) searching: u64,
    /// Of what is remembered, seen again and not yet told.
    pub(crate) waiting: u64,
    /// Reports of what this node sees.
    pub(crate) coverages: u64,
    /// How often everything was told again to a mapper that had forgotten.
    pub(crate) told_again: u64,
    /// Sources with DNS answers, as the replaced sniffer counted them.
    pub(crate) dns_sources: u64,
    /// Sources with open connections, likewise.
    pub(crate) socket_sources: u64,
}
