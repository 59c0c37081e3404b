//! The task that asks sidecars in rounds, and reports what has happened since the round before.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use app::clock::{self, Stopwatch};
use app::shutdown::Stop;
use cluster::live::Sidecar as Pod;
use compact_str::CompactString;
use map::PodUid;
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use wire::client::{MapChanges, Reporter};

use super::coverage::coverage;
use super::fetch::{Ask, FetchError, Taker, Way, fetch};
use super::figures::Shared;
use super::report::report;
use super::sidecars::Sidecars;
use crate::advice::{Advice, Found};
use crate::exposition::{Exposition, LineCounts, Series};
use crate::limits::COVERAGE;
use crate::{Counters, Ledger, Moved, Refusal, Requests, Rounds, Sidecar};

/// Sidecars that are asked at a time: the answers of more would come no sooner, and one may have a megabyte.
const AT_ONCE: usize = 10;

/// How much of the grace at the end is for the last reports.
const LAST_REPORTS: Duration = Duration::from_secs(3);

/// How often it is said again that the mesh exports no paths.
const SAY_AGAIN: Duration = Duration::from_hours(1);

/// In which way each sidecar answered last. One that did by a command is not first asked at its port, which may take as long
/// as it may; when the command fails, it is.
type Ways = HashMap<PodUid, Way>;

/// Everything that the task has.
#[derive(Debug)]
pub(crate) struct Collecting {
    pub(crate) sidecars: Sidecars,
    pub(crate) ask: Ask,
    pub(crate) cooldown: Duration,
    pub(crate) report_interval: Duration,
    pub(crate) include_history: bool,
    pub(crate) ledger: Arc<Mutex<Ledger>>,
    pub(crate) client: Reporter,
    pub(crate) reporter: CompactString,
    pub(crate) figures: Shared,
    pub(crate) started: Stopwatch,
}

/// How one sidecar's turn ended.
struct Turn {
    pod: PodUid,
    counters: Counters,
    result: Result<Way, FetchError>,
    name: String,
}

impl Collecting {
    /// Goes round until the stop, and then reports the rest.
    pub(crate) async fn run(self, stop: Stop) {
        let mut changes = self.client.map_changes();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.go_round(&mut changes) => {}
            () = self.cover() => {}
        }
        self.report();
        self.client.flush(LAST_REPORTS).await;
    }

    /// For ever.
    async fn go_round(&self, changes: &mut MapChanges) {
        self.wait_for_list().await;
        let mut rounds = Rounds::new(clock::now(), self.include_history);
        let mut ways = Ways::new();
        let mut reported: Option<Duration> = None;
        let mut said: Option<(Advice, Duration)> = None;
        loop {
            let answered = self.round(&mut rounds, &mut ways).await;
            self.advise(&rounds, answered, &mut said);
            let now = self.started.elapsed();
            let is_due = |at: Duration| now.saturating_sub(at) >= self.report_interval;
            if reported.is_none_or(is_due) && self.report() {
                reported = Some(now);
            }
            self.pause(changes).await;
        }
    }

    async fn wait_for_list(&self) {
        loop {
            tokio::select! {
                () = self.sidecars.listed() => return,
                () = tokio::time::sleep(self.cooldown) => self.live(),
            }
        }
    }

    async fn pause(&self, changes: &mut MapChanges) {
        let pause = tokio::time::sleep(self.cooldown);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return,
                () = changes.changed() => self.tell_again(),
            }
        }
    }

    /// Asks every sidecar once; how many answered.
    async fn round(&self, rounds: &mut Rounds, ways: &mut Ways) -> usize {
        let watch = Stopwatch::start();
        // Where no pod has a sidecar, nothing else shows life.
        self.live();
        rounds.retain(|pod| self.sidecars.has(pod));
        ways.retain(|pod, _| self.sidecars.has(*pod));
        let mut waiting = self.sidecars.running().into_iter();
        let mut asked = JoinSet::new();
        let (mut answered, mut failed) = (0, 0_usize);
        let mut example = None;
        loop {
            while asked.len() < AT_ONCE
                && let Some(pod) = waiting.next()
            {
                let counters = rounds.begin(Sidecar {
                    pod: pod.uid,
                    started: pod.started,
                });
                let before = ways.get(&pod.uid).copied().unwrap_or(Way::Port);
                let reading = Reading::new(counters, Arc::clone(&self.ledger));
                let figures = Arc::clone(&self.figures);
                asked.spawn(turn(pod, reading, self.ask.clone(), before, figures));
            }
            let Some(turn) = asked.join_next().await else {
                break;
            };
            self.live();
            // What panicked has said so.
            let Ok(turn) = turn else { continue };
            rounds.end(turn.pod, turn.counters, turn.result.is_ok());
            match turn.result {
                Ok(way) => {
                    answered += 1;
                    ways.insert(turn.pod, way);
                }
                Err(error) => {
                    failed += 1;
                    ways.remove(&turn.pod);
                    tracing::debug!(sidecar = turn.name, %error, "a sidecar was not read");
                    // What lacks a right is told before what may pass.
                    if example.is_none() || error.is_forbidden() {
                        example = Some((turn.name, error));
                    }
                }
            }
            if self.ledger.lock().is_full() {
                self.report();
            }
        }
        if let Some((sidecar, error)) = example {
            tracing::warn!(
                failed, answered, example = sidecar, %error,
                "sidecars were not read in this round; what they count is not lost, and told when they answer"
            );
        }
        let mut figures = self.figures.lock();
        figures.rounds += 1;
        figures.last_round = watch.elapsed();
        figures.series = rounds.counts();
        figures.held = rounds.held();
        answered
    }

    fn advise(&self, rounds: &Rounds, answered: usize, said: &mut Option<(Advice, Duration)>) {
        let held = rounds.held();
        let found = Found {
            sidecars: self.sidecars.running().len(),
            answered,
            series: held.series,
            with_path: held.with_path,
        };
        self.figures.lock().found = found;
        let (advice, now) = (found.advice(), self.started.elapsed());
        let is_said = said.is_some_and(|(last, at)| {
            last == advice && (advice == Advice::Paths || now.saturating_sub(at) < SAY_AGAIN)
        });
        if is_said {
            return;
        }
        *said = Some((advice, now));
        let Found {
            sidecars, series, ..
        } = found;
        match advice {
            Advice::Paths | Advice::NoRequests => {
                tracing::info!(sidecars, answered, series, "{advice}");
            }
            Advice::NoSidecars | Advice::NoAnswers | Advice::NoPaths => {
                tracing::warn!(sidecars, answered, series, "{advice}");
            }
        }
    }

    /// Reports what is due; whether there was anything.
    fn report(&self) -> bool {
        let due = {
            let mut ledger = self.ledger.lock();
            let due = ledger.due(clock::now());
            let mut figures = self.figures.lock();
            figures.told = ledger.counts();
            figures.ledger = ledger.held();
            due
        };
        if due.is_empty() {
            return false;
        }
        let offered = self.client.offer(report(due, &self.reporter));
        self.figures.lock().reported += offered.items;
        true
    }

    fn tell_again(&self) {
        let entries = self.ledger.lock().tell_again();
        tracing::info!(
            entries,
            "the mapper has another map than before: it is told again what was seen of late"
        );
        self.figures.lock().told_again += 1;
        self.report();
    }

    /// Tells the mapper of this watcher, for ever.
    async fn cover(&self) {
        let mut every = tokio::time::interval(COVERAGE);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            let spooled = self.client.stats().held;
            let by_commands = self.ask.commands.is_some();
            let figures = self.figures.lock().clone();
            let now = clock::now();
            let report = coverage(&figures, &self.reporter, by_commands, spooled, now);
            self.client.offer(report);
        }
    }

    fn live(&self) {
        self.figures.lock().alive = self.started.elapsed();
    }
}

/// What one sidecar tells, taken while it comes.
struct Reading {
    counters: Counters,
    ledger: Arc<Mutex<Ledger>>,
    exposition: Exposition,
    bytes: u64,
    taken: u64,
    refused: BTreeMap<Refusal, u64>,
    /// Of answers before this one, which broke off.
    lines: LineCounts,
}

impl Reading {
    fn new(counters: Counters, ledger: Arc<Mutex<Ledger>>) -> Self {
        Self {
            counters,
            ledger,
            exposition: Exposition::default(),
            bytes: 0,
            taken: 0,
            refused: BTreeMap::new(),
            lines: LineCounts::default(),
        }
    }

    /// The next bytes, or none at the end.
    fn take(&mut self, piece: Option<&[u8]>) {
        let now = clock::now();
        let mut ledger = self.ledger.lock();
        let mut each = |series: Series<'_>, value| {
            if self.counters.see(series, value) != Moved::Yes {
                return;
            }
            match Requests::read(series) {
                Ok(requests) => {
                    self.taken += 1;
                    ledger.take(requests, now);
                }
                Err(refusal) => *self.refused.entry(refusal).or_default() += 1,
            }
        };
        match piece {
            Some(piece) => {
                self.bytes += piece.len() as u64;
                self.exposition.push(piece, &mut each);
            }
            None => self.exposition.end(&mut each),
        }
    }
}

impl Taker for Reading {
    fn piece(&mut self, bytes: &[u8]) {
        self.take(Some(bytes));
    }

    fn again(&mut self) {
        let broken = std::mem::take(&mut self.exposition);
        self.lines.add(broken.counts());
    }
}

/// Asks one sidecar.
async fn turn(pod: Pod, mut reading: Reading, ask: Ask, before: Way, figures: Shared) -> Turn {
    let result = fetch(&ask, &pod, before, &mut reading).await;
    // The rest of an answer that breaks off is no line.
    if result.is_ok() {
        reading.take(None);
    }
    let mut figures = figures.lock();
    figures.bytes += reading.bytes;
    figures.taken += reading.taken;
    for (refusal, count) in reading.refused {
        *figures.refused.entry(refusal).or_default() += count;
    }
    figures.lines.add(reading.lines);
    figures.lines.add(reading.exposition.counts());
    match &result {
        Ok(way) => {
            figures.answers += 1;
            figures.by_command += u64::from(*way == Way::Command);
        }
        Err(error) => *figures.failures.entry(error.label()).or_default() += 1,
    }
    Turn {
        pod: pod.uid,
        counters: reading.counters,
        result,
        name: format!("{}/{}", pod.namespace, pod.name),
    }
}
