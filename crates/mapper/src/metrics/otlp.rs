//! What became of what was sent to an OpenTelemetry collector.

use std::sync::Arc;

use app::metrics::{Metrics, MetricsError, Row};

use crate::otlp::Figures;

/// Registers all that the exporter counts.
pub(crate) fn register(metrics: &Metrics, figures: &Arc<Figures>) -> Result<(), MetricsError> {
    let rows: [Row<Arc<Figures>>; 4] = [
        (
            "portolan_otlp_exports_total",
            "Exports that the collector took.",
            |figures| figures.exports(),
        ),
        (
            "portolan_otlp_points_total",
            "Numbers that were sent to the collector.",
            |figures| figures.sent(),
        ),
        (
            "portolan_otlp_unsent_points_total",
            "Numbers that could not be sent to the collector; the next export carries what they would have told.",
            |figures| figures.unsent(),
        ),
        (
            "portolan_otlp_rejected_points_total",
            "Numbers that the collector got and did not want.",
            |figures| figures.rejected(),
        ),
    ];
    metrics.counters_of(figures, rows)?;
    let of = Arc::clone(figures);
    metrics.counters_from(
        "portolan_otlp_failures_total",
        "Exports that failed, by reason; each is tried again.",
        "reason",
        move || of.failures(),
    )?;
    let rows: [Row<Arc<Figures>>; 1] = [(
        "portolan_otlp_last_success_timestamp_seconds",
        "When the collector took an export last, in Unix time; 0 for never.",
        |figures| figures.last_success(),
    )];
    metrics.gauges_of(figures, rows)
}
