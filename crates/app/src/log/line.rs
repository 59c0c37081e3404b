//! One line of the log.

use std::fmt::Write;
use std::time::Duration;

use map::Time;
use serde_json::{Map, Value};
use tracing::Level;

/// The longest message or text of a field, in bytes; what is longer is cut. A page full of text is more than anyone
/// reads in one line, and container runtimes split lines at 16 KiB.
pub(super) const MAX_TEXT: usize = 4096;

/// The keys that every line has.
const KEYS: [&str; 4] = ["level", "msg", "target", "time"];

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// One line of the log, before its time is known.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) level: Level,
    pub(super) target: &'static str,
    pub(super) message: String,
    pub(super) fields: Map<String, Value>,
}

impl Line {
    /// Whether it tells of something that is wrong.
    pub(super) fn is_problem(&self) -> bool {
        self.level <= Level::WARN
    }

    /// The line that stands for `more` others like this one, seen within this time.
    pub(super) fn sum(
        level: Level,
        target: &'static str,
        message: &str,
        more: u64,
        within: Duration,
    ) -> Self {
        let within = match within.as_secs() {
            0 | 1 => "second".to_owned(),
            60..120 => "minute".to_owned(),
            seconds => format!("{seconds} s"),
        };
        Self {
            level,
            target,
            message: format!(
                "{message} … {} more like this in the last {within}",
                grouped(more)
            ),
            fields: Map::from_iter([("repeated".to_owned(), more.into())]),
        }
    }

    /// With its line end.
    pub(super) fn render(&self, shape: Shape, time: Time) -> String {
        match shape {
            Shape::Json => self.json(time),
            Shape::Text => self.text(time),
        }
    }

    fn json(&self, time: Time) -> String {
        let mut object = Map::new();
        for (key, value) in &self.fields {
            let taken = KEYS.contains(&key.as_str());
            let key = if taken {
                format!("fields.{key}")
            } else {
                key.clone()
            };
            object.insert(key, value.clone());
        }
        let keys = [
            level_name(self.level),
            &self.message,
            self.target,
            &stamp(time),
        ];
        for (key, value) in KEYS.into_iter().zip(keys) {
            object.insert(key.to_owned(), value.into());
        }
        format!("{}\n", Value::Object(object))
    }

    fn text(&self, time: Time) -> String {
        let message = printable(&self.message);
        let mut line = format!(
            "{} {:<7} {}: {message}",
            stamp(time),
            level_name(self.level),
            self.target
        );
        for (key, value) in &self.fields {
            let value = match value {
                Value::String(text) if is_plain(text) => text.clone(),
                other => other.to_string(),
            };
            // Writing to a string does not fail.
            let _ = write!(line, " {key}={}", printable(&value));
        }
        line.push('\n');
        line
    }
}

/// As logrus names it.
fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// RFC 3339 to the millisecond, always of the same width.
fn stamp(time: Time) -> String {
    let millis = time.as_nanos().rem_euclid(1_000_000_000) / 1_000_000;
    let second = Time::from_secs(time.as_secs()).to_string();
    format!("{}.{millis:03}Z", second.trim_end_matches('Z'))
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains([' ', '"', '=', '\\'])
}

/// Without control characters: what is logged may come from outside, and a terminal obeys them.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

/// Cuts a text at its bound, and says so.
pub(super) fn bounded(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        text.push('…');
    }
    text
}

/// Thousands apart, as in `1 234 567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1 000"),
            (1_234_567, "1 234 567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = bounded("€".repeat(MAX_TEXT));
        assert!(text.len() <= MAX_TEXT + '…'.len_utf8());
        assert!(text.ends_with("€…"));
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\nb\u{1b}[31mc"), "a\\nb\\u{1b}[31mc");
    }
}
