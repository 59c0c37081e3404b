//! TCP handshakes: who connected to whom, under network address translation.
//!
//! One connection can be captured several times: before and after the translation of its destination (a
//! Service), of its source (masquerade), or of both at once (`NodePort`, hairpin). Translation changes addresses
//! and ports, never the client's initial sequence number (RFC 9293 3.4.1), nor the timestamp option's value (RFC
//! 7323 3). Appearances of one SYN are joined by that number and one equal endpoint, or that number and the
//! timestamp. The first appearance is nearest to the client, the last is nearest to the server.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use hashbrown::HashTable;
use kernel::packet::Tcp;
use map::{Connection, Evidence, Outcome, PodUid, Protocol, Source, Time};

use crate::aggregate::{Aggregate, Aggregated};
use crate::dns::Way;
use crate::endpoint::Endpoint;
use crate::limits::{ACCEPTED_FOR, HANDSHAKE_WINDOW, MAX_APPEARANCES, MAX_HANDSHAKES};

/// What became of one packet of a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HandshakeFate {
    /// A SYN: a connection that waits for its answer.
    Syn,
    /// The same SYN again: a copy under NAT, or a retransmission.
    SynCopy,
    /// The first SYN-ACK: the connection is accepted, an observation.
    Accepted,
    /// The same SYN-ACK again.
    SynAckCopy,
    /// A SYN-ACK whose SYN was not seen.
    Unmatched,
    /// The first RST to a SYN: refused, an attempt.
    Refused,
    /// The same refusal again.
    RefusedCopy,
    /// The client's RST to a SYN-ACK that it had not asked for: somebody else sent the SYN in its name.
    Disowned,
    /// An RST that refuses no SYN.
    OtherReset,
    /// A handshake that found the table of observations full.
    TableFull,
}

impl HandshakeFate {
    /// The words for it in summaries and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Syn => "SYNs",
            Self::SynCopy => "copies of a SYN",
            Self::Accepted => "accepted",
            Self::SynAckCopy => "copies of a SYN-ACK",
            Self::Unmatched => "SYN-ACKs without their SYN",
            Self::Refused => "refused",
            Self::RefusedCopy => "copies of a refusal",
            Self::Disowned => "disowned by the client",
            Self::OtherReset => "other resets",
            Self::TableFull => "lost to a full table",
        }
    }
}

/// How handshakes ended, beyond what the fates of packets tell.
///
/// At every time a SYN was accepted, refused, lost as refused (these three by the fates of packets), or it is one of
/// `unanswered`, `lost_unanswered`, `evicted` and `held`; those of `reversed` are two of these. And what was accepted was
/// disowned (by the fates of packets), or it is one of `told`, `lost_accepted`, `evicted_untold` and `untold`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandshakeCounts {
    /// Accepted, and told.
    pub told: u64,
    /// Nobody answered in time: attempts, and told.
    pub unanswered: u64,
    /// Refused first and then accepted.
    pub reversed: u64,
    /// Pushed out of a full table before their answer.
    pub evicted: u64,
    /// Pushed out of a full table when they were accepted and not yet told.
    pub evicted_untold: u64,
    /// Nobody answered in time, and the table of observations was full.
    pub lost_unanswered: u64,
    /// Accepted, and the table of observations was full.
    pub lost_accepted: u64,
    /// Wait for their answer.
    pub held: u64,
    /// Accepted, and not yet told.
    pub untold: u64,
}

/// What marks a SYN through translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Mark {
    /// Sequence number and one of its endpoints.
    Endpoint(u32, Endpoint),
    /// Sequence number and timestamp.
    Timestamp(u32, u32),
}

#[derive(Debug)]
struct Handshake {
    sequence: u32,
    timestamp: Option<u32>,
    /// (source, destination) of each appearance, in the order of capture.
    appearances: Vec<(Endpoint, Endpoint)>,
    since: Time,
    pod_uid: Option<PodUid>,
    /// `None` while it waits.
    outcome: Option<Outcome>,
    /// What the client's socket told.
    socket: Option<Outcome>,
    /// Where the SYN-ACK came from and when, until it is told.
    untold: Option<(Endpoint, Time)>,
}

impl Handshake {
    fn marks(&self) -> impl Iterator<Item = Mark> {
        let sequence = self.sequence;
        let endpoints = self
            .appearances
            .iter()
            .flat_map(|(source, destination)| [*source, *destination]);
        endpoints
            .map(move |endpoint| Mark::Endpoint(sequence, endpoint))
            .chain(self.timestamp.map(|value| Mark::Timestamp(sequence, value)))
    }

    fn has(&self, mark: Mark) -> bool {
        self.marks().any(|one| one == mark)
    }

    /// The observation, once the outcome is known. `answered_from` is where the first answer came from: the
    /// server itself when no translated SYN was seen.
    fn observation(
        &self,
        outcome: Outcome,
        answered_from: Option<Endpoint>,
    ) -> Option<(Source, Connection)> {
        let (client, meant) = self.appearances.first()?;
        let (_, last) = self.appearances.last()?;
        let seen = |endpoint: Endpoint| self.appearances.iter().any(|(_, to)| *to == endpoint);
        let reached = match answered_from {
            Some(from) if !seen(from) => Some(from),
            _ if last != meant => Some(*last),
            // The server answered under the very address that was meant, with no translation in sight.
            _ => None,
        };
        let connection = Connection {
            protocol: Protocol::Tcp,
            meant: meant.socket(),
            reached: reached.map(Endpoint::socket),
            outcome,
            server_pod: None,
        };
        Some((
            Source {
                address: client.address(),
                pod_uid: self.pod_uid,
            },
            connection,
        ))
    }
}

/// Where the handshake with a mark is. The mark itself is in the handshake: there are several for each, and this table is
/// the largest of all.
#[derive(Clone, Copy, Debug)]
struct Marked {
    /// Of the mark.
    hash: u32,
    /// Of the handshake. Numbers start again at zero after the last; far fewer are in use at a time.
    number: u32,
}

impl Marked {
    /// Over the width that the table looks at.
    fn spread(hash: u32) -> u64 {
        u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// The collector of handshakes.
#[derive(Debug)]
pub(crate) struct Handshakes<S> {
    /// In order of their first SYN; the number of the front one is `front`.
    waiting: VecDeque<Handshake>,
    front: u32,
    /// The numbers of those that were accepted and are not told yet, in the order of their SYN-ACK.
    accepted: VecDeque<u32>,
    marks: HashTable<Marked>,
    hasher: S,
    /// Without `held`, which is counted when it is asked for.
    counts: HandshakeCounts,
}

impl<S: BuildHasher + Clone> Handshakes<S> {
    pub(crate) fn new(hasher: &S) -> Self {
        Self {
            waiting: VecDeque::new(),
            front: 0,
            accepted: VecDeque::new(),
            marks: HashTable::new(),
            hasher: hasher.clone(),
            counts: HandshakeCounts::default(),
        }
    }

    /// SYNs that still wait for an answer.
    pub(crate) fn held(&self) -> u64 {
        self.waiting
            .iter()
            .filter(|handshake| handshake.outcome.is_none())
            .count() as u64
    }

    /// How all handshakes ended so far.
    pub(crate) fn counts(&self) -> HandshakeCounts {
        HandshakeCounts {
            held: self.held(),
            ..self.counts
        }
    }

    /// SYNs that nobody answered in time.
    pub(crate) const fn unanswered(&self) -> u64 {
        self.counts.unanswered
    }

    /// Handshakes that a flood pushed out before they were told.
    pub(crate) const fn evicted(&self) -> u64 {
        self.counts.evicted + self.counts.evicted_untold
    }

    /// Handshakes that were pushed out before they were told, or found the table of observations full.
    pub(crate) const fn lost(&self) -> u64 {
        let counts = self.counts;
        counts.evicted + counts.evicted_untold + counts.lost_unanswered + counts.lost_accepted
    }

    /// A SYN without ACK.
    pub(crate) fn syn(
        &mut self,
        way: Way,
        tcp: &Tcp<'_>,
        pod_uid: Option<PodUid>,
    ) -> HandshakeFate {
        let appearance = (way.source, way.destination);
        let known = self
            .number(Mark::Endpoint(tcp.sequence, way.source))
            .or_else(|| self.number(Mark::Endpoint(tcp.sequence, way.destination)))
            .or_else(|| {
                tcp.timestamp
                    .and_then(|value| self.number(Mark::Timestamp(tcp.sequence, value)))
            });
        if let Some((number, handshake)) = known.and_then(|n| Some((n, self.get(n)?)))
            && way.at.since(handshake.since) <= HANDSHAKE_WINDOW
        {
            if handshake.appearances.len() < MAX_APPEARANCES
                && !handshake.appearances.contains(&appearance)
            {
                handshake.appearances.push(appearance);
                for endpoint in [way.source, way.destination] {
                    let mark = Mark::Endpoint(tcp.sequence, endpoint);
                    // An appearance may lead to two handshakes; the one that had the mark first keeps it.
                    if self.number(mark).is_none() {
                        self.insert(mark, number);
                    }
                }
            }
            return HandshakeFate::SynCopy;
        }
        if self.waiting.len() >= MAX_HANDSHAKES
            && let Some(oldest) = self.pop()
        {
            // One that waits to be told was accepted less than a moment ago, or the clock stands still.
            if oldest.untold.is_some() {
                self.counts.evicted_untold += 1;
                self.counts.untold -= 1;
            } else if oldest.outcome.is_none() {
                self.counts.evicted += 1;
            }
        }
        let handshake = Handshake {
            sequence: tcp.sequence,
            timestamp: tcp.timestamp,
            appearances: vec![appearance],
            since: way.at,
            pod_uid,
            outcome: None,
            socket: None,
            untold: None,
        };
        // At most `MAX_HANDSHAKES` wait.
        let waiting = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        let number = self.front.wrapping_add(waiting);
        for mark in handshake.marks() {
            self.insert(mark, number);
        }
        self.waiting.push_back(handshake);
        HandshakeFate::Syn
    }

    /// A SYN-ACK, which acknowledges the client's sequence number plus one. It is told a moment later, see
    /// [`ACCEPTED_FOR`].
    pub(crate) fn syn_ack(&mut self, way: Way, tcp: &Tcp<'_>) -> HandshakeFate {
        let Some((number, handshake)) = self.answered(way, tcp) else {
            return HandshakeFate::Unmatched;
        };
        if handshake.outcome == Some(Outcome::Accepted) {
            return HandshakeFate::SynAckCopy;
        }
        let is_reversed = handshake.outcome.is_some();
        handshake.outcome = Some(Outcome::Accepted);
        handshake.untold = Some((way.source, way.at));
        self.accepted.push_back(number);
        self.counts.reversed += u64::from(is_reversed);
        self.counts.untold += 1;
        HandshakeFate::Accepted
    }

    /// An RST: with ACK it refuses a SYN when it acknowledges just that SYN (RFC 9293 3.5.2); without, it answers a SYN-ACK
    /// that was not expected, and has the sequence number that this acknowledged (RFC 9293 3.5.2, group 1).
    pub(crate) fn reset(
        &mut self,
        way: Way,
        tcp: &Tcp<'_>,
        aggregate: &mut Aggregate<S>,
    ) -> HandshakeFate {
        if !tcp.flags.ack() {
            return self.disown(way, tcp);
        }
        let Some((_, handshake)) = self.answered(way, tcp) else {
            return HandshakeFate::OtherReset;
        };
        match handshake.outcome {
            Some(Outcome::Refused) => HandshakeFate::RefusedCopy,
            // A server that resets what it had accepted has been called all the same.
            Some(_) => HandshakeFate::OtherReset,
            None => settle(
                handshake,
                Outcome::Refused,
                Some((way.source, way.at)),
                aggregate,
            ),
        }
    }

    /// The client says that it never called. What was told before stays.
    fn disown(&mut self, way: Way, tcp: &Tcp<'_>) -> HandshakeFate {
        let sequence = tcp.sequence.wrapping_sub(1);
        let handshake = self
            .number(Mark::Endpoint(sequence, way.source))
            .and_then(|number| self.get(number))
            .filter(|handshake| {
                handshake
                    .appearances
                    .iter()
                    .any(|(from, _)| *from == way.source)
            });
        match handshake.and_then(|handshake| handshake.untold.take()) {
            Some(_) => {
                self.counts.untold -= 1;
                HandshakeFate::Disowned
            }
            None => HandshakeFate::OtherReset,
        }
    }

    /// The client's socket told what came of its connection, and whose it is; whether its SYN was captured.
    pub(crate) fn told_by_socket(
        &mut self,
        sequence: u32,
        client: Endpoint,
        server: Endpoint,
        outcome: Outcome,
        pod_uid: Option<PodUid>,
    ) -> bool {
        // Where both ends were translated before the first capture, the server's may still be the same.
        let number = self
            .number(Mark::Endpoint(sequence, client))
            .or_else(|| self.number(Mark::Endpoint(sequence, server)));
        let Some(handshake) = number.and_then(|number| self.get(number)) else {
            return false;
        };
        handshake.socket = Some(outcome);
        let first = handshake.appearances.first();
        if first.is_some_and(|(from, _)| *from == client) {
            handshake.pod_uid = pod_uid.or(handshake.pod_uid);
        }
        true
    }

    /// Settles what is older than the window: a SYN that nobody answered is an attempt, unless the client's socket knows
    /// better. Tells what was accepted.
    pub(crate) fn expire(&mut self, now: Time, aggregate: &mut Aggregate<S>) {
        self.tell_accepted(Some(now), aggregate);
        while self
            .waiting
            .front()
            .is_some_and(|handshake| now.since(handshake.since) > HANDSHAKE_WINDOW)
        {
            let Some(mut handshake) = self.pop() else {
                return;
            };
            if let Some(answer) = handshake.untold.take() {
                // Accepted at the very end of the window.
                self.counts.tell(&mut handshake, answer, aggregate);
            } else if handshake.outcome.is_none() {
                let outcome = handshake.socket.unwrap_or(Outcome::Unanswered);
                match settle(&mut handshake, outcome, None, aggregate) {
                    HandshakeFate::TableFull => self.counts.lost_unanswered += 1,
                    _ => self.counts.unanswered += 1,
                }
            }
        }
    }

    /// Tells what was accepted long enough ago; without a time, all.
    pub(crate) fn tell_accepted(&mut self, now: Option<Time>, aggregate: &mut Aggregate<S>) {
        while let Some(&number) = self.accepted.front() {
            let place = place(self.front, number);
            let Some(handshake) = place.and_then(|place| self.waiting.get_mut(place)) else {
                self.accepted.pop_front();
                continue;
            };
            if let Some((from, at)) = handshake.untold {
                if now.is_some_and(|now| now.since(at) < ACCEPTED_FOR) {
                    break;
                }
                handshake.untold = None;
                self.counts.tell(handshake, (from, at), aggregate);
            }
            self.accepted.pop_front();
        }
    }

    /// Accepted connections that are not told yet.
    pub(crate) fn untold(&self) -> usize {
        self.accepted.len()
    }

    /// The handshake that this packet, coming from the server's side, answers.
    fn answered(&mut self, way: Way, tcp: &Tcp<'_>) -> Option<(u32, &mut Handshake)> {
        let sequence = tcp.acknowledgement.wrapping_sub(1);
        let number = self
            .number(Mark::Endpoint(sequence, way.destination))
            .or_else(|| self.number(Mark::Endpoint(sequence, way.source)))?;
        let handshake = self.get(number)?;
        (way.at.since(handshake.since) <= HANDSHAKE_WINDOW).then_some((number, handshake))
    }

    fn hash(&self, mark: Mark) -> u32 {
        (self.hasher.hash_one(mark) >> 32) as u32
    }

    /// The number of the handshake with this mark.
    fn number(&self, mark: Mark) -> Option<u32> {
        let hash = self.hash(mark);
        let is_it = |marked: &Marked| {
            marked.hash == hash
                && place(self.front, marked.number)
                    .and_then(|place| self.waiting.get(place))
                    .is_some_and(|handshake| handshake.has(mark))
        };
        Some(self.marks.find(Marked::spread(hash), is_it)?.number)
    }

    /// Leads from the mark to this handshake, and to no older one.
    fn insert(&mut self, mark: Mark, number: u32) {
        let hash = self.hash(mark);
        let (front, waiting) = (self.front, &self.waiting);
        let is_it = |marked: &Marked| {
            marked.hash == hash
                && place(front, marked.number)
                    .and_then(|place| waiting.get(place))
                    .is_some_and(|handshake| handshake.has(mark))
        };
        match self.marks.find_mut(Marked::spread(hash), is_it) {
            Some(marked) => marked.number = number,
            None => {
                self.marks
                    .insert_unique(Marked::spread(hash), Marked { hash, number }, |marked| {
                        Marked::spread(marked.hash)
                    });
            }
        }
    }

    fn get(&mut self, number: u32) -> Option<&mut Handshake> {
        self.waiting.get_mut(place(self.front, number)?)
    }

    fn pop(&mut self) -> Option<Handshake> {
        let handshake = self.waiting.pop_front()?;
        let number = self.front;
        self.front = self.front.wrapping_add(1);
        for mark in handshake.marks() {
            let hash = self.hash(mark);
            let is_it = |marked: &Marked| marked.hash == hash && marked.number == number;
            if let Ok(marked) = self.marks.find_entry(Marked::spread(hash), is_it) {
                marked.remove();
            }
        }
        Some(handshake)
    }
}

/// The place of a handshake among those that wait.
fn place(front: u32, number: u32) -> Option<usize> {
    usize::try_from(number.wrapping_sub(front)).ok()
}

impl HandshakeCounts {
    /// Tells what was accepted and had not been told.
    fn tell<S: BuildHasher + Clone>(
        &mut self,
        handshake: &mut Handshake,
        answer: (Endpoint, Time),
        aggregate: &mut Aggregate<S>,
    ) {
        self.untold -= 1;
        match settle(handshake, Outcome::Accepted, Some(answer), aggregate) {
            HandshakeFate::TableFull => self.lost_accepted += 1,
            _ => self.told += 1,
        }
    }
}

fn settle<S: BuildHasher + Clone>(
    handshake: &mut Handshake,
    outcome: Outcome,
    answer: Option<(Endpoint, Time)>,
    aggregate: &mut Aggregate<S>,
) -> HandshakeFate {
    handshake.outcome = Some(outcome);
    let at = answer.map_or(handshake.since, |(_, at)| at);
    let Some((source, connection)) = handshake.observation(outcome, answer.map(|(from, _)| from))
    else {
        return HandshakeFate::TableFull;
    };
    match (
        aggregate.connection(source, connection, Evidence::Tcp, at),
        outcome,
    ) {
        (Aggregated::Full, _) => HandshakeFate::TableFull,
        (_, Outcome::Accepted) => HandshakeFate::Accepted,
        (_, Outcome::Refused | Outcome::Unanswered) => HandshakeFate::Refused,
    }
}
