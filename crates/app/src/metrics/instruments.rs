//! What a role holds in its hands: counters, gauges, histograms.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::{HistogramOpts, IntCounter, IntCounterVec, Opts};

/// The most series one labelled metric has. Values of labels may come from outside; what comes later is counted
/// together, under [`OTHER`].
pub const MAX_SERIES: usize = 1000;

/// The value of all labels of the series that counts what is beyond [`MAX_SERIES`].
pub const OTHER: &str = "other";

/// Only grows; a cheap handle.
#[derive(Clone, Debug)]
pub struct Counter(pub(super) IntCounter);

impl Counter {
    pub(super) fn new(options: Opts) -> prometheus::Result<Self> {
        IntCounter::with_opts(options).map(Self)
    }

    /// Counts this many more.
    pub fn add(&self, more: u64) {
        self.0.inc_by(more);
    }

    /// How many so far.
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

/// Goes up and down; a cheap handle.
#[derive(Clone, Debug)]
pub struct Gauge(pub(super) prometheus::Gauge);

impl Gauge {
    pub(super) fn new(options: Opts) -> prometheus::Result<Self> {
        prometheus::Gauge::with_opts(options).map(Self)
    }

    /// Sets it.
    pub fn set(&self, value: f64) {
        self.0.set(value);
    }

    /// Changes it by this much.
    pub fn add(&self, change: f64) {
        self.0.add(change);
    }

    /// What it is.
    pub fn get(&self) -> f64 {
        self.0.get()
    }
}

/// Counts measurements by size; a cheap handle.
#[derive(Clone, Debug)]
pub struct Histogram(pub(super) prometheus::Histogram);

impl Histogram {
    pub(super) fn new(options: HistogramOpts) -> prometheus::Result<Self> {
        prometheus::Histogram::with_opts(options).map(Self)
    }

    /// Adds a measurement.
    pub fn observe(&self, value: f64) {
        self.0.observe(value);
    }

    /// Adds a time that something took, in seconds.
    pub fn observe_duration(&self, took: Duration) {
        self.0.observe(took.as_secs_f64());
    }
}

/// A counter for each combination of labels' values; a cheap handle.
#[derive(Clone)]
pub struct LabelledCounter(Arc<Inner>);

struct Inner {
    vector: IntCounterVec,
    labels: usize,
    known: Mutex<HashMap<Vec<String>, Counter>>,
}

impl fmt::Debug for LabelledCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabelledCounter")
            .field("vector", &self.0.vector)
            .finish_non_exhaustive()
    }
}

impl LabelledCounter {
    pub(super) fn new(vector: IntCounterVec, labels: usize) -> Self {
        Self(Arc::new(Inner {
            vector,
            labels,
            known: Mutex::default(),
        }))
    }

    /// The counter for these values, in the order of the labels; keep it where it is used often. Values that are
    /// missing are empty, those that are too many are left out.
    pub fn with(&self, values: &[&str]) -> Counter {
        let values = values.iter().copied().chain(std::iter::repeat(""));
        let mut values: Vec<String> = values.take(self.0.labels).map(str::to_owned).collect();
        let mut known = self.0.known.lock();
        if known.len() >= MAX_SERIES && !known.contains_key(&values) {
            for value in &mut values {
                OTHER.clone_into(value);
            }
        }
        let counter = known.entry(values.clone()).or_insert_with(|| {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            Counter(self.0.vector.with_label_values(&values))
        });
        counter.clone()
    }
}
