//! How a refusal is told.

use http::{HeaderValue, Response, StatusCode, header};
use wire::response;

use super::http::{Body, full, with};
use crate::access::Refusal;

/// The answer to a request that is refused: an error of GraphQL where such is expected, else a line of text.
pub(super) fn response(page: &str, refusal: &Refusal) -> Response<Body> {
    let status = StatusCode::from_u16(refusal.reason.status());
    let status = status.unwrap_or(StatusCode::FORBIDDEN);
    let mut response = if page == "query" {
        let json = response::refused(&refusal.text);
        with(status, "application/json", full(json))
    } else {
        let text = format!("{}\n", refusal.text);
        with(status, "text/plain; charset=utf-8", full(text))
    };
    let headers = response.headers_mut();
    if let Some(seconds) = refusal.retry_after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        // RFC 6750, 3.
        let challenge = HeaderValue::from_static("Bearer realm=\"portolan\"");
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
