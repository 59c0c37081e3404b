//! Variables as a tree of values in which every number is text.
//!
//! No field of the contract is a `Float`. A number is either an `Int`, which may be given as text, or stands for a
//! `String`, and then its text counts: `1.50` is not `1.5`.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// The variables of a request, each as its JSON. Of equal names the last one counts.
///
/// What is inside is not looked at, so that a variable that nobody asks for does no harm.
pub(crate) fn variables(json: &str) -> serde_json::Result<BTreeMap<String, &RawValue>> {
    serde_json::from_str(json)
}

/// Reads JSON. Of equal keys the last one counts.
pub(crate) fn tree(json: &RawValue) -> serde_json::Result<Value> {
    serde_json::from_str(&quoted(json.get()))
}

/// The same JSON with quotation marks around every number outside of strings.
fn quoted(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 8);
    let mut rest = json;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let (token, after) = if found.starts_with('"') {
            found.split_at(string_length(found))
        } else {
            found.split_at(number_length(found))
        };
        if found.starts_with('"') || !is_number(token) {
            out.push_str(token);
        } else {
            out.push('"');
            out.push_str(token);
            out.push('"');
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// How many bytes a string at the start takes, with its quotation marks.
fn string_length(json: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

fn number_length(json: &str) -> usize {
    let in_number = |c: char| matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
    json.find(|c| !in_number(c)).unwrap_or(json.len())
}

/// Whether JSON has such a number: what is none stays as it is, to be refused.
fn is_number(token: &str) -> bool {
    serde_json::from_str::<&RawValue>(token).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_text_as_they_are_written() {
        for (json, text) in [
            ("[1.50,-0,1e3]", r#"["1.50","-0","1e3"]"#),
            (r#"{"a1":"2","b":3}"#, r#"{"a1":"2","b":"3"}"#),
            (r#"["\"1\\",4]"#, r#"["\"1\\","4"]"#),
            ("18446744073709551616", r#""18446744073709551616""#),
        ] {
            assert_eq!(quoted(json), text);
        }
    }

    #[test]
    fn what_is_no_json_stays_none() {
        for json in ["01", "-", "1.", "[1", "\"1", "1-1", "+1"] {
            let value = serde_json::from_str::<Value>(&quoted(json));
            assert!(value.is_err(), "{json}");
        }
    }
}
