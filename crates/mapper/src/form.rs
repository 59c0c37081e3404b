//! What comes in the address of a request.

/// The pairs of a query string (URL Standard, application/x-www-form-urlencoded).
pub fn pairs(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (unescape(key), unescape(value))
    })
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                let digits = [ahead.next(), ahead.next()];
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                match digits.map(digit) {
                    [Some(high), Some(low)] => {
                        bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                        rest = ahead;
                    }
                    _ => bytes.push(b'%'),
                }
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_strings_are_read_as_browsers_write_them() {
        let found: Vec<_> = pairs("query=%7Bhealth%7D&a=b+c&d&e=%zz%4").collect();
        let expected = [
            ("query", "{health}"),
            ("a", "b c"),
            ("d", ""),
            ("e", "%zz%4"),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(found, expected);
    }
}
