//! What `kubectl get` prints: the objects do not depend on how the bytes arrive, and each is counted.
//!
//! Damaged gzip is the exception: how much of what stands before the damage is unpacked depends on the portions.
#![no_main]

use std::io::Read;

use cluster::document;
use fuzz::OneByte;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let (whole, dripped) = (read(file), read(OneByte(file)));
    let is_gzip = file.starts_with(&[0x1f, 0x8b]);
    if is_gzip && whole.broken {
        assert!(dripped.broken);
    } else {
        assert_eq!(dripped, whole);
    }
});

/// Every event and the summary, in words: two of them are equal when their words are.
#[derive(Debug, PartialEq)]
struct Found {
    events: Vec<String>,
    summary: String,
    broken: bool,
}

fn read(file: impl Read) -> Found {
    let mut file = file;
    let mut events = Vec::new();
    let summary = document::read(&mut file, &mut |event| events.push(format!("{event:?}")));
    let counted: u64 = summary.objects.values().sum();
    assert_eq!(u64::try_from(events.len()), Ok(counted));
    Found {
        events,
        broken: summary.error.is_some(),
        summary: format!("{summary:?}"),
    }
}
