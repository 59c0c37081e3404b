//! The thread that reads packets.

use std::hash::RandomState;
use std::io;
use std::time::Duration;

use app::clock::{self, Stopwatch};
use app::shutdown::Stop;
use kernel::packet;
use kernel::ring::{Frame, READABLE_WITHIN, Ring, RingCounts};
use map::Time;
use tokio::sync::mpsc::Sender;

use super::batch::{Batch, hand_over};
use super::figures::Figures;
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

/// Reads packets until the stop, or until nobody takes what is seen.
pub(crate) fn run(
    mut ring: Ring,
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
    let tell = |collector: &_, aggregate: &_, ring: &Ring| {
        // Counts that cannot be had now come with the next ones.
        let counts = ring.counts().unwrap_or_default();
        tell(collector, aggregate, counts, figures, started.elapsed());
    };
    tell(&collector, &aggregate, &ring);
    while !stop.is_cancelled() {
        let wait = if aggregate.is_empty() && collector.untold() == 0 {
            ROUND
        } else {
            GATHER.saturating_sub(gathering.elapsed()).max(ACCEPTED_FOR)
        };
        match ring.wait(wait) {
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
            all_read = !ring.read(|frame| take(&frame, &mut collector, &mut aggregate));
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
            if all_read {
                collector.expire(read_until(), &mut aggregate);
            }
            tell(&collector, &aggregate, &ring);
            round = Stopwatch::start();
        }
    }
    // What was accepted before the stop may be disowned a moment after it.
    std::thread::sleep(ACCEPTED_FOR + READABLE_WITHIN);
    while ring.read(|frame| take(&frame, &mut collector, &mut aggregate)) {}
    collector.expire(read_until(), &mut aggregate);
    let last = aggregate.drain();
    tell(&collector, &aggregate, &ring);
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
    counts: RingCounts,
    figures: &Figures,
    now: Duration,
) {
    let mut packets = figures.packets.lock();
    packets.alive = now;
    packets.passed += u64::from(counts.packets);
    packets.lost += u64::from(counts.lost);
    packets.kinds.clone_from(collector.packets());
    packets.dns.clone_from(collector.dns_messages());
    packets.handshakes.clone_from(collector.handshake_packets());
    packets.questions = collector.question_counts();
    packets.ends = collector.handshake_counts();
    packets.lost_handshakes = collector.lost_handshakes();
    packets.held_questions = collector.held_questions() as u64;
    packets.sightings = aggregate.counts();
    packets.held = aggregate.len() as u64;
}
