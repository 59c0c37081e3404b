//! The thread that reads packets.

use std::hash::RandomState;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use app::clock::{self, Stopwatch};
use app::shutdown::Stop;
use kernel::packet;
use kernel::ring::{Frame, READABLE_WITHIN, Ring, RingCounts};
use kernel::socket_events::{EventCounts, SocketEvents};
use map::Time;
use tokio::sync::mpsc::Sender;

use super::batch::{Batch, hand_over};
use super::figures::Figures;
use super::owners::{Claim, Owners};
use crate::limits::ACCEPTED_FOR;
use crate::{Aggregate, Collector, PacketFate};

/// How long an observation waits for others, so that they leave together. With the kernel's own 10 ms, something new has
/// left the thread after 35 ms.
const GATHER: Duration = Duration::from_millis(25);

/// How often old entries are settled and figures told, and the longest wait for a packet.
const ROUND: Duration = Duration::from_secs(1);

/// Failures in a row before the thread gives up; with a [`ROUND`] between them.
const MOST_FAILURES: u32 = 30;

/// Packets cannot be read any more.
#[derive(Debug, thiserror::Error)]
#[error("packets cannot be read: {0}")]
pub(crate) struct CaptureError(#[source] io::Error);

/// The longest wait for a packet where sockets are listened to: nobody wakes the thread for them, and their ring holds what
/// comes in so long.
const LISTEN: Duration = Duration::from_millis(100);

/// Where packets and events come from.
#[derive(Debug)]
pub(crate) struct Live {
    ring: Ring,
    events: Option<SocketEvents>,
    owners: Owners,
    /// The inode of the network namespace of this process, which is the node's when it runs in the host network.
    node: Option<u64>,
}

impl Live {
    pub(crate) fn new(ring: Ring, events: Option<SocketEvents>, owners: Owners) -> Self {
        let own = std::fs::metadata("/proc/self/ns/net").ok();
        Self {
            ring,
            events,
            owners,
            node: own.map(|own| own.ino()),
        }
    }

    /// Takes what sockets told, then a block of packets, if there is one; whether there was. In this order, a socket's word
    /// is known when the packets of its connection are told.
    fn read(
        &mut self,
        collector: &mut Collector<RandomState>,
        aggregate: &mut Aggregate<RandomState>,
    ) -> bool {
        self.read_events(collector);
        self.ring.read(|frame| take(&frame, collector, aggregate))
    }

    fn read_events(&mut self, collector: &mut Collector<RandomState>) {
        let Some(events) = &mut self.events else {
            return;
        };
        let boot = clock::boot();
        events.read(|event| {
            let told = event.as_ref().ok();
            let at = told.map_or(boot, |event| boot.plus(event.at));
            let is_node = told.is_some_and(|event| self.node == Some(event.namespace.into()));
            collector.socket_event(at, event, is_node);
        });
        let counts = events.counts();
        collector.socket_events_lost(counts.lost + counts.accepted_lost);
    }

    /// What the kernel counted. Counts that cannot be had now come with the next ones.
    fn counts(&self) -> (RingCounts, EventCounts) {
        let events = self.events.as_ref().map(SocketEvents::counts);
        (
            self.ring.counts().unwrap_or_default(),
            events.unwrap_or_default(),
        )
    }

    fn expire_events(
        &self,
        collector: &mut Collector<RandomState>,
        aggregate: &mut Aggregate<RandomState>,
    ) {
        if self.events.is_none() {
            return;
        }
        let owners = self.owners.snapshot();
        let is_here = |address| matches!(owners.get(&address), Some(Claim::Owner(_)));
        collector.expire_socket_events(clock::now(), is_here, aggregate);
    }
}

/// Reads packets until the stop, or until nobody takes what is seen.
pub(crate) fn run(
    mut live: Live,
    batches: &Sender<Batch>,
    figures: &Figures,
    started: Stopwatch,
    stop: &Stop,
) -> Result<(), CaptureError> {
    let hasher = RandomState::new();
    let mut collector = Collector::new(&hasher);
    let mut aggregate = Aggregate::new(hasher);
    let (mut gathering, mut round) = (Stopwatch::start(), Stopwatch::start());
    let mut failures = 0;
    let tell = |collector: &_, aggregate: &_, live: &Live| {
        tell(
            collector,
            aggregate,
            live.counts(),
            figures,
            started.elapsed(),
        );
    };
    tell(&collector, &aggregate, &live);
    let longest = if live.events.is_some() { LISTEN } else { ROUND };
    while !stop.is_cancelled() {
        let wait = if aggregate.is_empty() && collector.untold() == 0 {
            longest
        } else {
            GATHER.saturating_sub(gathering.elapsed()).max(ACCEPTED_FOR)
        };
        match live.ring.wait(wait) {
            Ok(_) => failures = 0,
            // An interface that went away may be told here; others go on.
            Err(error) if failures < MOST_FAILURES => {
                failures += 1;
                tracing::warn!(%error, "packets cannot be read; trying again");
                stop.wait(ROUND);
            }
            Err(error) => return Err(CaptureError(error)),
        }
        if aggregate.is_empty() {
            gathering = Stopwatch::start();
        }
        // Packets may come faster than they are read.
        let mut all_read = false;
        while !all_read && gathering.elapsed() < GATHER {
            all_read = !live.read(&mut collector, &mut aggregate);
        }
        // A client that disowns a connection may do so in a packet that is not read yet.
        if all_read && collector.untold() > 0 {
            collector.expire(read_until(), &mut aggregate);
        }
        if gathering.elapsed() >= GATHER {
            if !hand_over(&mut aggregate, batches) {
                return Ok(());
            }
            gathering = Stopwatch::start();
        }
        if round.elapsed() >= ROUND {
            live.expire_events(&mut collector, &mut aggregate);
            if all_read {
                collector.expire(read_until(), &mut aggregate);
            }
            tell(&collector, &aggregate, &live);
            round = Stopwatch::start();
        }
    }
    // What was accepted before the stop may be disowned a moment after it.
    std::thread::sleep(ACCEPTED_FOR + READABLE_WITHIN);
    while live.read(&mut collector, &mut aggregate) {}
    collector.expire(read_until(), &mut aggregate);
    let last = aggregate.drain();
    tell(&collector, &aggregate, &live);
    // The last batch may wait for room: the reporting reads on until both threads have ended.
    let _ = batches.blocking_send(last);
    Ok(())
}

/// All packets up to this time have been read, once the ring is empty.
fn read_until() -> Time {
    clock::now().minus(READABLE_WITHIN)
}

fn take(
    frame: &Frame<'_>,
    collector: &mut Collector<RandomState>,
    aggregate: &mut Aggregate<RandomState>,
) {
    let since = Duration::new(frame.seconds.into(), frame.nanoseconds);
    let at = Time::EPOCH.plus(since);
    let packet = packet::parse_network(frame.ethertype, frame.bytes);
    // Whose address it is, the reporting finds out: it can ask again a moment later.
    collector.packet(
        at,
        packet.map_err(PacketFate::Unreadable),
        |_| None,
        aggregate,
    );
}

/// All that there is to be known of the thread, `now` after the process began.
pub(crate) fn tell(
    collector: &Collector<RandomState>,
    aggregate: &Aggregate<RandomState>,
    (ring, events): (RingCounts, EventCounts),
    figures: &Figures,
    now: Duration,
) {
    let mut packets = figures.packets.lock();
    packets.alive = now;
    packets.passed += u64::from(ring.packets);
    packets.lost += u64::from(ring.lost);
    packets.kinds.clone_from(collector.packets());
    packets.dns.clone_from(collector.dns_messages());
    packets.handshakes.clone_from(collector.handshake_packets());
    packets.questions = collector.question_counts();
    packets.ends = collector.handshake_counts();
    packets.lost_handshakes = collector.lost_handshakes();
    packets.held_questions = collector.held_questions() as u64;
    packets.sightings = aggregate.counts();
    packets.events.clone_from(collector.socket_events());
    packets.held_events = u32::try_from(collector.held_socket_events()).unwrap_or(u32::MAX);
    packets.event_counts = events;
    packets.held = aggregate.len() as u64;
}
