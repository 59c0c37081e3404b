//! The token of a request: `Authorization: Bearer …` (RFC 6750, 2.1).

use http::{HeaderMap, header};

use super::refusal::{Reason, Refusal};
use crate::limits::MAX_TOKEN;

/// The one token of a request.
pub fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Refusal::of(Reason::NoToken));
    };
    if values.next().is_some() {
        return Err(Refusal::of(Reason::NotBearer));
    }
    let token = value.to_str().ok().and_then(token);
    token.ok_or_else(|| Refusal::of(Reason::NotBearer))
}

/// The scheme does not care for case (RFC 9110, 11.1), one blank or more follow, then `b64token`.
fn token(credentials: &str) -> Option<&str> {
    let (scheme, rest) = credentials.split_once(' ')?;
    let token = rest.trim_matches(' ');
    let body = token.trim_end_matches('=');
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    let is_token = !body.is_empty() && token.len() <= MAX_TOKEN && body.bytes().all(is_known);
    (scheme.eq_ignore_ascii_case("bearer") && is_token).then_some(token)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[&str]) -> Result<String, Reason> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let found = bearer(&headers).map(str::to_owned);
        found.map_err(|refusal| refusal.reason)
    }

    #[test]
    fn one_bearer_token_and_nothing_else() {
        for value in ["Bearer a.b-c_d", "bearer  a.b-c_d", "BEARER a.b-c_d "] {
            assert_eq!(of(&[value]).as_deref(), Ok("a.b-c_d"), "{value}");
        }
        assert_eq!(of(&["Bearer abc=="]).as_deref(), Ok("abc=="));
        assert_eq!(of(&[]), Err(Reason::NoToken));
        let long = format!("Bearer {}", "a".repeat(MAX_TOKEN + 1));
        for values in [
            &["Basic YTpi"][..],
            &["Bearer"],
            &["Bearer "],
            &["Bearer =="],
            &["Bearer a b"],
            &["Bearer a\"b"],
            &["Bearera"],
            &[&long],
            &["Bearer a", "Bearer a"],
        ] {
            assert_eq!(of(values), Err(Reason::NotBearer), "{values:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_a_token_holds_nothing_that_ends_a_line_or_a_word(text in "\\PC{0,64}") {
            if let Some(token) = token(&text) {
                prop_assert!(token.bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(text.ends_with(token) || text.trim_end().ends_with(token));
            }
        }

        #[test]
        fn every_token_is_read(written in "[A-Za-z0-9._~+/-]{1,64}={0,2}") {
            let text = format!("Bearer {written}");
            prop_assert_eq!(token(&text), Some(written.as_str()));
        }
    }
}
