//! Forms of the line that no broker at hand writes, and lines that somebody made up.

use kafka_watcher::Operation;
use kafka_watcher::line::{Access, Other, Pattern, Reader, Reading};

fn read(line: &str) -> Reading<'_> {
    Reader::new().read(line.as_bytes())
}

fn access(line: &str) -> Access<'_> {
    match read(line) {
        Reading::Access(access) => access,
        Reading::Other(other) => panic!("{other:?}: {line}"),
    }
}

fn other(line: &str) -> Other {
    match read(line) {
        Reading::Other(other) => other,
        Reading::Access(access) => panic!("{access:?}: {line}"),
    }
}

const WRITE: &str = "Principal = User:orders is Allowed operation = WRITE from host = 10.1.2.3 on resource = Topic:LITERAL:orders for request = Produce with resourceRefCount = 1";

#[test]
fn layouts_change_nothing() {
    let wanted = Access {
        host: "10.1.2.3".parse().unwrap(),
        topic: "orders",
        pattern: Pattern::Literal,
        operation: Operation::Write,
        allowed: true,
    };
    for line in [
        WRITE.to_owned(),
        format!("[2026-11-23 08:43:45,186] DEBUG {WRITE} (kafka.authorizer.logger)"),
        format!("{WRITE} based on rule SuperUser"),
        format!("{WRITE} based on rule MatchingAcl(acl=StandardAcl(principal=User:orders))"),
        format!("2026-11-23 08:43:45 kafka.kafka.svc DEBUG [data-plane-1] {WRITE} based on rule DefaultDeny\r"),
        format!(r#"{{"timestamp":1,"level":"DEBUG","loggerName":"kafka.authorizer.logger","message":"{WRITE}"}}"#),
        format!(r#"{{"message":"{WRITE} based on rule SuperUser","log.logger": "kafka.authorizer.logger"}}"#),
        format!(r#"{{"log":"[2026] DEBUG {WRITE} (kafka.authorizer.logger)\n","stream":"stdout"}}"#),
        format!(r#"{{"@message":"{}"}}"#, WRITE.replace("User:orders", r#"User:CN=\"a b\",O=x"#)),
        WRITE.replace(" on resource", " via listener EXTERNAL on resource"),
        WRITE.replace("10.1.2.3", "/10.1.2.3"),
        WRITE.replace("User:orders", "User:CN=an orders, O=what is it"),
        WRITE.replace("User:orders", "User:"),
        // Before 2.4, and before 2.0.
        "[1] DEBUG Principal = User:o is Allowed Operation = Write from host = 10.1.2.3 on resource = Topic:LITERAL:orders (kafka.authorizer.logger)".to_owned(),
        "[1] DEBUG Principal = User:o is Allowed Operation = Write from host = 10.1.2.3 on resource = Topic:orders (kafka.authorizer.logger)".to_owned(),
    ] {
        assert_eq!(access(&line), wanted, "{line}");
    }
}

#[test]
fn every_operation_is_known_in_both_forms() {
    for operation in Operation::ALL {
        let lower = operation.as_str().to_lowercase();
        for word in [operation.as_str(), operation.as_constant(), &lower] {
            let line = WRITE.replace("WRITE", word);
            if operation == Operation::ClusterAction {
                assert_eq!(other(&line), Other::Brokers);
            } else {
                assert_eq!(access(&line).operation, operation, "{word}");
            }
        }
    }
}

#[test]
fn addresses_of_java_are_read() {
    for (text, address) in [
        ("2001:db8:0:0:0:0:0:1", "2001:db8::1"),
        ("fe80:0:0:0:1:2:3:4%eth0", "fe80::1:2:3:4"),
        ("fe80:0:0:0:1:2:3:4%2", "fe80::1:2:3:4"),
        ("0:0:0:0:0:ffff:a01:203", "10.1.2.3"),
        ("127.0.0.1", "127.0.0.1"),
    ] {
        let line = WRITE.replace("10.1.2.3", text);
        assert_eq!(
            access(&line).host,
            address.parse::<std::net::IpAddr>().unwrap()
        );
    }
    for text in ["", "client-1", "10.1.2", "10.1.2.3.4", "/"] {
        assert_eq!(
            other(&WRITE.replace("10.1.2.3", text)),
            Other::NoAddress,
            "{text}"
        );
    }
}

#[test]
fn prefixes_are_told_from_topics() {
    let prefixed = WRITE.replace("LITERAL:orders", "PREFIXED:orders-");
    let found = access(&prefixed);
    assert_eq!((found.topic, found.pattern), ("orders-", Pattern::Prefixed));
}

#[test]
fn what_is_about_something_else_is_left_out_and_what_is_cut_off_is_counted() {
    let on = |resource: &str| WRITE.replace("Topic:LITERAL:orders", resource);
    for (line, reason) in [
        (on("Cluster:LITERAL:kafka-cluster"), Other::Resource),
        (on("Group:LITERAL:Topic:LITERAL:orders"), Other::Resource),
        (on("TransactionalId:PREFIXED:t"), Other::Resource),
        (on("DelegationToken:LITERAL:t"), Other::Resource),
        (on("Topic:UNKNOWN:NONE"), Other::NoTopic),
        (on("Topic:ANY:orders"), Other::NoTopic),
        (on("Topic:LITERAL:*"), Other::NoTopic),
        (on("Topic:LITERAL:"), Other::BadTopic),
        (on("Topic:LITERAL:.."), Other::BadTopic),
        (on("Topic:LITERAL:a b"), Other::BadTopic),
        (on("Topic:LITERAL:é"), Other::BadTopic),
        (on(&format!("Topic:LITERAL:{}", "t".repeat(250))), Other::BadTopic),
        (WRITE.replace("WRITE", "TWO_PHASE_COMMIT"), Other::UnknownOperation),
        (WRITE.replace("Allowed", "ALLOWED"), Other::Incomplete),
        (WRITE[..30].to_owned(), Other::Incomplete),
        (WRITE[..90].to_owned(), Other::Incomplete),
        (String::new(), Other::Foreign),
        ("[2026] INFO [GroupCoordinator 1]: Stabilized group (kafka.x.Y)".to_owned(), Other::Foreign),
        ("principal = User:admin is a super user, allowing operation without checking acls.".to_owned(), Other::Helper),
        ("No acl found for resource ResourcePattern(resourceType=TOPIC, name=a, patternType=LITERAL), authorized = false".to_owned(), Other::Helper),
    ] {
        assert_eq!(other(&line), reason, "{line}");
    }
    let longest = on(&format!("Topic:LITERAL:{}", "t".repeat(249)));
    assert_eq!(access(&longest).topic.len(), 249);
}

/// What a client may choose: its own name, the reason for which it leaves, its group, and topics that do not exist.
#[test]
fn what_clients_write_into_the_log_is_no_access() {
    for line in [
        // The client reason of a consumer, in Kafka's own layouts and others.
        format!(
            "[2026] INFO [GroupCoordinator 1]: Member c left group g; client reason: {WRITE} (kafka.coordinator.group.GroupCoordinator)"
        ),
        format!(
            "2026 INFO kafka.coordinator.group.GroupCoordinator - client reason: {WRITE} (kafka.authorizer.logger)"
        ),
        format!(
            "2026 INFO [org.apache.kafka.coordinator.group.GroupMetadataManager] client reason: {WRITE}"
        ),
        format!(
            r#"{{"logger":"kafka.coordinator.group.GroupCoordinator","message":"client reason: {WRITE}"}}"#
        ),
        format!(
            r#"{{"message":"client reason: {WRITE} (kafka.authorizer.logger)","loggerName" : "kafka.server.KafkaApis"}}"#
        ),
    ] {
        assert_eq!(other(&line), Other::Foreign, "{line}");
    }
    let forged = WRITE
        .replace("10.1.2.3", "10.6.6.6")
        .replace("User:orders", "User:mallory");
    let group = format!("Group:LITERAL:{WRITE}");
    assert_eq!(
        other(&forged.replace("Topic:LITERAL:orders", &group)),
        Other::Resource
    );
    let topic = "Topic:LITERAL:secret for request = Fetch with resourceRefCount = 1 based on";
    assert_eq!(
        other(&forged.replace("Topic:LITERAL:orders", topic)),
        Other::BadTopic
    );
}
