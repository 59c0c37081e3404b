//! Version `v2beta1` as JSON, byte for byte as the Go encoder writes it: its order of fields, its empty status, its
//! escapes.

use serde::Serialize;

use super::{Client, ClientIntents, Target};

#[derive(Serialize)]
struct Document<'d> {
    kind: &'static str,
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    metadata: Metadata<'d>,
    spec: Spec<'d>,
    status: Status,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'d> {
    name: &'d str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'d str,
    /// Always null: the API server gives the time.
    creation_timestamp: (),
}

#[derive(Serialize)]
struct Spec<'d> {
    workload: &'d Client,
    targets: &'d [Target],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    up_to_date: bool,
    observed_generation: u32,
}

/// All documents in version `v2beta1` as one JSON list, without a line's end behind it.
pub fn to_json(documents: &[ClientIntents]) -> String {
    let documents: Vec<Document<'_>> = documents
        .iter()
        .map(|document| Document {
            kind: "ClientIntents",
            api_version: "k8s.otterize.com/v2beta1",
            metadata: Metadata {
                name: &document.name,
                namespace: &document.namespace,
                creation_timestamp: (),
            },
            spec: Spec {
                workload: &document.workload,
                targets: &document.targets,
            },
            status: Status {
                up_to_date: false,
                observed_generation: 0,
            },
        })
        .collect();
    let text = serde_json::to_string_pretty(&documents).unwrap_or_default();
    escape(&text)
}

/// These five stand in strings only, where the Go encoder escapes them (`encoding/json`, `HTMLEscape`).
fn escape(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            _ => text.push(c),
        }
    }
    text
}
