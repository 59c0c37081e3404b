//! Reports that keep coming.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use e2e::mapper::{Mapper, Metrics};
use e2e::time::from_now;
use serde_json::{Value, json};

/// One call, reported again and again with the time at which it is.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) from: String,
    /// The client's pod, where its node tells.
    pub(super) uid: Option<String>,
    pub(super) to: String,
    pub(super) port: u16,
}

impl Call {
    pub(super) fn source(&self) -> Value {
        let destination = json!({"destination": self.to, "destinationIP": self.to, "destinationPort": self.port,
            "lastSeen": from_now(0)});
        json!({"srcIp": self.from, "srcHostname": "", "srcPodUid": self.uid, "destinations": [destination]})
    }
}

/// Calls in a report.
const BATCH: usize = 100;

/// The pause between two reports.
const PACE: Duration = Duration::from_millis(50);

/// What is reported, and how much of it was taken so far.
#[derive(Debug)]
pub(super) struct Load<'a> {
    mapper: &'a Mapper,
    calls: Vec<Call>,
    sent: AtomicU64,
    over: AtomicBool,
}

impl<'a> Load<'a> {
    pub(super) const fn new(mapper: &'a Mapper, calls: Vec<Call>) -> Self {
        Self {
            mapper,
            calls,
            sent: AtomicU64::new(0),
            over: AtomicBool::new(false),
        }
    }

    /// Reports all the time while `body` runs, and waits until everything has its end: in = out + dropped + held.
    pub(super) fn during(&self, body: impl FnOnce()) -> Metrics {
        let before = self.mapper.metrics().taken();
        std::thread::scope(|scope| {
            scope.spawn(|| self.run());
            // A body that fails ends the load, too.
            let _end = End(&self.over);
            body();
        });
        let all = before + self.sent.load(Ordering::SeqCst);
        let metrics = self.mapper.wait_ends(all, 0, Duration::from_mins(1));
        assert_eq!(metrics.taken(), all, "what was sent came in once");
        metrics
    }

    fn run(&self) {
        for calls in self.calls.chunks(BATCH).cycle() {
            if self.over.load(Ordering::SeqCst) {
                break;
            }
            let sources: Vec<Value> = calls.iter().map(Call::source).collect();
            self.mapper
                .report("reportTCPCaptureResults", &json!({ "results": sources }));
            self.sent.fetch_add(calls.len() as u64, Ordering::SeqCst);
            std::thread::sleep(PACE);
        }
    }
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
