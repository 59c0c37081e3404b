//! Metrics whose values live elsewhere and are asked for at every scrape.

use std::collections::{BTreeMap, HashMap};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{self, LabelPair, MetricFamily, MetricType};

use super::{MAX_SERIES, MetricsError, OTHER, invalid};

type Ask = Box<dyn Fn() -> Vec<proto::Metric> + Send + Sync>;

/// One metric with the function that is asked.
pub(super) struct Asked {
    desc: Desc,
    kind: MetricType,
    ask: Ask,
}

impl Asked {
    /// A gauge that is always 1 and says something by its labels.
    pub(super) fn constant<const N: usize>(
        name: &str,
        help: &str,
        labels: &[(&'static str, String); N],
    ) -> Result<Self, MetricsError> {
        let pairs: Vec<_> = labels
            .iter()
            .map(|(label, value)| pair(label, value))
            .collect();
        let ask = Box::new(move || {
            let mut metric = gauge(1.0);
            metric.set_label(pairs.clone());
            vec![metric]
        });
        let labels = labels
            .iter()
            .map(|(label, _)| (*label).to_owned())
            .collect();
        Self::new(name, help, labels, MetricType::GAUGE, ask)
    }

    /// A gauge; absent from the page while there is no value.
    pub(super) fn gauge(
        name: &str,
        help: &str,
        value: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) -> Result<Self, MetricsError> {
        let ask = Box::new(move || value().map(gauge).into_iter().collect());
        Self::new(name, help, vec![], MetricType::GAUGE, ask)
    }

    /// A counter of parts, such as seconds; absent from the page while there is no value.
    pub(super) fn fractional_counter(
        name: &str,
        help: &str,
        total: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) -> Result<Self, MetricsError> {
        let ask = Box::new(move || total().map(counter).into_iter().collect());
        Self::new(name, help, vec![], MetricType::COUNTER, ask)
    }

    /// A counter.
    pub(super) fn counter(
        name: &str,
        help: &str,
        total: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Result<Self, MetricsError> {
        Self::fractional_counter(name, help, move || Some(float(total())))
    }

    /// A counter for each value of a label.
    pub(super) fn counters<V: AsRef<str>>(
        name: &str,
        help: &str,
        label: &str,
        totals: impl Fn() -> Vec<(V, u64)> + Send + Sync + 'static,
    ) -> Result<Self, MetricsError> {
        let ask = by_label(label, counter, totals);
        Self::new(name, help, vec![label.to_owned()], MetricType::COUNTER, ask)
    }

    /// A gauge for each value of a label.
    pub(super) fn gauges<V: AsRef<str>>(
        name: &str,
        help: &str,
        label: &str,
        values: impl Fn() -> Vec<(V, u64)> + Send + Sync + 'static,
    ) -> Result<Self, MetricsError> {
        let ask = by_label(label, gauge, values);
        Self::new(name, help, vec![label.to_owned()], MetricType::GAUGE, ask)
    }

    /// A counter for each combination of the labels' values.
    pub(super) fn series<const N: usize>(
        name: &str,
        help: &str,
        labels: [&str; N],
        totals: impl Fn() -> Vec<([String; N], u64)> + Send + Sync + 'static,
    ) -> Result<Self, MetricsError> {
        let labels = labels.map(str::to_owned).to_vec();
        let names = labels.clone();
        let ask = Box::new(move || {
            let metric = |(values, total): ([String; N], u64)| {
                let mut metric = counter(float(total));
                let pairs = names.iter().zip(&values);
                metric.set_label(pairs.map(|(name, value)| pair(name, value)).collect());
                metric
            };
            totals().into_iter().map(metric).collect()
        });
        Self::new(name, help, labels, MetricType::COUNTER, ask)
    }

    fn new(
        name: &str,
        help: &str,
        labels: Vec<String>,
        kind: MetricType,
        ask: Ask,
    ) -> Result<Self, MetricsError> {
        let desc = Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())
            .map_err(|e| invalid(name, &e))?;
        Ok(Self { desc, kind, ask })
    }
}

fn by_label<V: AsRef<str>>(
    label: &str,
    make: fn(f64) -> proto::Metric,
    values: impl Fn() -> Vec<(V, u64)> + Send + Sync + 'static,
) -> Ask {
    let label = label.to_owned();
    Box::new(move || {
        let metric = |(value, number): (String, u64)| {
            let mut metric = make(float(number));
            metric.set_label(vec![pair(&label, &value)]);
            metric
        };
        joined(values()).into_iter().map(metric).collect()
    })
}

/// One total for each value, and no more values than are allowed.
fn joined<V: AsRef<str>>(totals: Vec<(V, u64)>) -> BTreeMap<String, u64> {
    let mut joined: BTreeMap<String, u64> = BTreeMap::new();
    for (value, total) in totals {
        let value = value.as_ref();
        let room = joined.len() < MAX_SERIES || joined.contains_key(value);
        let sum = joined
            .entry(if room { value } else { OTHER }.to_owned())
            .or_default();
        *sum = sum.saturating_add(total);
    }
    joined
}

impl Collector for Asked {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let metrics = (self.ask)();
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(self.kind);
        family.set_metric(metrics);
        vec![family]
    }
}

fn gauge(value: f64) -> proto::Metric {
    let mut gauge = proto::Gauge::default();
    gauge.set_value(value);
    proto::Metric::from_gauge(gauge)
}

fn counter(value: f64) -> proto::Metric {
    let mut counter = proto::Counter::default();
    counter.set_value(value);
    let mut metric = proto::Metric::default();
    metric.set_counter(counter);
    metric
}

fn pair(label: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(label.to_owned());
    pair.set_value(value.to_owned());
    pair
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus' numbers are floats: exact up to 2^53"
)]
pub(crate) fn float(total: u64) -> f64 {
    total as f64
}
