//! What became of what was sent.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use map::Time;

use super::Failure;

/// Counted by the exporter, read by metrics.
#[derive(Debug, Default)]
pub struct Figures {
    pub(super) exports: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) unsent: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) last_success: AtomicI64,
    failures: [AtomicU64; Failure::REASONS.len()],
}

impl Figures {
    pub(super) fn fail(&self, failure: &Failure, points: u64) {
        self.unsent.fetch_add(points, Relaxed);
        if let Some(count) = self.failures.get(failure.place()) {
            count.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn succeed(&self, now: Time) {
        self.exports.fetch_add(1, Relaxed);
        self.last_success.store(now.as_secs(), Relaxed);
    }

    /// Exports that arrived.
    pub fn exports(&self) -> u64 {
        self.exports.load(Relaxed)
    }

    /// Numbers that arrived.
    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Numbers that could not be sent.
    pub fn unsent(&self) -> u64 {
        self.unsent.load(Relaxed)
    }

    /// Numbers that arrived, and that the collector did not want.
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Relaxed)
    }

    /// When an export arrived last, in seconds of Unix time; 0 for never.
    pub fn last_success(&self) -> u64 {
        u64::try_from(self.last_success.load(Relaxed)).unwrap_or(0)
    }

    /// Exports that failed, by reason.
    pub fn failures(&self) -> Vec<(&'static str, u64)> {
        let counts = self.failures.iter().map(|count| count.load(Relaxed));
        Failure::REASONS.into_iter().zip(counts).collect()
    }
}
