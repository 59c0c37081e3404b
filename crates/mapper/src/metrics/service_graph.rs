//! The map as metrics, under the names of Grafana Tempo's service graph.

use app::metrics::{Metrics, MetricsError, Row};

use crate::service_graph::{Latest, Series, Totals};

/// The two counters, as the replaced mapper and Grafana Tempo call them: connections, and those that failed.
pub(crate) const SERIES: [Row<Totals>; 2] = [
    (
        "traces_service_graph_request_total",
        "Connections that a client opened to a server since the mapper began, each once, those that failed included.",
        |totals| totals.opened,
    ),
    (
        "traces_service_graph_request_failed_total",
        "Those of these connections that were refused or never answered.",
        |totals| totals.failed,
    ),
];

/// Registers the two.
pub(crate) fn register(metrics: &Metrics, latest: &Latest) -> Result<(), MetricsError> {
    for (name, help, read) in SERIES {
        let of = latest.clone();
        metrics.series_from(name, help, Series::LABELS, move || {
            let snapshot = of.get();
            let series = snapshot.series.iter();
            series
                .map(|series| (series.values().map(str::to_owned), read(&series.totals)))
                .collect()
        })?;
    }
    Ok(())
}

/// What the map as metrics could not count; by whichever way it leaves.
pub(crate) fn uncounted(metrics: &Metrics, latest: &Latest) -> Result<(), MetricsError> {
    let of = latest.clone();
    metrics.counter_from(
        "portolan_mapper_uncounted_total",
        "Reports whose connections are in the map and not in its metrics, because too many counters are followed.",
        move || of.get().uncounted,
    )
}
