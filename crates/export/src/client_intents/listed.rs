//! A document as the list of the replaced tool: every server with its namespace, which ours leaves out where it is the
//! client's.

use std::fmt::{self, Write};

use super::{ClientIntents, Resource, Target, Topic};

pub(super) fn render(document: &ClientIntents) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, document);
    text
}

fn write(text: &mut String, document: &ClientIntents) -> fmt::Result {
    // What Kubernetes would not take as a name is a name for people. Two of one name are told apart, as in documents.
    let client = if document.shares_name {
        &document.name
    } else {
        &document.workload.name
    };
    writeln!(text, "{client} in namespace {} calls:", document.namespace)?;
    for target in &document.targets {
        match target {
            Target::Kubernetes(server) | Target::Service(server) => {
                called(text, &server.name, &document.namespace)?;
                resources(text, &server.http)?;
            }
            Target::Kafka { name, topics } => {
                called(text, name, &document.namespace)?;
                operations(text, topics)?;
            }
            Target::Internet(outside) => {
                for name in outside.domains.iter().chain(&outside.ips) {
                    writeln!(text, "  - {name}")?;
                }
            }
        }
    }
    Ok(())
}

/// The written name holds the namespace where it is not the client's.
fn called(text: &mut String, written: &str, own: &str) -> fmt::Result {
    let (name, namespace) = written.split_once('.').unwrap_or((written, own));
    writeln!(text, "  - {name} in namespace {namespace}")
}

fn operations(text: &mut String, topics: &[Topic]) -> fmt::Result {
    for Topic { name, operations } in topics {
        let operations = operations.join(" ");
        writeln!(
            text,
            "    - Kafka topic: {name}, operations: [{operations}]"
        )?;
    }
    Ok(())
}

fn resources(text: &mut String, all: &[Resource]) -> fmt::Result {
    for Resource { path, methods } in all {
        writeln!(text, "    - path {path}, methods: [{}]", methods.join(","))?;
    }
    Ok(())
}
