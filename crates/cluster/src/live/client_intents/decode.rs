//! Answers become slim ClientIntents.

use std::collections::BTreeSet;

use compact_str::CompactString;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ClientIntents, IntentsKey, Resolved};
use crate::live::decode::Line;
use crate::live::request::{RequestError, Status as Problem};

/// Of all versions: targets were called calls before v2.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Document {
    metadata: Metadata,
    spec: Option<Spec>,
    status: Option<Status>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    namespace: CompactString,
    name: CompactString,
    resource_version: CompactString,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    targets: Option<Vec<Target>>,
    calls: Option<Vec<Target>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Target {
    internet: Option<Internet>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Internet {
    domains: Option<Vec<CompactString>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    #[serde(rename = "resolvedIPs")]
    resolved_ips: Option<Vec<ResolvedIps>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ResolvedIps {
    dns: CompactString,
    ips: Option<Vec<CompactString>>,
}

impl Document {
    fn key(&self) -> IntentsKey {
        IntentsKey {
            namespace: self.metadata.namespace.clone(),
            name: self.metadata.name.clone(),
        }
    }

    fn slim(self) -> ClientIntents {
        let key = self.key();
        let spec = self.spec.unwrap_or_default();
        let targets = spec.targets.into_iter().chain(spec.calls).flatten();
        let domains: BTreeSet<_> = targets
            .filter_map(|target| target.internet?.domains)
            .flatten()
            .collect();
        let mut resolved = Resolved::new();
        let status = self.status.unwrap_or_default();
        for entry in status.resolved_ips.into_iter().flatten() {
            let ips = entry.ips.into_iter().flatten();
            resolved.entry(entry.dns).or_default().extend(ips);
        }
        ClientIntents {
            key,
            domains,
            resolved,
        }
    }
}

/// Where nothing but its name can be read, that.
pub(super) fn item(raw: &RawValue) -> Result<ClientIntents, Option<IntentsKey>> {
    /// Only the name.
    #[derive(Deserialize)]
    struct Named {
        metadata: Metadata,
    }
    serde_json::from_str::<Document>(raw.get())
        .map(Document::slim)
        .map_err(|_| {
            let named = serde_json::from_str::<Named>(raw.get()).ok()?;
            let metadata = named.metadata;
            Some(IntentsKey {
                namespace: metadata.namespace,
                name: metadata.name,
            })
        })
}

/// What one line of a watch tells, and the version up to which it is told.
#[derive(Debug)]
pub(super) enum Told {
    Applied(ClientIntents, CompactString),
    Deleted(IntentsKey, CompactString),
    /// Nothing that could be read happened up to here.
    Reached(CompactString),
    Error(RequestError),
}

/// `None` where the line is no event: what it told is lost.
pub(super) fn line(bytes: &[u8]) -> Option<Told> {
    let line: Line<'_> = serde_json::from_slice(bytes).ok()?;
    let raw = line.object.get();
    if line.word == "ERROR" {
        let problem: Problem = serde_json::from_str(raw).ok()?;
        return Some(Told::Error(problem.into_error(None)));
    }
    let Ok(document) = serde_json::from_str::<Document>(raw) else {
        let named: crate::live::decode::Named = serde_json::from_str(raw).ok()?;
        return Some(Told::Reached(named.metadata.resource_version));
    };
    let at = document.metadata.resource_version.clone();
    Some(match line.word.as_str() {
        "ADDED" | "MODIFIED" => Told::Applied(document.slim(), at),
        "DELETED" => Told::Deleted(document.key(), at),
        "BOOKMARK" => Told::Reached(at),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(document: &serde_json::Value) -> ClientIntents {
        let raw = RawValue::from_string(document.to_string()).unwrap();
        item(&raw).unwrap()
    }

    #[test]
    fn only_domains_and_resolved_addresses_are_kept_of_either_shape() {
        let internet = json!([
            { "kubernetes": { "name": "db" } },
            { "internet": { "domains": ["b.example.com", "*.example.org"], "ports": [443] } },
            { "internet": { "ips": ["203.0.113.1"] } },
            { "internet": { "domains": ["b.example.com"] } },
        ]);
        for word in ["targets", "calls"] {
            let found = read(&json!({
                "metadata": { "namespace": "shop", "name": "web" },
                "spec": { word: internet },
                "status": { "upToDate": true, "resolvedIPs": [
                    { "dns": "b.example.com", "ips": ["203.0.113.9", "203.0.113.10"] },
                    { "dns": "b.example.com", "ips": ["203.0.113.9"] },
                    { "dns": "c.example.com", "ips": null },
                ] },
            }));
            let domains: Vec<_> = found.domains.iter().map(CompactString::as_str).collect();
            assert_eq!(domains, ["*.example.org", "b.example.com"]);
            assert_eq!(found.resolved["b.example.com"].len(), 2);
            assert!(found.resolved["c.example.com"].is_empty());
        }
    }

    #[test]
    fn absent_and_null_parts_are_empty() {
        let bare =
            json!({ "metadata": { "namespace": "a", "name": "b" }, "spec": null, "status": null });
        let found = read(&bare);
        assert!(found.domains.is_empty() && found.resolved.is_empty());
    }

    #[test]
    fn one_that_cannot_be_read_still_has_its_name_and_a_line_its_version() {
        let odd = json!({ "metadata": { "namespace": "a", "name": "b", "resourceVersion": "7" }, "spec": 3 });
        let raw = RawValue::from_string(odd.to_string()).unwrap();
        assert_eq!(item(&raw).unwrap_err().unwrap().to_string(), "a/b");
        let event = json!({ "type": "MODIFIED", "object": odd }).to_string();
        assert!(matches!(line(event.as_bytes()), Some(Told::Reached(at)) if at == "7"));
    }
}
