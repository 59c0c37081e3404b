//! Disks that are full, cannot be written, or are slow: what was answered with `true` stays, reads go on, and all goes on
//! by itself once the disk is well.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::disk::{Fault, Faulty};
use super::running::{Running, Start, edge, killed, until};

const PODS: [&str; 4] = ["web", "cart", "mail", "bank"];

async fn on(disk: &Faulty, folder: &std::path::Path) -> Running {
    let mut start = Start::on(folder, &PODS);
    start.disk = Some(Box::new(disk.clone()));
    start.start().await
}

async fn reports_are_refused_and_taken_again(fault: Fault) {
    let (folder, disk) = (tempfile::tempdir().unwrap(), Faulty::default());
    let mapper = on(&disk, folder.path()).await;
    assert!(mapper.reports("web", "cart", app::clock::now()).await);

    disk.set(fault);
    // A full disk still has room in the pages that the file has.
    let mut refused = 0;
    until("a report is refused", async || {
        for (from, to) in [("web", "mail"), ("web", "bank"), ("cart", "mail")] {
            refused += usize::from(!mapper.reports(from, to, app::clock::now()).await);
        }
        fault != Fault::Full || refused > 0 || crowd(&mapper).await
    })
    .await;
    if fault == Fault::ReadOnly {
        assert_eq!(refused, 3);
        assert!(mapper.figures.failing.load(Relaxed));
    }
    // Reads go on, with what nobody was told to be kept as well.
    assert_eq!(mapper.map().await.len(), 4);
    // What was answered with true is there, should it be killed now.
    let left = killed(folder.path());
    let second = Running::start(left.path(), &PODS).await;
    assert!(second.edges().await.contains(&edge("web", "cart")));
    second.stop().await;

    disk.set(Fault::None);
    until("reports are taken again", async || {
        mapper.reports("web", "mail", app::clock::now()).await
    })
    .await;
    assert!(!mapper.figures.failing.load(Relaxed));
    let left = killed(folder.path());
    let map = mapper.map().await;
    mapper.stop().await;
    let second = Running::start(left.path(), &PODS).await;
    assert_eq!(second.edges().await, super::running::edges(&map));
    second.stop().await;
}

/// Takes the room that the file has left. Whether there was too little.
async fn crowd(mapper: &Running) -> bool {
    for _ in 0..200 {
        // Held facts take room of their own.
        if !mapper.reports("web", "late", app::clock::now()).await {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_cannot_be_written() {
    reports_are_refused_and_taken_again(Fault::ReadOnly).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk() {
    reports_are_refused_and_taken_again(Fault::Full).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_slow_disk_answers_wait_and_reads_do_not() {
    let (folder, disk) = (tempfile::tempdir().unwrap(), Faulty::default());
    let mapper = on(&disk, folder.path()).await;
    assert!(mapper.reports("web", "cart", app::clock::now()).await);
    disk.set(Fault::Slow);
    let mut answer = Box::pin(mapper.reports("web", "mail", app::clock::now()));
    // Nobody is told until it is on disk, and meanwhile the map is read, with what waits in it.
    until("the edge is seen", async || {
        let none = tokio::time::timeout(Duration::from_millis(1), &mut answer).await;
        assert!(none.is_err(), "answered before it is on disk");
        mapper.edges().await == [edge("web", "cart"), edge("web", "mail")]
    })
    .await;
    disk.set(Fault::None);
    assert!(answer.await);

    // Who waits for too long is told to send again.
    disk.set(Fault::Slow);
    assert!(!mapper.reports("web", "bank", app::clock::now()).await);
    disk.set(Fault::None);
    assert!(mapper.reports("web", "bank", app::clock::now()).await);
    let left = killed(folder.path());
    mapper.stop().await;
    let second = Running::start(left.path(), &PODS).await;
    assert_eq!(second.map().await.len(), 3);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_does_not_wait_for_a_disk_that_fails() {
    let (folder, disk) = (tempfile::tempdir().unwrap(), Faulty::default());
    let mapper = on(&disk, folder.path()).await;
    assert!(mapper.reports("web", "cart", app::clock::now()).await);
    disk.set(Fault::ReadOnly);
    assert!(!mapper.reports("web", "mail", app::clock::now()).await);
    mapper.stop().await;
    let second = Running::start(folder.path(), &PODS).await;
    assert_eq!(second.edges().await, [edge("web", "cart")]);
    second.stop().await;
}
