//! What is known of an edge, in words: for tooltips and tables.

use std::fmt::Write;

use map::{Edge, Evidence, Facet, HttpMethod, Outcome, Protocol, Time};

use super::Arrow;
use crate::words;

/// Topics, paths and addresses that a tooltip names of one edge; it says how many more there are.
const MAX_NAMED: usize = 12;

/// What is known of an edge, for people.
#[derive(Debug, Default)]
pub(crate) struct Words {
    pub(crate) evidence: String,
    pub(crate) ports: String,
    /// Kafka topics with operations, HTTP paths with methods, Services: each a line.
    pub(crate) details: Vec<String>,
}

/// What is known of an edge.
pub(crate) fn words_of(edge: &Edge, is_attempt: bool) -> Words {
    let evidence: Vec<&str> = edge.evidence().map(Evidence::as_str).collect();
    let ports: Vec<String> = edge
        .ports()
        .map(|(protocol, port)| match protocol {
            Protocol::Tcp => port.to_string(),
            Protocol::Udp => format!("{port}/udp"),
        })
        .collect();
    let mut details = Vec::new();
    for (topic, operations) in edge.topics() {
        let operations: Vec<&str> = operations.into_iter().map(words::operation).collect();
        details.push(format!("topic {topic}: {}", operations.join(", ")));
    }
    for (path, methods) in edge.resources() {
        let methods: Vec<&str> = methods.into_iter().map(HttpMethod::as_str).collect();
        details.push(format!("{} {path}", methods.join(",")));
    }
    let services: Vec<&str> = edge.services().collect();
    if !services.is_empty() {
        details.push(format!("through Service {}", services.join(", ")));
    }
    if edge.is_assumed() {
        details.push("assumed: one of several behind one Service".to_owned());
    }
    if is_attempt {
        let outcomes: Vec<&str> = edge.facets.keys().filter_map(outcome).collect();
        details.push(format!("attempt: {}", outcomes.join(", ")));
    }
    if details.len() > MAX_NAMED {
        let more = details.len() - MAX_NAMED;
        details.truncate(MAX_NAMED);
        details.push(format!("and {more} more"));
    }
    Words {
        evidence: evidence.join(", "),
        ports: ports.join(", "),
        details,
    }
}

const fn outcome(facet: &Facet) -> Option<&'static str> {
    match facet {
        Facet::Outcome(Outcome::Refused) => Some("refused"),
        Facet::Outcome(_) => Some("never answered"),
        _ => None,
    }
}

/// A time to the second, in UTC.
pub(crate) fn when(time: Time) -> String {
    let text = time.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}

impl Arrow<'_> {
    /// Edges of one arrow that a tooltip tells of.
    const MAX_TOLD: usize = 5;

    /// The tooltip: `client → server`, and what is known.
    pub(crate) fn about(&self, client: &str, server: &str) -> String {
        // Writing to a string cannot fail.
        let mut text = format!("{client} → {server}");
        let is_folded = self.edges.len() > 1;
        for (key, edge, is_attempt) in self.edges.iter().take(Self::MAX_TOLD) {
            let words = words_of(edge, *is_attempt);
            if is_folded {
                let _ = write!(text, "\n{} → {}", key.client, key.server);
            }
            if !words.ports.is_empty() {
                let _ = write!(text, "\nport {}", words.ports);
            }
            for detail in words.details {
                text += "\n";
                text += &detail;
            }
            let _ = write!(
                text,
                "\nlast seen {} ({})",
                when(edge.seen.last()),
                words.evidence
            );
        }
        if self.edges.len() > Self::MAX_TOLD {
            let _ = write!(
                text,
                "\nand {} more edges",
                self.edges.len() - Self::MAX_TOLD
            );
        }
        text
    }
}
