//! Entries of one report, encoded once, small enough for one request.

use bytes::Bytes;
use map::Time;

use super::body;
use super::element::Element;
use super::limits::{
    BATCH_OVERHEAD, JOIN_WITHIN, MAX_BATCH_BYTES, MAX_BATCH_ITEMS, MAX_ITEM_BYTES,
};
use crate::document::ReportKind;
use crate::input::{
    CaptureResults, CaptureTcpResults, IstioConnectionResults, KafkaMapperResults,
    SocketScanResults, TrafficLevelResults,
};
use crate::{Known, Report};

/// Entries of one report, encoded with all their fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub(super) kind: ReportKind,
    /// At least one.
    pub(super) items: usize,
    /// When it was offered.
    pub(super) at: Time,
    /// It was part of what was refused: it is sent by itself from now on, and the next 422 is believed.
    pub(super) is_suspect: bool,
    /// The entries with commas between them.
    pub(super) json: Bytes,
}

impl Batch {
    /// What it reports.
    pub const fn kind(&self) -> ReportKind {
        self.kind
    }

    /// How many observations, accesses or operations.
    pub const fn items(&self) -> usize {
        self.items
    }

    /// When it was offered.
    pub const fn offered_at(&self) -> Time {
        self.at
    }

    /// The report, decoded. What we have encoded can be read; files may hold anything.
    pub fn report(&self) -> serde_json::Result<Report> {
        let variable = body::variable(self.kind, &self.json);
        let mut reader = serde_json::Deserializer::from_slice(&variable);
        let report = Report::read(self.kind, &mut reader)?;
        reader.end()?;
        Ok(report)
    }

    /// Bytes of memory.
    pub(super) fn cost(&self) -> usize {
        self.json.len() + BATCH_OVERHEAD
    }

    /// Whether the next one may be sent with it, in one request of less than so many bytes, when what was put behind it
    /// before makes up so many items and bytes with it.
    pub(super) fn joins(
        &self,
        (items, bytes): (usize, usize),
        next: &Self,
        most_bytes: usize,
    ) -> bool {
        self.kind == next.kind
            && self.kind != ReportKind::Coverage
            && !self.is_suspect
            && !next.is_suspect
            && items.saturating_add(next.items) <= MAX_BATCH_ITEMS
            && bytes + next.json.len() < most_bytes
            && next.at.since(self.at) <= JOIN_WITHIN
    }

    /// One batch of several that join.
    pub(super) fn join(batches: Vec<Self>) -> Option<Self> {
        let mut batches = batches.into_iter();
        let first = batches.next()?;
        if batches.len() == 0 {
            return Some(first);
        }
        let mut json = Vec::from(first.json);
        let mut items = first.items;
        for batch in batches {
            json.push(b',');
            json.extend_from_slice(&batch.json);
            items += batch.items;
        }
        let json = Bytes::from(json);
        Some(Self {
            items,
            json,
            ..first
        })
    }

    /// The body of the request, and how many items are in it: as it is where the mapper knows all that we send, else
    /// without what it does not know. None if nothing is left.
    pub(super) fn body(&self, known: &Known) -> serde_json::Result<Option<(Bytes, usize)>> {
        if known.is_complete() {
            return Ok(Some((body::report(self.kind, &self.json), self.items)));
        }
        let mut report = self.report()?;
        if !known.trim(&mut report) {
            return Ok(None);
        }
        let trimmed = encode(report, self.at, usize::MAX, usize::MAX);
        let Some(trimmed) = Self::join(trimmed.batches) else {
            return Ok(None);
        };
        Ok(Some((
            body::report(self.kind, &trimmed.json),
            trimmed.items,
        )))
    }

    /// Two batches that say the same together; none if there is one item only, or what cannot be read.
    pub(super) fn halves(&self) -> Option<[Self; 2]> {
        match self.report().ok()? {
            Report::Captures(CaptureResults { results })
            | Report::TcpCaptures(CaptureTcpResults { results })
            | Report::SocketScans(SocketScanResults { results }) => halves(self, results),
            Report::Kafka(KafkaMapperResults { results }) => halves(self, results),
            Report::Istio(IstioConnectionResults { results }) => halves(self, results),
            Report::Traffic(TrafficLevelResults { results }) => halves(self, results),
            Report::Aws(results) => halves(self, results),
            Report::Azure(results) => halves(self, results),
            Report::Gcp(results) => halves(self, results),
            Report::Coverage(_) => None,
        }
    }
}

/// How many items a report has.
pub(super) fn items(report: &Report) -> usize {
    match report {
        Report::Captures(CaptureResults { results })
        | Report::TcpCaptures(CaptureTcpResults { results })
        | Report::SocketScans(SocketScanResults { results }) => {
            results.iter().map(Element::items).sum()
        }
        Report::Kafka(KafkaMapperResults { results }) => results.len(),
        Report::Istio(IstioConnectionResults { results }) => results.len(),
        Report::Traffic(TrafficLevelResults { results }) => results.len(),
        Report::Aws(results) => results.len(),
        Report::Azure(results) => results.len(),
        Report::Gcp(results) => results.len(),
        Report::Coverage(_) => 1,
    }
}

fn halves<T: Element>(of: &Batch, mut first: Vec<T>) -> Option<[Batch; 2]> {
    let mut second = first.split_off(first.len() / 2);
    if first.is_empty() {
        let (one, other) = second.pop()?.halves().ok()?;
        first.push(one);
        second.push(other);
    }
    let mut pieces = Pieces::new(of.kind, of.at, usize::MAX, usize::MAX);
    for half in [first, second] {
        pieces.add_all(half);
        pieces.cut();
    }
    let mut halves: [Batch; 2] = pieces.encoded.batches.try_into().ok()?;
    for half in &mut halves {
        half.is_suspect = true;
    }
    Some(halves)
}

/// A report, encoded.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    pub(super) batches: Vec<Batch>,
    /// Items that are too large for any request.
    pub(super) unsendable: usize,
}

/// Encodes a report, in pieces that are small enough for one request each.
pub(super) fn encode(report: Report, at: Time, most_items: usize, most_bytes: usize) -> Encoded {
    let mut pieces = Pieces::new(report.kind(), at, most_items, most_bytes);
    match report {
        Report::Captures(CaptureResults { results })
        | Report::TcpCaptures(CaptureTcpResults { results })
        | Report::SocketScans(SocketScanResults { results }) => pieces.add_all(results),
        Report::Kafka(KafkaMapperResults { results }) => pieces.add_all(results),
        Report::Istio(IstioConnectionResults { results }) => pieces.add_all(results),
        Report::Traffic(TrafficLevelResults { results }) => pieces.add_all(results),
        Report::Aws(results) => pieces.add_all(results),
        Report::Azure(results) => pieces.add_all(results),
        Report::Gcp(results) => pieces.add_all(results),
        Report::Coverage(coverage) => match serde_json::to_vec(&coverage) {
            Ok(json) => pieces.put(json, 1),
            Err(_) => pieces.encoded.unsendable += 1,
        },
    }
    pieces.cut();
    pieces.encoded
}

/// As reporters offer it.
pub(super) fn encode_offered(report: Report, at: Time) -> Encoded {
    encode(report, at, MAX_BATCH_ITEMS, MAX_BATCH_BYTES)
}

/// Puts entries together until a piece is full.
struct Pieces {
    kind: ReportKind,
    at: Time,
    most_items: usize,
    most_bytes: usize,
    json: Vec<u8>,
    items: usize,
    encoded: Encoded,
}

impl Pieces {
    fn new(kind: ReportKind, at: Time, most_items: usize, most_bytes: usize) -> Self {
        Self {
            kind,
            at,
            most_items,
            most_bytes,
            json: Vec::new(),
            items: 0,
            encoded: Encoded::default(),
        }
    }

    fn add_all<T: Element>(&mut self, entries: Vec<T>) {
        for entry in entries {
            self.add(entry);
        }
    }

    /// An entry that is too large by itself is halved until it is not, or has one item only.
    fn add<T: Element>(&mut self, entry: T) {
        // A stack, as halves are halved again: at most 20 deep, for a million items.
        let mut stack = vec![entry];
        while let Some(entry) = stack.pop() {
            let items = entry.items();
            if items == 0 {
                continue;
            }
            // What has too many items is not encoded in vain.
            let json = (items <= self.most_items).then(|| serde_json::to_vec(&entry));
            match json {
                Some(Ok(json)) if json.len() <= self.most_bytes => self.put(json, items),
                Some(Err(_)) => self.encoded.unsendable += items,
                json => match (entry.halves(), json) {
                    (Ok((first, second)), _) => stack.extend([second, first]),
                    (Err(_), Some(Ok(json))) if json.len() <= MAX_ITEM_BYTES => {
                        self.put(json, items);
                    }
                    (Err(_), _) => self.encoded.unsendable += items,
                },
            }
        }
    }

    fn put(&mut self, json: Vec<u8>, items: usize) {
        let is_full = self.items.saturating_add(items) > self.most_items
            || self.json.len() + json.len() >= self.most_bytes;
        if is_full {
            self.cut();
        }
        if self.items == 0 {
            self.json = json;
        } else {
            self.json.push(b',');
            self.json.extend_from_slice(&json);
        }
        self.items += items;
    }

    fn cut(&mut self) {
        if self.items == 0 {
            return;
        }
        // Without the room that the vector had to grow.
        let json = std::mem::take(&mut self.json).into_boxed_slice();
        self.encoded.batches.push(Batch {
            kind: self.kind,
            items: std::mem::take(&mut self.items),
            at: self.at,
            is_suspect: false,
            json: Bytes::from(json),
        });
    }
}

#[cfg(test)]
mod tests;
