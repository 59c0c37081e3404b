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
    lost_questions: u64,
    handshakes: Tally<HandshakeFate>,
    unanswered: u64,
    unfinished: u64,
    lost_handshakes: u64,
    scans: usize,
    sockets: Tally<SocketFate>,
    sightings: Tally<Evidence>,
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
        sightings: Tally<Evidence>,
        ingest: &Ingest,
    ) -> Self {
        Self {
            captures,
            span,
            packets: collector.packets().clone(),
            dns: collector.dns_messages().clone(),
            lost_questions: collector.lost_questions(),
            handshakes: collector.handshake_packets().clone(),
            unanswered: collector.unanswered_handshakes(),
            unfinished: collector.held_handshakes(),
            lost_handshakes: collector.lost_handshakes(),
            scans,
            sockets: sockets.clone(),
            sightings,
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
            problems: Vec::new(),
        }
    }

    /// With what the operator should know.
    pub(crate) fn with_problems(self, problems: Vec<Problem>) -> Self {
        Self { problems, ..self }
    }
}

/// The column in which numbers end.
const WIDTH: usize = 9;

/// A number with what it counts, and the parts that it is the sum of.
struct Section {
    total: u64,
    title: String,
    parts: Vec<(u64, String)>,
}

impl Summary {
    fn sections(&self) -> Vec<Section> {
        let mut sections = vec![self.packets(), self.dns(), self.handshakes()];
        if self.scans > 0 {
            sections.push(self.sockets());
        }
        // A capture without DNS or without TCP has nothing to say of it.
        sections.retain(|section| section.total > 0);
        if self.sightings.total() > 0 {
            sections.push(self.sightings());
        }
        sections.push(self.observations());
        sections
    }

    fn packets(&self) -> Section {
        let captures = plural(self.captures as u64, "capture");
        let span = self
            .span
            .map(|(first, last)| format!(", {first} to {last}"))
            .unwrap_or_default();
        Section {
            total: self.packets.total(),
            title: format!("packets in {captures}{span}"),
            parts: parts(&self.packets, PacketFate::as_str),
        }
    }

    fn dns(&self) -> Section {
        let mut parts = parts(&self.dns, DnsFate::as_str);
        if self.lost_questions > 0 {
            let note = "of the questions: unanswered, and lost to a full table";
            parts.push((self.lost_questions, note.into()));
        }
        Section {
            total: self.dns.total(),
            title: "DNS messages".into(),
            parts,
        }
    }

    fn handshakes(&self) -> Section {
        let mut parts = parts(&self.handshakes, HandshakeFate::as_str);
        let notes = [
            (self.unanswered, "of the SYNs: never answered"),
            (
                self.unfinished,
                "of the SYNs: still unanswered at the end of the capture",
            ),
            (self.lost_handshakes, "of the SYNs: lost to a full table"),
        ];
        let notes = notes.into_iter().filter(|(n, _)| *n > 0);
        parts.extend(notes.map(|(n, note)| (n, note.to_owned())));
        Section {
            total: self.handshakes.total(),
            title: "packets of handshakes".into(),
            parts,
        }
    }

    fn sockets(&self) -> Section {
        let scans = plural(self.scans as u64, "scan");
        Section {
            total: self.sockets.total(),
            title: format!("rows of socket tables in {scans}"),
            parts: parts(&self.sockets, SocketFate::as_str),
        }
    }

    /// What the collectors handed on, and the report of each second made of it.
    fn sightings(&self) -> Section {
        let observations = self.taken.total();
        let mut parts = vec![(observations, "observations".to_owned())];
        let again = self.sightings.total().saturating_sub(observations);
        if again > 0 {
            parts.push((again, "the same again within a second".to_owned()));
        }
        Section {
            total: self.sightings.total(),
            title: titled("sightings", &self.sightings),
            parts,
        }
    }

    fn observations(&self) -> Section {
        let mut parts = parts(&self.fates, Fate::as_str);
        if self.held > 0 {
            parts.push((self.held, "held".into()));
        }
        Section {
            total: self.taken.total(),
            title: titled("observations", &self.taken),
            parts,
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for section in self.sections() {
            line(f, section.total, &section.title)?;
            for (n, what) in &section.parts {
                line(f, *n, &format!("  {what}"))?;
            }
        }
        for (node, n) in &self.host_network {
            line(
                f,
                *n,
                &format!("of them from the host network of node {node}"),
            )?;
        }
        let attempts = plural(self.attempts as u64, "attempt");
        let edges = if self.edges == 1 { "edge" } else { "edges" };
        line(f, self.edges as u64, &format!("{edges}, {attempts}"))?;
        for problem in &self.problems {
            writeln!(f, "warning: {problem}")?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, n: u64, what: &str) -> fmt::Result {
    writeln!(f, "{:>WIDTH$} {what}", number(n))
}

fn parts<R: Ord + Copy>(tally: &Tally<R>, words: impl Fn(R) -> &'static str) -> Vec<(u64, String)> {
    tally
        .iter()
        .map(|(reason, n)| (n, words(*reason).to_owned()))
        .collect()
}

/// What it is, by evidence.
fn titled(what: &str, by_evidence: &Tally<Evidence>) -> String {
    let evidence: Vec<String> = by_evidence
        .iter()
        .map(|(evidence, n)| format!("{} {evidence}", number(n)))
        .collect();
    if evidence.is_empty() {
        what.to_owned()
    } else {
        format!("{what} ({})", evidence.join(", "))
    }
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
