//! What Prometheus sees of who was let in.

use app::metrics::{Metrics, MetricsError, Row};
use map::Time;

use crate::access::Reason;
use crate::server::Gate;
use crate::server::tls::Certificate;

/// Registers what comes from the gate.
pub(crate) fn register(
    metrics: &Metrics,
    gate: &Gate,
    certificate: &Certificate,
) -> Result<(), MetricsError> {
    let of = gate.clone();
    metrics.counters_from(
        "portolan_access_refused_total",
        "Connections and requests that were refused, by reason.",
        "reason",
        move || {
            let all = Reason::ALL.map(|reason| (reason.label(), of.refused(reason)));
            all.to_vec()
        },
    )?;
    let rows: [Row<Gate>; 4] = [
        (
            "portolan_access_tokens",
            "Tokens that are known to be good, as hashes.",
            |gate| gate.tokens().known as u64,
        ),
        (
            "portolan_access_bad_tokens",
            "Tokens that were found bad lately, as hashes.",
            |gate| gate.tokens().bad as u64,
        ),
        (
            "portolan_access_waiting_reviews",
            "Tokens that the API server is being asked about.",
            |gate| gate.tokens().waiting as u64,
        ),
        (
            "portolan_access_senders",
            "Addresses whose use is limited apart from that of others.",
            |gate| gate.senders() as u64,
        ),
    ];
    metrics.gauges_of(gate, rows)?;
    let of = gate.clone();
    metrics.counter_from(
        "portolan_access_review_failures_total",
        "Questions about tokens that the API server did not answer.",
        move || of.tokens().failures,
    )?;
    let of = certificate.clone();
    metrics.gauge_from(
        "portolan_tls_certificate_expiry_seconds",
        "How long the certificate is still good; NaN without one.",
        move || of.expires().map_or(f64::NAN, left),
    )
}

/// Negative when it is over.
fn left(until: Time) -> f64 {
    let now = app::clock::now();
    until.since(now).as_secs_f64() - now.since(until).as_secs_f64()
}
