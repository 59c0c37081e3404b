//! The map as metrics: connections by client and server, counted once each and bounded in number.
//!
//! The map itself cannot tell how many connections there were: it joins by maximum, so that a report may come twice.
//! Here each distinct thing that a sniffer counts (a pod, what it meant and what it reached) is followed by its own
//! cumulative counter, and only the growth is added. So a repeated report adds nothing, and two nodes that see one
//! connection count it once: the one where the client's pod is, which alone can name that pod.
//!
//! What is counted is what happened since this process began. A counter that a sniffer began earlier is only followed
//! from where it stands.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use map::{Connection, EdgeKey, Outcome, Peer, Source, Time};

use crate::limits::{FOLLOW, GRAPH_IDLE, MAX_FOLLOWED};

/// The value of `client` and `server` in the series that counts the edges which found no place.
pub const OTHER: &str = "other";

/// Connections by edge.
#[derive(Debug)]
pub struct ServiceGraph {
    began: Time,
    /// When new series begin: later than any that were given up.
    since: Time,
    room: usize,
    /// What sniffers count, by a keyed hash: names would take ten times the memory, and strangers choose them.
    followed: HashMap<u64, Followed>,
    hasher: RandomState,
    swept: Time,
    shown: BTreeMap<EdgeKey, Shown>,
    /// Before this time none of them is idle.
    none_idle_until: Time,
    other: Totals,
    other_since: Time,
    uncounted: u64,
}

/// How far one counter of one sniffer was followed.
#[derive(Clone, Copy, Debug)]
struct Followed {
    count: u64,
    at: Time,
}

#[derive(Clone, Copy, Debug)]
struct Shown {
    totals: Totals,
    since: Time,
    at: Time,
}

/// Connections of one series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All that a client began, whatever became of them.
    pub opened: u64,
    /// Those that were refused or never answered.
    pub failed: u64,
}

/// What a sniffer counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted<'a> {
    pub(crate) reporter: &'a str,
    pub(crate) source: &'a Source,
    pub(crate) connection: &'a Connection,
    /// Since the reporter began.
    pub(crate) count: u64,
    pub(crate) first: Time,
    pub(crate) last: Time,
}

/// One series: an edge, or [`OTHER`] for all those that found no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Name of the client.
    pub client: String,
    /// Its namespace; empty outside the cluster.
    pub client_namespace: String,
    /// Name of the server.
    pub server: String,
    /// Its namespace; empty outside the cluster.
    pub server_namespace: String,
    /// `virtual_node` where one end is outside of the cluster, as in Grafana Tempo; else empty.
    pub connection_type: &'static str,
    /// What was counted.
    pub totals: Totals,
    /// Since when.
    pub since: Time,
}

/// Where readers find the last snapshot.
#[cfg(feature = "server")]
#[derive(Clone, Debug, Default)]
pub struct Latest(std::sync::Arc<parking_lot::Mutex<std::sync::Arc<Snapshot>>>);

#[cfg(feature = "server")]
impl Latest {
    /// The last snapshot.
    pub fn get(&self) -> std::sync::Arc<Snapshot> {
        std::sync::Arc::clone(&self.0.lock())
    }

    pub(crate) fn set(&self, snapshot: Snapshot) {
        *self.0.lock() = std::sync::Arc::new(snapshot);
    }
}

/// All series at one time.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Since when they count.
    pub began: Time,
    /// Sorted by client and server; the last is [`OTHER`].
    pub series: Vec<Series>,
    /// Reports of new things that found no room to be followed, and were not counted.
    pub uncounted: u64,
}

impl ServiceGraph {
    /// Nothing is counted yet. At most `room` edges have a series of their own.
    pub fn new(room: usize, began: Time) -> Self {
        Self {
            began,
            since: began,
            room,
            followed: HashMap::new(),
            hasher: RandomState::new(),
            swept: began,
            shown: BTreeMap::new(),
            none_idle_until: Time::MIN,
            other: Totals::default(),
            other_since: began,
            uncounted: 0,
        }
    }

    /// Adds what is new in a counter. `is_old` says whether its reporter counted connections of this edge before this
    /// process began.
    pub(crate) fn count(&mut self, counted: &Counted<'_>, edge: &EdgeKey, is_old: bool) {
        let Some(growth) = self.growth(counted, is_old) else {
            self.uncounted += 1;
            return;
        };
        let failed = counted.connection.outcome != Outcome::Accepted;
        let growth = Totals {
            opened: growth,
            failed: if failed { growth } else { 0 },
        };
        self.add(edge, growth, counted.last);
    }

    /// None where it cannot be told.
    fn growth(&mut self, counted: &Counted<'_>, is_old: bool) -> Option<u64> {
        let Counted { count, last, .. } = *counted;
        let thing = (counted.reporter, counted.source, counted.connection);
        let thing = self.hasher.hash_one(thing);
        if let Some(followed) = self.followed.get_mut(&thing) {
            let growth = if count >= followed.count {
                count - followed.count
            } else if last > followed.at {
                // The sniffer had forgotten it, and began anew.
                count
            } else {
                // An older report that comes late.
                return Some(0);
            };
            followed.count = count;
            followed.at = followed.at.max(last);
            return Some(growth);
        }
        if self.followed.len() >= MAX_FOLLOWED {
            self.sweep(last);
            if self.followed.len() >= MAX_FOLLOWED {
                return None;
            }
        }
        let began_before = counted.first < self.began || is_old;
        self.followed.insert(thing, Followed { count, at: last });
        Some(if began_before { 0 } else { count })
    }

    /// Whether sniffers may still go on with counters of the time before this process.
    pub(crate) fn may_be_old(&self, now: Time) -> bool {
        now < self.began.plus(FOLLOW)
    }

    /// Since when it counts.
    pub(crate) const fn began(&self) -> Time {
        self.began
    }

    fn sweep(&mut self, now: Time) {
        // Looking at a million entries takes milliseconds: not at each report.
        if now.since(self.swept) < Duration::from_secs(1) {
            return;
        }
        self.swept = now;
        self.followed
            .retain(|_, followed| now.since(followed.at) < FOLLOW);
    }

    fn add(&mut self, edge: &EdgeKey, growth: Totals, at: Time) {
        if let Some(shown) = self.shown.get_mut(edge) {
            shown.totals.add(growth);
            shown.at = shown.at.max(at);
            return;
        }
        if self.shown.len() >= self.room && !self.make_room(at) {
            self.other.add(growth);
            return;
        }
        // A message that a sniffer kept for long may tell of earlier times; a counter cannot begin before the process.
        let shown = Shown {
            totals: growth,
            since: self.since,
            at,
        };
        self.shown.insert(edge.clone(), shown);
    }

    /// The edge that was quiet for longest gives up its place, if that was long enough: its series ends on a level, so
    /// that no rate is wrong. One that is used stays, or its counter would seem to start again.
    fn make_room(&mut self, now: Time) -> bool {
        if now < self.none_idle_until {
            return false;
        }
        let Some((edge, at)) = self.shown.iter().min_by_key(|(_, shown)| shown.at) else {
            return false;
        };
        let (edge, until) = (edge.clone(), at.at.plus(GRAPH_IDLE));
        if now < until {
            self.none_idle_until = until;
            return false;
        }
        self.shown.remove(&edge);
        // Whoever takes the place may have had one before.
        self.since = self.since.max(now);
        true
    }

    /// The map was reset: all series begin anew.
    pub(crate) fn reset(&mut self, now: Time) {
        self.since = self.since.max(now);
        self.other_since = self.since;
        self.shown.clear();
        self.other = Totals::default();
        self.none_idle_until = Time::MIN;
    }

    /// These edges are no longer in the map.
    pub(crate) fn forget(&mut self, gone: &[&EdgeKey], now: Time) {
        for edge in gone {
            self.since = self.since.max(now);
            self.shown.remove(edge);
        }
    }

    /// All series as they are now. Workloads of one name and different kinds share one.
    pub fn snapshot(&self) -> Snapshot {
        let mut series: Vec<Series> = Vec::with_capacity(self.shown.len() + 1);
        let mut by_labels: BTreeMap<[String; 4], (Shown, &'static str)> = BTreeMap::new();
        for (edge, shown) in &self.shown {
            let (client, client_namespace) = name(&edge.client);
            let (server, server_namespace) = name(&edge.server);
            let labels = [client, client_namespace, server, server_namespace];
            let kind = connection_type(edge);
            by_labels
                .entry(labels)
                .and_modify(|(of, _)| {
                    of.totals.add(shown.totals);
                    of.since = of.since.max(shown.since);
                })
                .or_insert((*shown, kind));
        }
        series.extend(by_labels.into_iter().map(|(labels, (shown, kind))| {
            let [client, client_namespace, server, server_namespace] = labels;
            Series {
                client,
                client_namespace,
                server,
                server_namespace,
                connection_type: kind,
                totals: shown.totals,
                since: shown.since,
            }
        }));
        series.push(Series {
            client: OTHER.to_owned(),
            client_namespace: String::new(),
            server: OTHER.to_owned(),
            server_namespace: String::new(),
            connection_type: "",
            totals: self.other,
            since: self.other_since,
        });
        Snapshot {
            began: self.began,
            series,
            uncounted: self.uncounted,
        }
    }
}

impl Totals {
    fn add(&mut self, more: Self) {
        self.opened = self.opened.saturating_add(more.opened);
        self.failed = self.failed.saturating_add(more.failed);
    }
}

impl Series {
    /// The names of the labels, those of Grafana Tempo's service graph.
    pub const LABELS: [&'static str; 5] = [
        "client",
        "client_service_namespace",
        "server",
        "server_service_namespace",
        "connection_type",
    ];

    /// Their values.
    pub fn values(&self) -> [&str; 5] {
        [
            &self.client,
            &self.client_namespace,
            &self.server,
            &self.server_namespace,
            self.connection_type,
        ]
    }
}

fn name(peer: &Peer) -> (String, String) {
    match peer {
        Peer::Workload(workload) => (workload.name.to_string(), workload.namespace.to_string()),
        peer => (peer.to_string(), String::new()),
    }
}

fn connection_type(edge: &EdgeKey) -> &'static str {
    let inside = |peer: &Peer| peer.workload().is_some();
    if inside(&edge.client) && inside(&edge.server) {
        ""
    } else {
        "virtual_node"
    }
}
