//! The task that reports what was seen.

use std::time::Duration;

use app::clock::{self, Stopwatch};
use app::shutdown::Stop;
use map::Time;
use tokio::time::{Interval, MissedTickBehavior, interval};
use wire::client::Reporter;
use wire::input::{KafkaMapperResult, KafkaMapperResults};
use wire::{AttemptOutcome, Report, Text};

use super::coverage::{Identity, coverage};
use super::cursor::Cursor;
use super::state::State;
use crate::accesses::Accessed;
use crate::limits::{COVERAGE, LAST_REPORTS};
use crate::line::Pattern;

/// How often it is looked whether the cursor can be moved.
const CURSOR: Duration = Duration::from_secs(1);

/// Everything that the task has.
#[derive(Debug)]
pub(crate) struct Reporting {
    pub(crate) identity: Identity,
    pub(crate) client: Reporter,
    pub(crate) state: State,
    pub(crate) cursor: Cursor,
    pub(crate) interval: Duration,
    pub(crate) started: Stopwatch,
}

impl Reporting {
    /// Reports until the stop, and then the rest.
    pub(crate) async fn run(mut self, stop: Stop) {
        let mut changes = self.client.map_changes();
        let (mut report, mut cover, mut cursor) =
            (every(self.interval), every(COVERAGE), every(CURSOR));
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = changes.changed() => {
                    tracing::info!("the mapper has another map than before: it is told everything again");
                    let all = self.state.lock().accesses.all(clock::now());
                    self.offer(all);
                    self.cover();
                }
                _ = report.tick() => self.report(),
                _ = cover.tick() => self.cover(),
                _ = cursor.tick() => self.write_cursor(false).await,
            }
        }
        self.report();
        self.client.flush(LAST_REPORTS).await;
        self.write_cursor(true).await;
    }

    fn report(&mut self) {
        let mut inner = self.state.lock();
        let news = inner.accesses.news(clock::now());
        let places = inner.places.clone();
        drop(inner);
        self.offer(news);
        self.cursor
            .handed_over(&places, self.client.stats().offered);
    }

    fn offer(&self, accesses: Vec<(Accessed, Time)>) {
        if accesses.is_empty() {
            return;
        }
        self.state.lock().figures.reported += accesses.len() as u64;
        let results = accesses
            .into_iter()
            .map(|(accessed, at)| self.result(accessed, at));
        self.client.offer(Report::Kafka(KafkaMapperResults {
            results: results.collect(),
        }));
    }

    fn result(&self, accessed: Accessed, at: Time) -> KafkaMapperResult {
        let mut topic = accessed.topic;
        if accessed.pattern == Pattern::Prefixed {
            // No topic has this character in its name.
            topic.push('*');
        }
        KafkaMapperResult {
            src_ip: Text::from(accessed.host.to_string()),
            server_pod_name: Text(accessed.broker.pod.clone()),
            server_namespace: Text(accessed.broker.namespace.clone()),
            topic: Text(topic),
            operation: Text::from(accessed.operation.as_str()),
            last_seen: wire::Time(at),
            reporter_id: Some(self.identity.reporter.clone()),
            attempt: (!accessed.allowed).then_some(AttemptOutcome::Refused),
        }
    }

    fn cover(&self) {
        let held = self.client.stats().held;
        let report = coverage(&self.state.lock(), &self.identity, held, clock::now());
        self.client.offer(report);
    }

    async fn write_cursor(&mut self, is_end: bool) {
        let stats = self.client.stats();
        self.cursor
            .write(&self.state, &stats, &self.started, is_end)
            .await;
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
