//! A sidecar's answer: read the same whole and in pieces; what it tells keeps the contract's bounds, and is told again by
//! nothing but a counter that moves.
#![no_main]

use istio_watcher::exposition::{Exposition, Series};
use istio_watcher::{Folded, MAX_PATHS, Moved, Paths, Requests, Rounds, Sidecar};
use libfuzzer_sys::fuzz_target;
use map::{PodUid, Time};

fuzz_target!(|bytes: &[u8]| {
    let (&piece, text) = bytes.split_first().unwrap_or((&1, &[]));
    let whole = read(text, usize::MAX);
    assert_eq!(read(text, usize::from(piece).max(1)), whole);
    rounds(text);
});

/// The identity of each series, its value, and what it tells.
fn read(text: &[u8], piece: usize) -> Vec<(Vec<u8>, u64, Option<String>)> {
    let mut all = Vec::new();
    let mut paths = Paths::default();
    each(text, piece, |series, value| {
        let told = Requests::read(series).ok().map(|requests| {
            assert!(!requests.path.is_empty() && requests.path.len() <= wire::limits::MAX_PATH);
            assert!(!requests.path.contains(['?', '#']));
            assert!(!requests.client.workload.is_empty() && !requests.server.namespace.is_empty());
            if let Folded::To(folder) = paths.take(&requests.path) {
                assert!(folder.ends_with("/*"));
            }
            assert!(paths.len() <= MAX_PATHS);
            requests.path.to_string()
        });
        all.push((series.identity().to_vec(), value, told));
    });
    all
}

fn each(text: &[u8], piece: usize, mut each: impl FnMut(Series<'_>, u64)) {
    let mut exposition = Exposition::default();
    for piece in text.chunks(piece) {
        exposition.push(piece, &mut each);
    }
    exposition.end(&mut each);
}

/// One answer, three times, of a sidecar that is new: what it tells, it tells at first. Where a series is there twice with
/// two values, each is a counter that moved.
fn rounds(text: &[u8]) {
    let sidecar = Sidecar {
        pod: PodUid::from_u128(1),
        started: None,
    };
    let mut rounds = Rounds::new(Time::EPOCH, true);
    let mut series = std::collections::BTreeSet::new();
    let mut is_twice = false;
    let mut told = [0; 3];
    for told in &mut told {
        let mut counters = rounds.begin(sidecar);
        series.clear();
        each(text, usize::MAX, |one, value| {
            is_twice |= !series.insert(one.identity().to_vec());
            *told += u64::from(counters.see(one, value) == Moved::Yes);
        });
        rounds.end(sidecar.pod, counters, true);
    }
    assert_eq!(rounds.held().series, series.len());
    assert!(is_twice || told[1..] == [0, 0], "{told:?}");
}
