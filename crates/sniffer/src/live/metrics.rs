//! What Prometheus sees. Names of the replaced sniffer keep their plain meaning.

use app::metrics::{Metrics, MetricsError, Row};
use app::reporter;
use map::Evidence;
use map::tally::Tally;
use wire::client::Reporter;

use super::figures::{Figures, Packets, Reports, Shared, Sockets};
use crate::{AggregateCounts, HandshakeCounts, QuestionCounts};

/// Registers everything.
pub(crate) fn register(
    metrics: &Metrics,
    figures: &Figures,
    client: &Reporter,
) -> Result<(), MetricsError> {
    packets(metrics, figures)?;
    packet_fates(metrics, figures)?;
    sockets(metrics, figures)?;
    reports(metrics, figures)?;
    super::sources::register(metrics, figures)?;
    reporter::register(metrics, "sniffer", client)
}

fn packets(metrics: &Metrics, figures: &Figures) -> Result<(), MetricsError> {
    let counters: [Row<Shared<Packets>>; 8] = [
        (
            "portolan_sniffer_packets_passed_total",
            "Packets that passed the kernel's filter, lost ones included.",
            |packets| packets.lock().passed,
        ),
        (
            "portolan_sniffer_packets_lost_total",
            "Packets that found the ring full.",
            |packets| packets.lock().lost,
        ),
        (
            "portolan_sniffer_handshakes_unanswered_total",
            "SYNs that nobody answered: attempts.",
            |packets| packets.lock().ends.unanswered,
        ),
        (
            "portolan_sniffer_handshakes_lost_total",
            "Handshakes that were pushed out of a full table before they were told, or told to a full one.",
            |packets| packets.lock().lost_handshakes,
        ),
        (
            "portolan_sniffer_questions_lost_total",
            "DNS questions that were pushed out of a full table before their answer.",
            |packets| packets.lock().questions.lost,
        ),
        (
            "portolan_sniffer_dns_addresses_total",
            "Addresses in DNS answers that were told.",
            |packets| packets.lock().questions.addresses,
        ),
        (
            "portolan_sniffer_dns_stream_messages_total",
            "DNS messages that came over TCP.",
            |packets| packets.lock().questions.over_tcp,
        ),
        (
            "portolan_sniffer_packet_observations_total",
            "Observations from packets that went to the reporting.",
            |packets| packets.lock().sightings.drained,
        ),
    ];
    metrics.counters_of(&figures.packets, counters)?;
    let gauges: [Row<Shared<Packets>>; 5] = [
        (
            "portolan_sniffer_handshakes_held",
            "SYNs that wait for their answer.",
            |packets| packets.lock().ends.held,
        ),
        (
            "portolan_sniffer_handshakes_untold",
            "Accepted connections that are told in a moment.",
            |packets| packets.lock().ends.untold,
        ),
        (
            "portolan_sniffer_questions_waiting",
            "DNS questions that wait for their answer.",
            |packets| packets.lock().questions.waiting,
        ),
        (
            "portolan_sniffer_questions_held",
            "DNS questions that are remembered, answered or not.",
            |packets| packets.lock().held_questions,
        ),
        (
            "portolan_sniffer_packet_observations_held",
            "Observations from packets that wait for the reporting.",
            |packets| packets.lock().held,
        ),
    ];
    metrics.gauges_of(&figures.packets, gauges)
}

/// What became of packets, and of what they told, by reason.
fn packet_fates(metrics: &Metrics, figures: &Figures) -> Result<(), MetricsError> {
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
    )?;
    let of = figures.clone();
    metrics.counters_from(
        "portolan_sniffer_handshake_ends_total",
        "Handshakes, by how they ended where no packet tells it.",
        "end",
        move || ends(of.packets.lock().ends).to_vec(),
    )?;
    let of = figures.clone();
    metrics.counters_from(
        "portolan_sniffer_question_ends_total",
        "DNS questions, by how they ended.",
        "end",
        move || question_ends(of.packets.lock().questions).to_vec(),
    )?;
    let of = figures.clone();
    metrics.counters_from(
        "portolan_sniffer_packet_sightings_total",
        "Connections and addresses that packets told of, by whether they were new since the last batch.",
        "fate",
        move || sightings(of.packets.lock().sightings).to_vec(),
    )
}

const fn ends(counts: HandshakeCounts) -> [(&'static str, u64); 7] {
    [
        ("told", counts.told),
        ("unanswered", counts.unanswered),
        ("reversed", counts.reversed),
        ("pushed out", counts.evicted),
        ("pushed out untold", counts.evicted_untold),
        ("unanswered and lost", counts.lost_unanswered),
        ("accepted and lost", counts.lost_accepted),
    ]
}

const fn question_ends(counts: QuestionCounts) -> [(&'static str, u64); 3] {
    [
        ("answered", counts.answered),
        ("unanswered", counts.unanswered),
        ("pushed out", counts.lost),
    ]
}

const fn sightings(counts: AggregateCounts) -> [(&'static str, u64); 3] {
    [
        ("new", counts.new),
        ("again", counts.again),
        ("lost to a full table", counts.full),
    ]
}

fn sockets(metrics: &Metrics, figures: &Figures) -> Result<(), MetricsError> {
    let of = figures.clone();
    metrics.counters_from(
        "portolan_sniffer_sockets_total",
        "Rows of socket tables, by what became of them.",
        "fate",
        move || by(&of.sockets.lock().rows, |fate| fate.as_str()),
    )?;
    let of = figures.clone();
    metrics.counters_from(
        "portolan_sniffer_socket_sightings_total",
        "Connections that socket tables told of, by whether they were new since the last batch.",
        "fate",
        move || sightings(of.sockets.lock().sightings).to_vec(),
    )?;
    let counters: [Row<Shared<Sockets>>; 3] = [
        (
            "portolan_sniffer_socket_observations_total",
            "Observations from socket tables that went to the reporting.",
            |sockets| sockets.lock().sightings.drained,
        ),
        (
            "portolan_sniffer_walks_total",
            "Walks through the node's processes.",
            |sockets| sockets.lock().walks,
        ),
        (
            "portolan_sniffer_namespace_reads_total",
            "Network namespaces whose socket tables were read.",
            |sockets| sockets.lock().reads,
        ),
    ];
    metrics.counters_of(&figures.sockets, counters)?;
    let of = figures.clone();
    metrics.seconds_from(
        "portolan_sniffer_scan_busy_seconds_total",
        "How long walks and reads kept a processor busy.",
        move || of.sockets.lock().busy,
    )?;
    let gauges: [Row<Shared<Sockets>>; 5] = [
        (
            "portolan_sniffer_processes",
            "Processes of the node.",
            |sockets| sockets.lock().processes,
        ),
        (
            "portolan_sniffer_processes_hidden",
            "Processes that may not be looked at.",
            |sockets| sockets.lock().hidden,
        ),
        (
            "portolan_sniffer_namespaces",
            "Network namespaces with processes.",
            |sockets| sockets.lock().namespaces,
        ),
        (
            "portolan_sniffer_namespaces_unread",
            "Network namespaces whose socket tables were never read.",
            |sockets| sockets.lock().unread,
        ),
        (
            "portolan_sniffer_socket_observations_held",
            "Observations from socket tables that wait for the reporting.",
            |sockets| sockets.lock().held,
        ),
    ];
    metrics.gauges_of(&figures.sockets, gauges)
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
    let counters: [Row<Shared<Reports>>; 13] = [
        (
            "dns_reported_connections",
            "Sources whose DNS answers were reported.",
            |reports| reports.lock().dns_sources,
        ),
        (
            "socketscan_reported_connections",
            "Sources whose open connections were reported.",
            |reports| reports.lock().socket_sources,
        ),
        (
            "portolan_sniffer_observations_disabled_total",
            "Observations of evidence that is switched off.",
            |reports| reports.lock().disabled,
        ),
        (
            "portolan_sniffer_observations_loopback_total",
            "Observations of the node's processes among each other.",
            |reports| reports.lock().loopback,
        ),
        (
            "portolan_sniffer_observations_attributed_total",
            "Observations whose pod this node knows for certain.",
            |reports| reports.lock().attributed,
        ),
        (
            "portolan_sniffer_observations_new_total",
            "Observations of something that was not known yet.",
            |reports| reports.lock().known.new,
        ),
        (
            "portolan_sniffer_observations_folded_total",
            "Observations of something known, which go with its next refresh.",
            |reports| reports.lock().known.folded,
        ),
        (
            "portolan_sniffer_seen_again_total",
            "Known things that such an observation lets wait for their next refresh.",
            |reports| reports.lock().known.waited,
        ),
        (
            "portolan_sniffer_retold_total",
            "Known things that did not wait and were told to a mapper that had forgotten its map.",
            |reports| reports.lock().known.retold,
        ),
        (
            "portolan_sniffer_coverages_total",
            "Reports of what this node sees.",
            |reports| reports.lock().coverages,
        ),
        (
            "portolan_sniffer_refreshes_total",
            "Things that were known and reported again.",
            |reports| reports.lock().known.refreshed,
        ),
        (
            "portolan_sniffer_not_remembered_total",
            "New observations that found no room to be remembered, and will be reported each time.",
            |reports| reports.lock().known.not_remembered,
        ),
        (
            "portolan_sniffer_told_again_total",
            "How often a mapper that had forgotten its map was told everything again.",
            |reports| reports.lock().told_again,
        ),
    ];
    metrics.counters_of(&figures.reports, counters)?;
    let gauges: [Row<Shared<Reports>>; 3] = [
        (
            "portolan_sniffer_known",
            "Distinct things that are remembered as reported.",
            |reports| reports.lock().remembered,
        ),
        (
            "portolan_sniffer_observations_waiting",
            "Observations that wait for their pod to be found.",
            |reports| reports.lock().searching,
        ),
        (
            "portolan_sniffer_refreshes_waiting",
            "Known things that were seen again and wait for their refresh.",
            |reports| reports.lock().waiting,
        ),
    ];
    metrics.gauges_of(&figures.reports, gauges)
}

fn by<R>(tally: &Tally<R>, label: impl Fn(&R) -> &'static str) -> Vec<(&'static str, u64)> {
    tally.iter().map(|(reason, n)| (label(reason), n)).collect()
}
