//! The body of a request: a document, and the entries of a report around which the rest is put.

use bytes::Bytes;

use crate::document::{HEALTH, ReportKind};
use crate::known::KNOWN_FIELDS;

/// What stands before and behind the entries in the variables.
const fn around(kind: ReportKind) -> (&'static str, &'static str) {
    match kind {
        ReportKind::Aws | ReportKind::Azure | ReportKind::Gcp => ("[", "]"),
        ReportKind::Coverage => ("", ""),
        _ => ("{\"results\":[", "]}"),
    }
}

/// The value of the report's variable.
pub(super) fn variable(kind: ReportKind, entries: &[u8]) -> Vec<u8> {
    let (before, behind) = around(kind);
    [before.as_bytes(), entries, behind.as_bytes()].concat()
}

/// The request that reports these entries, its parts in the order of the replaced reporters.
pub(super) fn report(kind: ReportKind, entries: &[u8]) -> Bytes {
    let document = text(kind.document());
    let (argument, field) = (kind.argument(), kind.field());
    let (before, behind) = around(kind);
    let head = format!("{{\"query\":{document},\"variables\":{{\"{argument}\":{before}");
    let tail = format!("{behind}}},\"operationName\":\"{field}\"}}");
    [head.as_bytes(), entries, tail.as_bytes()].concat().into()
}

/// The request that asks for the fields that the mapper knows.
pub(super) fn known_fields() -> Bytes {
    let document = text(KNOWN_FIELDS);
    format!("{{\"query\":{document},\"operationName\":\"KnownFields\"}}").into()
}

/// The request that asks whether the mapper answers.
pub(super) fn health() -> Bytes {
    let document = text(HEALTH);
    format!("{{\"query\":{document},\"operationName\":\"Health\"}}").into()
}

fn text(document: &str) -> String {
    serde_json::Value::from(document).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Request;
    use crate::{Decoded, Report, decode};

    #[test]
    fn every_kind_is_read_as_the_report_that_it_is() {
        for kind in ReportKind::ALL {
            let entry: &[u8] = match kind {
                ReportKind::Coverage => {
                    br#"{"nodeName":"n","reporterId":"r","at":"2026-11-23T09:42:12Z","seen":[],"dropped":[],"spooled":0,"rights":[],"lastScan":null,"version":"1"}"#
                }
                _ => b"",
            };
            let body = report(kind, entry);
            let Decoded::Recognised(report) = decode(&body) else {
                panic!("{kind:?}: {}", String::from_utf8_lossy(&body));
            };
            assert_eq!(report.kind(), kind);
            let variable = variable(kind, entry);
            let mut reader = serde_json::Deserializer::from_slice(&variable);
            assert_eq!(Report::read(kind, &mut reader).unwrap(), report);
        }
    }

    #[test]
    fn the_question_for_known_fields_is_a_request() {
        let body = known_fields();
        let request = Request::read(&body).unwrap();
        assert_eq!(
            (&*request.query, request.operation_name.as_deref()),
            (KNOWN_FIELDS, Some("KnownFields"))
        );
    }
}
