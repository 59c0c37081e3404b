//! What this watcher sees, and what it does not, for the mapper.

use compact_str::CompactString;
use map::Time;
use wire::input::{NodeCoverage, ReasonCountInput};
use wire::{Int, Report, Text};

use super::figures::Figures;
use crate::Refusal;

/// What it says that it is: it speaks for no node, but for sidecars.
pub(crate) const ROLE: &str = "istio-watcher";

/// The report of this watcher.
pub(crate) fn coverage(
    figures: &Figures,
    reporter: &CompactString,
    by_commands: bool,
    spooled: u64,
    now: Time,
) -> Report {
    let lost = [
        (
            "answers not read to their end",
            figures.failures.values().sum(),
        ),
        ("lines that cannot be read", figures.lines.malformed),
        ("lines that were too long", figures.lines.too_long),
        ("counters from before the start", figures.series.baseline),
        ("counters beyond the bound", figures.series.no_room),
    ];
    let refused = figures
        .refused
        .iter()
        .map(|(refusal, n)| (why(*refusal), *n));
    let dropped = lost.into_iter().chain(refused).filter(|(_, n)| *n > 0);
    let mut rights = vec![Text::from("statistics")];
    if by_commands {
        rights.push(Text::from("exec"));
    }
    Report::Coverage(NodeCoverage {
        node_name: Text::default(),
        reporter_id: Text(reporter.clone()),
        role: Some(Text::from(ROLE)),
        at: wire::Time(now),
        seen: vec![ReasonCountInput::new("istio", figures.taken)],
        dropped: dropped
            .map(|(why, n)| ReasonCountInput::new(why, n))
            .collect(),
        spooled: Int::from(spooled),
        rights,
        last_scan: None,
        version: Text::from(app::VERSION),
    })
}

const fn why(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NoPath => "requests without a path",
        Refusal::UnknownPath => "requests of an unknown path",
        Refusal::UnknownClient => "requests of an unknown client",
        Refusal::UnknownServer => "requests to an unknown server",
        Refusal::TooLong => "requests with too long a name or path",
        Refusal::Malformed => "requests with labels that cannot be read",
    }
}
