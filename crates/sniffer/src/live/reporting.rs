//! The task that says whose an observation is, and reports what is new.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::RandomState;
use std::net::IpAddr;
use std::time::Duration;

use app::clock::{self, Stopwatch};
use map::{Evidence, Observation, Target};
use tokio::sync::mpsc::Receiver;
use tokio::time::{Interval, MissedTickBehavior, interval};
use wire::client::{MapChanges, Reporter};

use super::batch::Batch;
use super::coverage::coverage;
use super::figures::Figures;
use super::node::Node;
use super::owners::{Claim, Holders, Owners};
use super::report::{Identity, reports};
use super::scan::Hints;
use crate::Known;
use crate::sockets::is_public;

/// How long an observation waits for its pod to be found, where its address may be that of a new one. Mostly that takes two
/// walks of the thread that looks for pods, a tenth of a second; on a busy node these are further apart.
const FIND_POD: Duration = Duration::from_secs(1);

/// The most observations that wait for that.
const MAX_WAITING: usize = 16_384;

/// For how long an address counts as one of another node, after no pod of this one was found to have it. Should it be
/// given to a pod here meanwhile, that pod is found as all others are.
const FOREIGN: Duration = Duration::from_mins(1);

/// Addresses of other nodes that are remembered as such: of all pods of a large cluster.
const MAX_FOREIGN: usize = 32_768;

/// How often the mapper is told what this node sees.
const COVERAGE: Duration = Duration::from_secs(30);

/// How often it is looked for what waits.
const TICK: Duration = Duration::from_millis(50);

/// How much of the grace at the end is for the last reports.
const LAST_REPORTS: Duration = Duration::from_secs(3);

/// Which evidence is reported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Switches {
    pub(crate) dns: bool,
    pub(crate) tcp: bool,
    pub(crate) sockets: bool,
}

impl Switches {
    const fn allow(self, evidence: Evidence) -> bool {
        match evidence {
            Evidence::Dns => self.dns,
            Evidence::Tcp => self.tcp,
            Evidence::Socket => self.sockets,
            Evidence::Kafka | Evidence::Istio | Evidence::Cloud => true,
        }
    }
}

/// Everything that the task has.
#[derive(Debug)]
pub(crate) struct Reporting {
    pub(crate) identity: Identity,
    pub(crate) switches: Switches,
    pub(crate) client: Reporter,
    pub(crate) owners: Owners,
    pub(crate) hints: Hints,
    /// To see whether a process is still there.
    pub(crate) node: Node,
    pub(crate) figures: Figures,
    pub(crate) refresh: Duration,
    /// How many distinct things are remembered.
    pub(crate) remember: usize,
}

#[derive(Debug)]
struct State {
    known: Known<RandomState>,
    /// Whose pod is looked for, in the order of `Waiting::since`.
    waiting: VecDeque<Waiting>,
    /// How many of them are of each address. What comes of one meanwhile waits behind them: a name that was asked for must
    /// be told before the connection that it was asked for.
    held_up: HashMap<IpAddr, usize>,
    foreign: HashMap<IpAddr, Duration>,
    started: Stopwatch,
    changes: MapChanges,
    covered: Option<Duration>,
}

#[derive(Debug)]
struct Waiting {
    observation: Observation,
    since: Duration,
    /// The number of walks through `/proc` that had ended by then.
    walks: u64,
}

impl Reporting {
    /// Reports until both threads have ended, and then the rest.
    pub(crate) async fn run(mut self, mut batches: Receiver<Batch>) {
        let mut state = State {
            known: Known::with_room(RandomState::new(), self.remember),
            waiting: VecDeque::new(),
            held_up: HashMap::new(),
            foreign: HashMap::new(),
            started: Stopwatch::start(),
            changes: self.client.map_changes(),
            covered: None,
        };
        let (mut tick, mut refresh) = (every(TICK), every(self.refresh));
        loop {
            tokio::select! {
                batch = batches.recv() => match batch {
                    Some(batch) => self.take(&mut state, batch),
                    None => break,
                },
                () = state.changes.changed() => self.tell_again(&mut state),
                _ = tick.tick(), if !state.waiting.is_empty() => self.settle(&mut state, FIND_POD),
                _ = refresh.tick() => self.refresh(&mut state),
            }
            self.tell(&state);
        }
        self.settle(&mut state, Duration::ZERO);
        let rest = state.known.rest(clock::now());
        self.offer(rest);
        self.tell(&state);
        self.client.flush(LAST_REPORTS).await;
    }

    fn take(&mut self, state: &mut State, batch: Batch) {
        let mut holders = Holders::new(self.owners.snapshot(), &mut self.node);
        let now = state.started.elapsed();
        let walks = self.figures.sockets.lock().walks;
        let mut new = Vec::new();
        {
            let mut figures = self.figures.reports.lock();
            for mut observation in batch {
                figures.seen.add(observation.evidence, 1);
                if !self.switches.allow(observation.evidence) {
                    figures.disabled += 1;
                    continue;
                }
                if observation.source.address.is_loopback() {
                    figures.loopback += 1;
                    continue;
                }
                let source = &mut observation.source;
                if source.pod_uid.is_none() {
                    source.pod_uid = holders.pod(source.address, observation.first_seen);
                }
                explain(&self.hints, &holders, &observation);
                if waits(state, &holders, &observation, now) {
                    let address = observation.source.address;
                    *state.held_up.entry(address).or_default() += 1;
                    state.waiting.push_back(Waiting {
                        observation,
                        since: now,
                        walks,
                    });
                } else {
                    figures.attributed += u64::from(observation.source.pod_uid.is_some());
                    new.extend(state.known.see(observation));
                }
            }
        }
        if !state.waiting.is_empty() {
            self.hints.look_for_pods();
        }
        self.offer(new);
    }

    /// Takes those whose pod was looked for, and those that have waited long enough.
    fn settle(&mut self, state: &mut State, most: Duration) {
        let mut holders = Holders::new(self.owners.snapshot(), &mut self.node);
        let now = state.started.elapsed();
        let walks = self.figures.sockets.lock().walks;
        let mut new = Vec::new();
        while let Some(first) = state.waiting.front() {
            let Observation {
                source, first_seen, ..
            } = first.observation;
            let told = source.pod_uid;
            let pod = told.or_else(|| holders.pod(source.address, first_seen));
            // The walk that was under way may have been past the new pod.
            let was_looked_for = walks >= first.walks + 2;
            if pod.is_none() && !was_looked_for && now.saturating_sub(first.since) < most {
                self.hints.look_for_pods();
                break;
            }
            let Some(Waiting {
                mut observation, ..
            }) = state.waiting.pop_front()
            else {
                break;
            };
            observation.source.pod_uid = pod;
            if let Entry::Occupied(mut held_up) = state.held_up.entry(source.address) {
                *held_up.get_mut() -= 1;
                if *held_up.get() == 0 {
                    held_up.remove();
                }
            }
            if pod.is_some() {
                self.figures.reports.lock().attributed += 1;
            } else if was_looked_for && holders.claim(source.address).is_none() {
                remember_foreign(&mut state.foreign, source.address, now);
            }
            new.extend(state.known.see(observation));
        }
        self.offer(new);
    }

    fn refresh(&mut self, state: &mut State) {
        let now = clock::now();
        let due = state.known.due(now);
        self.offer(due);
        let elapsed = state.started.elapsed();
        let is_due = |at: Duration| elapsed.saturating_sub(at) >= COVERAGE;
        if state.covered.is_none_or(is_due) {
            state.covered = Some(elapsed);
            let held = self.client.stats().held;
            let coverage = coverage(&self.figures, &self.identity, held, now);
            self.figures.reports.lock().coverages += 1;
            self.client.offer(coverage);
        }
    }

    fn tell_again(&mut self, state: &mut State) {
        let all = state.known.all(clock::now());
        tracing::info!(
            observations = all.len(),
            "the mapper has another map than before: it is told everything again"
        );
        self.figures.reports.lock().told_again += 1;
        self.offer(all);
        state.covered = None;
    }

    fn offer(&self, observations: Vec<Observation>) {
        if observations.is_empty() {
            return;
        }
        let mut figures = self.figures.reports.lock();
        for report in reports(observations, &self.identity) {
            match &report {
                wire::Report::Captures(report) => {
                    figures.dns_sources += report.results.len() as u64;
                }
                wire::Report::SocketScans(report) => {
                    figures.socket_sources += report.results.len() as u64;
                }
                _ => {}
            }
            self.client.offer(report);
        }
    }

    fn tell(&self, state: &State) {
        let mut figures = self.figures.reports.lock();
        figures.known = state.known.counts();
        figures.remembered = state.known.len() as u64;
        figures.searching = state.waiting.len() as u64;
        figures.waiting = state.known.waiting() as u64;
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Tells the thread that reads socket tables what it need not look for.
fn explain(hints: &Hints, holders: &Holders<'_>, observation: &Observation) {
    let (Evidence::Tcp, Target::Connection(connection)) =
        (observation.evidence, &observation.target)
    else {
        return;
    };
    let server = connection.reached.unwrap_or(connection.meant).ip();
    for address in [observation.source.address, server] {
        if holders.claim(address).is_some() {
            hints.explain(address, observation.connections);
        }
    }
}

/// Whether it waits: for its pod, or behind what waits for the same.
fn waits(state: &State, holders: &Holders<'_>, observation: &Observation, now: Duration) -> bool {
    let address = observation.source.address;
    let is_foreign = |at: &Duration| now.saturating_sub(*at) < FOREIGN;
    if state.waiting.len() >= MAX_WAITING {
        return false;
    }
    if state.held_up.contains_key(&address) {
        return true;
    }
    // An owner that has just ended is known still: somebody else may have the address by now.
    observation.source.pod_uid.is_none()
        && holders.claim(address) != Some(Claim::Nobodys)
        && !is_public(address)
        && !state.foreign.get(&address).is_some_and(is_foreign)
}

fn remember_foreign(foreign: &mut HashMap<IpAddr, Duration>, address: IpAddr, now: Duration) {
    if foreign.len() >= MAX_FOREIGN {
        foreign.retain(|_, at| now.saturating_sub(*at) < FOREIGN);
    }
    if foreign.len() < MAX_FOREIGN {
        foreign.insert(address, now);
    }
}
