//! Version `v2beta1` as YAML.

use std::fmt::{self, Write};

use super::{ClientIntents, Outside, Resource, Server, Target, Topic};
use crate::yaml::scalar;

pub(super) fn render(document: &ClientIntents) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, document);
    text.truncate(text.trim_end_matches('\n').len());
    text
}

fn write(text: &mut String, document: &ClientIntents) -> fmt::Result {
    writeln!(text, "apiVersion: k8s.otterize.com/v2beta1")?;
    writeln!(text, "kind: ClientIntents")?;
    metadata(text, document)?;
    writeln!(text, "spec:")?;
    writeln!(text, "  workload:")?;
    writeln!(text, "    name: {}", scalar(&document.workload.name))?;
    kind(text, "    ", &document.workload.kind)?;
    writeln!(text, "  targets:")?;
    for target in &document.targets {
        match target {
            Target::Kubernetes(server) => self::server(text, "kubernetes", server)?,
            Target::Service(server) => self::server(text, "service", server)?,
            Target::Kafka { name, topics } => kafka(text, name, topics)?,
            Target::Internet(outside) => internet(text, outside)?,
        }
    }
    Ok(())
}

pub(super) fn metadata(text: &mut String, document: &ClientIntents) -> fmt::Result {
    writeln!(text, "metadata:")?;
    writeln!(text, "  name: {}", scalar(&document.name))?;
    if !document.namespace.is_empty() {
        writeln!(text, "  namespace: {}", scalar(&document.namespace))?;
    }
    Ok(())
}

fn kind(text: &mut String, indent: &str, kind: &str) -> fmt::Result {
    if kind.is_empty() {
        return Ok(());
    }
    writeln!(text, "{indent}kind: {}", scalar(kind))
}

fn server(text: &mut String, sort: &str, server: &Server) -> fmt::Result {
    writeln!(text, "    - {sort}:")?;
    writeln!(text, "        name: {}", scalar(&server.name))?;
    kind(text, "        ", &server.kind)?;
    if !server.http.is_empty() {
        writeln!(text, "        http:")?;
    }
    for Resource { path, methods } in &server.http {
        writeln!(text, "          - path: {}", scalar(path))?;
        list(text, "            ", "methods", methods)?;
    }
    Ok(())
}

fn kafka(text: &mut String, name: &str, topics: &[Topic]) -> fmt::Result {
    writeln!(text, "    - kafka:")?;
    writeln!(text, "        name: {}", scalar(name))?;
    writeln!(text, "        topics:")?;
    for Topic { name, operations } in topics {
        writeln!(text, "          - name: {}", scalar(name))?;
        list(text, "            ", "operations", operations)?;
    }
    Ok(())
}

fn internet(text: &mut String, outside: &Outside) -> fmt::Result {
    writeln!(text, "    - internet:")?;
    list(text, "        ", "domains", &outside.domains)?;
    list(text, "        ", "ips", &outside.ips)?;
    ports(text, "        ", outside)
}

/// A list under a key; nothing when it is empty.
pub(super) fn list(
    text: &mut String,
    indent: &str,
    key: &str,
    items: &[impl AsRef<str>],
) -> fmt::Result {
    if !items.is_empty() {
        writeln!(text, "{indent}{key}:")?;
    }
    for item in items {
        writeln!(text, "{indent}  - {}", scalar(item.as_ref()))?;
    }
    Ok(())
}

/// The only numbers in the documents.
pub(super) fn ports(text: &mut String, indent: &str, outside: &Outside) -> fmt::Result {
    if !outside.ports.is_empty() {
        writeln!(text, "{indent}ports:")?;
    }
    for port in &outside.ports {
        writeln!(text, "{indent}  - {port}")?;
    }
    Ok(())
}
