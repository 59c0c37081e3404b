//! The one writer of the map: takes facts in, keeps count of what becomes of each.

mod answers;
mod connections;
mod keep;
mod others;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use cluster::{Index, OwnerKey, Pod, Touched};
use compact_str::CompactString;
use map::tally::Tally;
use map::{
    Attributes, Change, EdgeKey, Evidence, Facet, Map, Observation, Outcome, Peer, PodUid,
    Sighting, Target, Time, Workload,
};

use crate::fact::{Claim, Fact};
use crate::fate::{Fate, Refusal};
use crate::lesson::Learned;
use crate::limits::{DESCRIBE_EVERY, MAX_DESCRIBED, MAX_UNKNOWN, MAX_WANTED, PATIENCE};
use crate::news::News;
use crate::outside::{Fold, Names};
use crate::pairs::Pairs;
use crate::parked::Parking;
use crate::resolve::{self, Client, Doubt, Server};
use crate::service_graph::{Counted, ServiceGraph};
use crate::unsaved::{Entry, Held, Ticket, Unsaved};

/// Turns observations into the map of one cluster.
///
/// In a replay, observations come roughly in the order of time, the index knows the cluster at all times, and every
/// observation has its end at once. Live, they come as they come, the index follows the cluster, and what it does not
/// know yet is waited for.
#[derive(Debug)]
pub struct Ingest {
    cluster: CompactString,
    map: Map,
    names: Names,
    fold: Fold,
    pairs: Pairs,
    /// What waits for the index; nothing waits in a replay.
    parking: Option<Parking>,
    /// Owners that somebody waits for.
    wanted: Vec<OwnerKey>,
    excluded: BTreeSet<CompactString>,
    by_name: ByName,
    /// When the workload of a pod was described at least, at most [`MAX_DESCRIBED`].
    described: hashbrown::HashMap<PodUid, (Workload, Time)>,
    taken: Tally<Evidence>,
    fates: Tally<Fate>,
    /// Observations whose source was a node or its host network, by node.
    host_network: BTreeMap<CompactString, u64>,
    /// Addresses that nobody known held, at most [`MAX_UNKNOWN`].
    unknown: BTreeMap<IpAddr, u64>,
    /// What is new in the map since it was last asked for, if anybody asks.
    news: Option<News>,
    /// Addresses of names outside since they were last asked for, if anybody asks.
    lessons: Option<Vec<Learned>>,
    /// What the store has to know.
    unsaved: Option<Unsaved>,
    /// Connections by edge, if anybody asks.
    graph: Option<ServiceGraph>,
    now: Time,
}

/// Pods by the names that sidecars and clouds use for their workloads, as of a time.
#[derive(Debug, Default)]
struct ByName {
    pods: HashMap<(CompactString, CompactString), PodUid>,
    at: Option<Time>,
}

/// When and how often: the part of a sighting that all its facets share.
#[derive(Clone, Copy, Debug)]
struct Span<'a> {
    first: Time,
    last: Time,
    connections: u64,
    reporter: Option<&'a str>,
    /// What the client's own node counted, for the map as metrics.
    counted: Option<Counted<'a>>,
}

impl Ingest {
    /// An empty map of the cluster with this name (empty for the only one), for a replay.
    pub fn new(cluster: &str) -> Self {
        Self {
            cluster: cluster.into(),
            map: Map::new(),
            names: Names::default(),
            fold: Fold::default(),
            pairs: Pairs::default(),
            parking: None,
            wanted: Vec::new(),
            excluded: BTreeSet::new(),
            by_name: ByName::default(),
            described: hashbrown::HashMap::new(),
            taken: Tally::new(),
            fates: Tally::new(),
            host_network: BTreeMap::new(),
            unknown: BTreeMap::new(),
            news: None,
            lessons: None,
            unsaved: None,
            graph: None,
            now: Time::MIN,
        }
    }

    /// The same for a live cluster. Nothing from or to the excluded namespaces comes into the map.
    pub fn live(cluster: &str, excluded: BTreeSet<CompactString>) -> Self {
        Self {
            parking: Some(Parking::default()),
            news: Some(News::default()),
            excluded,
            ..Self::new(cluster)
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

    /// The name of the cluster.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Facts taken, by evidence.
    pub const fn taken(&self) -> &Tally<Evidence> {
        &self.taken
    }

    /// What became of them. With [`held`](Self::held), the sum is that of [`taken`](Self::taken).
    pub const fn fates(&self) -> &Tally<Fate> {
        &self.fates
    }

    /// Answers that still wait for their connection, and facts that wait for the index.
    pub fn held(&self) -> u64 {
        self.pairs.held() + self.parked() as u64
    }

    /// Facts that wait for the index.
    pub fn parked(&self) -> usize {
        self.parking.as_ref().map_or(0, Parking::len)
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

    /// Owners to look up, since the last call.
    pub fn take_wanted(&mut self) -> Vec<OwnerKey> {
        std::mem::take(&mut self.wanted)
    }

    /// Edges that are new or know something new, since the last call; of a live map only.
    pub fn take_news(&mut self) -> News {
        self.news.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// From now on, counts connections by edge.
    pub fn count_connections(&mut self, graph: ServiceGraph) {
        self.graph = Some(graph);
    }

    /// Connections by edge, if they are counted.
    pub const fn service_graph(&self) -> Option<&ServiceGraph> {
        self.graph.as_ref()
    }

    /// From now on, keeps what answers teach of names outside, until it is taken.
    pub fn teach(&mut self) {
        self.lessons = Some(Vec::new());
    }

    /// Addresses that known pods got for names outside the cluster, since the last call.
    pub fn take_lessons(&mut self) -> Vec<Learned> {
        self.lessons
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Takes one observation of a replay. The time is the observation's.
    pub fn observe(&mut self, index: &Index, observation: &Observation) {
        self.advance(index, observation.last_seen);
        self.taken.add(observation.evidence, 1);
        let claim = Claim {
            awaits_outcome: true,
            ..Claim::default()
        };
        let end = self.see(index, observation, &claim);
        self.finish_one(end, || Fact::Seen(observation.clone(), claim), None, None);
    }

    /// Takes one fact at the time that [`advance`](Self::advance) told last.
    pub fn take(&mut self, index: &Index, fact: Fact) {
        self.taken.add(fact.evidence(), 1);
        let end = self.attempt(index, &fact);
        let deadline = Parking::deadline(self.now);
        self.finish_one(end, || fact, Some(deadline), None);
    }

    /// Counts a fact that was refused before it could be taken.
    pub fn refuse(&mut self, evidence: Evidence, refusal: Refusal) {
        self.taken.add(evidence, 1);
        self.fates.add(Fate::Refused(refusal), 1);
    }

    /// Tries those again for which the index knows more.
    pub fn wake(&mut self, index: &Index, touched: &Touched) {
        let Some(parking) = &mut self.parking else {
            return;
        };
        for parked in parking.wake(touched, index.current()) {
            let end = self.attempt(index, &parked.fact);
            self.finish_one(end, || parked.fact, Some(parked.deadline), parked.ticket);
        }
    }

    /// The time is `now`: settles the answers whose window is over, and gives up on what has waited for too long.
    pub fn advance(&mut self, index: &Index, now: Time) {
        if now <= self.now {
            if self.now.since(now) > PATIENCE {
                self.step_back(now);
            }
            return;
        }
        self.now = now;
        while let Some((key, pair)) = self.pairs.due(now) {
            self.settle(index, &key, pair);
        }
        while let Some(parked) = self.parking.as_mut().and_then(|p| p.expired(now)) {
            match self.attempt(index, &parked.fact) {
                Err(Doubt::Waits(_)) => {
                    self.release(parked.ticket);
                    self.refuse_known(&parked.fact, parked.refusal);
                }
                end => self.finish_one(end, || parked.fact, None, parked.ticket),
            }
        }
    }

    /// The clock was set back: what waits would else wait until it is there again. A replay has no clock.
    fn step_back(&mut self, now: Time) {
        let Some(parking) = &mut self.parking else {
            return;
        };
        parking.hasten(Parking::deadline(now));
        self.pairs.hasten(now);
        self.now = now;
    }

    /// Settles every answer that still waits: no more observations will come.
    pub fn finish(&mut self, index: &Index) {
        while let Some((key, pair)) = self.pairs.pop() {
            self.settle(index, &key, pair);
        }
    }

    /// Forgets what was seen before: a reset. Late reports from before do not bring it back.
    pub fn reset(&mut self, floor: Time) {
        self.raise_floor(floor);
        self.described.clear();
        if let Some(graph) = &mut self.graph {
            graph.reset(floor);
        }
    }

    fn attempt(&mut self, index: &Index, fact: &Fact) -> Result<Option<Fate>, Doubt> {
        match fact {
            Fact::Seen(observation, claim) => self.see(index, observation, claim),
            Fact::Topic(access) => self.topic(index, access).map(Some),
            Fact::Request(request) => self.request(index, request).map(Some),
            Fact::Cloud(access) => self.cloud(index, access).map(Some),
        }
    }

    fn see(
        &mut self,
        index: &Index,
        observation: &Observation,
        claim: &Claim,
    ) -> Result<Option<Fate>, Doubt> {
        match &observation.target {
            Target::Answer(answer) => self.answer(index, observation, answer, claim),
            Target::Connection(connection) => {
                self.connection(index, observation, connection, claim)
            }
        }
    }

    /// Notes the end of a fact, or lets it wait until the deadline, if there is one.
    fn finish_one(
        &mut self,
        end: Result<Option<Fate>, Doubt>,
        fact: impl FnOnce() -> Fact,
        deadline: Option<Time>,
        ticket: Option<Ticket>,
    ) {
        if !matches!(end, Err(Doubt::Waits(_))) || deadline.is_none() {
            self.release(ticket);
        }
        match end {
            Ok(Some(fate)) => self.fates.add(fate, 1),
            Ok(None) => {} // waits among the pairs
            Err(Doubt::Refused(refusal)) => self.refuse_known(&fact(), refusal),
            Err(Doubt::Waits(wait)) => {
                let (Some(parking), Some(deadline)) = (&mut self.parking, deadline) else {
                    self.refuse_known(&fact(), wait.refusal);
                    return;
                };
                if let cluster::Need::Owner(owner) = &wait.need
                    && self.wanted.len() < MAX_WANTED
                {
                    self.wanted.push(owner.clone());
                }
                if !parking.has_room() {
                    self.release(ticket);
                    self.fates.add(Fate::Refused(Refusal::ParkingFull), 1);
                    return;
                }
                let fact = fact();
                let hold = |unsaved: &mut Unsaved| unsaved.journal.hold(Held::Fact(fact.clone()));
                let ticket = ticket.or_else(|| self.unsaved.as_mut().map(hold));
                parking.park(fact, *wait, deadline, ticket);
            }
        }
    }

    fn refuse_known(&mut self, fact: &Fact, refusal: Refusal) {
        self.fates.add(Fate::Refused(refusal), 1);
        let address = match refusal {
            Refusal::UnknownSource => fact.source().map(|source| source.address),
            Refusal::UnknownDestination => fact.destination(),
            _ => None,
        };
        let Some(address) = address else { return };
        if self.unknown.len() < MAX_UNKNOWN || self.unknown.contains_key(&address) {
            *self.unknown.entry(address).or_default() += 1;
        }
    }

    /// The client of an observation, which must fit what its own node says of it.
    fn client<'a>(
        &mut self,
        index: &'a Index,
        observation: &Observation,
        claim: &Claim,
    ) -> Result<Client<'a>, Doubt> {
        let Observation {
            source,
            first_seen,
            last_seen,
            ..
        } = *observation;
        match resolve::client(index, source, first_seen, last_seen)? {
            Client::HostNetwork(node) => {
                *self.host_network.entry(node.into()).or_default() += 1;
                Err(Refusal::HostNetworkSource.into())
            }
            Client::Pod(pod, _)
                if !claim.hostname.is_empty() && !pod.is_called(&claim.hostname) =>
            {
                Err(Refusal::WrongPod.into())
            }
            client => Ok(client),
        }
    }

    /// Writes an edge or an attempt to the map, with what the server's side adds to it.
    fn record(
        &mut self,
        client: Peer,
        server: &Server,
        facets: &mut Vec<Facet>,
        span: Span<'_>,
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
            let unsaid = |uid: &PodUid| !self.is_described(*uid, workload, span.last);
            if let Some(pod) = pod.filter(unsaid).and_then(|uid| index.pod(uid)) {
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
        self.write(client, peer, facets, span, outcome)
    }

    #[allow(clippy::needless_pass_by_value, reason = "a sighting owns its key")]
    fn write(
        &mut self,
        client: Peer,
        server: Peer,
        facets: &[Facet],
        span: Span<'_>,
        outcome: Outcome,
    ) -> Fate {
        let excluded = |peer: &Peer| {
            peer.workload()
                .is_some_and(|workload| self.excluded.contains(&workload.namespace))
        };
        if !self.excluded.is_empty() && (excluded(&client) || excluded(&server)) {
            return Fate::Refused(Refusal::ExcludedNamespace);
        }
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
            reporter: span.reporter,
            connections: span.connections,
        };
        let is_old = self.counted_before(&sighting);
        let (change, fate) = if outcome == Outcome::Accepted {
            (self.map.record(&sighting), Fate::Edge)
        } else {
            (self.map.record_attempt(&sighting), Fate::Attempt)
        };
        let is_taken = !matches!(change, Change::BelowFloor | Change::Full);
        if let (Some(graph), Some(counted), true) = (&mut self.graph, &span.counted, is_taken) {
            graph.count(counted, &sighting.key, is_old);
        }
        match change {
            Change::BelowFloor => Fate::Refused(Refusal::BelowFloor),
            Change::Full => Fate::Refused(Refusal::TableFull),
            Change::NewEdge | Change::NewFacet => {
                if let Some(unsaved) = &mut self.unsaved {
                    let key = sighting.key.clone();
                    let is_edge = fate == Fate::Edge;
                    unsaved.news.push(if is_edge {
                        Entry::Edge(key)
                    } else {
                        Entry::Attempt(key)
                    });
                }
                if fate != Fate::Edge {
                    return fate;
                }
                if let Some(news) = &mut self.news {
                    news.add(sighting.key, change);
                }
                fate
            }
            Change::Refreshed => fate,
        }
    }

    /// Whether its reporter counted connections of this edge for an earlier life of this process.
    fn counted_before(&self, sighting: &Sighting<'_>) -> bool {
        let (Some(graph), Some(reporter)) = (&self.graph, sighting.reporter) else {
            return false;
        };
        let key = &sighting.key;
        let is_old = |edge: &map::Edge| {
            edge.seen.first() < graph.began() && edge.connections.contains_key(reporter)
        };
        graph.may_be_old(self.now)
            && (self.map.edge(key).is_some_and(is_old) || self.map.attempt(key).is_some_and(is_old))
    }

    /// Whether this pod's workload was described lately. Nearly always it was, and this takes one look at a hash table.
    fn is_described(&self, uid: PodUid, workload: &Workload, at: Time) -> bool {
        let described = self.described.get(&uid);
        described.is_some_and(|(of, since)| at < since.plus(DESCRIBE_EVERY) && of == workload)
    }

    /// Keeps what views want to know of a workload: labels, the owner's API group, how it got its name.
    fn describe(&mut self, workload: &Workload, index: &Index, pod: &Pod, at: Time) {
        if self.is_described(pod.uid, workload, at) {
            return;
        }
        let before = self.map.described(&self.cluster, workload);
        let lately = before.filter(|before| at < before.plus(DESCRIBE_EVERY));
        if self.described.len() >= MAX_DESCRIBED {
            self.described.clear();
        }
        let since = lately.unwrap_or(at);
        self.described.insert(pod.uid, (workload.clone(), since));
        if lately.is_some() {
            return;
        }
        let identity = index.identity(pod);
        let attributes = Attributes {
            labels: pod.labels.iter().cloned().collect(),
            api_group: identity.group.clone(),
            api_version: identity.version.clone(),
            by_annotation: identity.by_annotation,
        };
        let taken = self.map.describe(&self.cluster, workload, at, attributes);
        if let Some(unsaved) = self.unsaved.as_mut().filter(|_| taken) {
            let entry = Entry::Workload(self.cluster.clone(), workload.clone());
            unsaved.later.push(entry);
        }
    }
}
