//! Whether a sniffer's page of metrics adds up: what came in is what went out, was dropped, and is held.

use std::collections::BTreeSet;

/// Equations between metrics, each named without `portolan_sniffer_`. A name alone is the sum over its labels; in
/// brackets stands the value of its label. They hold at every quiet moment: when nothing is under way between two stops.
pub const EQUATIONS: &[&str] = &[
    // The ring.
    "packets_passed_total = packets_total + packets_lost_total",
    // The collectors.
    "packets_total[DNS datagrams] + dns_stream_messages_total = dns_messages_total",
    "packets_total[handshakes] = handshake_packets_total",
    "dns_messages_total[questions] = question_ends_total + questions_waiting",
    "handshake_packets_total[SYNs] + handshake_ends_total[reversed] = handshake_packets_total[accepted] \
     + handshake_packets_total[refused] + handshake_packets_total[lost to a full table] \
     + handshake_ends_total[unanswered] + handshake_ends_total[unanswered and lost] \
     + handshake_ends_total[pushed out] + handshakes_held",
    "handshake_packets_total[accepted] = handshake_packets_total[disowned by the client] \
     + handshake_ends_total[told] + handshake_ends_total[accepted and lost] \
     + handshake_ends_total[pushed out untold] + handshakes_untold",
    // The socket-state tracepoint.
    "tracepoint_total[decided, and told] + tracepoint_total[accepted, and told] \
     = socket_events_total + socket_events_held",
    // The tables of observations.
    "handshake_ends_total[told] + handshake_packets_total[refused] + handshake_ends_total[unanswered] \
     + dns_addresses_total + socket_events_total[not seen in packets] = packet_sightings_total[new] + packet_sightings_total[again]",
    "handshake_packets_total[lost to a full table] + handshake_ends_total[unanswered and lost] \
     + handshake_ends_total[accepted and lost] + dns_messages_total[answers lost to a full table] \
     + socket_events_total[not seen in packets, and lost] = packet_sightings_total[lost to a full table]",
    "sockets_total[open connections] + sockets_total[open connections from outside] \
     = socket_sightings_total[new] + socket_sightings_total[again]",
    "packet_sightings_total[new] = packet_observations_total + packet_observations_held",
    "socket_sightings_total[new] = socket_observations_total + socket_observations_held",
    // The reporting.
    "packet_observations_total + socket_observations_total = observations_total",
    "observations_total = observations_disabled_total + observations_loopback_total + observations_new_total \
     + observations_folded_total + observations_waiting",
    "seen_again_total = refreshes_total + refreshes_waiting",
    // The delivery.
    "recovered_total + observations_new_total + refreshes_total + retold_total + coverages_total = reported_total",
    "reported_total = delivered_total + dropped_total + spooled",
];

/// The names of all metrics in [`EQUATIONS`], in full.
pub fn names() -> BTreeSet<String> {
    let terms = EQUATIONS.iter().flat_map(|equation| {
        let sides = equation.split(" = ");
        sides.flat_map(|side| side.split(" + "))
    });
    let name = |term: &str| term.split('[').next().unwrap_or(term).trim().to_owned();
    terms
        .map(|term| format!("portolan_sniffer_{}", name(term)))
        .collect()
}

/// The equations that do not hold on this page, each with its numbers.
pub fn unbalanced(page: &str) -> Vec<String> {
    let numbers = |side: &str| -> Vec<u64> {
        let terms = side.split(" + ");
        terms.map(|term| value(page, term.trim())).collect()
    };
    let text = |numbers: &[u64]| {
        let texts: Vec<String> = numbers.iter().map(u64::to_string).collect();
        texts.join(" + ")
    };
    let failing = EQUATIONS.iter().filter_map(|equation| {
        let (left, right) = equation.split_once(" = ")?;
        let (left, right) = (numbers(left), numbers(right));
        let sum = |numbers: &[u64]| numbers.iter().sum::<u64>();
        let holds = sum(&left) == sum(&right);
        (!holds).then(|| format!("{equation}: {} = {}", text(&left), text(&right)))
    });
    failing.collect()
}

/// The value of a term such as `packets_total[handshakes]`; 0 where it is not on the page, as what was never counted.
pub fn value(page: &str, term: &str) -> u64 {
    let (name, label) = match term.split_once('[') {
        Some((name, label)) => (name, label.strip_suffix(']')),
        None => (term, None),
    };
    let name = format!("portolan_sniffer_{name}");
    let lines = page.lines().filter_map(|line| {
        let (labels, number) = line.strip_prefix(&name)?.rsplit_once(' ')?;
        let is_it = match (labels, label) {
            ("", None) => true,
            (labels, None) => labels.starts_with('{'),
            (labels, Some(label)) => labels.ends_with(&format!("=\"{label}\"}}")),
        };
        is_it.then(|| number.parse::<f64>().map_or(0, |number| number as u64))
    });
    lines.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# HELP portolan_sniffer_packets_total Packets.\n\
        # TYPE portolan_sniffer_packets_total counter\n\
        portolan_sniffer_packets_total{kind=\"handshakes\"} 3\n\
        portolan_sniffer_packets_total{kind=\"other TCP\"} 2\n\
        portolan_sniffer_packets_total_of_another 9\n\
        # TYPE portolan_sniffer_packets_lost_total counter\n\
        portolan_sniffer_packets_lost_total 1\n\
        portolan_sniffer_packets_passed_total 6\n";

    #[test]
    fn terms_are_read() {
        assert_eq!(value(PAGE, "packets_total"), 5);
        assert_eq!(value(PAGE, "packets_total[handshakes]"), 3);
        assert_eq!(value(PAGE, "packets_total[never]"), 0);
        assert_eq!(value(PAGE, "packets"), 0);
    }

    #[test]
    fn what_does_not_add_up_is_told() {
        let told = unbalanced(PAGE);
        // There are three handshakes, and nothing became of them.
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].ends_with(": 3 = 0"), "{told:?}");
        let wrong = unbalanced(&PAGE.replace("lost_total 1", "lost_total 2"));
        assert!(wrong[0].ends_with(": 6 = 5 + 2"), "{wrong:?}");
    }

    #[test]
    fn names_are_whole() {
        let names = names();
        assert!(names.contains("portolan_sniffer_packets_total"));
        assert!(
            names.iter().all(|name| !name.contains(['[', ' ', '='])),
            "{names:?}"
        );
    }
}
