//! What each answer of a mapper leads to.

use std::time::Duration;

use wire::client::{MAX_BATCH_ITEMS, Offered, Reason, Settings};
use wire::response;

use super::reporters::{all_out, balanced, numbers, report, run, settings, until};
use super::server::{Reply, Server};

#[tokio::test]
async fn reports_go_out_in_order_on_one_connection_as_the_replaced_reporters_send_them() {
    let server = Server::start().await;
    let (reporter, task) = run(settings(&server.url()));
    for first in [0, 10, 20] {
        let offered = reporter.offer(report(first..first + 10));
        assert_eq!(offered, Offered { items: 10, lost: 0 });
        all_out(&reporter).await;
    }
    assert_eq!(server.taken(), numbers(0..30));
    assert_eq!(server.questions(), 1);
    for seen in server.seen() {
        assert_eq!((seen.connection, seen.path.as_str()), (0, "/query"));
        assert_eq!(seen.headers["content-type"], "application/json");
        assert_eq!(seen.headers["host"], server.address.to_string().as_str());
        assert!(!seen.headers.contains_key("authorization"));
    }
    let stats = reporter.flush(Duration::from_secs(5)).await;
    task.await.unwrap();
    assert_eq!((stats.offered, stats.delivered, stats.held), (30, 30, 0));
    assert!(stats.last_success.is_some() && stats.trouble.is_none());
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again() {
    let answer = |status| Reply::Status(status, response::refused("not now"));
    let replies = [
        Reply::False,
        answer(401),
        answer(403),
        answer(404),
        answer(408),
        answer(429),
        answer(500),
        answer(502),
        answer(503),
        Reply::Status(200, "<html>".to_owned()),
        Reply::Status(200, response::refused("queue")),
        Reply::Status(400, "a proxy says no".to_owned()),
        Reply::Status(204, String::new()),
        Reply::Status(200, "x".repeat(1 << 20)),
        Reply::Close,
        Reply::Slow(Duration::from_secs(30)),
    ];
    // Each with a reporter of its own, so that none waits for long.
    let mut waiting = tokio::task::JoinSet::new();
    for reply in replies {
        waiting.spawn(async move {
            let server = Server::start().await;
            server.replies([reply.clone()]);
            let (reporter, _task) = run(Settings {
                timeout: Duration::from_secs(2),
                ..settings(&server.url())
            });
            reporter.offer(report(0..3));
            let troubled = until(&reporter, |stats| stats.trouble.is_some()).await;
            assert_eq!((troubled.held, troubled.delivered), (3, 0), "{reply:?}");
            let why = troubled.trouble.unwrap().why;
            let stats = all_out(&reporter).await;
            assert_eq!((stats.delivered, stats.trouble), (3, None), "{reply:?}");
            assert_eq!(server.taken(), [0, 1, 2]);
            assert_eq!(server.reports().len(), 2, "{reply:?}: {why}");
            why
        });
    }
    let mut words = waiting.join_all().await;
    words.sort();
    let begins = |start: &str| words.iter().filter(|text| text.starts_with(start)).count();
    assert_eq!(begins("status 4") + begins("status 5"), 9, "{words:#?}");
    assert_eq!(
        begins("status 400, not the answer of a mapper: a proxy says no"),
        1
    );
    assert_eq!(begins("the answer of http://127.0.0.1:"), 1, "{words:#?}");
    assert_eq!(
        begins("the connection to http://127.0.0.1:"),
        1,
        "{words:#?}"
    );
    assert!(
        words
            .iter()
            .any(|text| text.ends_with("did not answer within 2 s"))
    );
}

#[tokio::test]
async fn what_was_taken_before_the_connection_broke_is_told_twice_and_counted_once() {
    let server = Server::start().await;
    server.replies([Reply::TakeAndClose]);
    let (reporter, _task) = run(settings(&server.url()));
    reporter.offer(report(0..2));
    let stats = all_out(&reporter).await;
    assert_eq!(server.taken(), [0, 1, 0, 1]);
    assert_eq!((stats.offered, stats.delivered), (2, 2));
    assert_eq!(server.questions(), 2, "asked on each connection");
}

#[tokio::test]
async fn the_mapper_says_how_long_to_wait() {
    let server = Server::start().await;
    server.replies([Reply::RetryAfter(429, 2)]);
    let (reporter, _task) = run(settings(&server.url()));
    let start = tokio::time::Instant::now();
    reporter.offer(report(0..1));
    until(&reporter, |stats| stats.trouble.is_some()).await;
    // What comes meanwhile is kept, and changes nothing.
    reporter.offer(report(1..2));
    all_out(&reporter).await;
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert_eq!(server.taken(), [0, 1]);
    assert_eq!(server.reports()[1].numbers(), [0, 1]);
}

/// One bad item among many: it alone is dropped, whatever the status.
async fn one_bad_item(code: u16, reason: Reason, most_requests: usize) {
    let server = Server::start().await;
    let body = response::refused("the item is bad");
    server.rule(move |seen| {
        if seen.numbers().contains(&333) {
            Reply::Status(code, body.clone())
        } else {
            Reply::Take
        }
    });
    let (reporter, _task) = run(settings(&server.url()));
    reporter.offer(report(0..1000));
    reporter.offer(report(1000..1010));
    let stats = all_out(&reporter).await;
    assert_eq!((stats.delivered, stats.dropped(reason)), (1009, 1));
    let refusal = stats.last_refusal.unwrap().why;
    assert_eq!(refusal, format!("status {code}: the item is bad"));
    let mut taken = server.taken();
    assert!(taken.is_sorted(), "the order is kept");
    taken.insert(333, 333);
    assert_eq!(taken, numbers(0..1010));
    let requests = server.reports().len();
    assert!(requests <= most_requests, "{requests} requests");
}

#[tokio::test]
async fn one_bad_item_spoils_nothing_else() {
    // Ten halvings of a thousand, two requests each.
    one_bad_item(400, Reason::Refused, 24).await;
    one_bad_item(422, Reason::Refused, 25).await;
}

#[tokio::test]
async fn one_large_item_spoils_nothing_else() {
    one_bad_item(413, Reason::Large, 40).await;
}

#[tokio::test]
async fn large_reports_are_cut_and_small_ones_go_together() {
    let server = Server::start().await;
    let (reporter, _task) = run(settings(&server.url()));
    reporter.offer(report(numbers(0..2 * MAX_BATCH_ITEMS + 1)));
    all_out(&reporter).await;
    let sizes = |reports: Vec<super::server::Seen>| -> Vec<usize> {
        reports.iter().map(|seen| seen.numbers().len()).collect()
    };
    let reports = server.reports();
    assert!(reports.iter().all(|seen| seen.body.len() < 600_000));
    let sent = sizes(reports);
    assert!(sent.iter().all(|size| *size <= MAX_BATCH_ITEMS), "{sent:?}");
    assert_eq!(server.taken(), numbers(0..2 * MAX_BATCH_ITEMS + 1));

    server.stop().await;
    for number in 0..500 {
        reporter.offer(report([number]));
    }
    server.restart().await;
    all_out(&reporter).await;
    let last = sizes(server.reports());
    assert!(
        last[sent.len()..].contains(&500) || last[sent.len()..].contains(&499),
        "{last:?}"
    );
}

#[tokio::test]
async fn the_owner_learns_that_the_map_is_another_one() {
    let server = Server::start().await;
    let (reporter, _task) = run(settings(&server.url()));
    let (mut changes, mut thread) = (reporter.map_changes(), reporter.map_changes());
    let mut next = 0;
    let mut send = || {
        reporter.offer(report([next]));
        next += 1;
    };
    assert_eq!(reporter.map(), None);
    send();
    all_out(&reporter).await;
    assert_eq!(reporter.map().as_deref(), Some("a.0"));
    assert!(!thread.has_changed(), "the first is no other");
    send();
    all_out(&reporter).await;
    assert!(!thread.has_changed());
    for map in [Some("a.1"), Some("b.0"), None, Some("b.0")] {
        server.map(map);
        send();
        changes.changed().await;
        all_out(&reporter).await;
        assert!(thread.has_changed() && !thread.has_changed());
        assert_eq!(reporter.map().as_deref(), map);
    }
    // What is said by something between us and the mapper is no map.
    server.map(None);
    server.replies([Reply::Status(503, String::new())]);
    send();
    until(&reporter, |stats| stats.trouble.is_some()).await;
    server.map(Some("b.0"));
    all_out(&reporter).await;
    assert!(!thread.has_changed());
    balanced(&reporter.stats());
}
