//! What Prometheus sees of a reporter's client. In these names, `ROLE` stands for the reporter: `portolan_sniffer_spooled`.

use wire::client::{Reason, Reporter};

use crate::metrics::{Metrics, MetricsError, Row, float};

const COUNTERS: [Row<Reporter>; 3] = [
    (
        "portolan_ROLE_recovered_total",
        "What was found in the spool folder at the start.",
        |client| client.stats().recovered,
    ),
    (
        "portolan_ROLE_reported_total",
        "What was handed over to be reported, or found in the spool folder.",
        |client| client.stats().offered,
    ),
    (
        "portolan_ROLE_delivered_total",
        "Of this, taken by the mapper.",
        |client| client.stats().delivered,
    ),
];

const GAUGES: [Row<Reporter>; 2] = [
    (
        "portolan_ROLE_spooled",
        "Of this, waiting for the mapper.",
        |client| client.stats().held,
    ),
    (
        "portolan_ROLE_spool_bytes",
        "Memory of what waits for the mapper.",
        |client| client.stats().memory as u64,
    ),
];

/// With the name of its label.
const DROPPED: (&str, &str, &str) = (
    "portolan_ROLE_dropped_total",
    "Of this, given up, by reason.",
    "reason",
);

/// Registers what becomes of reports, under names of this role.
pub fn register(metrics: &Metrics, role: &str, client: &Reporter) -> Result<(), MetricsError> {
    let named = |name: &str| name.replace("ROLE", role);
    for (name, help, read) in COUNTERS {
        let of = client.clone();
        metrics.counter_from(&named(name), help, move || read(&of))?;
    }
    for (name, help, read) in GAUGES {
        let of = client.clone();
        metrics.gauge_from(&named(name), help, move || float(read(&of)))?;
    }
    let of = client.clone();
    let (name, help, label) = DROPPED;
    metrics.counters_from(&named(name), help, label, move || {
        let stats = of.stats();
        let dropped = |reason: Reason| (reason.label(), stats.dropped(reason));
        Reason::ALL.map(dropped).to_vec()
    })
}
