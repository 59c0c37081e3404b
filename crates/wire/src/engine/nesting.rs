//! How deep a document nests, told before the parser, which calls itself for every level, sees it.

/// Whether no bracket of a document is inside more than `most` others. Brackets in strings and comments do not count.
pub(super) fn is_within(document: &str, most: usize) -> bool {
    let mut depth = 0_usize;
    let mut rest = document;
    while let Some(at) = rest.find(['(', '[', '{', ')', ']', '}', '"', '#']) {
        let (_, found) = rest.split_at(at);
        let length = match found.as_bytes() {
            [b'#', ..] => found.find(['\n', '\r']).unwrap_or(found.len()),
            [b'"', b'"', b'"', ..] => block_string_length(found),
            [b'"', ..] => string_length(found),
            [b'(' | b'[' | b'{', ..] => {
                depth += 1;
                1
            }
            _ => {
                depth = depth.saturating_sub(1);
                1
            }
        };
        if depth > most {
            return false;
        }
        rest = found.get(length..).unwrap_or_default();
    }
    true
}

/// A string ends at its quotation mark, and at the end of the line, where the parser gives up.
fn string_length(found: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in found.bytes().enumerate().skip(1) {
        match byte {
            b'\n' | b'\r' => return at,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    found.len()
}

fn block_string_length(found: &str) -> usize {
    let mut from = 3;
    while let Some(at) = found.get(from..).and_then(|rest| rest.find("\"\"\"")) {
        let end = from + at;
        if found.get(..end).is_some_and(|text| text.ends_with('\\')) {
            from = end + 3;
        } else {
            return end + 3;
        }
    }
    found.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_counted_outside_of_strings_and_comments() {
        for (document, depth) in [
            ("", 0),
            ("{a(b:[1])}", 3),
            ("{a}{b}", 1),
            ("{a(b:\"[[[\")}", 2),
            ("{a(b:\"\\\"[[[\")}", 2),
            ("{a(b:\"\"\"[[\\\"\"\"[\"\"\")}", 2),
            ("{#{{{\na}", 1),
            ("{a(b:\"}}}\"){c(d:\"}}\"){e}}}", 3),
        ] {
            assert!(is_within(document, depth), "{document}");
            assert!(depth == 0 || !is_within(document, depth - 1), "{document}");
        }
    }

    #[test]
    fn an_unclosed_string_hides_nothing_on_the_next_line() {
        assert!(!is_within("{a(b:\"x\n[[[", 4));
    }
}
