//! The thread that looks through `/proc`: for pods and their addresses, and for open connections.

use std::collections::HashMap;
use std::hash::RandomState;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use app::clock::{self, Stopwatch};
use app::shutdown::Stop;
use parking_lot::Mutex;
use tokio::sync::mpsc::Sender;

use super::batch::{Batch, hand_over};
use super::budget::Budget;
use super::door::{Door, DoorError};
use super::figures::Figures;
use super::namespaces::Namespaces;
use super::node::{Node, Walk};
use super::owners::Owners;
use crate::Aggregate;
use crate::sockets::{Namespace, Scanner};

/// How often the thread looks whether somebody wants an owner.
const LISTEN: Duration = Duration::from_millis(50);

/// How often every namespace is read again, budget permitting.
const SWEEP: Duration = Duration::from_mins(1);

/// Namespaces that are read together, so that both ends of a connection between them are found; and the most that is held
/// of tables at a time.
const READ_TOGETHER: usize = 256;

/// The most connections that are remembered as told by packets, by address.
const MAX_EXPLAINED: usize = 65_536;

/// What the reporting tells the thread; a cheap handle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hints(Arc<Hinted>);

#[derive(Debug, Default)]
struct Hinted {
    /// An address came up whose owner is not known: there may be a new pod.
    unknown: AtomicBool,
    /// New connections that packets told of.
    connections: Mutex<HashMap<IpAddr, u64>>,
}

impl Hints {
    /// An owner is wanted: look for new pods soon.
    pub(crate) fn look_for_pods(&self) {
        self.0.unknown.store(true, Ordering::Relaxed);
    }

    /// Packets told of connections of this address.
    pub(crate) fn explain(&self, address: IpAddr, connections: u64) {
        let mut all = self.0.connections.lock();
        if all.len() < MAX_EXPLAINED || all.contains_key(&address) {
            *all.entry(address).or_default() += connections;
        }
    }
}

/// Everything that the thread has.
#[derive(Debug)]
pub(crate) struct Scan {
    node: Node,
    namespaces: Namespaces,
    scanner: Scanner,
    /// The way to socket diagnostics, where rights allow; without it, or where it fails, tables are read.
    door: Option<Door>,
    aggregate: Aggregate<RandomState>,
    owners: Owners,
    hints: Hints,
    figures: Figures,
    /// For regular walks and for tables.
    budget: Budget,
    /// For walks in search of an owner, which must not wait until a large table is paid for.
    searches: Budget,
    interval: Duration,
    /// Whether tables are read at all.
    sockets: bool,
    started: Stopwatch,
    /// The first sweep is free of the budget: before it, nothing is known of connections that were there.
    swept: bool,
    /// The time on a processor, as far as the budget knows of it.
    busy: Duration,
    /// Another thread's time on a processor, for this one.
    elsewhere: Duration,
    file: Vec<u8>,
}

/// What the thread is told.
#[derive(Debug)]
pub(crate) struct ScanSettings {
    pub(crate) interval: Duration,
    pub(crate) thousandths: u16,
    pub(crate) sockets: bool,
}

impl Scan {
    pub(crate) fn new(
        node: Node,
        settings: &ScanSettings,
        door: Option<Door>,
        owners: Owners,
        hints: Hints,
        figures: Figures,
        started: Stopwatch,
    ) -> Self {
        Self {
            node,
            namespaces: Namespaces::default(),
            scanner: Scanner::new(),
            door,
            aggregate: Aggregate::new(RandomState::new()),
            owners,
            hints,
            figures,
            budget: Budget::new(settings.thousandths),
            searches: Budget::new(settings.thousandths),
            interval: settings.interval,
            sockets: settings.sockets,
            started,
            swept: false,
            busy: Duration::ZERO,
            elsewhere: Duration::ZERO,
            file: Vec::new(),
        }
    }

    /// Looks on until the stop, or until nobody takes what is seen.
    pub(crate) fn run(mut self, batches: &Sender<Batch>, stop: &Stop) {
        let (mut round, mut earned) = (None::<Stopwatch>, Stopwatch::start());
        loop {
            let wanted = self.hints.0.unknown.swap(false, Ordering::Relaxed);
            let passed = earned.elapsed();
            earned = Stopwatch::start();
            self.budget.earn(passed);
            self.searches.earn(passed);
            if round.is_none_or(|round| round.elapsed() >= self.interval) {
                round = Some(Stopwatch::start());
                self.find_pods();
                self.spend();
                if self.sockets {
                    self.scan();
                    self.spend();
                }
                self.tell();
            } else if wanted && self.searches.has_some() {
                self.find_pods();
                let busy = self.used();
                self.searches.spend(busy);
                self.tell();
            } else if wanted {
                // It is asked for until there is budget for it.
                self.hints.look_for_pods();
            }
            if !hand_over(&mut self.aggregate, batches) {
                return;
            }
            if stop.wait(LISTEN) {
                break;
            }
        }
        let last = self.aggregate.drain();
        self.tell();
        let _ = batches.blocking_send(last);
    }

    fn find_pods(&mut self) {
        let now = self.started.elapsed();
        match self.node.walk() {
            Ok(walk) => self.found(walk, now),
            Err(error) => self.fail(&error),
        }
    }

    fn found(&mut self, walk: Walk, now: Duration) {
        let mut changed = walk.changed;
        if walk.changed {
            let scanner = &mut self.scanner;
            self.namespaces
                .update(self.node.households(), now, |inode| {
                    scanner.retain(|known| known != inode);
                });
        }
        changed |= self.namespaces.read_addresses(&self.node, now);
        if changed {
            self.owners.replace(self.namespaces.owners(clock::boot()));
        }
        let mut figures = self.figures.sockets.lock();
        figures.trouble = None;
        figures.processes = walk.processes as u64;
        figures.hidden = walk.hidden as u64;
        figures.walks += 1;
    }

    fn fail(&mut self, error: &io::Error) {
        let mut figures = self.figures.sockets.lock();
        if figures.trouble.is_none() {
            tracing::warn!(%error, "the node's /proc cannot be read: open connections and pods are not seen");
        }
        figures.trouble = Some(error.to_string());
    }

    /// Reads the tables that are due, as far as the budget goes.
    fn scan(&mut self) {
        let now = self.started.elapsed();
        let explained = std::mem::take(&mut *self.hints.0.connections.lock());
        self.namespaces.explain(&explained);
        let mut due = self.due(now);
        while !due.is_empty() {
            let together: Vec<u64> = due.drain(..due.len().min(READ_TOGETHER)).collect();
            let mut tables = Vec::new();
            for inode in together {
                if self.swept && !self.budget.has_some() {
                    due.clear();
                    break;
                }
                tables.extend(self.read(inode, now));
            }
            let fates = self
                .scanner
                .scan(&tables, clock::now(), &mut self.aggregate);
            self.figures.sockets.lock().rows.merge(&fates);
        }
        if !self.swept && self.namespaces.unread() == 0 {
            self.swept = true;
        }
    }

    /// The namespaces whose tables are to be read: new ones, then those with sockets that nothing explains, then those
    /// that were not read for long.
    fn due(&mut self, now: Duration) -> Vec<u64> {
        let mut due = Vec::new();
        for inode in self.namespaces.inodes() {
            let Some(known) = self.namespaces.get_mut(inode) else {
                continue;
            };
            let Some(read) = known.read else {
                due.push((0, Duration::ZERO, inode));
                continue;
            };
            if !self.budget.has_some() {
                continue;
            }
            if let Some(counts) = known.count(&self.node, &mut self.file) {
                let sockets = |counts: &[kernel::proc::SocketCounts; 2]| {
                    let all = counts.iter().map(|one| one.tcp_in_use + one.udp_in_use);
                    u64::from(all.sum::<u32>())
                };
                let grown = sockets(&counts).saturating_sub(sockets(&known.counts));
                known.unexplained += grown.saturating_sub(known.explained);
                known.explained = 0;
                known.counts = counts;
            }
            let is_unexplained = known.unexplained > 0;
            self.spend();
            if is_unexplained {
                due.push((1, read, inode));
            } else if now.saturating_sub(read) >= SWEEP {
                due.push((2, read, inode));
            }
        }
        due.sort_unstable();
        due.into_iter().map(|(_, _, inode)| inode).collect()
    }

    fn read(&mut self, inode: u64, now: Duration) -> Option<Namespace> {
        let known = self.namespaces.get_mut(inode)?;
        let counts = known.count(&self.node, &mut self.file);
        let (mut told, mut elsewhere) = (Ok(None), Duration::ZERO);
        if let (Some(door), Some(counts)) = (&self.door, counts) {
            (told, elsewhere) = known.diagnosed(&mut self.node, counts, door);
        }
        let is_told = matches!(told, Ok(Some(_)));
        let is_failed = told.is_err();
        let is_gone = matches!(told, Err(DoorError::Gone));
        let tables = told
            .unwrap_or_default()
            .or_else(|| known.tables(&mut self.node, counts?));
        // One that has ended is not tried again: the next walk takes it out.
        known.read = Some(now);
        known.unexplained = 0;
        known.explained = 0;
        known.counts = counts.unwrap_or_default();
        if is_gone {
            tracing::warn!("no socket diagnostics any more: socket tables are read");
            self.door = None;
            self.figures.sources.lock().diagnostics = false;
        }
        self.elsewhere += elsewhere;
        self.spend();
        let mut figures = self.figures.sockets.lock();
        figures.reads += u64::from(tables.is_some());
        figures.diagnosed += u64::from(is_told);
        figures.undiagnosed += u64::from(is_failed);
        tables
    }

    /// Takes from the budget what the thread has used since the last time.
    fn spend(&mut self) {
        let busy = self.used();
        if self.swept {
            self.budget.spend(busy);
        }
    }

    /// How long the thread has kept a processor busy since the last time, and others for it.
    fn used(&mut self) -> Duration {
        let busy = clock::thread_busy() + self.elsewhere;
        let before = std::mem::replace(&mut self.busy, busy);
        self.busy.saturating_sub(before)
    }

    fn tell(&self) {
        let mut figures = self.figures.sockets.lock();
        figures.alive = self.started.elapsed();
        figures.namespaces = self.namespaces.len() as u64;
        figures.unread = self.namespaces.unread() as u64;
        figures.busy = self.busy;
        figures.sightings = self.aggregate.counts();
        figures.held = self.aggregate.len() as u64;
        if self.sockets && self.swept && figures.unread == 0 {
            let oldest = self.namespaces.oldest_read();
            let age = oldest.map(|read| self.started.elapsed().saturating_sub(read));
            figures.complete = age.map(|age| clock::now().minus(age));
        }
    }
}
