//! What the writer counts, for metrics.

use cluster::Index;
use cluster::live::Synced;
use map::tally::Tally;
use map::{Evidence, Time};

use crate::fate::Fate;
use crate::ingest::Ingest;

/// What came in beside facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Received {
    /// Reports taken.
    pub reports: u64,
    /// Times in reports that were too far from their receipt, and moved.
    pub clamped: u64,
    /// Coverage that found no room or could not be read.
    pub coverage_refused: u64,
    /// Resets.
    pub resets: u64,
}

/// What the writer counts, as of its last step.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Facts taken, by evidence.
    pub taken: Tally<Evidence>,
    /// What became of them.
    pub fates: Tally<Fate>,
    /// Answers that wait for their connection, and facts that wait for the index.
    pub held: u64,
    /// Facts that wait for the index.
    pub parked: usize,
    /// Edges of the map.
    pub edges: usize,
    /// Attempts.
    pub attempts: usize,
    /// Sightings of outside peers that were folded.
    pub folded: u64,
    /// Pods that are known, the late ones included.
    pub pods: usize,
    /// Leases of addresses.
    pub leases: usize,
    /// Services.
    pub services: usize,
    /// Owners.
    pub owners: usize,
    /// Pods that found no room.
    pub refused_pods: u64,
    /// Until when all is known of pods.
    pub current: Option<Time>,
    /// What came in beside facts.
    pub received: Received,
    /// Whether the cluster is known.
    pub synced: bool,
    /// Kinds that were not listed yet.
    pub lacking: usize,
}

impl Stats {
    pub(super) fn refresh(
        &mut self,
        index: &Index,
        ingest: &Ingest,
        received: &Received,
        synced: &Synced,
    ) {
        self.taken.clone_from(ingest.taken());
        self.fates.clone_from(ingest.fates());
        self.parked = ingest.parked();
        self.held = ingest.held();
        self.edges = ingest.map().len();
        self.attempts = ingest.map().attempts_len();
        self.folded = ingest.folded();
        self.pods = index.pods();
        self.leases = index.leases();
        self.services = index.services();
        self.owners = index.owners();
        self.refused_pods = index.refused_pods();
        self.current = (index.current() > Time::MIN).then(|| index.current());
        self.received = *received;
        self.synced = synced.is_complete();
        self.lacking = synced.lacking().len();
    }
}
