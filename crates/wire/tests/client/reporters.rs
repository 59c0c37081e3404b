//! Reporters of the tests.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use map::Time;
use tokio::task::JoinHandle;
use wire::Report;
use wire::client::{Reporter, Settings, Stats, reporter};
use wire::input::{KafkaMapperResult, KafkaMapperResults};

pub(crate) fn now() -> Time {
    Time::EPOCH.plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap())
}

pub(crate) fn settings(url: &str) -> Settings {
    Settings {
        timeout: Duration::from_secs(20),
        ..Settings::new(url.parse().unwrap())
    }
}

/// Runs a reporter.
pub(crate) fn run(settings: Settings) -> (Reporter, JoinHandle<()>) {
    let (reporter, delivery) = reporter(settings, now, 7).unwrap();
    (reporter, tokio::spawn(delivery.run()))
}

/// A report of items with these numbers.
pub(crate) fn report(numbers: impl IntoIterator<Item = usize>) -> Report {
    let item = |number: usize| KafkaMapperResult {
        src_ip: "10.0.0.1".into(),
        server_pod_name: "broker-0".into(),
        server_namespace: "kafka".into(),
        topic: number.to_string().into(),
        operation: "Read".into(),
        last_seen: now().into(),
        reporter_id: Some("r".into()),
        ..KafkaMapperResult::default()
    };
    Report::Kafka(KafkaMapperResults {
        results: numbers.into_iter().map(item).collect(),
    })
}

/// What holds at all times.
pub(crate) fn balanced(stats: &Stats) {
    assert_eq!(
        stats.offered,
        stats.delivered + stats.dropped_in_all() + stats.held,
        "{stats:?}"
    );
}

/// Waits until it is so.
pub(crate) async fn until(reporter: &Reporter, is_so: impl Fn(&Stats) -> bool) -> Stats {
    let waiting = async {
        loop {
            let stats = reporter.stats();
            balanced(&stats);
            if is_so(&stats) {
                return stats;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_mins(1), waiting).await;
    found.unwrap_or_else(|_| panic!("{:?}", reporter.stats()))
}

/// Waits until nothing is held.
pub(crate) async fn all_out(reporter: &Reporter) -> Stats {
    until(reporter, |stats| stats.held == 0).await
}

pub(crate) fn numbers(numbers: std::ops::Range<usize>) -> Vec<usize> {
    numbers.collect()
}
