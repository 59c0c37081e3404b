//! Strings as YAML scalars that every parser reads back as the same string, whether it follows YAML 1.1 or 1.2.

use std::borrow::Cow;
use std::fmt::Write;

/// The string in plain style where that is safe, else in double quotes.
///
/// Plain is safe for less than the standard allows: no spaces, only ASCII, and nothing that the one or the other
/// version takes for a number, a date, a truth value or null (YAML 1.1 types `bool`, `float`, `int`, `null`,
/// `timestamp`; YAML 1.2.2 10.3.2).
pub(crate) fn scalar(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(quoted(text))
    }
}

fn is_plain(text: &str) -> bool {
    let Some(first) = text.bytes().next() else {
        return false;
    };
    let starts = first.is_ascii_alphanumeric() || matches!(first, b'/' | b'_');
    // Without spaces, `: ` and ` #` cannot come up but for a colon at the end.
    let goes_on = text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.ends_with(':');
    starts && goes_on && !is_word(text) && !(first.is_ascii_digit() && may_be_number(text))
}

/// What some parser takes for a truth value or for null.
fn is_word(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether nothing speaks against a number or a date: these hold the digits of up to base 16, signs and marks, `x`,
/// `o`, `b` and `_` of other bases, and `T` and `Z`.
fn may_be_number(text: &str) -> bool {
    text.bytes().all(|byte| {
        byte.is_ascii_hexdigit()
            || matches!(
                byte.to_ascii_lowercase(),
                b'.' | b'-' | b'+' | b'_' | b':' | b',' | b'x' | b'o' | b't' | b'z'
            )
    })
}

/// Double-quoted style (YAML 1.2.2 7.3.1) on one line. Line ends and what is not printable are escaped.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        let code = u32::from(c);
        // Writing to a string cannot fail.
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            '\n' => write!(out, "\\n"),
            '\t' => write!(out, "\\t"),
            '\r' => write!(out, "\\r"),
            '\0'..='\x1f' | '\x7f'..='\u{9f}' => write!(out, "\\x{code:02X}"),
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                write!(out, "\\u{code:04X}")
            }
            '\u{10000}'.. => write!(out, "\\U{code:08X}"),
            _ => write!(out, "{c}"),
        };
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::scalar;

    #[test]
    fn what_needs_no_quotes_has_none() {
        for text in [
            "redis-cart",
            "kubernetes.default",
            "/api/v1/items?page=%20&x={y}",
            "3scale",
            "_internal",
            "a:b",
            "x*",
        ] {
            assert_eq!(scalar(text), text);
        }
    }

    #[test]
    fn what_would_be_misread_is_quoted() {
        for text in [
            "",
            "yes",
            "No",
            "NULL",
            "true",
            "~",
            "1e3",
            "0x1F",
            "0o17",
            "12:30:45",
            "123",
            "1_000",
            "2026-01-01",
            "2026-01-01t10:00:00z",
            "-1",
            "+1",
            ".5",
            ".inf",
            "*",
            "*.a.b",
            "&a",
            "#x",
            "a: b",
            "a:",
            "- a",
            "@a",
            "`a",
            "a b",
            " a",
            "{a}",
            "[a]",
            "!a",
            "|",
            ">",
            "%a",
            "?",
            "---",
            "...",
            "<<",
            "=",
        ] {
            assert!(scalar(text).starts_with('"'), "{text:?}");
        }
    }

    /// As a value and as an item of a list, which is where the documents hold strings.
    fn read_back(text: &str) -> Vec<String> {
        let document = format!("- {0}\n- - {0}\n", scalar(text));
        let (value, [item]): (String, [String; 1]) = serde_saphyr::from_str(&document).unwrap();
        vec![value, item]
    }

    proptest! {
        #[test]
        fn every_string_comes_back(text in any::<String>()) {
            prop_assert_eq!(read_back(&text), [text.clone(), text]);
        }

        #[test]
        fn what_looks_like_yaml_comes_back(text in "[-+.:#&*!|>'\"%@`{}\\[\\], ~=<a-fnyot0-9xTZ\n]{0,12}") {
            prop_assert_eq!(read_back(&text), [text.clone(), text]);
        }

        /// A parser that types scalars sees a string, so that no operator reads a number or a truth value.
        #[test]
        fn every_string_is_a_string(text in "[-+.:_a-fnyotu0-9xXTZ ]{0,8}") {
            let document = format!("a: {}\n", scalar(&text));
            let value: serde_json::Value = serde_saphyr::from_str(&document).unwrap();
            prop_assert_eq!(value, serde_json::json!({ "a": text }));
        }
    }
}
