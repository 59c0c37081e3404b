//! What a live watch counts.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

use map::Time;

use crate::update::Kind;

/// All kinds, in the order of their declaration.
pub const KINDS: [Kind; 11] = [
    Kind::Pod,
    Kind::Node,
    Kind::Service,
    Kind::EndpointSlice,
    Kind::Endpoints,
    Kind::ReplicaSet,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::Job,
    Kind::CronJob,
];

/// What the API server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// A page of a list.
    List,
    /// A watch.
    Watch,
    /// How far the API server is, for the progress of the watch of pods.
    Progress,
    /// An owner.
    Owner,
    /// Which resources there are, to find an owner's, or whether there are ClientIntents.
    Discovery,
    /// A change of the status of a ClientIntents.
    Status,
    /// Whose a token is.
    Token,
    /// The log of a container.
    Log,
    /// A note that is kept in a `ConfigMap`.
    Note,
}

impl Verb {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 9] = [
        Self::List,
        Self::Watch,
        Self::Progress,
        Self::Owner,
        Self::Discovery,
        Self::Status,
        Self::Token,
        Self::Log,
        Self::Note,
    ];

    /// As metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Watch => "watch",
            Self::Progress => "progress",
            Self::Owner => "owner",
            Self::Discovery => "discovery",
            Self::Status => "status",
            Self::Token => "token",
            Self::Log => "log",
            Self::Note => "note",
        }
    }
}

/// Counts since the start; never reset, except for the two times, which are those of the newest.
#[derive(Debug, Default)]
pub struct Counters {
    events: [AtomicU64; KINDS.len()],
    lists: [AtomicU64; KINDS.len()],
    expired: [AtomicU64; KINDS.len()],
    errors: [AtomicU64; KINDS.len()],
    undecodable: [AtomicU64; KINDS.len()],
    requests: [AtomicU64; Verb::ALL.len()],
    last_event: AtomicI64,
    last_progress: AtomicI64,
    without_progress: AtomicBool,
    lookups_refused: AtomicU64,
}

fn get(counters: &[AtomicU64], at: usize) -> u64 {
    counters.get(at).map_or(0, |counter| counter.load(Relaxed))
}

fn add(counters: &[AtomicU64], at: usize, count: u64) {
    if let Some(counter) = counters.get(at) {
        counter.fetch_add(count, Relaxed);
    }
}

fn time(nanos: &AtomicI64) -> Option<Time> {
    let nanos = nanos.load(Relaxed);
    (nanos != 0).then(|| Time::from_nanos(nanos))
}

impl Counters {
    /// Objects of this kind that were told, by lists and watches, in any state.
    pub fn events(&self, kind: Kind) -> u64 {
        get(&self.events, kind as usize)
    }

    /// Lists that were read to their end. All but the first had to be because the watch could not go on.
    pub fn lists(&self, kind: Kind) -> u64 {
        get(&self.lists, kind as usize)
    }

    /// Lists and watches whose place in the history the API server had forgotten (410), so that all was listed again.
    pub fn expired(&self, kind: Kind) -> u64 {
        get(&self.expired, kind as usize)
    }

    /// Lists and watches that failed otherwise: refused, cut off, silent. Each was tried again.
    pub fn errors(&self, kind: Kind) -> u64 {
        get(&self.errors, kind as usize)
    }

    /// Objects and lines that could not be read, and were left out.
    pub fn undecodable(&self, kind: Kind) -> u64 {
        get(&self.undecodable, kind as usize)
    }

    /// Requests to the API server, those without an answer too.
    pub fn requests(&self, verb: Verb) -> u64 {
        get(&self.requests, verb as usize)
    }

    /// When the last object was told.
    pub fn last_event(&self) -> Option<Time> {
        time(&self.last_event)
    }

    /// The newest time of which it was said that all pods are known.
    pub fn last_progress(&self) -> Option<Time> {
        time(&self.last_progress)
    }

    /// Whether the API server says how far the watch of pods is. `true` until it was found not to.
    pub fn progress_supported(&self) -> bool {
        !self.without_progress.load(Relaxed)
    }

    /// Owners that were not looked up because too many waited; they can be asked for again.
    pub fn lookups_refused(&self) -> u64 {
        self.lookups_refused.load(Relaxed)
    }

    pub(crate) fn told(&self, kind: Kind, now: Time) {
        add(&self.events, kind as usize, 1);
        self.last_event.store(now.as_nanos(), Relaxed);
    }

    pub(crate) fn listed(&self, kind: Kind) {
        add(&self.lists, kind as usize, 1);
    }

    pub(crate) fn has_expired(&self, kind: Kind) {
        add(&self.expired, kind as usize, 1);
    }

    pub(crate) fn failed(&self, kind: Kind) {
        add(&self.errors, kind as usize, 1);
    }

    pub(crate) fn left_out(&self, kind: Kind, count: u64) {
        add(&self.undecodable, kind as usize, count);
    }

    pub(crate) fn requested(&self, verb: Verb) {
        add(&self.requests, verb as usize, 1);
    }

    pub(crate) fn refused_lookup(&self) {
        self.lookups_refused.fetch_add(1, Relaxed);
    }

    pub(crate) fn progressed(&self, to: Time) {
        self.last_progress.fetch_max(to.as_nanos(), Relaxed);
        self.without_progress.store(false, Relaxed);
    }

    pub(crate) fn has_no_progress(&self) {
        self.without_progress.store(true, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_verb_has_a_place_of_its_own() {
        let counters = Counters::default();
        for (place, kind) in KINDS.into_iter().enumerate() {
            assert_eq!(place, kind as usize);
            counters.told(kind, Time::from_secs(1));
            assert_eq!(counters.events(kind), 1, "{}", kind.as_str());
        }
        for (place, verb) in Verb::ALL.into_iter().enumerate() {
            assert_eq!(place, verb as usize);
            counters.requested(verb);
            assert_eq!(counters.requests(verb), 1, "{}", verb.as_str());
        }
    }

    #[test]
    fn progress_never_goes_back_and_brings_support_back() {
        let counters = Counters::default();
        assert_eq!(
            (counters.last_progress(), counters.progress_supported()),
            (None, true)
        );
        counters.has_no_progress();
        assert!(!counters.progress_supported());
        counters.progressed(Time::from_secs(5));
        counters.progressed(Time::from_secs(4));
        assert_eq!(counters.last_progress(), Some(Time::from_secs(5)));
        assert!(counters.progress_supported());
    }
}
