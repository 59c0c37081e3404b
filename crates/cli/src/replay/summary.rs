//! What came in, what came out, and what was left out, by reason. The sums add up.

use std::collections::BTreeMap;
use std::fmt;

use map::tally::Tally;
use map::{Evidence, Time};
use mapper::{Fate, Ingest};
use sniffer::sockets::SocketFate;
use sniffer::{Collector, DnsFate, HandshakeFate, PacketFate};

/// Something about the input that the operator should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem(String);

impl Problem {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The closing summary.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    captures: usize,
    span: Option<(Time, Time)>,
    packets: Tally<PacketFate>,
    dns: Tally<DnsFate>,
    handshakes: Tally<HandshakeFate>,
    unfinished: u64,
    scans: usize,
    sockets: Tally<SocketFate>,
    taken: Tally<Evidence>,
    fates: Tally<Fate>,
    held: u64,
    host_network: BTreeMap<String, u64>,
    edges: usize,
    attempts: usize,
    problems: Vec<Problem>,
}

impl Summary {
    pub(crate) fn new<S: std::hash::BuildHasher + Clone>(
        captures: usize,
        span: Option<(Time, Time)>,
        scans: usize,
        collector: &Collector<S>,
        sockets: &Tally<SocketFate>,
        ingest: &Ingest,
        problems: Vec<Problem>,
    ) -> Self {
        Self {
            captures,
            span,
            packets: collector.packets().clone(),
            dns: collector.dns_messages().clone(),
            handshakes: collector.handshake_packets().clone(),
            unfinished: collector.held_handshakes(),
            scans,
            sockets: sockets.clone(),
            taken: ingest.taken().clone(),
            fates: ingest.fates().clone(),
            held: ingest.held(),
            host_network: ingest
                .host_network()
                .iter()
                .map(|(node, n)| (node.to_string(), *n))
                .collect(),
            edges: ingest.map().edges().count(),
            attempts: ingest.map().attempts().count(),
            problems,
        }
    }
}

/// The column in which numbers end.
const WIDTH: usize = 9;

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sections: Vec<(u64, String, Vec<(u64, String)>)> = Vec::new();
        let captures = plural(self.captures as u64, "capture");
        let span = self
            .span
            .map(|(first, last)| format!(", {first} to {last}"))
            .unwrap_or_default();
        let packets = lines(&self.packets, PacketFate::as_str);
        sections.push((
            self.packets.total(),
            format!("packets in {captures}{span}"),
            packets,
        ));
        if self.dns.total() > 0 {
            sections.push((
                self.dns.total(),
                "DNS messages".into(),
                lines(&self.dns, DnsFate::as_str),
            ));
        }
        if self.handshakes.total() > 0 {
            let mut handshakes = lines(&self.handshakes, HandshakeFate::as_str);
            if self.unfinished > 0 {
                let note = "of the SYNs: still unanswered at the end of the capture";
                handshakes.push((self.unfinished, note.into()));
            }
            sections.push((
                self.handshakes.total(),
                "packets of handshakes".into(),
                handshakes,
            ));
        }
        if self.scans > 0 {
            let scans = plural(self.scans as u64, "scan");
            let rows = lines(&self.sockets, SocketFate::as_str);
            sections.push((
                self.sockets.total(),
                format!("rows of socket tables in {scans}"),
                rows,
            ));
        }
        let evidence: Vec<String> = self
            .taken
            .iter()
            .map(|(evidence, n)| format!("{n} {evidence}"))
            .collect();
        let mut fates = lines(&self.fates, Fate::as_str);
        if self.held > 0 {
            fates.push((self.held, "held".into()));
        }
        sections.push((
            self.taken.total(),
            format!("observations ({})", evidence.join(", ")),
            fates,
        ));
        for (total, title, lines) in &sections {
            writeln!(f, "{:>WIDTH$} {title}", number(*total))?;
            for (n, what) in lines {
                writeln!(f, "{:>WIDTH$}   {what}", number(*n))?;
            }
        }
        for (node, n) in &self.host_network {
            writeln!(
                f,
                "{:>WIDTH$} of them from the host network of node {node}",
                number(*n)
            )?;
        }
        writeln!(
            f,
            "{:>WIDTH$} edges, {} attempts",
            number(self.edges as u64),
            number(self.attempts as u64)
        )?;
        for problem in &self.problems {
            writeln!(f, "warning: {problem}")?;
        }
        Ok(())
    }
}

fn lines<R: Ord + Copy>(tally: &Tally<R>, words: impl Fn(R) -> &'static str) -> Vec<(u64, String)> {
    tally
        .iter()
        .map(|(reason, n)| (n, words(*reason).to_owned()))
        .collect()
}

fn plural(n: u64, what: &str) -> String {
    if n == 1 {
        format!("1 {what}")
    } else {
        format!("{} {what}s", number(n))
    }
}

/// With thin groups of three digits: 1 234 567.
fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn digits_are_grouped() {
        assert_eq!(number(7), "7");
        assert_eq!(number(1_234), "1 234");
        assert_eq!(number(12_345_678), "12 345 678");
    }
}
