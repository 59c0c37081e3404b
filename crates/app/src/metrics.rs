//! Metrics with exactly the names given, in Prometheus' text format.
//!
//! The only part that knows the library behind it, so that it can be replaced. A role makes one [`Metrics`], takes
//! counters and gauges from it, and hands over functions for numbers that live elsewhere: these are asked at every
//! scrape.

mod asked;
mod instruments;
mod process;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::core::Collector;
use prometheus::{HistogramOpts, IntCounterVec, Opts, Registry, TextEncoder};

pub use instruments::{Counter, Gauge, Histogram, LabelledCounter, MAX_SERIES, OTHER};
pub use process::resident_memory;

use asked::Asked;
pub(crate) use asked::float;

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All metrics of a process; a cheap handle.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    described: Mutex<Vec<Description>>,
}

/// A metric without its values, for documentation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Description {
    /// Its name, exactly as it is scraped.
    pub name: String,
    /// How it behaves.
    pub kind: Kind,
    /// What it counts or measures.
    pub help: String,
    /// The names of its labels.
    pub labels: Vec<String>,
}

/// A metric in a table: its name, its help, and how it is read from its source, which is a cheap handle.
pub type Row<S> = (&'static str, &'static str, fn(&S) -> u64);

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts measurements by size.
    Histogram,
}

/// A metric could not be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetricsError {
    /// Two parts of the process use one name.
    #[error("the metric {0} was registered twice")]
    Twice(String),
    /// The name, a label or a bucket is not allowed in Prometheus.
    #[error("the metric {name}: {why}")]
    Invalid {
        /// The metric's name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// What the metric is about must be said.
    #[error("the metric {0} has no help text")]
    NoHelp(String),
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        })
    }
}

impl Metrics {
    /// No metrics.
    pub fn empty() -> Self {
        Self(Arc::new(Inner {
            registry: Registry::new(),
            described: Mutex::default(),
        }))
    }

    /// The metrics that every process has: `portolan_build_info`, and `process_…` from `/proc/self`.
    pub fn of_process(role: &str) -> Result<Self, MetricsError> {
        let metrics = Self::empty();
        let labels = [
            ("role", role.to_owned()),
            ("version", crate::VERSION.to_owned()),
        ];
        let build = Asked::constant(
            "portolan_build_info",
            "Which build this is; always 1.",
            &labels,
        )?;
        metrics.add(build, Kind::Gauge, &["role", "version"])?;
        process::register(&metrics)?;
        Ok(metrics)
    }

    /// A counter.
    pub fn counter(&self, name: &str, help: &str) -> Result<Counter, MetricsError> {
        let counter = Counter::new(Opts::new(name, help)).map_err(|e| invalid(name, &e))?;
        self.add(counter.0.clone(), Kind::Counter, &[])?;
        Ok(counter)
    }

    /// A counter for each combination of the labels' values, at most [`MAX_SERIES`] of them.
    pub fn labelled_counter(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<LabelledCounter, MetricsError> {
        let vector =
            IntCounterVec::new(Opts::new(name, help), labels).map_err(|e| invalid(name, &e))?;
        self.add(vector.clone(), Kind::Counter, labels)?;
        Ok(LabelledCounter::new(vector, labels.len()))
    }

    /// A gauge.
    pub fn gauge(&self, name: &str, help: &str) -> Result<Gauge, MetricsError> {
        let gauge = Gauge::new(Opts::new(name, help)).map_err(|e| invalid(name, &e))?;
        self.add(gauge.0.clone(), Kind::Gauge, &[])?;
        Ok(gauge)
    }

    /// A histogram with these upper bounds of its buckets, in rising order; one for all that is larger is added.
    pub fn histogram(
        &self,
        name: &str,
        help: &str,
        buckets: &[f64],
    ) -> Result<Histogram, MetricsError> {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        let histogram = Histogram::new(options).map_err(|e| invalid(name, &e))?;
        self.add(histogram.0.clone(), Kind::Histogram, &[])?;
        Ok(histogram)
    }

    /// A gauge whose value lives elsewhere: `value` is asked at every scrape, and must be quick.
    pub fn gauge_from(
        &self,
        name: &str,
        help: &str,
        value: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        let asked = Asked::gauge(name, help, move || Some(value()))?;
        self.add(asked, Kind::Gauge, &[])
    }

    /// A counter whose total lives elsewhere.
    pub fn counter_from(
        &self,
        name: &str,
        help: &str,
        total: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        let asked = Asked::counter(name, help, total)?;
        self.add(asked, Kind::Counter, &[])
    }

    /// A counter of seconds whose total lives elsewhere.
    pub fn seconds_from(
        &self,
        name: &str,
        help: &str,
        total: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        let seconds = move || Some(total().as_secs_f64());
        let asked = Asked::fractional_counter(name, help, seconds)?;
        self.add(asked, Kind::Counter, &[])
    }

    /// Counters whose totals live elsewhere, one for each value of a label: a [`map::Tally`] by its reasons, for
    /// instance. At most [`MAX_SERIES`] values; totals of one value are added up.
    pub fn counters_from<V: AsRef<str>>(
        &self,
        name: &str,
        help: &str,
        label: &str,
        totals: impl Fn() -> Vec<(V, u64)> + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        let asked = Asked::counters(name, help, label, totals)?;
        self.add(asked, Kind::Counter, &[label])
    }

    /// Counters whose totals live elsewhere, one for each combination of the labels' values. How many there are, and that
    /// each comes once, is in the hands of the caller.
    pub fn series_from<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: [&str; N],
        totals: impl Fn() -> Vec<([String; N], u64)> + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        let asked = Asked::series(name, help, labels, totals)?;
        self.add(asked, Kind::Counter, &labels)
    }

    /// Gauges whose values live elsewhere, one for each value of a label, likewise.
    pub fn gauges_from<V: AsRef<str>>(
        &self,
        name: &str,
        help: &str,
        label: &str,
        values: impl Fn() -> Vec<(V, u64)> + Send + Sync + 'static,
    ) -> Result<(), MetricsError> {
        let asked = Asked::gauges(name, help, label, values)?;
        self.add(asked, Kind::Gauge, &[label])
    }

    /// Counters whose totals live in one source.
    pub fn counters_of<S: Clone + Send + Sync + 'static, const N: usize>(
        &self,
        source: &S,
        rows: [Row<S>; N],
    ) -> Result<(), MetricsError> {
        rows.into_iter().try_for_each(|(name, help, read)| {
            let of = source.clone();
            self.counter_from(name, help, move || read(&of))
        })
    }

    /// Gauges of one source, likewise.
    pub fn gauges_of<S: Clone + Send + Sync + 'static, const N: usize>(
        &self,
        source: &S,
        rows: [Row<S>; N],
    ) -> Result<(), MetricsError> {
        rows.into_iter().try_for_each(|(name, help, read)| {
            let of = source.clone();
            self.gauge_from(name, help, move || float(read(&of)))
        })
    }

    /// All metrics as text, of the type [`CONTENT_TYPE`].
    pub fn text(&self) -> String {
        let mut text = String::new();
        for family in self.0.registry.gather() {
            let before = text.len();
            // One that cannot be written must not take the others with it.
            if TextEncoder::new()
                .encode_utf8(&[family], &mut text)
                .is_err()
            {
                text.truncate(before);
            }
        }
        text
    }

    /// What metrics there are, sorted by name.
    pub fn descriptions(&self) -> Vec<Description> {
        let mut descriptions = self.0.described.lock().clone();
        descriptions.sort();
        descriptions
    }

    fn add(
        &self,
        metric: impl Collector + 'static,
        kind: Kind,
        labels: &[&str],
    ) -> Result<(), MetricsError> {
        let Some((name, help)) = metric
            .desc()
            .first()
            .map(|desc| (desc.fq_name.clone(), desc.help.clone()))
        else {
            return Ok(());
        };
        if help.trim().is_empty() {
            return Err(MetricsError::NoHelp(name));
        }
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        let mut described = self.0.described.lock();
        if described.iter().any(|known| known.name == name) {
            return Err(MetricsError::Twice(name));
        }
        self.0
            .registry
            .register(Box::new(metric))
            .map_err(|e| invalid(&name, &e))?;
        described.push(Description {
            name,
            kind,
            help,
            labels,
        });
        Ok(())
    }
}

fn invalid(name: &str, error: &prometheus::Error) -> MetricsError {
    MetricsError::Invalid {
        name: name.to_owned(),
        why: error.to_string(),
    }
}
