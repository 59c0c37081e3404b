//! DNS answers: they wait for the connection they were asked for.

use std::net::IpAddr;

use cluster::Index;
use map::{Answer, Evidence, Facet, Observation, Outcome, Peer, Workload};

use super::{Ingest, Span};
use crate::fact::Claim;
use crate::fate::{Fate, Refusal};
use crate::lesson::lesson;
use crate::pairs::{Known, Pair, PairKey, Waiting};
use crate::resolve::{self, Client, Doubt, Server, When};
use crate::unsaved::{Held, HeldAnswer, Ticket};

impl Ingest {
    pub(super) fn answer(
        &mut self,
        index: &Index,
        seen: &Observation,
        answer: &Answer,
        claim: &Claim,
    ) -> Result<Option<Fate>, Doubt> {
        if index.is_cluster_dns(seen.source.address) {
            return Err(Refusal::Recursion.into());
        }
        let Client::Pod(pod, identity) = self.client(index, seen, claim)? else {
            return Err(Refusal::UnknownSource.into());
        };
        let server = resolve::name(index, &answer.name, answer.address, When::of(seen))?;
        let client = identity.workload.clone();
        if let (Server::Name(name), Some(address)) = (&server, answer.address) {
            let (first, last) = (seen.first_seen, seen.last_seen);
            let tells = self
                .names
                .learn(&client, address, name, first, last, seen.ttl);
            if tells && let Some(lessons) = &mut self.lessons {
                lessons.extend(lesson(name, address, seen.ttl, last, self.now));
            }
        }
        self.describe(&client, index, pod, seen.last_seen);
        let waiting = Waiting {
            server,
            first: seen.first_seen,
            last: seen.last_seen,
            observations: 1,
            answers: seen.connections,
            reporter: claim.reporter.clone(),
            ticket: None,
        };
        let Some(address) = answer.address else {
            let from = Peer::Workload(client);
            return Ok(Some(self.assume(index, from, None, &waiting)));
        };
        let known = self.pairs.get(&client, address).map(|pair| &pair.known);
        if let Some(Known::Accepted(peer)) = known {
            let peer = peer.clone();
            let fate = self.explained(&client, address, peer, &waiting);
            return Ok(Some(fate));
        }
        let is_shared = matches!(&waiting.server, Server::Workload { assumed: true, .. });
        let key = (client, address);
        // A reporter that never tells of refused connections has nothing to wait for, unless it may tell which of
        // several workloads it was.
        if !claim.awaits_outcome && !is_shared {
            let (pair, evicted) = self.pairs.entry(key.clone(), self.now);
            let known = pair.known.clone();
            self.settle_evicted(index, evicted);
            let fate = self.speak(index, &key, &known, &waiting);
            return Ok(Some(fate));
        }
        self.wait(index, &key, waiting);
        Ok(None)
    }

    /// Lets an answer wait for its connection.
    pub(super) fn wait(&mut self, index: &Index, key: &PairKey, mut waiting: Waiting) {
        let pair = self.pairs.get(&key.0, key.1);
        if !pair.is_some_and(|pair| pair.waits_for(&waiting.server)) {
            waiting.ticket = self.hold_answer(key, &waiting);
        }
        let (pair, evicted) = self.pairs.entry(key.clone(), self.now);
        let known = pair.known.clone();
        let oldest = pair.wait(waiting);
        if let Some(oldest) = oldest {
            self.settle_one(index, key, &known, &oldest);
        }
        self.settle_evicted(index, evicted);
    }

    /// The store keeps what waits.
    fn hold_answer(&mut self, key: &PairKey, waiting: &Waiting) -> Option<Ticket> {
        let (client, address) = key;
        let unsaved = self.unsaved.as_mut()?;
        Some(unsaved.journal.hold(Held::Answer(HeldAnswer {
            client: client.clone(),
            address: *address,
            waiting: waiting.clone(),
        })))
    }

    /// An answer whose connection was accepted by `peer` is one more piece of evidence for that edge. Where the
    /// answer has a name of its own outside, the name is the peer. Where the answer tells the workload by itself, that
    /// stays: the address may have passed to another between the two.
    pub(super) fn explained(
        &mut self,
        client: &Workload,
        address: IpAddr,
        peer: Peer,
        waiting: &Waiting,
    ) -> Fate {
        let mut facets = Vec::with_capacity(2);
        facets.push(Facet::Evidence(Evidence::Dns));
        let server = match &waiting.server {
            Server::Name(name) => {
                facets.push(Facet::Address(address));
                Peer::Name(self.fold.name(client, name))
            }
            Server::Workload { service, .. } => {
                facets.extend(service.clone().map(Facet::Service));
                told(&waiting.server).unwrap_or(peer)
            }
            _ => peer,
        };
        let from = Peer::Workload(client.clone());
        self.write(from, server, &facets, waiting.span(), Outcome::Accepted)
    }

    /// A pair that had to make room is settled early.
    pub(super) fn settle_evicted(&mut self, index: &Index, evicted: Option<(PairKey, Pair)>) {
        if let Some((key, pair)) = evicted {
            self.settle(index, &key, pair);
        }
    }

    /// The window is over: what waits has to speak for itself.
    pub(super) fn settle(&mut self, index: &Index, key: &PairKey, pair: Pair) {
        for waiting in pair.waiting {
            self.settle_one(index, key, &pair.known, &waiting);
        }
    }

    fn settle_one(&mut self, index: &Index, key: &PairKey, known: &Known, waiting: &Waiting) {
        let fate = self.speak(index, key, known, waiting);
        self.release(waiting.ticket);
        self.fates.add(fate, waiting.observations);
    }

    /// What an answer says without a connection that was accepted.
    fn speak(&mut self, index: &Index, key: &PairKey, known: &Known, waiting: &Waiting) -> Fate {
        let (client, address) = key;
        let from = Peer::Workload(client.clone());
        let Known::Refused(peer) = known else {
            return self.assume(index, from, Some(*address), waiting);
        };
        let to = match &waiting.server {
            Server::Name(name) => Peer::Name(self.fold.name(client, name)),
            server => told(server).unwrap_or_else(|| peer.clone()),
        };
        let facets = [
            Facet::Evidence(Evidence::Dns),
            Facet::Outcome(Outcome::Refused),
        ];
        self.write(from, to, &facets, waiting.span(), Outcome::Refused)
    }

    /// Nothing is known of a connection: who asks for a name is taken to call it.
    fn assume(
        &mut self,
        index: &Index,
        from: Peer,
        address: Option<IpAddr>,
        waiting: &Waiting,
    ) -> Fate {
        let mut facets = vec![Facet::Evidence(Evidence::Dns)];
        match &waiting.server {
            Server::Empty(_) => return Fate::Refused(Refusal::NoBackend),
            Server::Name(_) => facets.extend(address.map(Facet::Address)),
            _ => {}
        }
        let shown = self.shown(&from, &waiting.server);
        let server = shown.unwrap_or_else(|| waiting.server.clone());
        let span = waiting.span();
        self.record(from, &server, &mut facets, span, Outcome::Accepted, index)
    }

    /// The workload that this client's connections through the same Service reached, where one is only assumed.
    fn shown(&self, client: &Peer, server: &Server) -> Option<Server> {
        let Server::Workload {
            workload: assumed,
            service: Some(service),
            assumed: true,
            ..
        } = server
        else {
            return None;
        };
        let through = Facet::Service(service.clone());
        let mut edges = self.map.edges_of(&self.cluster, client);
        edges.find_map(|(key, edge)| {
            let workload = key.server.workload()?;
            let shown = workload.namespace == assumed.namespace
                && edge.facets.contains_key(&through)
                && edge
                    .evidence()
                    .any(|evidence| matches!(evidence, Evidence::Tcp | Evidence::Socket));
            shown.then(|| Server::Workload {
                workload: workload.clone(),
                service: Some(service.clone()),
                assumed: false,
                pod: None,
            })
        })
    }
}

/// The peer, where the answer tells it without a connection.
fn told(server: &Server) -> Option<Peer> {
    let is_told = matches!(server, Server::Workload { assumed: false, .. });
    is_told.then(|| server.peer())
}

impl Waiting {
    fn span(&self) -> Span<'_> {
        Span {
            first: self.first,
            last: self.last,
            connections: self.answers,
            reporter: (!self.reporter.is_empty()).then_some(self.reporter.as_str()),
            counted: None,
        }
    }
}
