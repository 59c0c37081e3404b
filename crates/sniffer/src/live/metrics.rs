//! What Prometheus sees. Names of the replaced sniffer keep their plain meaning.

use std::sync::Arc;

use app::metrics::{Metrics, MetricsError};
use map::Evidence;
use map::tally::Tally;
use parking_lot::Mutex;
use wire::client::{Reason, Reporter};

use super::figures::{Figures, Packets, Reports, Sockets};

/// A name, what it is about, and where its value is.
type Row<T> = (&'static str, &'static str, fn(&T) -> u64);

/// Registers everything.
pub(crate) fn register(
    metrics: &Metrics,
    figures: &Figures,
    client: &Reporter,
) -> Result<(), MetricsError> {
    packets(metrics, figures)?;
    sockets(metrics, figures)?;
    reports(metrics, figures)?;
    delivery(metrics, client)
}

fn packets(metrics: &Metrics, figures: &Figures) -> Result<(), MetricsError> {
    let counters: [Row<Packets>; 5] = [
        (
            "portolan_sniffer_packets_passed_total",
            "Packets that passed the kernel's filter, lost ones included.",
            |packets| packets.passed,
        ),
        (
            "portolan_sniffer_packets_lost_total",
            "Packets that found the ring full.",
            |packets| packets.lost,
        ),
        (
            "portolan_sniffer_handshakes_unanswered_total",
            "SYNs that nobody answered: attempts.",
            |packets| packets.unanswered,
        ),
        (
            "portolan_sniffer_handshakes_lost_total",
            "SYNs that were pushed out of a full table before their answer.",
            |packets| packets.lost_handshakes,
        ),
        (
            "portolan_sniffer_questions_lost_total",
            "DNS questions that were pushed out of a full table before their answer.",
            |packets| packets.lost_questions,
        ),
    ];
    count(metrics, &figures.packets, &counters)?;
    let gauges: [Row<Packets>; 3] = [
        (
            "portolan_sniffer_handshakes_held",
            "SYNs that wait for their answer.",
            |packets| packets.held_handshakes,
        ),
        (
            "portolan_sniffer_questions_held",
            "DNS questions that are remembered.",
            |packets| packets.held_questions,
        ),
        (
            "portolan_sniffer_packet_observations_held",
            "Observations from packets that wait for the reporting.",
            |packets| packets.held,
        ),
    ];
    gauge(metrics, &figures.packets, &gauges)?;
    let of = figures.clone();
    metrics.counters_from(
        "portolan_sniffer_packets_total",
        "Packets that were read, by kind.",
        "kind",
        move || by(&of.packets.lock().kinds, |kind| kind.as_str()),
    )?;
    let of = figures.clone();
    metrics.counters_from(
        "portolan_sniffer_dns_messages_total",
        "DNS messages, by what became of them.",
        "fate",
        move || by(&of.packets.lock().dns, |fate| fate.as_str()),
    )?;
    let of = figures.clone();
    metrics.counters_from(
        "portolan_sniffer_handshake_packets_total",
        "Packets of handshakes, by what became of them.",
        "fate",
        move || by(&of.packets.lock().handshakes, |fate| fate.as_str()),
    )
}

fn sockets(metrics: &Metrics, figures: &Figures) -> Result<(), MetricsError> {
    let of = figures.clone();
    metrics.counters_from(
        "portolan_sniffer_sockets_total",
        "Rows of socket tables, by what became of them.",
        "fate",
        move || by(&of.sockets.lock().rows, |fate| fate.as_str()),
    )?;
    let counters: [Row<Sockets>; 3] = [
        (
            "portolan_sniffer_walks_total",
            "Walks through the node's processes.",
            |sockets| sockets.walks,
        ),
        (
            "portolan_sniffer_namespace_reads_total",
            "Network namespaces whose socket tables were read.",
            |sockets| sockets.reads,
        ),
        (
            "portolan_sniffer_scan_busy_milliseconds_total",
            "How long walks and reads kept a processor busy.",
            |sockets| u64::try_from(sockets.busy.as_millis()).unwrap_or(u64::MAX),
        ),
    ];
    count(metrics, &figures.sockets, &counters)?;
    let gauges: [Row<Sockets>; 5] = [
        (
            "portolan_sniffer_processes",
            "Processes of the node.",
            |sockets| sockets.processes,
        ),
        (
            "portolan_sniffer_processes_hidden",
            "Processes that may not be looked at.",
            |sockets| sockets.hidden,
        ),
        (
            "portolan_sniffer_namespaces",
            "Network namespaces with processes.",
            |sockets| sockets.namespaces,
        ),
        (
            "portolan_sniffer_namespaces_unread",
            "Network namespaces whose socket tables were never read.",
            |sockets| sockets.unread,
        ),
        (
            "portolan_sniffer_socket_observations_held",
            "Observations from socket tables that wait for the reporting.",
            |sockets| sockets.held,
        ),
    ];
    gauge(metrics, &figures.sockets, &gauges)
}

fn reports(metrics: &Metrics, figures: &Figures) -> Result<(), MetricsError> {
    let of = figures.clone();
    metrics.counters_from(
        "portolan_sniffer_observations_total",
        "Observations that came in, by evidence.",
        "evidence",
        move || {
            by(&of.reports.lock().seen, |evidence: &Evidence| {
                evidence.as_str()
            })
        },
    )?;
    let counters: [Row<Reports>; 10] = [
        (
            "dns_reported_connections",
            "Sources whose DNS answers were reported.",
            |reports| reports.dns_sources,
        ),
        (
            "socketscan_reported_connections",
            "Sources whose open connections were reported.",
            |reports| reports.socket_sources,
        ),
        (
            "portolan_sniffer_observations_disabled_total",
            "Observations of evidence that is switched off.",
            |reports| reports.disabled,
        ),
        (
            "portolan_sniffer_observations_loopback_total",
            "Observations of the node's processes among each other.",
            |reports| reports.loopback,
        ),
        (
            "portolan_sniffer_observations_attributed_total",
            "Observations whose pod this node knows for certain.",
            |reports| reports.attributed,
        ),
        (
            "portolan_sniffer_observations_new_total",
            "Observations of something that was not known yet.",
            |reports| reports.known.new,
        ),
        (
            "portolan_sniffer_observations_folded_total",
            "Observations of something known, which go with its next refresh.",
            |reports| reports.known.folded,
        ),
        (
            "portolan_sniffer_refreshes_total",
            "Things that were known and reported again.",
            |reports| reports.known.refreshed,
        ),
        (
            "portolan_sniffer_not_remembered_total",
            "New observations that found no room to be remembered, and will be reported each time.",
            |reports| reports.known.not_remembered,
        ),
        (
            "portolan_sniffer_told_again_total",
            "How often a mapper that had forgotten its map was told everything again.",
            |reports| reports.told_again,
        ),
    ];
    count(metrics, &figures.reports, &counters)?;
    let gauges: [Row<Reports>; 2] = [
        (
            "portolan_sniffer_known",
            "Distinct things that are remembered as reported.",
            |reports| reports.remembered,
        ),
        (
            "portolan_sniffer_observations_waiting",
            "Observations that wait: for their pod to be found, or for the next refresh.",
            |reports| reports.waiting,
        ),
    ];
    gauge(metrics, &figures.reports, &gauges)
}

fn delivery(metrics: &Metrics, client: &Reporter) -> Result<(), MetricsError> {
    let of = client.clone();
    metrics.counter_from(
        "portolan_sniffer_reported_total",
        "What was handed over to be reported.",
        move || of.stats().offered,
    )?;
    let of = client.clone();
    metrics.counter_from(
        "portolan_sniffer_delivered_total",
        "Of this, taken by the mapper.",
        move || of.stats().delivered,
    )?;
    let of = client.clone();
    metrics.counters_from(
        "portolan_sniffer_dropped_total",
        "Of this, given up, by reason.",
        "reason",
        move || {
            let stats = of.stats();
            let dropped = |reason: Reason| (reason.label(), stats.dropped(reason));
            Reason::ALL.map(dropped).to_vec()
        },
    )?;
    let of = client.clone();
    metrics.gauge_from(
        "portolan_sniffer_spooled",
        "Of this, waiting for the mapper.",
        move || float(of.stats().held),
    )?;
    let of = client.clone();
    metrics.gauge_from(
        "portolan_sniffer_spool_bytes",
        "Memory of what waits for the mapper.",
        move || float(of.stats().memory as u64),
    )
}

fn count<T: Send + 'static>(
    metrics: &Metrics,
    of: &Arc<Mutex<T>>,
    rows: &[Row<T>],
) -> Result<(), MetricsError> {
    for &(name, help, read) in rows {
        let of = Arc::clone(of);
        metrics.counter_from(name, help, move || read(&of.lock()))?;
    }
    Ok(())
}

fn gauge<T: Send + 'static>(
    metrics: &Metrics,
    of: &Arc<Mutex<T>>,
    rows: &[Row<T>],
) -> Result<(), MetricsError> {
    for &(name, help, read) in rows {
        let of = Arc::clone(of);
        metrics.gauge_from(name, help, move || float(read(&of.lock())))?;
    }
    Ok(())
}

fn by<R>(tally: &Tally<R>, label: impl Fn(&R) -> &'static str) -> Vec<(&'static str, u64)> {
    tally.iter().map(|(reason, n)| (label(reason), n)).collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "gauges are floats, and these are small"
)]
const fn float(number: u64) -> f64 {
    number as f64
}
