//! The spool folder.

use std::fs;
use std::path::Path;
use std::time::Duration;

use wire::client::{Folder, Reason, Settings};

use super::reporters::{all_out, balanced, numbers, report, run, settings, until};
use super::server::{Reply, Server};

fn with_folder(url: &str, path: &Path, memory: usize, bytes: u64) -> Settings {
    Settings {
        memory,
        folder: Some(Folder {
            path: path.to_owned(),
            bytes,
        }),
        ..settings(url)
    }
}

fn files(path: &Path, end: &str) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(end))
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_finds_no_place_in_memory_goes_through_the_folder_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/by/it");
    let server = Server::start().await;
    server.stop().await;
    let (reporter, _task) = run(with_folder(&server.url(), &path, 50_000, 10 << 20));
    for first in (0..4000).step_by(20) {
        assert_eq!(reporter.offer(report(first..first + 20)).lost, 0);
        until(&reporter, |stats| stats.memory < 30_000).await;
    }
    let stats = reporter.stats();
    assert!(stats.held_in_folder > 3000, "{stats:?}");
    let on_disk: u64 = files(&path, "")
        .iter()
        .map(|name| fs::metadata(path.join(name)).unwrap().len())
        .sum();
    assert_eq!(stats.folder, on_disk);
    server.restart().await;
    let stats = all_out(&reporter).await;
    assert_eq!((stats.delivered, stats.dropped_in_all()), (4000, 0));
    assert_eq!(server.taken(), numbers(0..4000));
    until(&reporter, |_| files(&path, "").is_empty()).await;
    assert_eq!(reporter.stats().folder, 0);
}

#[tokio::test]
async fn what_is_left_at_the_end_is_delivered_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    server.stop().await;
    let settings = with_folder(&server.url(), folder.path(), 1 << 20, 10 << 20);
    let (reporter, task) = run(settings.clone());
    reporter.offer(report(0..100));
    let stats = reporter.flush(Duration::from_millis(100)).await;
    task.await.unwrap();
    assert_eq!(
        (stats.held, stats.held_in_folder, stats.dropped_in_all()),
        (100, 100, 0)
    );
    balanced(&stats);

    let (reporter, task) = run(settings.clone());
    let found = until(&reporter, |stats| stats.recovered > 0).await;
    assert_eq!((found.offered, found.recovered), (100, 100));
    reporter.offer(report(100..200));
    let stats = reporter.flush(Duration::from_millis(100)).await;
    task.await.unwrap();
    assert_eq!((stats.offered, stats.held_in_folder), (200, 200));

    server.restart().await;
    let (reporter, _task) = run(settings);
    let stats = until(&reporter, |stats| stats.delivered == 200).await;
    assert_eq!(stats.recovered, 200);
    assert_eq!(server.taken(), numbers(0..200));
    until(&reporter, |_| files(folder.path(), "").is_empty()).await;
}

/// The process is killed while its file is half delivered: what is in the file comes again.
#[tokio::test]
async fn a_killed_process_leaves_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    server.rule(|_| Reply::False);
    let settings = with_folder(&server.url(), folder.path(), 40_000, 10 << 20);
    let (reporter, task) = run(settings.clone());
    for first in (0..1000).step_by(10) {
        reporter.offer(report(first..first + 10));
        until(&reporter, |stats| stats.memory < 30_000).await;
    }
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    let in_files = reporter.stats().held_in_folder;
    assert!(in_files > 0);
    server.rule(|_| Reply::Take);
    let (next, _task) = run(settings);
    let stats = until(&next, |stats| stats.recovered > 0 && stats.held == 0).await;
    assert!(stats.recovered >= in_files, "{stats:?}");
    // What was in memory only is gone.
    let taken = server.taken();
    assert_eq!(taken.len() as u64, stats.recovered);
    assert_eq!(taken, numbers(taken[0]..taken[0] + taken.len()));
}

#[tokio::test]
async fn beyond_the_folders_bound_the_oldest_goes_and_is_counted_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    server.stop().await;
    let (reporter, _task) = run(with_folder(&server.url(), folder.path(), 40_000, 100_000));
    for first in (0..4000).step_by(10) {
        reporter.offer(report(first..first + 10));
        let stats = until(&reporter, |stats| stats.memory < 30_000).await;
        assert!(stats.folder <= 100_000, "{stats:?}");
    }
    assert!(reporter.stats().dropped(Reason::Full) > 0);
    server.restart().await;
    let stats = all_out(&reporter).await;
    let lost = stats.dropped(Reason::Full);
    assert_eq!(
        (stats.delivered, stats.dropped_in_all()),
        (4000 - lost, lost)
    );
    let taken = server.taken();
    assert_eq!(taken.len() as u64, stats.delivered);
    assert!(taken.is_sorted_by(|a, b| a < b));
    assert_eq!(taken.last(), Some(&3999));
    until(&reporter, |_| files(folder.path(), "").is_empty()).await;
}

#[tokio::test]
async fn unreadable_files_are_set_aside_and_those_of_others_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let server = Server::start().await;
    server.stop().await;
    let settings = with_folder(&server.url(), path, 1 << 20, 10 << 20);
    for first in [0, 100] {
        let (reporter, task) = run(settings.clone());
        reporter.offer(report(first..first + 100));
        reporter.flush(Duration::from_millis(50)).await;
        task.await.unwrap();
    }
    let names = files(path, ".reports");
    assert_eq!(names.len(), 2);
    let good = fs::read(path.join(&names[0])).unwrap();
    let torn = &good[..good.len() / 2];
    let newer = String::from_utf8(good.clone()).unwrap();
    let newer = newer.replacen("spool 1 ", "spool 9 ", 1);
    fs::write(path.join("00000000000000000001-000000.reports"), torn).unwrap();
    fs::write(path.join("00000000000000000002-000000.reports"), newer).unwrap();
    fs::write(path.join("00000000000000000003-000000.reports"), "not ours").unwrap();
    fs::write(path.join("00000000000000000004-000000.reports"), "").unwrap();
    fs::create_dir(path.join("00000000000000000005-000000.reports")).unwrap();
    fs::write(path.join("00000000000000000006-000000.part"), torn).unwrap();
    fs::write(path.join("theirs.txt"), "theirs").unwrap();
    server.restart().await;
    let (reporter, _task) = run(settings.clone());
    let stats = until(&reporter, |stats| stats.delivered == 200).await;
    assert_eq!((stats.set_aside, stats.recovered), (5, 200));
    assert_eq!(server.taken(), numbers(0..200));
    until(&reporter, |_| files(path, ".reports").is_empty()).await;
    assert_eq!(files(path, ".unreadable").len(), 5);
    assert!(files(path, ".part").is_empty());
    assert_eq!(fs::read(path.join("theirs.txt")).unwrap(), b"theirs");

    // Many of them are not kept for ever.
    for number in 0..20 {
        fs::write(
            path.join(format!("{number:020}-000001.reports")),
            "not ours",
        )
        .unwrap();
    }
    let (reporter, _task) = run(settings);
    until(&reporter, |stats| stats.set_aside == 20).await;
    assert!(files(path, ".unreadable").len() <= 8 + 1);
}

/// Between the look at the start and its turn, a file is damaged.
#[tokio::test]
async fn a_file_that_is_damaged_later_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    server.stop().await;
    let (reporter, _task) = run(with_folder(&server.url(), folder.path(), 40_000, 10 << 20));
    let mut first = 0;
    while files(folder.path(), ".reports").len() < 2 {
        reporter.offer(report(first..first + 10));
        first += 10;
        until(&reporter, |stats| stats.memory < 30_000).await;
    }
    let names = files(folder.path(), ".reports");
    let second = folder.path().join(&names[1]);
    let text = fs::read_to_string(&second).unwrap();
    let items = text.matches("\"topic\"").count() as u64;
    fs::write(&second, text.replace("broker-0", "broker-1")).unwrap();
    server.restart().await;
    let stats = all_out(&reporter).await;
    assert_eq!(
        (stats.dropped(Reason::Damaged), stats.set_aside),
        (items, 1)
    );
    assert_eq!(stats.delivered, first as u64 - items);
}

#[tokio::test]
async fn without_a_folder_that_can_be_used_there_is_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let server = Server::start().await;
    server.stop().await;
    let (reporter, task) = run(with_folder(
        &server.url(),
        &file.join("under"),
        20_000,
        10 << 20,
    ));
    for first in (0..500).step_by(10) {
        reporter.offer(report(first..first + 10));
    }
    let stats = until(&reporter, |stats| stats.folder_trouble.is_some()).await;
    assert!(stats.memory <= 20_000 && stats.held_in_folder == 0);
    let trouble = stats.folder_trouble.unwrap();
    assert!(trouble.contains("file/under"), "{trouble}");
    server.restart().await;
    let stats = all_out(&reporter).await;
    let lost = stats.dropped(Reason::Full);
    assert!(lost > 0);
    assert_eq!(
        (stats.delivered, stats.dropped_in_all()),
        (500 - lost, lost)
    );
    reporter.flush(Duration::from_secs(5)).await;
    task.await.unwrap();
}
