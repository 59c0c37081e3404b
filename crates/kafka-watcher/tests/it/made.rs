//! Any line that an authorizer may write is read as what was written, whatever stands around it.

use std::net::IpAddr;

use kafka_watcher::Operation;
use kafka_watcher::line::{Access, Other, Pattern, Reader, Reading};
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Written {
    principal: String,
    host: IpAddr,
    topic: String,
    pattern: Pattern,
    operation: Operation,
    allowed: bool,
    request: String,
}

fn written() -> impl Strategy<Value = Written> {
    let operation = prop::sample::select(Operation::ALL.to_vec());
    let pattern = prop::sample::select(vec![Pattern::Literal, Pattern::Prefixed]);
    let host = prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(|bytes| IpAddr::from(bytes).to_canonical()),
    ];
    let topic = "[a-zA-Z0-9._-]{3,249}";
    let fields = (
        "(User:)?[ -~é]{0,40}",
        host,
        topic,
        pattern,
        operation,
        any::<bool>(),
        "[A-Za-z]{1,20}",
    );
    fields.prop_map(
        |(principal, host, topic, pattern, operation, allowed, request)| Written {
            principal,
            host,
            topic,
            pattern,
            operation,
            allowed,
            request,
        },
    )
}

impl Written {
    fn java_host(&self) -> String {
        match self.host {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let words: Vec<String> = address
                    .segments()
                    .iter()
                    .map(|word| format!("{word:x}"))
                    .collect();
                words.join(":")
            }
        }
    }

    /// As one of the authorizers writes it.
    fn sentence(&self, form: u8) -> String {
        let verdict = if self.allowed { "Allowed" } else { "Denied" };
        let pattern = match self.pattern {
            Pattern::Literal => "LITERAL",
            Pattern::Prefixed => "PREFIXED",
        };
        let (label, word, tail) = match form % 3 {
            0 => ("Operation", self.operation.as_str(), String::new()),
            1 => (
                "operation",
                self.operation.as_constant(),
                " based on rule DefaultDeny".to_owned(),
            ),
            _ => (
                "operation",
                self.operation.as_constant(),
                format!(
                    " based on rule MatchingAcl(acl=StandardAcl(resourceType=TOPIC, resourceName={}, principal={}))",
                    self.topic, self.principal
                ),
            ),
        };
        let listener = if form & 4 == 0 {
            ""
        } else {
            " via listener EXTERNAL-1"
        };
        format!(
            "Principal = {} is {verdict} {label} = {word} from host = {}{listener} on resource = Topic:{pattern}:{} for request = {} with resourceRefCount = {form}{tail}",
            self.principal,
            self.java_host(),
            self.topic,
            self.request
        )
    }
}

/// The sentence in a layout. Prefixes are texts of dates, levels, threads and pods.
fn laid_out(sentence: &str, prefix: &str, layout: u8) -> String {
    let escaped = sentence.replace('\\', "\\\\").replace('"', "\\\"");
    match layout % 5 {
        0 => format!("{prefix}{sentence}"),
        1 => format!("{prefix}{sentence} (kafka.authorizer.logger)"),
        2 => format!("{prefix} kafka.authorizer.logger - {sentence}\r"),
        3 => format!(
            r#"{{"t":"{}","logger":"kafka.authorizer.logger","message":"{escaped}"}}"#,
            prefix.replace(['"', '\\'], "'")
        ),
        _ => format!(
            r#"{{"message":"{escaped} (kafka.authorizer.logger)\n","loggerName": "kafka.authorizer.logger"}}"#
        ),
    }
}

proptest! {
    #[test]
    fn what_an_authorizer_writes_is_read(made in written(), form: u8, layout: u8, prefix in "[ -~]{0,30}") {
        // These would make another sentence, or another logger's.
        let foreign = ["Principal = ", "logger\"", "kafka."];
        prop_assume!(!foreign.iter().any(|text| prefix.contains(text)));
        prop_assume!(!made.principal.contains(" is ") && !made.principal.contains("Principal"));
        let line = laid_out(&made.sentence(form), &prefix, layout);
        let expected = if made.operation == Operation::ClusterAction {
            Reading::Other(Other::Brokers)
        } else {
            Reading::Access(Access {
                host: made.host,
                topic: &made.topic,
                pattern: made.pattern,
                operation: made.operation,
                allowed: made.allowed,
            })
        };
        prop_assert_eq!(Reader::new().read(line.as_bytes()), expected, "{}", line);
    }

    #[test]
    fn a_line_that_is_cut_off_in_its_resource_is_no_access(made in written(), form: u8, cut in any::<prop::sample::Index>()) {
        let sentence = made.sentence(form);
        let end = sentence.find(" for request").unwrap() + 1;
        let mut cut = cut.index(end);
        while !sentence.is_char_boundary(cut) {
            cut -= 1;
        }
        let read = Reader::new().read(&sentence.as_bytes()[..cut]);
        prop_assert!(matches!(read, Reading::Other(_)), "{:?}", read);
    }

    #[test]
    fn any_bytes_are_read(bytes: Vec<u8>) {
        let found = Reader::new().read(&bytes);
        prop_assert_eq!(found, Reader::new().read(&bytes));
    }
}
