//! What Prometheus sees. Names of the replaced mapper keep their plain meaning: what was reported, counted once.

pub(crate) mod access;
pub(crate) mod otlp;
pub(crate) mod service_graph;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use app::metrics::{Histogram, LabelledCounter, Metrics, MetricsError, Row};
use cluster::live::{KINDS, Verb};
use map::Evidence;

use crate::dns_intents::Figures;
use crate::fate::{Fate, Refusal};
use crate::run::Counters;
use crate::store;
use crate::writer::{Mapper, Stats};

/// The counters of the replaced mapper, each with the evidence that it counts.
const REPORTED: [(&str, &str, Evidence); 5] = [
    (
        "dns_reported_connections",
        "DNS answers that were reported.",
        Evidence::Dns,
    ),
    (
        "tcp_reported_connections",
        "TCP handshakes that were reported.",
        Evidence::Tcp,
    ),
    (
        "socketscan_reported_connections",
        "Open connections that were reported.",
        Evidence::Socket,
    ),
    (
        "kafka_reported_topics",
        "Accesses to Kafka topics that were reported.",
        Evidence::Kafka,
    ),
    (
        "istio_reported_connections",
        "Requests counted by Istio sidecars that were reported.",
        Evidence::Istio,
    ),
];

/// Registers all that comes from the writer and the watch.
pub(crate) fn register(
    metrics: &Metrics,
    mapper: &Mapper,
    counters: &Counters,
) -> Result<(), MetricsError> {
    for (name, help, evidence) in REPORTED {
        counter(metrics, mapper, name, help, move |stats| {
            stats.taken.get(&evidence)
        })?;
    }
    facts(metrics, mapper)?;
    state(metrics, mapper)?;
    watch(metrics, counters)
}

fn facts(metrics: &Metrics, mapper: &Mapper) -> Result<(), MetricsError> {
    let of = mapper.clone();
    metrics.counters_from(
        "portolan_mapper_observations_total",
        "Observations that came in, by evidence.",
        "evidence",
        move || {
            let taken = of.stats().taken;
            let all = Evidence::ALL.map(|e| (e.as_str(), taken.get(&e)));
            all.to_vec()
        },
    )?;
    let of = mapper.clone();
    metrics.counters_from(
        "portolan_mapper_dropped_total",
        "Observations that are not in the map, by reason.",
        "reason",
        move || {
            let fates = of.stats().fates;
            let all = Refusal::ALL.map(|r| (r.label(), fates.get(&Fate::Refused(r))));
            all.to_vec()
        },
    )?;
    counter(
        metrics,
        mapper,
        "portolan_mapper_resolved_total",
        "Observations that made or refreshed an edge.",
        |stats| stats.fates.get(&Fate::Edge),
    )?;
    counter(
        metrics,
        mapper,
        "portolan_mapper_attempts_total",
        "Observations of connections that were refused or never answered.",
        |stats| stats.fates.get(&Fate::Attempt),
    )?;
    counter(
        metrics,
        mapper,
        "portolan_mapper_reports_total",
        "Reports that were taken.",
        |stats| stats.received.reports,
    )?;
    counter(
        metrics,
        mapper,
        "portolan_mapper_clamped_times_total",
        "Times in reports that lay too far from their receipt, and were moved.",
        |stats| stats.received.clamped,
    )?;
    counter(
        metrics,
        mapper,
        "portolan_mapper_folded_total",
        "Sightings of outside names and addresses that were folded.",
        |stats| stats.folded,
    )?;
    let of = mapper.clone();
    metrics.counter_from(
        "portolan_mapper_refused_reports_total",
        "Reports that were refused because memory was full.",
        move || of.refused(),
    )?;
    counter(
        metrics,
        mapper,
        "portolan_mapper_resets_total",
        "How often the map was reset.",
        |stats| stats.received.resets,
    )
}

fn state(metrics: &Metrics, mapper: &Mapper) -> Result<(), MetricsError> {
    type Read = fn(&Stats) -> u64;
    let gauges: [(&str, &str, Read); 8] = [
        (
            "portolan_mapper_held_observations",
            "Observations that wait: for their connection, or for what the index does not know yet.",
            |stats| stats.held,
        ),
        (
            "portolan_mapper_parked_observations",
            "Observations that wait for what the index does not know yet.",
            |stats| stats.parked as u64,
        ),
        ("portolan_mapper_edges", "Edges of the map.", |stats| {
            stats.edges as u64
        }),
        (
            "portolan_mapper_attempts",
            "Pairs between which connections were only tried.",
            |stats| stats.attempts as u64,
        ),
        (
            "portolan_mapper_pods",
            "Pods that are known, those of the last hour included.",
            |stats| stats.pods as u64,
        ),
        (
            "portolan_mapper_leases",
            "Addresses that these pods hold or held.",
            |stats| stats.leases as u64,
        ),
        (
            "portolan_mapper_services",
            "Services that are known.",
            |stats| stats.services as u64,
        ),
        (
            "portolan_mapper_owners",
            "Owners of pods that are known.",
            |stats| stats.owners as u64,
        ),
    ];
    for (name, help, read) in gauges {
        let of = mapper.clone();
        metrics.gauge_from(name, help, move || float(read(&of.stats())))?;
    }
    let of = mapper.clone();
    metrics.gauge_from(
        "portolan_mapper_queued_reports",
        "Reports that wait for the writer.",
        move || float(of.queued() as u64),
    )?;
    let of = mapper.clone();
    metrics.gauge_from(
        "portolan_mapper_event_readers",
        "Readers of the live stream of new edges.",
        move || float(of.readers() as u64),
    )?;
    let of = mapper.clone();
    metrics.gauge_from(
        "portolan_mapper_watch_lag_seconds",
        "How far behind now the time is up to which all pods are known.",
        move || {
            let current = of.stats().current;
            current.map_or(f64::NAN, |at| app::clock::now().since(at).as_secs_f64())
        },
    )
}

fn watch(metrics: &Metrics, counters: &Counters) -> Result<(), MetricsError> {
    type Read = fn(&cluster::live::Counters, cluster::Kind) -> u64;
    let by_kind: [(&str, &str, Read); 5] = [
        (
            "portolan_mapper_watch_events_total",
            "Objects that the API server told, by kind.",
            |counters, kind| counters.events(kind),
        ),
        (
            "portolan_mapper_watch_lists_total",
            "Lists that were read, by kind.",
            |counters, kind| counters.lists(kind),
        ),
        (
            "portolan_mapper_watch_expired_total",
            "Watches that the API server could not go on with, by kind.",
            |counters, kind| counters.expired(kind),
        ),
        (
            "portolan_mapper_watch_errors_total",
            "Lists and watches that failed, by kind.",
            |counters, kind| counters.errors(kind),
        ),
        (
            "portolan_mapper_watch_undecodable_total",
            "Objects that could not be read, by kind.",
            |counters, kind| counters.undecodable(kind),
        ),
    ];
    for (name, help, read) in by_kind {
        let of = Counters::clone(counters);
        metrics.counters_from(name, help, "kind", move || {
            let all = KINDS.map(|kind| (kind.as_str(), read(&of, kind)));
            all.to_vec()
        })?;
    }
    let of = Counters::clone(counters);
    metrics.counters_from(
        "portolan_mapper_api_requests_total",
        "Requests to the API server, by what for.",
        "verb",
        move || {
            let all = Verb::ALL.map(|verb| (verb.as_str(), of.requests(verb)));
            all.to_vec()
        },
    )
}

/// What is kept on disk.
pub(crate) fn of_store(
    metrics: &Metrics,
    figures: &Arc<store::Figures>,
) -> Result<(), MetricsError> {
    let rows: [Row<Arc<store::Figures>>; 3] = [
        (
            "portolan_mapper_store_commits_total",
            "Transactions that are on disk.",
            |figures| figures.commits.load(Relaxed),
        ),
        (
            "portolan_mapper_store_rows_total",
            "Rows that were written or removed.",
            |figures| figures.rows.load(Relaxed),
        ),
        (
            "portolan_mapper_store_failures_total",
            "Transactions that failed; each is tried again.",
            |figures| figures.failures.load(Relaxed),
        ),
    ];
    metrics.counters_of(figures, rows)?;
    let rows: [Row<Arc<store::Figures>>; 3] = [
        (
            "portolan_mapper_store_failing",
            "1 while the map cannot be written, and reports are refused.",
            |figures| u64::from(figures.failing.load(Relaxed)),
        ),
        (
            "portolan_mapper_store_unreadable_rows",
            "Rows of the file that could not be read at the start.",
            |figures| figures.unreadable.load(Relaxed),
        ),
        (
            "portolan_mapper_store_set_aside_files",
            "Damaged files that were set aside at the start.",
            |figures| figures.set_aside.load(Relaxed),
        ),
    ];
    metrics.gauges_of(figures, rows)?;
    let of = Arc::clone(figures);
    metrics.gauge_from(
        "portolan_mapper_store_commit_seconds",
        "How long a transaction took on average since the start.",
        move || {
            let nanos = Duration::from_nanos(of.nanos.load(Relaxed));
            nanos.as_secs_f64() / float(of.commits.load(Relaxed).max(1))
        },
    )
}

/// What is done for ClientIntents.
pub(crate) fn intents(metrics: &Metrics, figures: &Arc<Figures>) -> Result<(), MetricsError> {
    let rows: [Row<Arc<Figures>>; 2] = [
        (
            "portolan_mapper_client_intents",
            "ClientIntents that have, or had, internet targets.",
            |figures| figures.intents.load(Relaxed),
        ),
        (
            "portolan_mapper_dns_names",
            "Pairs of a name outside the cluster and its address that are kept for ClientIntents.",
            |figures| figures.names.load(Relaxed),
        ),
    ];
    metrics.gauges_of(figures, rows)?;
    let rows: [Row<Arc<Figures>>; 5] = [
        (
            "portolan_mapper_client_intents_patches_total",
            "Statuses of ClientIntents that were written.",
            |figures| figures.patches.load(Relaxed),
        ),
        (
            "portolan_mapper_client_intents_failures_total",
            "Statuses of ClientIntents that could not be written; each is tried again.",
            |figures| figures.failures.load(Relaxed),
        ),
        (
            "portolan_mapper_client_intents_refused_total",
            "ClientIntents that found no room.",
            |figures| figures.refused.load(Relaxed),
        ),
        (
            "portolan_mapper_dns_lookup_failures_total",
            "Lookups of domains of ClientIntents without an address.",
            |figures| figures.lookup_failures.load(Relaxed),
        ),
        (
            "portolan_mapper_dns_names_dropped_total",
            "Addresses of names that found no room on their way to ClientIntents.",
            |figures| figures.dropped.load(Relaxed),
        ),
    ];
    metrics.counters_of(figures, rows)
}

/// The instruments of the server: requests by page and status, and the time of queries.
pub(crate) fn requests(metrics: &Metrics) -> Result<(LabelledCounter, Histogram), MetricsError> {
    let requests = metrics.labelled_counter(
        "portolan_mapper_requests_total",
        "Requests, by page and status.",
        &["page", "status"],
    )?;
    let time = metrics.histogram(
        "portolan_mapper_query_seconds",
        "How long requests to /query took.",
        &[
            0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
        ],
    )?;
    Ok((requests, time))
}

fn counter(
    metrics: &Metrics,
    mapper: &Mapper,
    name: &str,
    help: &str,
    read: impl Fn(&Stats) -> u64 + Send + Sync + 'static,
) -> Result<(), MetricsError> {
    let of = mapper.clone();
    metrics.counter_from(name, help, move || read(&of.stats()))
}

#[allow(clippy::cast_precision_loss, reason = "counts below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}
