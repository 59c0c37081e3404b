//! The one writer of the map: takes observations in, keeps count of what becomes of each.

use std::collections::BTreeMap;
use std::net::IpAddr;

use cluster::{Index, Pod};
use compact_str::CompactString;
use map::tally::Tally;
use map::{
    Answer, Attributes, Change, Connection, EdgeKey, Evidence, Facet, Map, Observation, Outcome,
    Peer, Sighting, Target, Time, Workload,
};

use crate::fate::{Fate, Refusal};
use crate::limits::MAX_UNKNOWN;
use crate::outside::{Fold, Names};
use crate::pairs::{Known, Pair, PairKey, Pairs, Waiting};
use crate::resolve::{self, Client, Place, Server};

/// Turns observations into the map of one cluster.
///
/// Observations come roughly in the order of time; the index must know the cluster at that time.
#[derive(Debug)]
pub struct Ingest {
    cluster: CompactString,
    map: Map,
    names: Names,
    fold: Fold,
    pairs: Pairs,
    taken: Tally<Evidence>,
    fates: Tally<Fate>,
    /// Observations whose source was a node or its host network, by node.
    host_network: BTreeMap<CompactString, u64>,
    /// Addresses that nobody known held, at most [`MAX_UNKNOWN`].
    unknown: BTreeMap<IpAddr, u64>,
    now: Time,
}

/// Between whom, and when: the part of a sighting that all its facets share.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: Time,
    last: Time,
    connections: u64,
}

impl Ingest {
    /// An empty map of the cluster with this name (empty for the only one).
    pub fn new(cluster: &str) -> Self {
        Self {
            cluster: cluster.into(),
            map: Map::new(),
            names: Names::default(),
            fold: Fold::default(),
            pairs: Pairs::default(),
            taken: Tally::new(),
            fates: Tally::new(),
            host_network: BTreeMap::new(),
            unknown: BTreeMap::new(),
            now: Time::MIN,
        }
    }

    /// The map so far.
    pub const fn map(&self) -> &Map {
        &self.map
    }

    /// The map, when no more observations will come.
    pub fn into_map(self) -> Map {
        self.map
    }

    /// Observations taken, by evidence.
    pub const fn taken(&self) -> &Tally<Evidence> {
        &self.taken
    }

    /// What became of them. With [`held`](Self::held), the sum is that of [`taken`](Self::taken).
    pub const fn fates(&self) -> &Tally<Fate> {
        &self.fates
    }

    /// Answers that still wait for their connection.
    pub fn held(&self) -> u64 {
        self.pairs.held()
    }

    /// Observations from each node's host network.
    pub const fn host_network(&self) -> &BTreeMap<CompactString, u64> {
        &self.host_network
    }

    /// Addresses that nobody known held at the time, with the observations that named them; the first few.
    pub const fn unknown_addresses(&self) -> &BTreeMap<IpAddr, u64> {
        &self.unknown
    }

    /// Sightings of outside names and addresses that were folded.
    pub const fn folded(&self) -> u64 {
        self.fold.folded()
    }

    /// Takes one observation.
    pub fn observe(&mut self, index: &Index, observation: &Observation) {
        self.advance(index, observation.last_seen);
        self.taken.add(observation.evidence, 1);
        let fate = match &observation.target {
            Target::Answer(answer) => self.answer(index, observation, answer),
            Target::Connection(connection) => self.connection(index, observation, connection),
        };
        match fate {
            Ok(Some(fate)) => self.fates.add(fate, 1),
            Ok(None) => {} // held
            Err(refusal) => {
                self.note_unknown(refusal, observation);
                self.fates.add(Fate::Refused(refusal), 1);
            }
        }
    }

    fn note_unknown(&mut self, refusal: Refusal, observation: &Observation) {
        let address = match (refusal, &observation.target) {
            (Refusal::UnknownSource, _) => observation.source.address,
            (Refusal::UnknownDestination, Target::Connection(connection)) => connection.meant.ip(),
            (Refusal::UnknownDestination, Target::Answer(answer)) => answer.address,
            _ => return,
        };
        if self.unknown.len() < MAX_UNKNOWN || self.unknown.contains_key(&address) {
            *self.unknown.entry(address).or_default() += 1;
        }
    }

    /// Settles the answers whose window is over at `now`.
    pub fn advance(&mut self, index: &Index, now: Time) {
        if now <= self.now {
            return;
        }
        self.now = now;
        while let Some((key, pair)) = self.pairs.due(now) {
            self.settle(index, &key, pair);
        }
    }

    /// Settles every answer that still waits: no more observations will come.
    pub fn finish(&mut self, index: &Index) {
        while let Some((key, pair)) = self.pairs.pop() {
            self.settle(index, &key, pair);
        }
    }

    fn client<'a>(
        &mut self,
        index: &'a Index,
        observation: &Observation,
    ) -> Result<Client<'a>, Refusal> {
        let Observation {
            source,
            first_seen,
            last_seen,
            ..
        } = *observation;
        resolve::client(index, source, first_seen, last_seen).map_err(|(refusal, node)| {
            if let Some(node) = node {
                *self.host_network.entry(node.into()).or_default() += 1;
            }
            refusal
        })
    }

    fn answer(
        &mut self,
        index: &Index,
        seen: &Observation,
        answer: &Answer,
    ) -> Result<Option<Fate>, Refusal> {
        if index.is_cluster_dns(seen.source.address) {
            return Err(Refusal::Recursion);
        }
        let Client::Pod(pod) = self.client(index, seen)? else {
            return Err(Refusal::UnknownSource);
        };
        let server = resolve::name(index, &answer.name, answer.address, seen.last_seen)?;
        let client = index.identity(pod).workload;
        if let Server::Name(name) = &server {
            self.names.learn(
                &client,
                answer.address,
                name,
                seen.first_seen,
                seen.last_seen,
                seen.ttl,
            );
        }
        self.describe(&client, index, pod, seen.last_seen);
        let waiting = Waiting {
            server,
            first: seen.first_seen,
            last: seen.last_seen,
            observations: 1,
            answers: seen.connections,
        };
        let key = (client, answer.address);
        let (pair, evicted) = self.pairs.entry(key.clone(), self.now);
        let known = pair.known.clone();
        if let Known::Accepted(peer) = known {
            let fate = self.explained(&key, &peer, &waiting);
            self.settle_evicted(index, evicted);
            return Ok(Some(fate));
        }
        let oldest = pair.wait(waiting);
        if let Some(oldest) = oldest {
            self.settle_one(index, &key, &known, &oldest);
        }
        self.settle_evicted(index, evicted);
        Ok(None)
    }

    fn connection(
        &mut self,
        index: &Index,
        seen: &Observation,
        connection: &Connection,
    ) -> Result<Option<Fate>, Refusal> {
        let place = resolve::place(index, connection, seen.last_seen);
        let client = match (self.client(index, seen)?, &place) {
            (
                Client::Internet,
                Ok(Place {
                    server: Server::Workload { .. },
                    ..
                })
                | Err(_),
            ) => Client::Internet,
            (Client::Internet, Ok(_)) => return Err(Refusal::BothOutside),
            (client, _) => client,
        };
        let place = place?;
        let accepted = connection.outcome == Outcome::Accepted;
        if accepted && matches!(place.server, Server::Empty(_)) {
            return Err(Refusal::NoBackend);
        }
        let span = Span {
            first: seen.first_seen,
            last: seen.last_seen,
            connections: seen.connections,
        };
        let mut facets = vec![
            Facet::Evidence(seen.evidence),
            Facet::Port {
                protocol: connection.protocol,
                port: place.port,
            },
        ];
        let workload = client.workload(index);
        if let (Client::Pod(pod), Some(workload)) = (&client, &workload) {
            self.describe(workload, index, pod, seen.last_seen);
        }
        let Some(workload) = workload else {
            facets.push(Facet::Address(seen.source.address));
            return Ok(Some(self.record(
                Peer::Internet,
                &place.server,
                &mut facets,
                span,
                connection.outcome,
                index,
            )));
        };
        let peers = self.peers(&workload, &place.server, seen.last_seen, &mut facets);
        let mut fate = Fate::Refused(Refusal::TableFull);
        for server in peers {
            let client = Peer::Workload(workload.clone());
            fate = self.record(
                client,
                &server,
                &mut facets.clone(),
                span,
                connection.outcome,
                index,
            );
            self.explain(index, &workload, connection, server.peer());
        }
        Ok(Some(fate))
    }

    /// The peers of a connection: an outside address has the names that this client got for it.
    fn peers(
        &mut self,
        client: &Workload,
        server: &Server,
        at: Time,
        facets: &mut Vec<Facet>,
    ) -> Vec<Server> {
        let Server::Outside(address) = server else {
            return vec![server.clone()];
        };
        let names: Vec<Server> = self
            .names
            .of(client, *address, at)
            .map(|name| Server::Name(name.clone()))
            .collect();
        if names.is_empty() {
            return vec![server.clone()];
        }
        facets.push(Facet::Address(*address));
        names
    }

    /// Tells the answers that wait for this connection what became of it.
    #[allow(clippy::needless_pass_by_value, reason = "the pair keeps it")]
    fn explain(&mut self, index: &Index, client: &Workload, connection: &Connection, peer: Peer) {
        let key: PairKey = (client.clone(), connection.meant.ip());
        let (pair, evicted) = self.pairs.entry(key.clone(), self.now);
        let mut explained = Vec::new();
        match (connection.outcome, &pair.known) {
            (Outcome::Accepted, _) => {
                pair.known = Known::Accepted(peer.clone());
                explained = std::mem::take(&mut pair.waiting);
            }
            (_, Known::Nothing) => pair.known = Known::Refused(peer.clone()),
            _ => {}
        }
        for waiting in explained {
            let fate = self.explained(&key, &peer, &waiting);
            self.fates.add(fate, waiting.observations);
        }
        self.settle_evicted(index, evicted);
    }

    /// An answer whose connection was accepted by `peer` is one more piece of evidence for that edge. Where the
    /// answer has a name of its own outside, the name is the peer.
    fn explained(&mut self, (client, address): &PairKey, peer: &Peer, waiting: &Waiting) -> Fate {
        let mut facets = vec![Facet::Evidence(Evidence::Dns)];
        let server = match (&waiting.server, peer) {
            (Server::Name(name), _) => {
                facets.push(Facet::Address(*address));
                Peer::Name(self.fold.name(client, name))
            }
            (Server::Workload { service, .. }, Peer::Workload(_)) => {
                facets.extend(service.clone().map(Facet::Service));
                peer.clone()
            }
            _ => peer.clone(),
        };
        self.write(
            Peer::Workload(client.clone()),
            server,
            &facets,
            waiting.span(),
            Outcome::Accepted,
        )
        .0
    }

    /// A pair that had to make room is settled early.
    fn settle_evicted(&mut self, index: &Index, evicted: Option<(PairKey, Pair)>) {
        if let Some((key, pair)) = evicted {
            self.settle(index, &key, pair);
        }
    }

    /// The window is over: what waits has to speak for itself.
    fn settle(&mut self, index: &Index, key: &PairKey, pair: Pair) {
        for waiting in pair.waiting {
            self.settle_one(index, key, &pair.known, &waiting);
        }
    }

    fn settle_one(&mut self, index: &Index, key: &PairKey, known: &Known, waiting: &Waiting) {
        let (client, address) = key;
        let from = Peer::Workload(client.clone());
        let mut facets = vec![Facet::Evidence(Evidence::Dns)];
        let fate = match (known, &waiting.server) {
            (Known::Refused(peer), server) => {
                facets.push(Facet::Outcome(Outcome::Refused));
                let to = match server {
                    Server::Name(name) => Peer::Name(self.fold.name(client, name)),
                    _ => peer.clone(),
                };
                self.write(from, to, &facets, waiting.span(), Outcome::Refused)
                    .0
            }
            (_, Server::Empty(_)) => Fate::Refused(Refusal::NoBackend),
            (_, server) => {
                if matches!(server, Server::Name(_)) {
                    facets.push(Facet::Address(*address));
                }
                let server = self.shown(&from, server).unwrap_or_else(|| server.clone());
                let outcome = Outcome::Accepted;
                self.record(from, &server, &mut facets, waiting.span(), outcome, index)
            }
        };
        self.fates.add(fate, waiting.observations);
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

    /// Writes an edge or an attempt to the map, with what the server's side adds to it.
    fn record(
        &mut self,
        client: Peer,
        server: &Server,
        facets: &mut Vec<Facet>,
        span: Span,
        outcome: Outcome,
        index: &Index,
    ) -> Fate {
        if let Server::Workload {
            service,
            assumed,
            pod,
            workload,
        } = server
        {
            facets.extend(service.clone().map(Facet::Service));
            if *assumed {
                facets.push(Facet::Assumed);
            }
            if let Some(pod) = pod.and_then(|uid| index.pod(uid)) {
                self.describe(workload, index, pod, span.last);
            }
        }
        if outcome != Outcome::Accepted {
            facets.push(Facet::Outcome(outcome));
        }
        let peer = match (server, client.workload()) {
            (Server::Name(name), Some(workload)) => Peer::Name(self.fold.name(workload, name)),
            (Server::Outside(address), Some(workload)) => {
                Peer::Address(self.fold.address(workload, *address))
            }
            _ => server.peer(),
        };
        self.write(client, peer, facets, span, outcome).0
    }

    #[allow(clippy::needless_pass_by_value, reason = "a sighting owns its key")]
    fn write(
        &mut self,
        client: Peer,
        server: Peer,
        facets: &[Facet],
        span: Span,
        outcome: Outcome,
    ) -> (Fate, Change) {
        let key = EdgeKey {
            cluster: self.cluster.clone(),
            client,
            server,
        };
        let sighting = Sighting {
            key,
            facets,
            first: span.first,
            last: span.last,
            reporter: None,
            connections: span.connections,
        };
        let (change, fate) = if outcome == Outcome::Accepted {
            (self.map.record(sighting), Fate::Edge)
        } else {
            (self.map.record_attempt(sighting), Fate::Attempt)
        };
        match change {
            Change::BelowFloor => (Fate::Refused(Refusal::BelowFloor), change),
            Change::Full => (Fate::Refused(Refusal::TableFull), change),
            _ => (fate, change),
        }
    }

    /// Keeps what views want to know of a workload: labels, the owner's API group, how it got its name.
    fn describe(&mut self, workload: &Workload, index: &Index, pod: &Pod, at: Time) {
        if self.map.attributes(&self.cluster, workload).is_some() {
            return;
        }
        let identity = index.identity(pod);
        let attributes = Attributes {
            labels: pod.labels.iter().cloned().collect(),
            api_group: identity.group.clone(),
            api_version: identity.version.clone(),
            by_annotation: identity.by_annotation,
        };
        self.map.describe(&self.cluster, workload, at, attributes);
    }
}

impl Waiting {
    const fn span(&self) -> Span {
        Span {
            first: self.first,
            last: self.last,
            connections: self.answers,
        }
    }
}
