//! When something is sent, and what.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use app::shutdown::Stop;
use map::Time;

use super::message::{Message, Point, Sum, encode};
use super::send::Connection;
use super::{Failure, Figures, Settings, Temporality};
use crate::limits::{LAST_EXPORT, MAX_EXPORT_POINTS, RETRY_EXPORT};
use crate::metrics::service_graph::SERIES;
use crate::service_graph::{Latest, Series, Snapshot, Totals};
use crate::writer::Clock;

/// Sends the map to a collector, again and again.
#[derive(Debug)]
pub struct Exporter {
    settings: Settings,
    /// What the counter of connections is called.
    name: String,
    latest: Latest,
    clock: Clock,
    figures: Arc<Figures>,
    /// What the collector knows, for deltas; empty where numbers are cumulative.
    known: BTreeMap<[String; 5], Totals>,
    /// Up to when.
    known_at: Option<Time>,
    is_failing: bool,
}

impl Exporter {
    /// An exporter that has sent nothing, and what it counts.
    pub fn new(
        settings: Settings,
        name: &str,
        latest: Latest,
        clock: Clock,
    ) -> (Self, Arc<Figures>) {
        let figures = Arc::new(Figures::default());
        let exporter = Self {
            settings,
            name: name.to_owned(),
            latest,
            clock,
            figures: Arc::clone(&figures),
            known: BTreeMap::new(),
            known_at: None,
            is_failing: false,
        };
        (exporter, figures)
    }

    /// Sends at the interval, sooner after a failure, and once more at the stop.
    pub async fn run(mut self, stop: Stop) {
        let mut pause = self.settings.interval;
        while !stop.cancelled_within(pause).await {
            // The stop cuts a slow collector short; what was on its way is sent again.
            let succeeded = tokio::select! {
                succeeded = self.export() => succeeded,
                () = stop.cancelled() => break,
            };
            pause = if succeeded {
                self.settings.interval
            } else {
                self.settings.interval.min(RETRY_EXPORT)
            };
        }
        let last = tokio::time::timeout(LAST_EXPORT, self.export());
        if last.await.is_err() {
            let points = self.points(&self.latest.get(), (self.clock)());
            self.failed(
                &Failure::Timeout(LAST_EXPORT),
                points.iter().map(Vec::len).sum(),
            );
        }
    }

    /// Whether all that there was to tell arrived.
    async fn export(&mut self) -> bool {
        let (snapshot, now) = (self.latest.get(), (self.clock)());
        let [opened, failed] = self.points(&snapshot, now);
        let count = opened.len() + failed.len();
        if count == 0 {
            return true;
        }
        let sent = tokio::time::timeout(self.settings.timeout, self.send(&opened, &failed));
        let sent = sent
            .await
            .unwrap_or(Err(Failure::Timeout(self.settings.timeout)));
        match sent {
            Ok(rejected) => {
                self.figures.succeed(now);
                self.figures.sent.fetch_add(count as u64, Relaxed);
                self.figures.rejected.fetch_add(rejected, Relaxed);
                self.learned(&snapshot, now);
                if std::mem::take(&mut self.is_failing) {
                    tracing::info!("the collector takes the map again");
                }
                true
            }
            Err(failure) => {
                self.failed(&failure, count);
                false
            }
        }
    }

    fn failed(&mut self, failure: &Failure, points: usize) {
        self.figures.fail(failure, points as u64);
        // Once, not every few seconds.
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::warn!(endpoint = %self.settings.endpoint, error = %failure,
                "the map cannot be sent to the collector; it is tried again");
        }
    }

    /// All of it, in as many messages as it takes. How many numbers were not wanted.
    async fn send(&self, opened: &[Point], failed: &[Point]) -> Result<u64, Failure> {
        let mut connection = Connection::open(&self.settings).await?;
        let mut rejected = 0;
        let [(_, of_opened, _), (name, of_failed, _)] = SERIES;
        let sums = [
            (self.name.as_str(), of_opened, opened),
            (name, of_failed, failed),
        ];
        for (name, help, points) in sums {
            for points in points.chunks(MAX_EXPORT_POINTS) {
                let message = Message {
                    resource: &self.settings.resource,
                    version: app::VERSION,
                    temporality: self.settings.temporality,
                    sums: &[Sum { name, help, points }],
                };
                rejected += connection.send(&self.settings, encode(&message)).await?;
            }
        }
        Ok(rejected)
    }

    /// The numbers of both counters.
    fn points(&self, snapshot: &Snapshot, now: Time) -> [Vec<Point>; 2] {
        let mut points = [Vec::new(), Vec::new()];
        for series in &snapshot.series {
            let growth = self.growth(series);
            let from = match self.settings.temporality {
                Temporality::Cumulative => series.since,
                Temporality::Delta => self.known_at.unwrap_or(snapshot.began).max(series.since),
            };
            let [opened, failed] = &mut points;
            for (points, value) in [(opened, growth.opened), (failed, growth.failed)] {
                if value > 0 || self.settings.temporality == Temporality::Cumulative {
                    points.push(Point {
                        attributes: attributes(series),
                        from: from.min(now),
                        at: now,
                        value,
                    });
                }
            }
        }
        points
    }

    fn growth(&self, series: &Series) -> Totals {
        let known = self.known.get(&series.values().map(str::to_owned));
        let known = known.copied().unwrap_or_default();
        // A counter that stands lower than before has started anew.
        let grown = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now);
        Totals {
            opened: grown(series.totals.opened, known.opened),
            failed: grown(series.totals.failed, known.failed),
        }
    }

    fn learned(&mut self, snapshot: &Snapshot, now: Time) {
        if self.settings.temporality == Temporality::Delta {
            let all = snapshot.series.iter();
            self.known = all
                .map(|series| (series.values().map(str::to_owned), series.totals))
                .collect();
            self.known_at = Some(now);
        }
    }
}

fn attributes(series: &Series) -> Vec<(&'static str, String)> {
    let all = Series::LABELS.into_iter().zip(series.values());
    // In Prometheus, an empty label is none.
    let given = all.filter(|(_, value)| !value.is_empty());
    given
        .map(|(name, value)| (name, value.to_owned()))
        .collect()
}
