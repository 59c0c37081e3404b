//! What `kubectl get` prints: the objects do not depend on how the bytes arrive, and each is counted.
#![no_main]

use std::io::Read;

use cluster::document;
use fuzz::OneByte;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    assert_eq!(read(OneByte(file)), read(file));
});

/// Every event and the summary, in words: two of them are equal when their words are.
#[derive(Debug, PartialEq)]
struct Found {
    events: Vec<String>,
    summary: String,
}

fn read(file: impl Read) -> Found {
    let mut file = file;
    let mut events = Vec::new();
    let summary = document::read(&mut file, &mut |event| events.push(format!("{event:?}")));
    let counted: u64 = summary.objects.values().sum();
    assert_eq!(u64::try_from(events.len()), Ok(counted));
    Found {
        events,
        summary: format!("{summary:?}"),
    }
}
