//! Lines of real brokers, unedited, and what is read from each.

use std::fmt::Write;

use kafka_watcher::line::{Pattern, Reader, Reading};

/// Each line's reading, in the order of the file.
fn readings(log: &str) -> String {
    let reader = Reader::new();
    let mut text = String::new();
    for line in log.lines() {
        match reader.read(line.as_bytes()) {
            Reading::Access(access) => {
                let verdict = if access.allowed { "allowed" } else { "denied" };
                let many = if access.pattern == Pattern::Prefixed {
                    "*"
                } else {
                    ""
                };
                let operation = access.operation.as_str();
                writeln!(
                    text,
                    "{} {operation} {}{many} {verdict}",
                    access.host, access.topic
                )
            }
            Reading::Other(other) => writeln!(text, "- {}", other.as_str()),
        }
        .unwrap();
    }
    text
}

#[test]
fn lines_of_a_broker_without_zookeeper_are_read() {
    assert_eq!(
        readings(include_str!("brokers/standard-authorizer-4.1.log")),
        include_str!("brokers/standard-authorizer-4.1.golden")
    );
}

#[test]
fn lines_of_a_broker_with_zookeeper_are_read() {
    assert_eq!(
        readings(include_str!("brokers/acl-authorizer-3.9.log")),
        include_str!("brokers/acl-authorizer-3.9.golden")
    );
}
