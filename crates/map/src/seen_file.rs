//! A [`Seen`] in files: `{ "first": time, "last": time, "minutes": "0-3,7", "hours": "0" }`.

use std::borrow::Cow;
use std::fmt::Write;

use serde::{Deserialize, Serialize, Serializer};

use crate::activity::{Coarse, Fine};
use crate::{Activity, Seen, Time};

#[derive(Serialize, Deserialize)]
pub(crate) struct SeenFile<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<Time>,
    last: Time,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    minutes: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    hours: Cow<'a, str>,
}

/// What is wrong with a `Seen` in a file: it was changed by hand, or is damaged. Take it from a backup, or export the
/// map again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeenError {
    /// The buckets are not a list of numbers and ranges.
    #[error("buckets are written as in \"0-3,7\", counted back from the last time")]
    Buckets,
    /// A bucket lies before 1970, or before the 26 h 40 min of `minutes` or the 32 d of `hours`.
    #[error("a bucket lies outside the window before the last time")]
    Window,
    /// The first time is after the last, or the last before 1970.
    #[error("the first time is after the last, or the last is before 1970")]
    Order,
}

impl Serialize for Seen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (fine, coarse) = self.activity().grids();
        SeenFile {
            first: self.known_first(),
            last: self.last(),
            minutes: text(&fine.runs()).into(),
            hours: text(&coarse.runs()).into(),
        }
        .serialize(serializer)
    }
}

impl TryFrom<SeenFile<'_>> for Seen {
    type Error = SeenError;

    fn try_from(parts: SeenFile<'_>) -> Result<Self, SeenError> {
        let fine = Fine::from_runs(parts.last, &runs(&parts.minutes)?).ok_or(SeenError::Window)?;
        let coarse =
            Coarse::from_runs(parts.last, &runs(&parts.hours)?).ok_or(SeenError::Window)?;
        let activity = Activity::from_grids(fine, coarse);
        Self::from_parts(parts.first, parts.last, activity).ok_or(SeenError::Order)
    }
}

fn text(runs: &[(u16, u16)]) -> String {
    let mut text = String::new();
    for (newest, oldest) in runs {
        let comma = if text.is_empty() { "" } else { "," };
        let written = if newest == oldest {
            write!(text, "{comma}{newest}")
        } else {
            write!(text, "{comma}{newest}-{oldest}")
        };
        debug_assert!(written.is_ok(), "a String takes all");
    }
    text
}

fn runs(text: &str) -> Result<Vec<(u16, u16)>, SeenError> {
    let number = |text: &str| text.parse().map_err(|_| SeenError::Buckets);
    let run = |text: &str| match text.split_once('-') {
        Some((newest, oldest)) => Ok((number(newest)?, number(oldest)?)),
        None => number(text).map(|bucket| (bucket, bucket)),
    };
    if text.is_empty() {
        Ok(Vec::new())
    } else {
        text.split(',').map(run).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(minutes: &str, hours: &str) -> Result<Seen, String> {
        let text =
            format!(r#"{{"last":"2026-11-23T09:42:12Z","minutes":"{minutes}","hours":"{hours}"}}"#);
        serde_json::from_str(&text).map_err(|e| e.to_string())
    }

    #[test]
    fn a_seen_is_short_and_readable() {
        let day = "2026-11-23T00:00:00Z".parse::<Time>().unwrap().as_secs();
        let mut seen = Seen::new(Time::from_secs(day), Time::from_secs(day + 60));
        for at in [300, 601, 3_600] {
            seen.join(&Seen::new(
                Time::from_secs(day + at),
                Time::from_secs(day + at),
            ));
        }
        let text = serde_json::to_string(&seen).unwrap();
        let expected = concat!(
            r#"{"first":"2026-11-23T00:00:00Z","last":"2026-11-23T01:00:00Z","#,
            r#""minutes":"0,10-12","hours":"0-1"}"#,
        );
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Seen>(&text).unwrap(), seen);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        assert!(read("0-319", "0-767").is_ok());
        for (minutes, hours) in [
            ("0-320", "0"),
            ("0", "768"),
            ("5-4", ""),
            ("-", ""),
            ("1,,2", ""),
            ("0", "x"),
        ] {
            assert!(read(minutes, hours).is_err(), "{minutes} {hours}");
        }
        for text in [
            r#"{"last":"1969-12-31T00:00:00Z"}"#,
            r#"{"first":"2026-01-02T00:00:00Z","last":"2026-01-01T00:00:00Z"}"#,
            r#"{"last":"1970-01-01T00:00:00Z","minutes":"1"}"#,
        ] {
            assert!(serde_json::from_str::<Seen>(text).is_err(), "{text}");
        }
    }
}
