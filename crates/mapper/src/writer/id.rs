//! Which map this is, for reporters: when it changes, they tell everything again.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// `<instance>.<epoch>`: the instance lives as long as what the map remembers, the epoch counts resets.
#[derive(Debug, Default)]
pub struct MapId {
    instance: OnceLock<String>,
    epoch: AtomicU64,
}

impl MapId {
    pub(super) fn set(&self, instance: &str, epoch: u64) {
        self.instance.get_or_init(|| instance.to_owned());
        self.epoch.store(epoch, Relaxed);
    }

    pub(super) fn next_epoch(&self) -> u64 {
        self.epoch.fetch_add(1, Relaxed) + 1
    }
}

impl fmt::Display for MapId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instance = self.instance.get().map_or("", String::as_str);
        write!(f, "{instance}.{}", self.epoch.load(Relaxed))
    }
}
