//! What became of all that was reported, for people who ask why the map is as it is.

use map::Time;
use wire::edge::{ReasonCount, Status};
use wire::{Evidence, Int};

use crate::writer::{Stats, View};

/// As of the view, and of the writer's last step.
pub(crate) fn status(view: &View, stats: &Stats) -> Status {
    let floor = view.map.floor(&view.cluster);
    let taken = stats.taken.iter();
    let fates = stats.fates.iter();
    Status {
        at: view.at.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        synced: stats.synced,
        pods: int(stats.pods),
        edges: int(view.map.len()),
        attempts: int(view.map.attempts_len()),
        reports: int(stats.received.reports),
        taken: taken
            .map(|(evidence, n)| count(Evidence::from(*evidence).as_str(), n))
            .collect(),
        fates: fates.map(|(fate, n)| count(fate.as_str(), n)).collect(),
        held: int(stats.held),
        forgotten: (floor > Time::EPOCH).then(|| floor.into()),
    }
}

fn count(reason: &str, count: u64) -> ReasonCount {
    ReasonCount {
        reason: reason.into(),
        count: int(count),
    }
}

fn int(n: impl TryInto<i64>) -> Int {
    Int(n.try_into().unwrap_or(i64::MAX))
}
