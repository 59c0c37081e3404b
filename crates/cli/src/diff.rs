//! `portolan diff`: what came and what went between two maps, or in a time.

use std::process::ExitCode;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use map::{Difference, Facet, Map, Time, difference, difference_between};
use serde_json::{Value, json};

use crate::args::{DiffArgs, Form};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::source;
use crate::{edge_text, output};

const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default();

/// `portolan diff`.
pub(crate) fn run(args: &DiffArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let filter = args.filter.filter(settings, !args.no_external)?;
    let shown = |map: &Map| filter.apply(map);
    let mut difference = match (&args.since, &args.before) {
        (Some(since), _) => {
            let now = app::clock::now();
            let since = time(since, now)?;
            difference_between(&shown(&args.source.whole()?), since, now)
        }
        (None, Some(before)) => {
            let before = source::read(before)?;
            let after = match &args.after {
                Some(after) => source::read(after)?,
                None => args.source.whole()?,
            };
            difference(&shown(&before), &shown(&after))
        }
        (None, None) => return Err(Failure::usage("nothing to compare")),
    };
    if args.edges_only {
        difference.changed.clear();
    }
    let text = match args.format {
        Form::Text => text(&difference),
        Form::Json => as_json(&difference)?,
    };
    output::print_styled(&text)?;
    let differs = args.exit_code && !difference.is_empty();
    Ok(ExitCode::from(u8::from(differs)))
}

/// A time, or so long before now: `90m`, `24h`, `7d`.
fn time(text: &str, now: Time) -> Result<Time, Failure> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let ago = units.iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(*seconds)
    });
    if let Some(seconds) = ago {
        return Ok(now.minus(Duration::from_secs(seconds)));
    }
    text.parse().map_err(|error| {
        Failure::usage(format!("--since {text}: {error}"))
            .with_remedy("a time such as 2026-11-23T09:42:12Z, or so long ago: 90m, 24h, 7d")
    })
}

fn text(difference: &Difference) -> String {
    let mut lines = Vec::new();
    for key in &difference.added {
        lines.push((key, format!("{ADDED}+ {}{ADDED:#}\n", edge_text::ends(key))));
    }
    for key in &difference.removed {
        lines.push((
            key,
            format!("{REMOVED}- {}{REMOVED:#}\n", edge_text::ends(key)),
        ));
    }
    for change in &difference.changed {
        let mut text = format!("{CHANGED}~ {}{CHANGED:#}\n", edge_text::ends(&change.key));
        for (style, sign, facets) in [(ADDED, '+', &change.added), (REMOVED, '-', &change.removed)]
        {
            for facet in facets {
                let facet = edge_text::facet(facet);
                text.extend([format!("    {style}{sign} {facet}{style:#}\n")]);
            }
        }
        lines.push((&change.key, text));
    }
    lines.sort_by_key(|(key, _)| *key);
    lines.into_iter().map(|(_, text)| text).collect()
}

/// Keys and facets as in map files.
fn as_json(difference: &Difference) -> Result<String, Failure> {
    let changed = difference.changed.iter().map(|change| {
        let facets = |facets: &[Facet]| serde_json::to_value(facets).unwrap_or(Value::Null);
        json!({
            "key": change.key,
            "added": facets(&change.added),
            "removed": facets(&change.removed),
        })
    });
    let whole = json!({
        "added": difference.added,
        "removed": difference.removed,
        "changed": changed.collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&whole)
        .map(|text| text + "\n")
        .map_err(|error| Failure::run(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_times_or_ages() {
        let now = Time::from_secs(1_000_000);
        let at = |text| time(text, now).map_err(|failure| failure.to_string());
        assert_eq!(at("90s"), Ok(Time::from_secs(999_910)));
        assert_eq!(at("2h"), Ok(Time::from_secs(992_800)));
        assert_eq!(at("1970-01-01T00:00:05Z"), Ok(Time::from_secs(5)));
        for wrong in ["yesterday", "-1h", "h", ""] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }
}
