//! A log that is kept in memory, with a clock that the test sets.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use app::log::{Log, Shape};
use map::Time;
use parking_lot::Mutex;
use serde_json::Value;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// 2026-11-23T09:42:12.861Z.
pub(crate) const NOW: Time = Time::from_nanos(1_795_426_932_861_066_066);

pub(crate) struct Capture {
    pub(crate) log: Log,
    out: Out,
    clock: Arc<AtomicI64>,
}

#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Capture {
    pub(crate) fn new(shape: Shape) -> Self {
        let out = Out::default();
        let clock = Arc::new(AtomicI64::new(NOW.as_nanos()));
        let hand = Arc::clone(&clock);
        let now = move || Time::from_nanos(hand.load(Ordering::Relaxed));
        Self {
            log: Log::new(shape, out.clone(), now),
            out,
            clock,
        }
    }

    /// Runs something with this log as its log, every level included.
    pub(crate) fn during(&self, body: impl FnOnce()) {
        self.filtered(Targets::new().with_default(LevelFilter::TRACE), body);
    }

    pub(crate) fn filtered(&self, filter: Targets, body: impl FnOnce()) {
        tracing::subscriber::with_default(self.log.subscriber(filter), body);
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.set(Time::from_nanos(self.clock.load(Ordering::Relaxed)).plus(time));
    }

    pub(crate) fn set(&self, time: Time) {
        self.clock.store(time.as_nanos(), Ordering::Relaxed);
    }

    /// What was written so far, and forgets it.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.out.0.lock())).unwrap()
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = self.text();
        assert!(text.is_empty() || text.ends_with('\n'), "{text}");
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(crate) fn messages(&self) -> Vec<String> {
        self.lines()
            .iter()
            .map(|line| line["msg"].as_str().unwrap().to_owned())
            .collect()
    }
}
