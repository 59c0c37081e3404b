//! What our reporters send, and what they make of the answers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use map::Time;
use mapper::access::{Access, Reason};
use wire::Report;
use wire::client::{Reporter, Settings, Stats, reporter};
use wire::input::{
    CaptureTcpResults, Destination, NodeCoverage, ReasonCountInput, RecordedDestinationsForSrc,
};

use super::server::{ADDRESS, Bed, POST_LOCAL, user};

const SNIFFER: &str = "system:serviceaccount:portolan:sniffer";
const RESET: &str = r#"{"query":"mutation{resetCapture}"}"#;

fn now() -> Time {
    Time::EPOCH.plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap())
}

/// A reporter with these files beside those of the server.
fn start(bed: &Bed, url: &str, token: &str) -> Reporter {
    static SEED: AtomicU64 = AtomicU64::new(0);
    write_token(bed, token);
    let settings = Settings {
        token_file: Some(bed.folder.path().join("token")),
        ca_file: Some(bed.folder.path().join("tls.crt")),
        ..Settings::new(url.parse().unwrap())
    };
    let seed = SEED.fetch_add(1, Ordering::Relaxed);
    let (reporter, delivery) = reporter(settings, now, seed).unwrap();
    tokio::spawn(delivery.run());
    reporter
}

fn write_token(bed: &Bed, token: &str) {
    std::fs::write(bed.folder.path().join("token"), token).unwrap();
}

fn secure(bed: &Bed) -> String {
    format!("https://{ADDRESS}:{}", bed.address.port())
}

/// With a field of ours, which the replaced mapper would refuse.
fn handshake() -> Report {
    let destination = Destination {
        destination: "10.0.0.2".into(),
        last_seen: now().into(),
        first_seen: Some(now().into()),
        ..Destination::default()
    };
    let source = RecordedDestinationsForSrc {
        src_ip: "10.0.0.1".into(),
        reporter_id: Some("r".into()),
        node_name: Some("n".into()),
        destinations: vec![destination],
        ..RecordedDestinationsForSrc::default()
    };
    Report::TcpCaptures(CaptureTcpResults {
        results: vec![source],
    })
}

fn coverage() -> Report {
    Report::Coverage(NodeCoverage {
        node_name: "n".into(),
        reporter_id: "r".into(),
        at: now().into(),
        seen: vec![ReasonCountInput {
            reason: "tcp".into(),
            count: 1_i64.into(),
        }],
        version: "1".into(),
        ..NodeCoverage::default()
    })
}

async fn until(reporter: &Reporter, is_so: impl Fn(&Stats) -> bool) -> Stats {
    for _ in 0..3000 {
        let stats = reporter.stats();
        if is_so(&stats) {
            return stats;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", reporter.stats());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reporter_with_a_token_delivers_all_that_can_be_said() {
    let bed = Bed::new(Access::Token).await;
    bed.api.knows("good", user(SNIFFER));
    let reporter = start(&bed, &secure(&bed), "good");
    reporter.offer(handshake());
    reporter.offer(coverage());
    let stats = until(&reporter, |stats| stats.held == 0).await;
    assert_eq!((stats.delivered, stats.dropped_in_all()), (2, 0));
    let read = r#"{"query":"{coverage{nodeName reporterId seen{reason count}}}"}"#;
    let answer = bed.from(1).plain(POST_LOCAL, read).await;
    let expected = r#"{"data":{"coverage":[{"nodeName":"n","reporterId":"r","seen":[{"reason":"tcp","count":1}]}]}}"#;
    assert_eq!(answer.body, expected);
    let ended = reporter.flush(Duration::from_secs(5)).await;
    assert_eq!(ended.delivered, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_for_its_token_is_held_until_there_is_a_better_one() {
    let bed = Bed::new(Access::Token).await;
    bed.api
        .knows("other", user("system:serviceaccount:portolan:reader"));
    bed.api.knows("good", user(SNIFFER));
    let reporter = start(&bed, &secure(&bed), "bad");
    reporter.offer(handshake());
    let stats = until(&reporter, |stats| stats.trouble.is_some()).await;
    let why = stats.trouble.unwrap().why;
    assert!(
        why.starts_with("status 401: the token is not good"),
        "{why}"
    );
    write_token(&bed, "other");
    let is_role = |stats: &Stats| {
        let trouble = stats.trouble.as_ref();
        trouble.is_some_and(|trouble| trouble.why.starts_with("status 403: "))
    };
    until(&reporter, is_role).await;
    assert!(bed.refused(Reason::Role) > 0);
    write_token(&bed, "good");
    let stats = until(&reporter, |stats| stats.held == 0).await;
    assert_eq!((stats.delivered, stats.trouble), (1, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_plain_http_the_mapper_sees_no_token_and_says_what_to_do() {
    let bed = Bed::new(Access::Token).await;
    bed.api.knows("good", user(SNIFFER));
    let url = format!("http://{ADDRESS}:{}", bed.address.port());
    let reporter = start(&bed, &url, "good");
    reporter.offer(handshake());
    let stats = until(&reporter, |stats| stats.trouble.is_some()).await;
    let why = stats.trouble.unwrap().why;
    assert!(why.contains("kubectl port-forward"), "{why}");
    assert_eq!(bed.api.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_is_told_to_the_owner_of_the_reporter() {
    let bed = Bed::new(Access::Token).await;
    let reporter = start(&bed, &format!("http://{}", bed.address), "");
    let mut changes = reporter.map_changes();
    reporter.offer(handshake());
    until(&reporter, |stats| stats.held == 0).await;
    let before = reporter.map().unwrap();
    assert!(!changes.has_changed());
    assert_eq!(bed.from(1).plain(POST_LOCAL, RESET).await.status, 200);
    reporter.offer(handshake());
    changes.changed().await;
    let after = reporter.map().unwrap();
    assert!(
        before.ends_with(".0") && after.ends_with(".1"),
        "{before} {after}"
    );
    assert_eq!(before.trim_end_matches(".0"), after.trim_end_matches(".1"));
}
