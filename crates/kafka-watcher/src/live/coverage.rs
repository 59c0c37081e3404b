//! What this watcher sees, and what it does not, for the mapper.

use map::Time;
use wire::input::{NodeCoverage, ReasonCountInput};
use wire::{Int, Report, Text};

use super::settings::ReadMode;
use super::state::{Gap, Inner};
use crate::accesses::Fate;
use crate::line::Other;

/// Who reports.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// One run of this watcher.
    pub(crate) reporter: Text,
    /// Where its lines come from.
    pub(crate) mode: ReadMode,
    /// What it says of itself: it speaks for no node, but for the logs that it follows. One beside a broker names the
    /// broker, as there are many.
    pub(crate) role: Text,
}

/// The report of this watcher.
pub(crate) fn coverage(inner: &Inner, identity: &Identity, spooled: u64, now: Time) -> Report {
    let figures = &inner.figures;
    let unusable = figures
        .others
        .iter()
        .filter(|(other, _)| other.is_unusable());
    let dropped = [
        ("lines that were too long", figures.too_long),
        (
            "authorizer lines that cannot be used",
            unusable.map(|(_, n)| n).sum(),
        ),
        (
            "accesses lost to a full table",
            figures.accesses.get(&Fate::Full),
        ),
        (
            "gaps: lines rotated away before they were read",
            figures.gaps.get(&Gap::Rotated),
        ),
        (
            "gaps: no log from before a restart",
            figures.gaps.get(&Gap::PreviousGone),
        ),
        (
            "gaps: restarts whose log is not kept",
            figures.gaps.get(&Gap::Restarts),
        ),
        ("logs beyond the bound", figures.beyond),
        (
            "lines of other loggers",
            figures.others.get(&Other::Foreign),
        ),
    ];
    let dropped = dropped.into_iter().filter(|(_, n)| *n > 0);
    let way = match identity.mode {
        ReadMode::K8sLogs => "pod-logs",
        ReadMode::FileLogs => "file",
    };
    Report::Coverage(NodeCoverage {
        node_name: Text::default(),
        reporter_id: identity.reporter.clone(),
        role: Some(identity.role.clone()),
        at: wire::Time(now),
        seen: vec![ReasonCountInput::new(
            "kafka",
            figures.accesses.get(&Fate::Kept),
        )],
        dropped: dropped
            .map(|(why, n)| ReasonCountInput::new(why, n))
            .collect(),
        spooled: Int::from(spooled),
        rights: vec![Text::from(way)],
        last_scan: None,
        version: Text::from(app::VERSION),
    })
}
