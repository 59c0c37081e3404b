//! The map on disk: what was answered with `true` is there again.

mod clocks;
mod crashes;
mod damage;
mod disk;
mod disks;
mod growth;
mod life;
mod running;

use std::path::Path;
use std::time::Duration;

use map::Time;
use mapper::store::{FILE, File, OpenError};
use redb::{ReadableDatabase, ReadableTableMetadata};

use running::{Running, killed, until};

const EDGE: &str = "shop/web (Pod) → shop/cart (Pod)";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_with_true_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let first = Running::start(folder.path(), &["web", "cart"]).await;
    assert!(first.reports("web", "cart", app::clock::now()).await);
    let left = killed(folder.path());
    let id = first.mapper.id();
    first.stop().await;

    let second = Running::start(left.path(), &["web", "cart"]).await;
    assert_eq!(second.edges().await, [EDGE]);
    assert_eq!(second.mapper.id(), id, "the same map");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_cluster_survives_too() {
    let folder = tempfile::tempdir().unwrap();
    let first = Running::start(folder.path(), &["web"]).await;
    assert!(first.reports("web", "late", app::clock::now()).await);
    assert_eq!(first.edges().await, [""; 0]);
    let left = killed(folder.path());
    first.stop().await;

    // The pod was there before, and is told only now.
    let second = Running::start(left.path(), &["web", "late"]).await;
    let edge = "shop/web (Pod) → shop/late (Pod)";
    until("the edge is there", async || second.edges().await == [edge]).await;
    // Nothing is left to take again.
    until("nothing is held", async || held(left.path()) == 0).await;
    second.stop().await;
}

/// Facts that a file holds for later.
fn held(folder: &Path) -> usize {
    let copy = killed(folder);
    let (_, loaded, _) = File::open(copy.path(), "", app::clock::now()).unwrap();
    loaded.held()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_holds_after_a_kill_and_against_late_reports() {
    let folder = tempfile::tempdir().unwrap();
    let first = Running::start(folder.path(), &["web", "cart"]).await;
    let before = app::clock::now();
    assert!(first.reports("web", "cart", before).await);
    let id = first.mapper.id();
    assert!(first.mapper.reset().await.unwrap());
    let reset = first.mapper.id();
    assert_ne!(reset, id, "reporters tell everything again");
    let left = killed(folder.path());
    first.stop().await;

    let second = Running::start(left.path(), &["web", "cart"]).await;
    assert_eq!(second.mapper.id(), reset);
    assert!(second.reports("web", "cart", before).await);
    assert_eq!(second.edges().await, [""; 0], "a late report from before");
    assert!(second.reports("web", "cart", app::clock::now()).await);
    assert_eq!(second.edges().await, [EDGE]);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_end_keeps_all_of_the_map() {
    let folder = tempfile::tempdir().unwrap();
    let first = Running::start(folder.path(), &["web", "cart"]).await;
    for second in (0..50).rev() {
        let at = app::clock::now().minus(Duration::from_secs(second));
        assert!(first.reports("web", "cart", at).await);
    }
    let map = first.mapper.view().await.unwrap().map.clone();
    first.stop().await;
    let (_, loaded, _) = File::open(folder.path(), "", app::clock::now()).unwrap();
    assert_eq!(loaded.map, map);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_folder_is_for_one_mapper() {
    let folder = tempfile::tempdir().unwrap();
    let first = Running::start(folder.path(), &[]).await;
    let second = File::open(folder.path(), "", app::clock::now());
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
    first.stop().await;
}

#[test]
fn a_damaged_file_is_set_aside_and_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), "no map at all".repeat(1_000)).unwrap();
    let now = Time::from_secs(1_000);
    let (_, loaded, aside) = File::open(folder.path(), "new", now).unwrap();
    assert_eq!((loaded.map.len(), &*loaded.instance), (0, "new"));
    let aside = aside.unwrap();
    assert!(
        std::fs::read_to_string(aside.path)
            .unwrap()
            .starts_with("no map")
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = File::open(Path::new("/nowhere"), "", app::clock::now()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("/nowhere") && text.contains("data folder"),
        "{text}"
    );
}

/// How many rows a table of the file has.
fn rows(folder: &Path, table: &'static str) -> u64 {
    let copy = killed(folder);
    let database = redb::Database::open(copy.path().join(FILE)).unwrap();
    let transaction = database.begin_read().unwrap();
    let table = redb::TableDefinition::<&[u8], &[u8]>::new(table);
    transaction.open_table(table).unwrap().len().unwrap()
}
