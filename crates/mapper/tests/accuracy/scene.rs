//! What a simulated cluster may do.

/// Nanoseconds since the Unix epoch, or between two times.
pub(crate) type At = i64;

pub(crate) const MS: At = 1_000_000;
pub(crate) const SECOND: At = 1000 * MS;

/// When a simulation begins: 2026-11-24 10:00:00.
pub(crate) const START: At = 1_795_514_400 * SECOND;

/// The bounds of one simulation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) seed: u64,
    /// Observations to make, before copies of the same one.
    pub(crate) observations: usize,
    /// The size of the cluster: 9 nodes and about 130 pods for each.
    pub(crate) scale: usize,
    /// Calls a second, beside those at the start and the end of each pod.
    pub(crate) pace: usize,
    /// The longest that a kubelet takes to report.
    pub(crate) kubelet: At,
    /// The most that a node's clock is wrong.
    pub(crate) skew: At,
    /// The most that a watch lags.
    pub(crate) lag: At,
    /// The longest that a watch is broken.
    pub(crate) outage: At,
    /// The longest that a report is late.
    pub(crate) spool: At,
    /// Services pass from one workload to another.
    pub(crate) passes: bool,
    /// Reporters tell times that are hours or years off.
    pub(crate) mad_clocks: bool,
}

impl Scene {
    /// Within all that is assumed.
    pub(crate) const fn new(seed: u64, observations: usize) -> Self {
        Self {
            seed,
            observations,
            scale: 1,
            pace: 100,
            kubelet: 2500 * MS,
            skew: 800 * MS,
            lag: 20 * SECOND,
            outage: 60 * SECOND,
            spool: 600 * SECOND,
            passes: false,
            mad_clocks: false,
        }
    }
}
