//! A line of a broker's log: an access is made of what the line says, in its order, and layouts of JSON change nothing.
#![no_main]

use kafka_watcher::line::{Reader, Reading};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let reader = Reader::new();
    // Whoever splits the log takes line breaks away.
    for line in bytes.split(|byte| *byte == b'\n') {
        let Reading::Access(access) = reader.read(line) else {
            continue;
        };
        assert!((1..=249).contains(&access.topic.len()));
        assert_eq!(access.host, access.host.to_canonical());
        let text = String::from_utf8_lossy(line);
        let (_, rest) = text.split_once("Principal = ").expect("a principal");
        let verdict = if access.allowed {
            " is Allowed "
        } else {
            " is Denied "
        };
        let (_, rest) = rest.split_once(verdict).expect("a verdict");
        let (_, rest) = rest.split_once(" on resource = Topic:").expect("a topic");
        assert!(rest.contains(access.topic));

        // Behind a prefix, and as a text of JSON, it is the same.
        let plain = [b"[2026-11-23 08:43:45,186] DEBUG ", line].concat();
        assert_eq!(reader.read(&plain), Reading::Access(access));
        if let Ok(text) = std::str::from_utf8(line) {
            let json = serde_json::json!({ "level": "DEBUG", "message": text }).to_string();
            if !text.contains(['\\', '"']) {
                assert_eq!(
                    reader.read(json.as_bytes()),
                    Reading::Access(access),
                    "{json}"
                );
            }
        }
    }
});
