//! Answers wait for the connection they were asked for.
//!
//! A DNS answer alone says what a client asked, not what it called. Within a minute the handshake usually tells:
//! accepted, and the answer is one more piece of evidence for that edge; refused, and it belongs to the attempt;
//! neither, and the answer has to speak for itself.

use std::collections::VecDeque;
use std::net::IpAddr;

use compact_str::CompactString;
use hashbrown::{Equivalent, HashMap};
use map::{Outcome, Peer, Time, Workload};
use serde::{Deserialize, Serialize};

use crate::limits::{ANSWER_WINDOW, MAX_PAIRS, MAX_WAITING_PER_PAIR};
use crate::resolve::Server;
use crate::unsaved::Ticket;

/// An answer that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) server: Server,
    pub(crate) first: Time,
    pub(crate) last: Time,
    /// How many observations it stands for.
    pub(crate) observations: u64,
    /// How many answers.
    pub(crate) answers: u64,
    /// Who counted them.
    pub(crate) reporter: CompactString,
    /// Where the store has it.
    #[serde(skip)]
    pub(crate) ticket: Option<Ticket>,
}

/// What is known of connections from a client to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing yet.
    Nothing,
    /// Somebody accepted.
    Accepted(Peer),
    /// Everything so far was refused or unanswered.
    Refused(Peer),
}

/// A client and an address that it learned or called, within the window.
#[derive(Debug)]
pub(crate) struct Pair {
    since: Time,
    pub(crate) known: Known,
    pub(crate) waiting: Vec<Waiting>,
}

impl Pair {
    /// Whether another connection to `server` would change nothing here.
    pub(crate) fn knows(&self, outcome: Outcome, server: &Server) -> bool {
        match &self.known {
            Known::Nothing => false,
            Known::Accepted(peer) if outcome == Outcome::Accepted => {
                self.waiting.is_empty() && server.is(peer)
            }
            Known::Accepted(_) => true,
            Known::Refused(_) => outcome != Outcome::Accepted,
        }
    }

    /// Whether an answer for this server waits already.
    pub(crate) fn waits_for(&self, server: &Server) -> bool {
        self.waiting.iter().any(|waiting| waiting.server == *server)
    }

    /// Adds an answer to those that wait, or to the one for the same server that waits already. Returns the one that
    /// had to make room.
    pub(crate) fn wait(&mut self, answer: Waiting) -> Option<Waiting> {
        let mut all = self.waiting.iter_mut();
        if let Some(waiting) = all.find(|waiting| waiting.server == answer.server) {
            waiting.first = waiting.first.min(answer.first);
            waiting.last = waiting.last.max(answer.last);
            waiting.observations += answer.observations;
            waiting.answers += answer.answers;
            return None;
        }
        let full = self.waiting.len() >= MAX_WAITING_PER_PAIR;
        let oldest = full.then(|| self.waiting.remove(0));
        self.waiting.push(answer);
        oldest
    }
}

/// A client workload and an address.
pub(crate) type PairKey = (Workload, IpAddr);

/// The same to look one up by, without a copy: it hashes alike.
#[derive(Clone, Copy, Debug, Hash)]
struct Wanted<'a>(&'a Workload, IpAddr);

impl Equivalent<PairKey> for Wanted<'_> {
    fn equivalent(&self, (client, address): &PairKey) -> bool {
        self.1 == *address && self.0 == client
    }
}

/// The pairs of the last [`ANSWER_WINDOW`], at most [`MAX_PAIRS`]; the oldest makes room, and is settled early.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    pairs: HashMap<PairKey, Pair>,
    order: VecDeque<PairKey>,
}

impl Pairs {
    /// The pair, if there is one.
    pub(crate) fn get(&self, client: &Workload, address: IpAddr) -> Option<&Pair> {
        self.pairs.get(&Wanted(client, address))
    }

    /// The pair, made now if there is none. A second value is the one that had to make room.
    pub(crate) fn entry(
        &mut self,
        key: PairKey,
        now: Time,
    ) -> (&mut Pair, Option<(PairKey, Pair)>) {
        let mut evicted = None;
        if !self.pairs.contains_key(&key) {
            if self.order.len() >= MAX_PAIRS {
                evicted = self.pop();
            }
            self.order.push_back(key.clone());
        }
        let fresh = || Pair {
            since: now,
            known: Known::Nothing,
            waiting: Vec::new(),
        };
        (self.pairs.entry(key).or_insert_with(fresh), evicted)
    }

    /// The clock was set back: nobody has come after now.
    pub(crate) fn hasten(&mut self, now: Time) {
        for pair in self.pairs.values_mut() {
            pair.since = pair.since.min(now);
        }
    }

    /// Observations that wait.
    pub(crate) fn held(&self) -> u64 {
        self.pairs
            .values()
            .flat_map(|pair| &pair.waiting)
            .map(|waiting| waiting.observations)
            .sum()
    }

    /// The oldest pair, once its window is over.
    pub(crate) fn due(&mut self, now: Time) -> Option<(PairKey, Pair)> {
        let oldest = self.pairs.get(self.order.front()?)?;
        if now.since(oldest.since) > ANSWER_WINDOW {
            self.pop()
        } else {
            None
        }
    }

    /// The oldest pair, due or not.
    pub(crate) fn pop(&mut self) -> Option<(PairKey, Pair)> {
        let key = self.order.pop_front()?;
        self.pairs.remove_entry(&key)
    }
}
