//! A mapper that is away, and the end of a reporter.

use std::time::Duration;

use wire::client::{Offered, Reason, Settings, reporter};

use super::reporters::{all_out, balanced, now, numbers, report, run, settings, until};
use super::server::{Reply, Server};

#[tokio::test]
async fn within_the_bound_nothing_is_lost_while_the_mapper_is_away() {
    let server = Server::start().await;
    let (reporter, _task) = run(settings(&server.url()));
    reporter.offer(report(0..10));
    all_out(&reporter).await;
    server.stop().await;
    for first in (10..1010).step_by(10) {
        assert_eq!(reporter.offer(report(first..first + 10)).lost, 0);
    }
    let away = until(&reporter, |stats| stats.trouble.is_some()).await;
    assert_eq!((away.held, away.delivered), (1000, 10));
    assert!(away.memory > 0);
    server.restart().await;
    let stats = all_out(&reporter).await;
    assert_eq!((stats.delivered, stats.dropped_in_all()), (1010, 0));
    assert_eq!((stats.memory, stats.trouble), (0, None));
    assert_eq!(server.taken(), numbers(0..1010));
}

#[tokio::test]
async fn beyond_the_bound_the_oldest_goes_and_is_counted_exactly() {
    let server = Server::start().await;
    server.stop().await;
    let (reporter, _task) = run(Settings {
        memory: 20_000,
        ..settings(&server.url())
    });
    let mut lost = 0;
    for first in (0..1000).step_by(10) {
        lost += reporter.offer(report(first..first + 10)).lost;
        balanced(&reporter.stats());
        assert!(reporter.stats().memory <= 20_000);
    }
    assert!(lost > 0 && lost < 1000, "{lost}");
    server.restart().await;
    let stats = all_out(&reporter).await;
    assert_eq!(stats.dropped(Reason::Full), lost);
    assert_eq!(stats.delivered, 1000 - lost);
    let first = usize::try_from(lost).unwrap();
    assert_eq!(server.taken(), numbers(first..1000));
}

#[tokio::test]
async fn at_the_end_what_is_held_is_delivered_within_the_time() {
    let server = Server::start().await;
    server.replies([Reply::False, Reply::Slow(Duration::from_millis(300))]);
    let (reporter, task) = run(settings(&server.url()));
    reporter.offer(report(0..5));
    let stats = reporter.flush(Duration::from_secs(20)).await;
    task.await.unwrap();
    assert_eq!((stats.delivered, stats.held), (5, 0));
    assert_eq!(server.taken(), numbers(0..5));
    // What comes later is lost, and counted.
    let late = reporter.offer(report(5..8));
    assert_eq!(late, Offered { items: 3, lost: 3 });
    assert_eq!(reporter.stats().dropped(Reason::Ended), 3);
    balanced(&reporter.stats());
    // Again is the same as once.
    assert_eq!(
        reporter.flush(Duration::from_secs(20)).await,
        reporter.stats()
    );
}

#[tokio::test]
async fn what_cannot_be_delivered_in_time_is_lost_without_a_folder_and_counted() {
    let server = Server::start().await;
    server.rule(|seen| {
        if seen.numbers().contains(&0) {
            Reply::Take
        } else {
            Reply::Slow(Duration::from_mins(1))
        }
    });
    let (reporter, task) = run(settings(&server.url()));
    reporter.offer(report(0..1));
    all_out(&reporter).await;
    reporter.offer(report(1..7));
    let stats = reporter.flush(Duration::from_millis(300)).await;
    task.await.unwrap();
    assert_eq!((stats.delivered, stats.held), (1, 0));
    assert_eq!(stats.dropped(Reason::Ended), 6);
    balanced(&stats);
}

#[tokio::test]
async fn the_task_ends_when_nobody_can_offer_anything_any_more() {
    let server = Server::start().await;
    let (reporter, task) = run(settings(&server.url()));
    reporter.offer(report(0..1));
    let other = reporter.clone();
    drop(reporter);
    all_out(&other).await;
    drop(other);
    task.await.unwrap();
}

#[tokio::test]
async fn a_task_that_was_never_run_holds_up_no_end() {
    let server = Server::start().await;
    let (reporter, delivery) = reporter(settings(&server.url()), now, 1).unwrap();
    reporter.offer(report(0..1));
    drop(delivery);
    let stats = reporter.flush(Duration::from_secs(20)).await;
    assert_eq!((stats.offered, stats.held), (1, 1));
}

#[tokio::test]
async fn a_port_where_nobody_listens_and_a_name_that_is_none_are_told() {
    let server = Server::start().await;
    server.stop().await;
    for (url, part) in [
        (server.url(), "/query cannot be reached: "),
        (
            "http://no-such-host.invalid".to_owned(),
            "http://no-such-host.invalid/query cannot be reached: ",
        ),
    ] {
        let (reporter, _task) = run(settings(&url));
        reporter.offer(report(0..1));
        let stats = until(&reporter, |stats| stats.trouble.is_some()).await;
        let why = stats.trouble.unwrap().why;
        assert!(why.contains(part), "{why}");
    }
}
