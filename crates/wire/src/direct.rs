//! A good body of a known document, read once from its start to its end.
//!
//! It takes less than the contract allows (no key twice, no fraction for text, …) and says nothing about what it does
//! not take: [`decode`](crate::decode()) looks again.

use std::fmt;

use compact_str::CompactString;
use serde::Deserializer;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess};
use serde_json::value::RawValue;

use crate::decode::{Borrowed, Report, object_text};
use crate::document::{ReportKind, recognise};

/// The report in a body, if it is simple.
pub(crate) fn report(body: &[u8]) -> Option<Report> {
    // Checked at once: the reader would check every string by itself.
    let body = std::str::from_utf8(body).ok()?;
    let mut reader = serde_json::Deserializer::from_str(body);
    let report = reader.deserialize_map(BodyVisitor).ok()?;
    reader.end().ok()?;
    Some(report)
}

/// What [`recognise`] found.
struct Known {
    kind: ReportKind,
    operation: Option<CompactString>,
    variable: CompactString,
}

struct BodyVisitor;

impl<'de> de::Visitor<'de> for BodyVisitor {
    type Value = Report;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a report")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Report, A::Error> {
        let mut known: Option<Known> = None;
        let mut report: Option<Report> = None;
        let mut early: Option<&RawValue> = None;
        let mut wanted: Option<Borrowed<'_>> = None;
        while let Some(Borrowed(key)) = map.next_key()? {
            match (key.as_ref(), &known) {
                ("query", None) => known = Some(know(&map.next_value::<Borrowed<'_>>()?)?),
                ("variables", _) if report.is_some() || early.is_some() => return Err(not_simple()),
                ("variables", Some(known)) => report = Some(map.next_value_seed(Variables(known))?),
                ("variables", None) => early = Some(map.next_value()?),
                ("operationName", _) => wanted = map.next_value()?,
                ("query" | "extensions", _) => return Err(not_simple()),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let known = known.ok_or_else(not_simple)?;
        let wanted = wanted.map(|name| name.0).filter(|name| !name.is_empty());
        if wanted.is_some() && wanted.as_deref() != known.operation.as_deref() {
            return Err(not_simple());
        }
        match (report, early) {
            (Some(report), _) => Ok(report),
            (None, Some(raw)) => {
                let mut reader = serde_json::Deserializer::from_str(object_text(raw)?);
                let report = Variables(&known).deserialize(&mut reader);
                report.map_err(de::Error::custom)
            }
            (None, None) => Err(not_simple()),
        }
    }
}

fn know<E: de::Error>(query: &Borrowed<'_>) -> Result<Known, E> {
    let known = recognise(&query.0).ok_or_else(not_simple)?;
    Ok(Known {
        kind: known.kind,
        operation: known.operation.map(CompactString::from),
        variable: known.variable.into(),
    })
}

/// Never seen by anyone.
fn not_simple<E: de::Error>() -> E {
    E::custom("not simple")
}

/// Looks for the report among the variables; the others are skipped, as GraphQL does.
struct Variables<'k>(&'k Known);

impl<'de> DeserializeSeed<'de> for Variables<'_> {
    type Value = Report;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Report, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> de::Visitor<'de> for Variables<'_> {
    type Value = Report;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of variables")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Report, A::Error> {
        let mut found = None;
        while let Some(Borrowed(key)) = map.next_key()? {
            if key != self.0.variable.as_str() {
                map.next_value::<IgnoredAny>()?;
            } else if found.is_none() {
                found = Some(map.next_value_seed(Value(self.0.kind))?);
            } else {
                return Err(not_simple());
            }
        }
        found.ok_or_else(not_simple)
    }
}

struct Value(ReportKind);

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Report;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Report, D::Error> {
        Report::read(self.0, deserializer)
    }
}
