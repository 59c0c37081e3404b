//! What Prometheus sees. The name of the replaced watcher keeps its plain meaning.

use app::metrics::{Metrics, MetricsError, Row};
use app::reporter;
use wire::client::Reporter;

use super::state::State;
use crate::accesses::Fate;

/// Registers everything.
pub(crate) fn register(
    metrics: &Metrics,
    state: &State,
    client: &Reporter,
) -> Result<(), MetricsError> {
    lines(metrics, state)?;
    logs(metrics, state)?;
    reporter::register(metrics, "kafka", client)
}

fn lines(metrics: &Metrics, state: &State) -> Result<(), MetricsError> {
    let counters: [Row<State>; 6] = [
        (
            "kafka_reported_topics",
            "Accesses to topics that were reported.",
            |state| state.lock().figures.reported,
        ),
        (
            "portolan_kafka_lines_total",
            "New lines of logs, whatever they are.",
            |state| state.lock().figures.lines,
        ),
        (
            "portolan_kafka_accesses_total",
            "Of these, accesses of clients to topics.",
            |state| state.lock().figures.accesses.get(&Fate::Kept),
        ),
        (
            "portolan_kafka_denied_total",
            "Of these accesses, denied.",
            |state| state.lock().figures.denied,
        ),
        (
            "portolan_kafka_lines_too_long_total",
            "Of the lines, too long to be read.",
            |state| state.lock().figures.too_long,
        ),
        (
            "portolan_kafka_lines_again_total",
            "Lines that came a second time after a break, and were skipped.",
            |state| state.lock().figures.again,
        ),
    ];
    metrics.counters_of(state, counters)?;
    let of = state.clone();
    metrics.counters_from(
        "portolan_kafka_lines_left_out_total",
        "Of the lines, no access of a client to a topic, by reason.",
        "reason",
        move || {
            let inner = of.lock();
            let others = inner.figures.others.iter();
            let mut all: Vec<_> = others.map(|(other, n)| (other.as_str(), n)).collect();
            all.push(("own_pod", inner.figures.accesses.get(&Fate::Own)));
            all.push(("table_full", inner.figures.accesses.get(&Fate::Full)));
            all
        },
    )
}

fn logs(metrics: &Metrics, state: &State) -> Result<(), MetricsError> {
    let of = state.clone();
    metrics.counters_from(
        "portolan_kafka_gaps_total",
        "Places in logs where lines are known to be missing, by reason.",
        "reason",
        move || {
            let inner = of.lock();
            let gaps = inner.figures.gaps.iter();
            gaps.map(|(gap, n)| (gap.as_str(), n)).collect()
        },
    )?;
    let counters: [Row<State>; 5] = [
        (
            "portolan_kafka_logs_opened_total",
            "How often a log was opened.",
            |state| state.lock().figures.opened,
        ),
        (
            "portolan_kafka_logs_failed_total",
            "How often a log could not be opened, or broke off.",
            |state| state.lock().figures.failed,
        ),
        (
            "portolan_kafka_logs_beyond_total",
            "How often a log was left out because too many are followed.",
            |state| state.lock().figures.beyond,
        ),
        (
            "portolan_kafka_rotations_total",
            "How often the file was replaced or emptied.",
            |state| state.lock().figures.rotations,
        ),
        (
            "portolan_kafka_cursor_writes_total",
            "How often it was kept how far logs were read.",
            |state| state.lock().figures.cursors,
        ),
    ];
    metrics.counters_of(state, counters)?;
    let gauges: [Row<State>; 3] = [
        (
            "portolan_kafka_brokers",
            "Brokers whose logs are followed.",
            |state| state.lock().brokers.len() as u64,
        ),
        (
            "portolan_kafka_silent_brokers",
            "Of these, such as were said to log nothing that can be used.",
            |state| {
                let inner = state.lock();
                let brokers = inner.brokers.values();
                let silent = |broker: &&super::state::Followed| {
                    broker.said.is_some() && broker.heard.silence().is_some()
                };
                brokers.filter(silent).count() as u64
            },
        ),
        (
            "portolan_kafka_remembered",
            "Distinct accesses of the last hour.",
            |state| state.lock().accesses.len() as u64,
        ),
    ];
    metrics.gauges_of(state, gauges)
}
