//! What Prometheus sees.

use std::sync::Arc;

use app::metrics::{Metrics, MetricsError, Row};
use app::reporter;
use cluster::Kind;
use cluster::live::{Counters, Verb};
use wire::client::Reporter;

use super::fetch::FetchError;
use super::figures::Shared;
use crate::Refusal;
use crate::advice::Advice;

/// What the watches of pods count.
pub(crate) type Watches = Vec<Arc<Counters>>;

/// Registers everything.
pub(crate) fn register(
    metrics: &Metrics,
    figures: &Shared,
    watches: &Watches,
    client: &Reporter,
) -> Result<(), MetricsError> {
    rounds(metrics, figures)?;
    series(metrics, figures)?;
    requests(metrics, figures)?;
    cluster(metrics, watches)?;
    reporter::register(metrics, "istio", client)
}

fn rounds(metrics: &Metrics, figures: &Shared) -> Result<(), MetricsError> {
    let counters: [Row<Shared>; 5] = [
        (
            "portolan_istio_rounds_total",
            "Rounds through all sidecars.",
            |figures| figures.lock().rounds,
        ),
        (
            "portolan_istio_answers_total",
            "Sidecars' answers that were read to their end.",
            |figures| figures.lock().answers,
        ),
        (
            "portolan_istio_exec_answers_total",
            "Of these, those that came by a command in the sidecar's container.",
            |figures| figures.lock().by_command,
        ),
        (
            "portolan_istio_bytes_total",
            "Bytes of statistics that were read.",
            |figures| figures.lock().bytes,
        ),
        (
            "portolan_istio_restarts_total",
            "Sidecars that had started anew, by their container's start or by a counter that fell.",
            |figures| figures.lock().series.restarts,
        ),
    ];
    metrics.counters_of(figures, counters)?;
    let of = Arc::clone(figures);
    metrics.counters_from(
        "portolan_istio_failures_total",
        "Sidecars' answers that were not read to their end, by reason.",
        "reason",
        move || {
            let failures = of.lock().failures.clone();
            let count = |label| (label, failures.get(label).copied().unwrap_or_default());
            FetchError::LABELS.map(count).to_vec()
        },
    )?;
    let gauges: [Row<Shared>; 5] = [
        ("portolan_istio_sidecars", "Sidecars that run.", |figures| {
            figures.lock().found.sidecars as u64
        }),
        (
            "portolan_istio_sidecars_answered",
            "Of these, those that answered in the last round.",
            |figures| figures.lock().found.answered as u64,
        ),
        (
            "portolan_istio_series",
            "Series that are remembered.",
            |figures| figures.lock().held.series as u64,
        ),
        (
            "portolan_istio_series_with_path",
            "Of these, those with a path.",
            |figures| figures.lock().held.with_path as u64,
        ),
        (
            "portolan_istio_round_milliseconds",
            "How long the last round took.",
            |figures| u64::try_from(figures.lock().last_round.as_millis()).unwrap_or(u64::MAX),
        ),
    ];
    metrics.gauges_of(figures, gauges)?;
    let of = Arc::clone(figures);
    metrics.gauges_from(
        "portolan_istio_mesh",
        "What the mesh exports, as of the last round: 1 for what is so.",
        "state",
        move || {
            let now = of.lock().found.advice();
            let is = |advice: Advice| (advice.as_str(), u64::from(advice == now));
            Advice::ALL.map(is).to_vec()
        },
    )
}

/// What came of the lines of the counter.
fn series(metrics: &Metrics, figures: &Shared) -> Result<(), MetricsError> {
    let of = Arc::clone(figures);
    metrics.counters_from(
        "portolan_istio_lines_total",
        "Lines of the counter, by whether they could be read.",
        "fate",
        move || {
            let lines = of.lock().lines;
            vec![
                ("series", lines.series),
                ("malformed", lines.malformed),
                ("too_long", lines.too_long),
            ]
        },
    )?;
    let of = Arc::clone(figures);
    metrics.counters_from(
        "portolan_istio_counters_total",
        "Counters that were read, by whether they had moved since the round before.",
        "fate",
        move || {
            let series = of.lock().series;
            vec![
                ("moved", series.moved),
                ("still", series.still),
                ("baseline", series.baseline),
                ("no_room", series.no_room),
            ]
        },
    )
}

/// What came of counters that had moved.
fn requests(metrics: &Metrics, figures: &Shared) -> Result<(), MetricsError> {
    let of = Arc::clone(figures);
    metrics.counters_from(
        "portolan_istio_requests_total",
        "Counters that had moved, by what they told.",
        "fate",
        move || {
            let figures = of.lock();
            let count = |refusal: Refusal| {
                let count = figures.refused.get(&refusal).copied().unwrap_or_default();
                (refusal.as_str(), count)
            };
            let mut all = Refusal::ALL.map(count).to_vec();
            all.push(("taken", figures.taken));
            all
        },
    )?;
    let counters: [Row<Shared>; 5] = [
        (
            "portolan_istio_folded_total",
            "Of those taken, told as a folder because their pair of workloads has too many paths.",
            |figures| figures.lock().told.folded,
        ),
        (
            "portolan_istio_other_methods_total",
            "Of those taken, by a method that the mapper has no word for, such as HEAD.",
            |figures| figures.lock().told.other_method,
        ),
        (
            "portolan_istio_forgotten_total",
            "Entries that were told and forgotten for want of room.",
            |figures| figures.lock().told.forgotten,
        ),
        (
            "portolan_istio_offered_total",
            "Pairs of workloads with a path and methods that were handed over to be reported.",
            |figures| figures.lock().reported,
        ),
        (
            "portolan_istio_told_again_total",
            "How often a mapper that had forgotten its map was told again.",
            |figures| figures.lock().told_again,
        ),
    ];
    metrics.counters_of(figures, counters)?;
    let gauges: [Row<Shared>; 2] = [
        (
            "portolan_istio_pairs",
            "Pairs of workloads whose paths are remembered.",
            |figures| figures.lock().ledger.0 as u64,
        ),
        (
            "portolan_istio_entries",
            "Pairs of workloads with a path that are remembered.",
            |figures| figures.lock().ledger.1 as u64,
        ),
    ];
    metrics.gauges_of(figures, gauges)
}

/// The watches of pods.
fn cluster(metrics: &Metrics, watches: &Watches) -> Result<(), MetricsError> {
    let of = watches.clone();
    metrics.counters_from(
        "portolan_istio_kubernetes_requests_total",
        "Requests to the API server, by verb.",
        "verb",
        move || {
            let asked = |verb: Verb| {
                let of = of.iter().map(|watch| watch.requests(verb));
                (verb.as_str(), of.sum())
            };
            [Verb::List, Verb::Watch].map(asked).to_vec()
        },
    )?;
    let of = watches.clone();
    metrics.counter_from(
        "portolan_istio_kubernetes_errors_total",
        "Lists and watches of pods that failed, and were tried again.",
        move || of.iter().map(|watch| watch.errors(Kind::Pod)).sum(),
    )
}
