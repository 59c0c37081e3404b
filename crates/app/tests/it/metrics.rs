//! The page of metrics, read by a parser that is strict about the format.
#![allow(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "small numbers, exact as floats"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use app::metrics::{Kind, MAX_SERIES, Metrics, MetricsError};
use map::Tally;

/// Every sample by its name and labels as they are written. Panics where the text breaks the format.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut family: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            assert!(!help.trim().is_empty(), "{line}");
            family = Some((name.to_owned(), String::new()));
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            let family = family.as_mut().unwrap();
            assert_eq!(family.0, name, "help and type of one metric");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            kind.clone_into(&mut family.1);
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            assert!(
                name.chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':'),
                "{line}"
            );
            let (family, kind) = family.as_ref().unwrap();
            let part = name.strip_prefix(family.as_str()).unwrap();
            let parts: &[&str] = if kind == "histogram" {
                &["_bucket", "_sum", "_count"]
            } else {
                &[""]
            };
            assert!(parts.contains(&part), "{line} under {family}");
            assert!(
                samples
                    .insert(series.to_owned(), value.parse().unwrap())
                    .is_none(),
                "{line} stands twice"
            );
        }
    }
    samples
}

#[test]
fn names_are_exactly_those_given() {
    let metrics = Metrics::empty();
    let reported = metrics
        .counter("dns_reported_connections", "DNS answers reported.")
        .unwrap();
    reported.add(2);
    reported.clone().add(40);
    assert_eq!(
        metrics.text(),
        "# HELP dns_reported_connections DNS answers reported.\n\
         # TYPE dns_reported_connections counter\n\
         dns_reported_connections 42\n",
    );
    assert_eq!(reported.get(), 42);
}

#[test]
fn gauges_go_up_and_down() {
    let metrics = Metrics::empty();
    let held = metrics.gauge("held", "Held.").unwrap();
    held.set(3.0);
    held.add(-1.5);
    assert_eq!(samples(&metrics.text())["held"], 1.5);
}

#[test]
fn a_histogram_counts_by_size() {
    let metrics = Metrics::empty();
    let took = metrics
        .histogram("took_seconds", "How long it took.", &[0.1, 1.0])
        .unwrap();
    took.observe(0.05);
    took.observe_duration(Duration::from_millis(500));
    took.observe(7.0);
    let samples = samples(&metrics.text());
    assert_eq!(samples["took_seconds_bucket{le=\"0.1\"}"], 1.0);
    assert_eq!(samples["took_seconds_bucket{le=\"1\"}"], 2.0);
    assert_eq!(samples["took_seconds_bucket{le=\"+Inf\"}"], 3.0);
    assert_eq!(
        (samples["took_seconds_count"], samples["took_seconds_sum"]),
        (3.0, 7.55)
    );
}

#[test]
fn labels_are_escaped_and_their_combinations_bounded() {
    let metrics = Metrics::empty();
    let refused = metrics
        .labelled_counter("refused", "Refused.", &["reason", "kind"])
        .unwrap();
    refused.with(&["a \"quoted\"\nline\\", "dns"]).add(1);
    refused.with(&["short"]).add(1);
    refused.with(&["long", "dns", "too much"]).add(1);
    for n in 0..2 * MAX_SERIES {
        refused.with(&[&n.to_string(), "dns"]).add(1);
    }
    refused.with(&["short"]).add(1);
    let samples = samples(&metrics.text());
    assert_eq!(
        samples[r#"refused{kind="dns",reason="a \"quoted\"\nline\\"}"#],
        1.0
    );
    assert_eq!(samples[r#"refused{kind="",reason="short"}"#], 2.0);
    assert_eq!(samples[r#"refused{kind="dns",reason="long"}"#], 1.0);
    assert_eq!(samples.len(), MAX_SERIES + 1);
    assert_eq!(samples.values().sum::<f64>(), 4.0 + 2.0 * MAX_SERIES as f64);
    assert_eq!(samples[r#"refused{kind="other",reason="other"}"#], 1003.0);
}

#[test]
fn numbers_that_live_elsewhere_are_asked_at_every_scrape() {
    let metrics = Metrics::empty();
    let lives_here = Arc::new(AtomicU64::new(1));
    let asked = Arc::clone(&lives_here);
    metrics
        .counter_from("seen", "Seen.", move || asked.load(Ordering::Relaxed))
        .unwrap();
    metrics.gauge_from("share", "Share.", || 0.25).unwrap();
    assert_eq!(samples(&metrics.text())["seen"], 1.0);
    lives_here.store(7, Ordering::Relaxed);
    assert_eq!(samples(&metrics.text())["seen"], 7.0);
    assert_eq!(samples(&metrics.text())["share"], 0.25);
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Full,
    Unknown,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Unknown => "unknown",
        }
    }
}

#[test]
fn a_tally_becomes_a_counter_for_each_reason() {
    let mut tally = Tally::new();
    tally.add(Reason::Unknown, 5);
    tally.add(Reason::Full, 2);
    let metrics = Metrics::empty();
    let totals = move || {
        tally
            .iter()
            .map(|(reason, n)| (reason.as_str(), n))
            .collect()
    };
    metrics
        .counters_from("dropped", "Dropped, by reason.", "reason", totals)
        .unwrap();
    assert_eq!(
        metrics.text(),
        "# HELP dropped Dropped, by reason.\n\
         # TYPE dropped counter\n\
         dropped{reason=\"full\"} 2\n\
         dropped{reason=\"unknown\"} 5\n",
    );
}

#[test]
fn totals_of_one_value_are_added_up_and_values_bounded() {
    let metrics = Metrics::empty();
    metrics
        .counters_from("twice", "Twice.", "reason", || vec![("a", 1), ("a", 2)])
        .unwrap();
    let many = || (0..2 * MAX_SERIES).map(|n| (n.to_string(), 1)).collect();
    metrics
        .counters_from("many", "Many.", "reason", many)
        .unwrap();
    metrics
        .counters_from::<&str>("none", "None.", "reason", Vec::new)
        .unwrap();
    let samples = samples(&metrics.text());
    assert_eq!(samples["twice{reason=\"a\"}"], 3.0);
    assert_eq!(samples["many{reason=\"other\"}"], MAX_SERIES as f64);
    assert_eq!(samples.len(), 1 + MAX_SERIES + 1);
}

#[test]
fn a_metric_that_cannot_be_added_is_a_typed_error() {
    let metrics = Metrics::of_process("test").unwrap();
    metrics.counter("a", "A.").unwrap();
    assert_eq!(
        metrics.gauge("a", "A.").unwrap_err(),
        MetricsError::Twice("a".to_owned())
    );
    assert_eq!(
        metrics.gauge_from("a", "Other.", || 0.0).unwrap_err(),
        MetricsError::Twice("a".to_owned())
    );
    assert_eq!(
        metrics.counter("a", "A.").unwrap_err().to_string(),
        "the metric a was registered twice"
    );
    assert_eq!(
        metrics.counter("b", " ").unwrap_err(),
        MetricsError::NoHelp("b".to_owned())
    );
    assert!(matches!(
        metrics.counter("a b", "A."),
        Err(MetricsError::Invalid { .. })
    ));
    assert!(matches!(
        metrics.counter("", "A."),
        Err(MetricsError::Invalid { .. })
    ));
    assert!(matches!(
        metrics.labelled_counter("c", "C.", &["a-b"]),
        Err(MetricsError::Invalid { .. })
    ));
    assert!(matches!(
        metrics.histogram("d", "D.", &[2.0, 1.0]),
        Err(MetricsError::Invalid { .. })
    ));
    assert!(metrics.counter("b", "B.").is_ok());
}

#[test]
fn every_process_tells_its_build_and_what_it_uses() {
    let metrics = Metrics::of_process("test").unwrap();
    let samples = samples(&metrics.text());
    assert_eq!(
        samples[&format!(
            "portolan_build_info{{role=\"test\",version=\"{}\"}}",
            app::VERSION
        )],
        1.0
    );
    assert!(samples["process_resident_memory_bytes"] > 100_000.0);
    assert!(samples["process_virtual_memory_bytes"] >= samples["process_resident_memory_bytes"]);
    assert!(samples["process_cpu_seconds_total"] >= 0.0);
    assert!(samples["process_open_fds"] >= 3.0);
    assert!(samples["process_max_fds"] >= samples["process_open_fds"]);
    let age = app::clock::now().as_secs() as f64 - samples["process_start_time_seconds"];
    assert!((-60.0..86_400.0).contains(&age), "{age}");
}

#[test]
fn metrics_describe_themselves() {
    let metrics = Metrics::of_process("test").unwrap();
    metrics
        .labelled_counter("a_refused", "Refused.", &["reason"])
        .unwrap();
    let descriptions = metrics.descriptions();
    let first = &descriptions[0];
    assert_eq!(
        (first.name.as_str(), first.kind, first.help.as_str()),
        ("a_refused", Kind::Counter, "Refused.")
    );
    assert_eq!(first.labels, ["reason"]);
    let names: Vec<_> = descriptions
        .iter()
        .map(|description| description.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "a_refused",
            "portolan_build_info",
            "process_cpu_seconds_total",
            "process_max_fds",
            "process_open_fds",
            "process_resident_memory_bytes",
            "process_start_time_seconds",
            "process_virtual_memory_bytes",
        ],
    );
}
