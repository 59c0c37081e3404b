//! DNS: which client learned which address for which name.
//!
//! An answer counts once, and only when this client asked that question under that id from that port a moment
//! ago; so nobody can forge an edge by answering. Under NAT one exchange is captured several times, with the
//! server's address translated; the client's side is the same in all copies, so the key leaves the server out.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::net::IpAddr;

use kernel::dns::{self, Message};
use kernel::dns_stream::DnsStream;
use map::{PodUid, Source, Time};

use crate::aggregate::{Aggregate, Aggregated};
use crate::endpoint::Endpoint;
use crate::limits::{
    COPY_WINDOW, DNS_SERVER_WINDOW, DNS_STREAM_WINDOW, MAX_ASKED, MAX_DNS_SERVERS, MAX_DNS_STREAMS,
    MAX_LATEST, MAX_QUESTIONS, QUESTION_WINDOW,
};
use crate::recent::Recent;

/// What became of one DNS message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DnsFate {
    /// A question, remembered until it is answered.
    Question,
    /// The same question again: a copy under NAT, or a retry.
    QuestionCopy,
    /// An answer with addresses: an observation.
    Answer,
    /// The same answer again: a copy under NAT.
    AnswerCopy,
    /// An answer without addresses: no such name, no such record, an error.
    Empty,
    /// An answer that this client had not asked for.
    Unasked,
    /// An answer received by a DNS server: it resolves for others.
    Recursion,
    /// Not a DNS message that can be read.
    Malformed,
    /// A message that travels the wrong way, or neither a query nor its answer.
    Stray,
    /// An answer that found the table of observations full.
    TableFull,
}

impl DnsFate {
    /// The words for it in summaries and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Question => "questions",
            Self::QuestionCopy => "copies of a question",
            Self::Answer => "answers",
            Self::AnswerCopy => "copies of an answer",
            Self::Empty => "answers without an address",
            Self::Unasked => "unasked answers",
            Self::Recursion => "answers to a DNS server (recursion)",
            Self::Malformed => "malformed messages",
            Self::Stray => "stray messages",
            Self::TableFull => "answers lost to a full table",
        }
    }
}

/// What became of the questions, and of the answers' addresses.
///
/// At every time a question was answered, or it is one of `unanswered`, `lost` and `waiting`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuestionCounts {
    /// The first answer came.
    pub answered: u64,
    /// None came in time.
    pub unanswered: u64,
    /// Pushed out by a flood before their answer, which is then unasked.
    pub lost: u64,
    /// Wait for their answer.
    pub waiting: u64,
    /// Addresses that were told, of all answers.
    pub addresses: u64,
    /// Messages that came over TCP.
    pub over_tcp: u64,
}

impl QuestionCounts {
    /// One had to make room before its time, or its time is over.
    const fn gone(&mut self, exchange: Option<Exchange>, in_time: bool) {
        if let Some(Exchange::Asked) = exchange {
            self.waiting -= 1;
            if in_time {
                self.lost += 1;
            } else {
                self.unanswered += 1;
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct QuestionKey {
    client: Endpoint,
    id: u16,
    /// Keyed hash of the question; 64 bits leave no room for accidents, and none for design without the key.
    question: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exchange {
    Asked,
    Answered,
}

/// The collector of DNS answers.
#[derive(Debug)]
pub(crate) struct Dns<S> {
    questions: Recent<QuestionKey, Exchange, S>,
    servers: Recent<IpAddr, Time, S>,
    /// Who was asked what, of those who are not known as servers yet.
    asked: Recent<(IpAddr, u64), (), S>,
    streams: Recent<(Endpoint, Endpoint), DnsStream, S>,
    /// Ids and questions of the last answers, the oldest first.
    latest: VecDeque<(u16, u64)>,
    hasher: S,
    counts: QuestionCounts,
}

/// Which two ends a message travelled between, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) source: Endpoint,
    pub(crate) destination: Endpoint,
    pub(crate) at: Time,
}

/// Which ends of a datagram are port 53. Both are, between two servers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) from_server: bool,
    pub(crate) to_server: bool,
}

/// The port of DNS (RFC 1035 4.2).
pub(crate) const DNS_PORT: u16 = 53;

impl<S: BuildHasher + Clone> Dns<S> {
    pub(crate) fn new(hasher: &S) -> Self {
        Self {
            questions: Recent::new(MAX_QUESTIONS, QUESTION_WINDOW, hasher.clone()),
            servers: Recent::new(MAX_DNS_SERVERS, DNS_SERVER_WINDOW, hasher.clone()),
            asked: Recent::new(MAX_ASKED, QUESTION_WINDOW, hasher.clone()),
            latest: VecDeque::with_capacity(MAX_LATEST),
            streams: Recent::new(MAX_DNS_STREAMS, DNS_STREAM_WINDOW, hasher.clone()),
            hasher: hasher.clone(),
            counts: QuestionCounts::default(),
        }
    }

    /// What became of all questions so far.
    pub(crate) const fn counts(&self) -> QuestionCounts {
        self.counts
    }

    /// Questions waiting for their answer, or lately answered.
    pub(crate) fn held(&self) -> usize {
        self.questions.len()
    }

    /// A UDP datagram from or to port 53.
    pub(crate) fn datagram(
        &mut self,
        way: Way,
        ports: Ports,
        payload: &[u8],
        pod_uid: Option<PodUid>,
        aggregate: &mut Aggregate<S>,
    ) -> DnsFate {
        let Ok(message) = dns::parse(payload) else {
            return DnsFate::Malformed;
        };
        if message.opcode() != 0 {
            return DnsFate::Stray;
        }
        if message.is_answer() {
            if ports.from_server {
                self.answer(way, &message, false, pod_uid, aggregate)
            } else {
                DnsFate::Stray
            }
        } else if ports.to_server {
            self.question(way, &message)
        } else {
            DnsFate::Stray
        }
    }

    /// A server accepted a DNS-over-TCP connection; its first byte will have this sequence number.
    pub(crate) fn stream_opened(&mut self, server_to_client: Way, first_byte: u32) {
        let key = (server_to_client.source, server_to_client.destination);
        if self.streams.get_mut(&key, server_to_client.at).is_none() {
            self.streams
                .insert(key, DnsStream::new(Some(first_byte)), server_to_client.at);
        }
    }

    /// A TCP segment from port 53. Hands every message that it completes to `each`; false when the connection's
    /// start was not seen.
    pub(crate) fn segment(
        &mut self,
        way: Way,
        sequence: u32,
        payload: &[u8],
        pod_uid: Option<PodUid>,
        aggregate: &mut Aggregate<S>,
        mut each: impl FnMut(DnsFate),
    ) -> bool {
        let mut messages: Vec<Box<[u8]>> = Vec::new();
        let Some(stream) = self.streams.get_mut(&(way.source, way.destination), way.at) else {
            return false;
        };
        stream.push(sequence, payload, |message| messages.push(message.into()));
        self.counts.over_tcp += messages.len() as u64;
        for message in messages {
            each(match dns::parse(&message) {
                Ok(message) if message.is_answer() && message.opcode() == 0 => {
                    self.answer(way, &message, true, pod_uid, aggregate)
                }
                Ok(_) => DnsFate::Stray,
                Err(_) => DnsFate::Malformed,
            });
        }
        true
    }

    /// Forgets what is older than its window.
    pub(crate) fn expire(&mut self, now: Time) {
        let counts = &mut self.counts;
        let window = |exchange: &Exchange| match exchange {
            Exchange::Asked => QUESTION_WINDOW,
            Exchange::Answered => COPY_WINDOW,
        };
        self.questions
            .expire_by(now, window, |exchange| counts.gone(Some(exchange), false));
        self.servers.expire(now, drop);
        self.asked.expire(now, drop);
        self.streams.expire(now, drop);
    }

    fn key(&self, client: Endpoint, message: &Message<'_>) -> QuestionKey {
        let question = message.question();
        let hash = self.hasher.hash_one((
            question.name.as_wire(),
            question.record_type,
            question.class,
        ));
        QuestionKey {
            client,
            id: message.id(),
            question: hash,
        }
    }

    fn question(&mut self, way: Way, message: &Message<'_>) -> DnsFate {
        let key = self.key(way.source, message);
        self.note_asked(way, key.question);
        if self.questions.get_mut(&key, way.at).is_some() {
            DnsFate::QuestionCopy
        } else {
            let evicted = self.questions.insert(key, Exchange::Asked, way.at);
            self.counts.gone(evicted, true);
            self.counts.waiting += 1;
            DnsFate::Question
        }
    }

    /// Over TCP the connection itself says that the client chose this server; the question need not be captured.
    fn answer(
        &mut self,
        way: Way,
        message: &Message<'_>,
        over_tcp: bool,
        pod_uid: Option<PodUid>,
        aggregate: &mut Aggregate<S>,
    ) -> DnsFate {
        let client = way.destination.address();
        let key = self.key(way.destination, message);
        // Before it has answered anybody, a server is known by being asked the same.
        let recursion = self.servers.get_mut(&client, way.at).is_some()
            || self
                .asked
                .get_mut(&(client, key.question), way.at)
                .is_some();
        match self.questions.get_mut(&key, way.at) {
            Some(exchange @ Exchange::Asked) => {
                *exchange = Exchange::Answered;
                self.counts.answered += 1;
                self.counts.waiting -= 1;
                self.remember(key);
            }
            Some(Exchange::Answered) => {
                self.serves(way);
                return if recursion {
                    DnsFate::Recursion
                } else {
                    DnsFate::AnswerCopy
                };
            }
            None if over_tcp => {
                let evicted = self.questions.insert(key, Exchange::Answered, way.at);
                self.counts.gone(evicted, true);
            }
            // Its way back leads through a translation, so that this copy goes to another address than the question came
            // from. It is no observation either way.
            None if self.latest.contains(&(key.id, key.question)) => return DnsFate::AnswerCopy,
            None => return DnsFate::Unasked,
        }
        self.serves(way);
        if recursion {
            return DnsFate::Recursion;
        }
        let source = Source {
            address: client,
            pod_uid,
        };
        let name = &message.question().name;
        let mut fate = DnsFate::Empty;
        if message.response_code() == 0 {
            for found in message.addresses() {
                match aggregate.answer(source, name, found.address, found.ttl, way.at) {
                    Aggregated::Full => return DnsFate::TableFull,
                    Aggregated::New | Aggregated::Again => {
                        self.counts.addresses += 1;
                        fate = DnsFate::Answer;
                    }
                }
            }
        }
        fate
    }

    /// Remembers an answer, the oldest of which makes room.
    fn remember(&mut self, key: QuestionKey) {
        if self.latest.len() >= MAX_LATEST {
            self.latest.pop_front();
        }
        self.latest.push_back((key.id, key.question));
    }

    /// Remembers who was asked.
    fn note_asked(&mut self, way: Way, question: u64) {
        let server = way.destination.address();
        let asked = (server, question);
        if self.servers.get_mut(&server, way.at).is_none()
            && self.asked.get_mut(&asked, way.at).is_none()
        {
            self.asked.insert(asked, (), way.at);
        }
    }

    /// Remembers the sender of an answer as a DNS server.
    fn serves(&mut self, way: Way) {
        let server = way.source.address();
        let fresh = self
            .servers
            .get_mut(&server, way.at)
            .is_some_and(|since| way.at.since(*since) < DNS_SERVER_WINDOW / 2);
        if !fresh {
            self.servers.insert(server, way.at, way.at);
        }
    }
}
