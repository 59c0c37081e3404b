//! Version `v1alpha3` as YAML.
//!
//! It has no sorts of target: a Kubernetes Service is a name with `svc:` in front. Kinds are written only where two
//! workloads share a name.

use std::fmt::{self, Write};

use super::v2beta1::{list, metadata, ports};
use super::{ClientIntents, Server, Target, Topic};
use crate::yaml::scalar;

pub(super) fn render(document: &ClientIntents) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, document);
    text.truncate(text.trim_end_matches('\n').len());
    text
}

fn write(text: &mut String, document: &ClientIntents) -> fmt::Result {
    writeln!(text, "apiVersion: k8s.otterize.com/v1alpha3")?;
    writeln!(text, "kind: ClientIntents")?;
    metadata(text, document)?;
    writeln!(text, "spec:")?;
    writeln!(text, "  service:")?;
    writeln!(text, "    name: {}", scalar(&document.workload.name))?;
    if document.shares_name && !document.workload.kind.is_empty() {
        writeln!(text, "    kind: {}", scalar(&document.workload.kind))?;
    }
    writeln!(text, "  calls:")?;
    for target in &document.targets {
        match target {
            Target::Kubernetes(server) => {
                let same_name = |other: &&Target| matches!(other, Target::Kubernetes(other) if other.name == server.name);
                let shares_name = document.targets.iter().filter(same_name).count() > 1;
                call(text, &server.name, server, shares_name)?;
            }
            Target::Service(server) => call(text, &format!("svc:{}", server.name), server, false)?,
            Target::Kafka { name, topics } => kafka(text, name, topics)?,
            Target::Internet(outside) => {
                writeln!(text, "    - type: internet")?;
                writeln!(text, "      internet:")?;
                list(text, "        ", "domains", &outside.domains)?;
                list(text, "        ", "ips", &outside.ips)?;
                ports(text, "        ", outside)?;
            }
        }
    }
    Ok(())
}

fn call(text: &mut String, name: &str, server: &Server, shares_name: bool) -> fmt::Result {
    writeln!(text, "    - name: {}", scalar(name))?;
    if shares_name && !server.kind.is_empty() {
        writeln!(text, "      kind: {}", scalar(&server.kind))?;
    }
    if server.http.is_empty() {
        return Ok(());
    }
    writeln!(text, "      type: http")?;
    writeln!(text, "      HTTPResources:")?;
    for resource in &server.http {
        writeln!(text, "        - path: {}", scalar(&resource.path))?;
        list(text, "          ", "methods", &resource.methods)?;
    }
    Ok(())
}

fn kafka(text: &mut String, name: &str, topics: &[Topic]) -> fmt::Result {
    writeln!(text, "    - name: {}", scalar(name))?;
    writeln!(text, "      type: kafka")?;
    writeln!(text, "      kafkaTopics:")?;
    for topic in topics {
        writeln!(text, "        - name: {}", scalar(&topic.name))?;
        list(text, "          ", "operations", &topic.operations)?;
    }
    Ok(())
}
