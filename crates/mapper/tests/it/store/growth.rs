//! The file does not grow without new edges.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use map::Time;
use mapper::store::FILE;

use super::running::{Start, until};

const PODS: [&str; 4] = ["web", "cart", "mail", "bank"];

/// Seconds, of which each is a round of refreshes later.
static AHEAD: AtomicI64 = AtomicI64::new(0);

fn clock() -> Time {
    let nanos = AHEAD.load(Relaxed) * 1_000_000_000;
    Time::from_nanos(app::clock::now().as_nanos() + nanos)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_does_not_grow_without_new_edges() {
    let folder = tempfile::tempdir().unwrap();
    let mut start = Start::on(folder.path(), &PODS);
    start.clock = clock;
    let mapper = start.start().await;
    let mut lengths = Vec::new();
    for round in 0..120_u64 {
        AHEAD.fetch_add(11, Relaxed);
        for from in PODS {
            for to in PODS.iter().filter(|to| **to != from) {
                assert!(mapper.counts(from, to, clock(), round + 1).await);
            }
        }
        // One that waits for a pod that never comes, and is given up three rounds later.
        assert!(mapper.reports("web", "late", clock()).await);
        let commits = mapper.commits();
        until("a round of refreshes is written", async || {
            mapper.commits() > commits
        })
        .await;
        lengths.push(std::fs::metadata(folder.path().join(FILE)).unwrap().len());
    }
    assert_eq!(mapper.map().await.len(), 12);
    mapper.stop().await;
    assert_eq!(super::rows(folder.path(), "edges"), 12);
    assert!(super::rows(folder.path(), "held") < 10);
    println!("lengths: {:?} … {:?}", lengths[0], lengths.last());
    let most = lengths[..20].iter().max();
    assert!(lengths.iter().max() == most, "{lengths:?}");
}
