//! The clock jumps, and old edges expire.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use map::Time;
use mapper::store::File;

use super::running::{Start, edge, killed, until};

const PODS: [&str; 4] = ["web", "cart", "mail", "bank"];
const HOUR: Duration = Duration::from_hours(1);

/// A clock of a test's own, which goes `AHEAD` of the real one, in seconds.
macro_rules! clock {
    ($ahead:ident, $clock:ident) => {
        static $ahead: AtomicI64 = AtomicI64::new(0);
        fn $clock() -> Time {
            ahead(&$ahead)
        }
    };
}

fn ahead(seconds: &AtomicI64) -> Time {
    let nanos = seconds.load(Relaxed) * 1_000_000_000;
    Time::from_nanos(app::clock::now().as_nanos() + nanos)
}

clock!(EXPIRY_AHEAD, expiry_clock);

#[tokio::test(flavor = "multi_thread")]
async fn old_edges_are_forgotten_and_their_rows_removed() {
    let folder = tempfile::tempdir().unwrap();
    let start = |folder| {
        let mut start = Start::on(folder, &PODS);
        start.clock = expiry_clock;
        start.expiry = Some(10 * HOUR);
        start
    };
    let first = start(folder.path()).start().await;
    let old = expiry_clock();
    assert!(first.reports("web", "cart", old).await);
    assert!(first.reports("web", "mail", old).await);
    first.stop().await;

    // Six hours later, one of them is seen again; after six more, the other is too old.
    EXPIRY_AHEAD.store(6 * 3600, Relaxed);
    let second = start(folder.path()).start().await;
    assert!(second.reports("web", "mail", expiry_clock()).await);
    assert_eq!(second.map().await.len(), 2);
    second.stop().await;
    EXPIRY_AHEAD.store(12 * 3600, Relaxed);
    let third = start(folder.path()).start().await;
    until("the old one is forgotten", async || {
        third.edges().await == [edge("web", "mail")]
    })
    .await;
    let floor = third.map().await.floor("");
    assert_eq!(floor.since(old).as_secs() / 60, 2 * 60);
    third.stop().await;

    // Whoever needs no expiry still finds the floor, and no row below it.
    let (_, loaded, _) = File::open(folder.path(), "", expiry_clock()).unwrap();
    assert_eq!(loaded.map.floor(""), floor);
    assert_eq!(super::running::edges(&loaded.map), [edge("web", "mail")]);
    assert_eq!(super::rows(folder.path(), "edges"), 1);
    let mut late = Start::on(folder.path(), &PODS);
    late.clock = expiry_clock;
    let fourth = late.start().await;
    assert!(fourth.reports("web", "bank", old).await);
    assert!(!fourth.edges().await.contains(&edge("web", "cart")));
    fourth.stop().await;
}

clock!(JUMPS_AHEAD, jumping_clock);

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_loses_nothing_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let start = |folder| {
        let mut start = Start::on(folder, &PODS);
        start.clock = jumping_clock;
        start.expiry = Some(10 * HOUR);
        start
    };
    let first = start(folder.path()).start().await;
    until("there is a floor", async || {
        first.map().await.floor("") > Time::EPOCH
    })
    .await;
    let floor = first.map().await.floor("");
    assert!(first.reports("web", "cart", jumping_clock()).await);
    let mut connections = 1;
    let hours = 3600;
    for ahead in [24 * hours, 0, -4 * hours, 8760 * hours, -2 * hours, 0] {
        JUMPS_AHEAD.store(ahead, Relaxed);
        // Refreshes go on at once: the count of a known edge comes to the file by itself.
        connections += 1;
        let at = jumping_clock();
        assert!(first.counts("web", "cart", at, connections).await);
        until(
            &format!("the refresh is on disk, {ahead} s ahead"),
            async || stored(folder.path()) == connections,
        )
        .await;
        assert_eq!(first.edges().await, [edge("web", "cart")], "{ahead}");
        // Figures go on as well.
        let reports = connections;
        until("the report is counted", async || {
            first.mapper.stats().received.reports >= reports
        })
        .await;
    }
    let map = first.map().await;
    assert_eq!(map.floor(""), floor, "nothing expired");
    first.stop().await;
    let second = start(folder.path()).start().await;
    assert_eq!(second.map().await.len(), 1);
    second.stop().await;
}

clock!(BACK_AHEAD, backward_clock);

/// What waits does so by the time that passes, and not until a clock that was set back is there again.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_ends_after_the_clock_was_set_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut start = Start::on(folder.path(), &PODS);
    start.clock = backward_clock;
    let mapper = start.start().await;
    assert!(mapper.reports("web", "late", backward_clock()).await);
    BACK_AHEAD.store(-3600, Relaxed);
    until("it waits", async || mapper.mapper.stats().held == 1).await;
    // The patience of half a minute, by the clock that was set back.
    BACK_AHEAD.store(-3600 + 40, Relaxed);
    until("it waits no more", async || mapper.mapper.stats().held == 0).await;
    mapper.stop().await;
}

/// Connections of the only edge in the file.
fn stored(folder: &std::path::Path) -> u64 {
    let copy = killed(folder);
    let Ok((_, loaded, None)) = File::open(copy.path(), "", app::clock::now()) else {
        return 0; // copied while it was written
    };
    let edge = loaded.map.edges().next();
    edge.map_or(0, |(_, edge)| edge.connections())
}
