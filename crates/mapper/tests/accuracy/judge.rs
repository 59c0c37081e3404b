//! The mapper under test, once for each kind of reporter, and what becomes of its map.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use cluster::{Index, OwnerKey, Settings, Update};
use map::tally::Tally;
use map::{
    Answer, Connection, DnsName, Edge, EdgeKey, Evidence, Facet, Observation, Outcome, PodUid,
    Protocol, Source, Target, Time, Workload,
};
use mapper::limits::{MAX_AHEAD, MAX_LATENESS};
use mapper::{Claim, Fact, Fate, Ingest, Refusal};

use crate::scene::{At, SECOND};
use crate::traffic::{Place, Sight, What};
use crate::truth::{Ends, Truth};
use crate::world::World;

/// What reporters send of pod UIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// All that a node knows: its own pods.
    Both,
    /// That of the client, from the client's node.
    Client,
    /// None: the replaced system's sniffers.
    Nobody,
}

pub(crate) const MODES: [Mode; 3] = [Mode::Both, Mode::Client, Mode::Nobody];

impl Mode {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Both => "UIDs of both ends",
            Self::Client => "UIDs of clients",
            Self::Nobody => "no UIDs",
        }
    }
}

/// How often the books are checked, in reports.
const CHECK_EVERY: u64 = 257;

/// A mapper, and what it was given. Those that UIDs, or a Service before one workload, decide at both ends go to one,
/// the rest to another, so that what became of each sort is told apart.
#[derive(Debug)]
struct Lane {
    mode: Mode,
    decided: bool,
    ingest: Ingest,
    /// Facts that are true, and can become an edge or an attempt.
    possible: u64,
    /// Where UIDs decide: how many facts each pod decides.
    by_uid: HashMap<PodUid, u64>,
    peak: usize,
}

/// What became of all that one kind of reporter sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Score {
    pub(crate) taken: u64,
    /// Edges: all that are true, and those that were found.
    pub(crate) edges: (u64, u64),
    /// Observations that UIDs or a Service decide at both ends, and those that were resolved.
    pub(crate) decided: (u64, u64),
    /// Observations that were left out of these: of pods that came and went without a word.
    pub(crate) untold: u64,
    /// The others.
    pub(crate) open: (u64, u64),
    /// Edges that are not true, with the observations' truth and what they became.
    pub(crate) wrong: Vec<String>,
    /// Edges that are true, but not at the time.
    pub(crate) wrong_times: Vec<String>,
    /// Edges that say themselves that they are assumed: by the name of a Service before several workloads.
    pub(crate) assumed: u64,
    pub(crate) refused: BTreeMap<Refusal, u64>,
    pub(crate) peak: usize,
}

#[derive(Debug)]
pub(crate) struct Judge {
    index: Index,
    lanes: Vec<Lane>,
    reports: u64,
    asked: HashSet<OwnerKey>,
    mad_clocks: bool,
}

impl Judge {
    pub(crate) fn new(mad_clocks: bool) -> Self {
        let lanes = MODES.iter().flat_map(|mode| {
            [true, false].map(|decided| Lane {
                mode: *mode,
                decided,
                ingest: Ingest::live("", BTreeSet::new()),
                possible: 0,
                by_uid: HashMap::new(),
                peak: 0,
            })
        });
        Self {
            index: Index::live(Settings::default()),
            lanes: lanes.collect(),
            reports: 0,
            asked: HashSet::new(),
            mad_clocks,
        }
    }

    /// It is now this time.
    pub(crate) fn advance(&mut self, now: At) {
        for lane in &mut self.lanes {
            lane.ingest.advance(&self.index, Time::from_nanos(now));
        }
    }

    pub(crate) fn forget(&mut self, now: At) {
        self.index.forget(Time::from_nanos(now));
        for lane in &mut self.lanes {
            lane.ingest.take_news();
        }
    }

    /// The watch tells something.
    pub(crate) fn update(&mut self, updates: Vec<Update>, now: At) {
        for update in updates {
            self.index.update(update, Time::from_nanos(now));
        }
        let touched = self.index.take_touched();
        for lane in &mut self.lanes {
            lane.ingest.wake(&self.index, &touched);
        }
    }

    /// Owners that have to be looked up.
    pub(crate) fn wanted(&mut self) -> Vec<OwnerKey> {
        let lanes = self.lanes.iter_mut();
        let wanted = lanes.flat_map(|lane| lane.ingest.take_wanted());
        let asked = &mut self.asked;
        wanted.filter(|owner| asked.insert(owner.clone())).collect()
    }

    pub(crate) fn looked_up(&mut self, owner: &OwnerKey, answer: Update, now: At) {
        self.asked.remove(owner);
        self.update(vec![answer], now);
    }

    /// A report comes.
    pub(crate) fn report(&mut self, sight: &Sight, world: &World, truth: &Truth) {
        self.reports += 1;
        let check = self.reports.is_multiple_of(CHECK_EVERY);
        let label = truth.get(sight.label);
        let is_true = !label.allowed.is_empty();
        for lane in &mut self.lanes {
            let (client, server) = uids(lane.mode, sight);
            if sight.needs_uid && client.is_none() && server.is_none() {
                continue;
            }
            let decided = is_true
                && !sight.needs_uid
                && sight.accepted
                && client.is_some()
                && (server.is_some() || sight.by_service);
            if decided != lane.decided {
                continue;
            }
            let mut observation = observation(sight, (client, server), world);
            if self.mad_clocks && self.reports.is_multiple_of(5) {
                let mad = [-700_000, -7200, 7200, 700_000][self.reports as usize / 5 % 4];
                observation.last_seen = clamp(sight.last + mad * SECOND, world.now);
                observation.first_seen = observation.last_seen;
            }
            let claim = Claim {
                reporter: sight.label.to_string().into(),
                awaits_outcome: sight.label.is_multiple_of(2),
                ..Claim::default()
            };
            lane.possible += u64::from(is_true);
            if decided {
                lane.note(&self.index, client, server.filter(|_| !sight.by_service));
            }
            lane.ingest
                .take(&self.index, Fact::Seen(observation, claim));
            lane.peak = lane.peak.max(lane.ingest.parked());
            if check {
                lane.check();
            }
        }
    }

    /// Nothing more comes.
    pub(crate) fn finish(mut self, world: &World, truth: &Truth) -> BTreeMap<Mode, Score> {
        let workloads = world.plan.workloads.iter().enumerate();
        let workloads: HashMap<Workload, usize> = workloads
            .map(|(number, kept)| (kept.workload(), number))
            .collect();
        let mut scores: BTreeMap<Mode, Score> = BTreeMap::new();
        let mut found: BTreeMap<Mode, HashSet<Ends>> = BTreeMap::new();
        for lane in &mut self.lanes {
            lane.ingest.finish(&self.index);
            lane.check();
            assert_eq!(lane.ingest.held(), 0, "all has come to its end");
            let score = scores.entry(lane.mode).or_default();
            let (fates, taken) = (lane.ingest.fates(), lane.ingest.taken().total());
            score.taken += taken;
            let resolved = fates.get(&Fate::Edge) + fates.get(&Fate::Attempt);
            let part = if lane.decided {
                &mut score.decided
            } else {
                &mut score.open
            };
            let untold = lane.untold(&self.index);
            score.untold += untold;
            *part = (part.0 + lane.possible - untold, part.1 + resolved);
            score.add_refusals(fates);
            score.peak += lane.peak;
            let found = found.entry(lane.mode).or_default();
            for (key, edge) in lane.ingest.map().edges() {
                let ends = ends(key, &workloads);
                found.extend(ends.filter(|ends| truth.spans.contains_key(ends)));
                if edge.is_assumed() {
                    score.assumed += 1;
                }
                score.judge(key, edge, ends, (world, truth), !self.mad_clocks);
            }
            for (key, edge) in lane.ingest.map().attempts() {
                score.judge(key, edge, ends(key, &workloads), (world, truth), false);
            }
        }
        for (mode, score) in &mut scores {
            score.edges = (truth.spans.len() as u64, found[mode].len() as u64);
        }
        scores
    }
}

impl Lane {
    /// Which pod must be known for this: the first that is not known yet.
    fn note(&mut self, index: &Index, client: Option<PodUid>, server: Option<PodUid>) {
        let mut pods = client.into_iter().chain(server);
        if let Some(uid) = pods.find(|uid| !is_told(index, *uid)) {
            *self.by_uid.entry(uid).or_default() += 1;
        }
    }

    /// Facts about pods that came and went without a word: while the watch was broken, or before their kubelet told their
    /// address. Nobody can know of them.
    fn untold(&self, index: &Index) -> u64 {
        let untold = self.by_uid.iter().filter(|(uid, _)| !is_told(index, **uid));
        untold.map(|(_, count)| count).sum()
    }

    /// Nothing is lost.
    fn check(&self) {
        let (taken, fates) = (self.ingest.taken().total(), self.ingest.fates().total());
        assert_eq!(taken, fates + self.ingest.held(), "taken = fates + held");
    }
}

impl Score {
    fn add_refusals(&mut self, fates: &Tally<Fate>) {
        for (fate, count) in fates.iter() {
            if let Fate::Refused(refusal) = fate {
                *self.refused.entry(*refusal).or_default() += count;
            }
        }
    }

    /// Whether every observation of this edge may have become it.
    fn judge(
        &mut self,
        key: &EdgeKey,
        edge: &Edge,
        ends: Option<Ends>,
        (world, truth): (&World, &Truth),
        timed: bool,
    ) {
        let mut shared = false;
        for (reporter, _) in edge.connections.iter() {
            let label = truth.get(reporter.parse().unwrap());
            shared |= label.shared;
            let really = |(pod, address): (usize, std::net::Ipv4Addr)| {
                world.pods[pod].address == Some(address)
            };
            let is_right = ends.is_some_and(|ends| label.allowed.contains(&ends));
            let is_marked = label.shared && edge.is_assumed();
            if is_right || is_marked || label.lie.is_some_and(really) {
                continue;
            }
            let text = format!("{} → {}: {label:?} {ends:?}", key.client, key.server);
            let list = if label.mixed {
                &mut self.wrong_times
            } else {
                &mut self.wrong
            };
            list.push(text);
        }
        let span = ends.and_then(|ends| truth.spans.get(&ends));
        let Some((first, last)) = span.filter(|_| timed && !edge.is_assumed()) else {
            return;
        };
        // Which of several workloads a name's answer stands for is only assumed: there, connections tell the time.
        let shown = |facet: &Facet| {
            matches!(facet, Facet::Evidence(Evidence::Tcp | Evidence::Socket)) || !shared
        };
        for (_, seen) in edge.facets.iter().filter(|(facet, _)| shown(facet)) {
            let (from, to) = (seen.first().as_nanos(), seen.last().as_nanos());
            if from < *first || to > *last {
                let off = (from - first, to - last);
                let text = format!("{} → {}: {off:?}", key.client, key.server);
                self.wrong_times.push(text);
            }
        }
    }

    /// Adds what became of another simulation.
    pub(crate) fn add(&mut self, other: Self) {
        let pairs = [
            (&mut self.edges, other.edges),
            (&mut self.decided, other.decided),
            (&mut self.open, other.open),
        ];
        for (mine, theirs) in pairs {
            *mine = (mine.0 + theirs.0, mine.1 + theirs.1);
        }
        self.taken += other.taken;
        self.assumed += other.assumed;
        self.untold += other.untold;
        self.wrong.extend(other.wrong);
        self.wrong_times.extend(other.wrong_times);
        for (refusal, count) in other.refused {
            *self.refused.entry(refusal).or_default() += count;
        }
        self.peak = self.peak.max(other.peak);
    }
}

fn ends(key: &EdgeKey, workloads: &HashMap<Workload, usize>) -> Option<Ends> {
    let number = |peer: &map::Peer| workloads.get(peer.workload()?).copied();
    Some((number(&key.client)?, number(&key.server)?))
}

/// Whether the API server has told this pod and its address.
fn is_told(index: &Index, uid: PodUid) -> bool {
    let pod = index.pod(uid);
    pod.is_some_and(|pod| !pod.addresses().is_empty())
}

fn uids(mode: Mode, sight: &Sight) -> (Option<PodUid>, Option<PodUid>) {
    match mode {
        Mode::Both => (sight.client_uid, sight.server_uid),
        Mode::Client => (sight.client_uid, None),
        Mode::Nobody => (None, None),
    }
}

/// As the report's door does it.
fn clamp(at: At, now: At) -> Time {
    let now = Time::from_nanos(now);
    let earliest = now.minus(MAX_LATENESS);
    Time::from_nanos(at).clamp(earliest, now.plus(MAX_AHEAD))
}

fn observation(
    sight: &Sight,
    (client, server): (Option<PodUid>, Option<PodUid>),
    world: &World,
) -> Observation {
    let socket = |(address, port): Place| SocketAddr::new(address.into(), port);
    let mut evidence = Evidence::Tcp;
    let target = match &sight.what {
        What::Call { meant, reached } => {
            if sight.first != sight.last {
                evidence = Evidence::Socket;
            }
            Target::Connection(Connection {
                protocol: Protocol::Tcp,
                meant: socket(*meant),
                reached: reached.map(socket),
                server_pod: server,
                outcome: if sight.accepted {
                    Outcome::Accepted
                } else {
                    Outcome::Refused
                },
            })
        }
        What::Answer { service, address } => {
            evidence = Evidence::Dns;
            let name = &world.plan.services[*service].name;
            Target::Answer(Answer {
                name: DnsName::new(&format!("{name}.shop.svc.cluster.local")),
                address: Some((*address).into()),
            })
        }
    };
    Observation {
        source: Source {
            address: sight.source.into(),
            pod_uid: client,
        },
        target,
        evidence,
        first_seen: clamp(sight.first, world.now),
        last_seen: clamp(sight.last, world.now),
        connections: 1,
        ttl: if evidence == Evidence::Dns { 30 } else { 0 },
    }
}

/// How long the last answers wait for their connection, and the last facts for the index.
pub(crate) const REST: Duration = Duration::from_mins(2);
