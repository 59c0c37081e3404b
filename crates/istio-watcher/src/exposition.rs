//! Prometheus' text exposition (Prometheus documentation, "Exposition formats", text format 0.0.4), as Envoy writes it at
//! `/stats/prometheus`: only the lines of one counter, read in place while the answer comes.
//!
//! `istio_requests_total{reporter="destination",source_workload="web",…,request_path="/a"} 5`, where a value may hold
//! `\\`, `\"` and `\n`. All other lines are passed over. `OpenMetrics`, which has examples behind its values, is another format.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memrchr};

use crate::limits::MAX_LINE;

/// The counter: one for each combination of its labels (Istio documentation, "Istio Standard Metrics").
pub const COUNTER: &str = "istio_requests_total";

/// Reads statistics piece by piece.
#[derive(Debug, Default)]
pub struct Exposition {
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
    /// Whether that line is one to pass over.
    skips: bool,
    counts: LineCounts,
}

/// What the lines were, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Of the counter, with a value.
    pub series: u64,
    /// Of the counter, without labels or a value, or with a value that no counter has.
    pub malformed: u64,
    /// Longer than [`MAX_LINE`].
    pub too_long: u64,
}

impl LineCounts {
    /// Adds what another answer had.
    pub const fn add(&mut self, more: Self) {
        self.series += more.series;
        self.malformed += more.malformed;
        self.too_long += more.too_long;
    }
}

/// A line of the counter, which its labels tell from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series<'a> {
    labels: &'a [u8],
}

impl Exposition {
    /// Takes the next bytes, and gives each series with its value.
    pub fn push(&mut self, mut bytes: &[u8], each: &mut impl FnMut(Series<'_>, u64)) {
        if !self.rest.is_empty() || self.skips {
            let end = memchr(b'\n', bytes);
            let (head, behind) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
            bytes = behind;
            if !self.skips {
                self.hold(head);
            }
            if end.is_none() {
                return;
            }
            if !std::mem::take(&mut self.skips) {
                let line = std::mem::take(&mut self.rest);
                self.line(line.strip_suffix(b"\n").unwrap_or(&line), each);
                self.rest = line;
            }
            self.rest.clear();
        }
        while let Some(end) = memchr(b'\n', bytes) {
            let (line, behind) = bytes.split_at(end);
            self.line(line, each);
            bytes = behind.get(1..).unwrap_or_default();
        }
        self.hold(bytes);
    }

    /// There is nothing more: a last line may lack its end.
    pub fn end(&mut self, each: &mut impl FnMut(Series<'_>, u64)) {
        let line = std::mem::take(&mut self.rest);
        if !std::mem::take(&mut self.skips) {
            self.line(&line, each);
        }
    }

    /// What the lines were.
    pub const fn counts(&self) -> LineCounts {
        self.counts
    }

    /// Keeps a part of a line, unless it is known already to be none of ours.
    fn hold(&mut self, part: &[u8]) {
        let name = COUNTER.as_bytes();
        if self.rest.is_empty() {
            let known = part.len().min(name.len());
            if part.get(..known) != name.get(..known) {
                self.skips = true;
                return;
            }
        }
        if self.rest.len() + part.len() > MAX_LINE {
            self.counts.too_long += 1;
            self.rest = Vec::new();
            self.skips = true;
            return;
        }
        self.rest.extend_from_slice(part);
    }

    fn line(&mut self, line: &[u8], each: &mut impl FnMut(Series<'_>, u64)) {
        let Some(behind) = line.strip_prefix(COUNTER.as_bytes()) else {
            return;
        };
        // Another one, whose name begins so.
        if matches!(behind.first(), Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
        {
            return;
        }
        if line.len() > MAX_LINE {
            self.counts.too_long += 1;
            return;
        }
        match series(behind) {
            Some((series, value)) => {
                self.counts.series += 1;
                each(series, value);
            }
            None => self.counts.malformed += 1,
        }
    }
}

/// What stands behind the name. Neither a value nor the time that may follow it has a brace.
fn series(behind: &[u8]) -> Option<(Series<'_>, u64)> {
    let labels = behind.trim_ascii_start().strip_prefix(b"{")?;
    let end = memrchr(b'}', labels)?;
    let (labels, behind) = labels.split_at(end);
    let words = behind.get(1..)?.trim_ascii();
    let value = words.split(u8::is_ascii_whitespace).next()?;
    Some((Series { labels }, count(value)?))
}

/// A counter's value: a number that is not negative. Envoy writes digits alone, others `1e+06`.
fn count(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(value) = text.parse() {
        return Some(value);
    }
    let value: f64 = text.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is neither negative nor infinite, and what is too large becomes the largest"
    )]
    (value.is_finite() && value >= 0.0).then_some(value as u64)
}

impl<'a> Series<'a> {
    /// What stands between its braces: Envoy writes the same for a series every time.
    pub const fn identity(&self) -> &'a [u8] {
        self.labels
    }

    /// Its labels, in their order. What follows something that is no label is not given, and [`Labels::is_whole`] says so.
    pub const fn labels(&self) -> Labels<'a> {
        Labels {
            rest: self.labels,
            is_whole: true,
        }
    }
}

/// The labels of a series.
#[derive(Clone, Debug)]
pub struct Labels<'a> {
    rest: &'a [u8],
    is_whole: bool,
}

impl Labels<'_> {
    /// Whether everything so far was a label.
    pub const fn is_whole(&self) -> bool {
        self.is_whole
    }
}

impl<'a> Iterator for Labels<'a> {
    /// The name, and the value.
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.trim_ascii_start();
        self.rest = &[];
        if rest.is_empty() {
            return None;
        }
        let Some((name, value, rest)) = label(rest) else {
            self.is_whole = false;
            return None;
        };
        self.rest = rest;
        Some((name, value))
    }
}

/// The first label, and what stands behind it and its comma.
fn label(text: &[u8]) -> Option<(&[u8], Value<'_>, &[u8])> {
    let (name, behind) = text.split_at(memchr(b'=', text)?);
    let quoted = behind.get(1..)?.trim_ascii_start().strip_prefix(b"\"")?;
    let mut end = 0;
    let mut is_escaped = false;
    loop {
        let at = end + memchr2(b'"', b'\\', quoted.get(end..)?)?;
        if quoted.get(at) == Some(&b'"') {
            let value = Value {
                raw: quoted.get(..at)?,
                is_escaped,
            };
            let behind = quoted.get(at + 1..)?.trim_ascii_start();
            let rest = match behind.split_first() {
                Some((b',', rest)) => rest,
                None => behind,
                Some(_) => return None,
            };
            return Some((name.trim_ascii(), value, rest));
        }
        is_escaped = true;
        end = at + 2;
    }
}

/// A label's value as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    raw: &'a [u8],
    is_escaped: bool,
}

impl<'a> Value<'a> {
    /// As it was meant. Bytes that are no UTF-8 become U+FFFD; a backslash before any other character stands for itself.
    pub fn text(&self) -> Cow<'a, str> {
        if !self.is_escaped {
            return String::from_utf8_lossy(self.raw);
        }
        let mut bytes = Vec::with_capacity(self.raw.len());
        let mut rest = self.raw.iter();
        while let Some(&byte) = rest.next() {
            if byte != b'\\' {
                bytes.push(byte);
                continue;
            }
            match rest.next() {
                Some(b'n') => bytes.push(b'\n'),
                Some(escaped @ (b'"' | b'\\')) => bytes.push(*escaped),
                Some(other) => bytes.extend([b'\\', *other]),
                None => bytes.push(b'\\'),
            }
        }
        Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
    }
}
