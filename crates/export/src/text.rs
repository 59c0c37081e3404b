//! Names of a cluster are anybody's text: here they become harmless in the languages of pictures.

use std::fmt::Write;

/// Characters that no picture shows: control characters, those that XML 1.0 lacks (2.2), and those that turn the
/// direction of what follows them, by which a name could pose as another one.
pub(crate) const fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}'
    )
}

/// What stands for them.
pub(crate) const REPLACEMENT: char = '\u{fffd}';

/// As text or as an attribute's value in XML and HTML. Line ends stay.
pub(crate) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            c if is_hidden(c) => out.push(REPLACEMENT),
            c => out.push(c),
        }
    }
    out
}

/// A string in double quotes for Graphviz: as a name or, where it reads escapes and entities, as a label.
pub(crate) fn dot(text: &str, is_label: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            // Also at the end of a name, where one would escape the quote.
            '\\' => out.push_str("\\\\"),
            '&' if is_label => out.push_str("&amp;"),
            '\n' if is_label => out.push_str("\\n"),
            c if is_hidden(c) => out.push(REPLACEMENT),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A label in double quotes for Mermaid, whose entities are numbers between `#` and `;`.
pub(crate) fn mermaid(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            c if is_hidden(c) => out.push(REPLACEMENT),
            c if c.is_alphanumeric() || " -_./:,()*…".contains(c) => out.push(c),
            c => {
                // Writing to a string cannot fail.
                let _ = write!(out, "#{};", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

/// JSON inside a `script` element: nothing in it can end the element or start a comment.
pub(crate) fn json_in_html(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
