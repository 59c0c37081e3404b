//! Requests to the API server, and what can go wrong with them.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde::Deserialize;
use tokio::time::timeout;

use super::counters::{Counters, Verb};
use super::resource::JSON;
use super::settings::MAX_ANSWER_BYTES;

/// What is kept of the text of an error.
const MAX_MESSAGE: usize = 300;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The API server refused; the text is its own. 401 and 403: see to the service account's rights.
    #[error("the API server answered {code} {reason}: {message}")]
    Refused {
        /// The HTTP status, or that of an error within a watch.
        code: u16,
        /// Such as `Expired`; one word (Kubernetes documentation, "API conventions", response status kind).
        reason: CompactString,
        /// For people.
        message: String,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// No answer came, or it stalled: the API server is overloaded, away, or the connection is dead.
    #[error("the API server did not answer in time")]
    Silent,
    /// The answer is longer than any sound one.
    #[error("the API server's answer is too long")]
    TooLong,
    /// The answer is not what was asked for; is something in between that answers instead?
    #[error("the API server's answer cannot be read: {0}")]
    Unreadable(String),
    /// The connection failed: is the API server's address right, does it run, is its certificate the known one?
    #[error("the API server cannot be reached: {0}")]
    Connection(String),
}

impl RequestError {
    /// The history does not reach back to what was asked for (Kubernetes documentation, "Kubernetes API Concepts", 410
    /// Gone responses), or not forward to it: an API server that was restored from a backup.
    pub(crate) fn is_expired(&self) -> bool {
        match self {
            Self::Refused { code: 410, .. } => true,
            Self::Refused { reason, .. } if reason == "Expired" || reason == "Gone" => true,
            Self::Refused { message, .. } => message.contains("Too large resource version"),
            _ => false,
        }
    }

    pub(crate) const fn is_not_served(&self) -> bool {
        matches!(self, Self::Refused { code: 404, .. })
    }

    /// The service account lacks the right.
    pub const fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused { code: 403, .. })
    }

    /// What was asked for is not there.
    pub const fn is_not_found(&self) -> bool {
        self.is_not_served()
    }

    /// The API server itself answered, and this one request is what it does not like.
    pub const fn is_about_the_request(&self) -> bool {
        matches!(self, Self::Refused { code: 400..=428 | 430..=499, .. })
    }

    pub(crate) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// The API server, with everything that is asked of it counted.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) client: Client,
    pub(crate) counters: Arc<Counters>,
}

impl Api {
    /// The answer's body, once the head came and says 200 (201 when something was created).
    pub(crate) async fn open(
        &self,
        verb: Verb,
        path: &str,
        accept: &str,
        within: Duration,
    ) -> Result<Body, RequestError> {
        let request = Request::get(path)
            .header(header::ACCEPT, accept)
            .body(Body::empty())
            .map_err(|error| RequestError::Connection(error.to_string()))?;
        self.send(verb, request, within).await
    }

    /// Changes what `change` names, and nothing else (RFC 7396). The answer is not read.
    pub(crate) async fn merge_patch(
        &self,
        verb: Verb,
        path: &str,
        change: Vec<u8>,
        within: Duration,
    ) -> Result<(), RequestError> {
        let request = Request::patch(path)
            .header(header::ACCEPT, JSON)
            .header(header::CONTENT_TYPE, "application/merge-patch+json")
            .body(Body::from(change))
            .map_err(|error| RequestError::Connection(error.to_string()))?;
        let answer = self.send(verb, request, within).await?;
        // Read to its end, so that the connection can be used again.
        read(answer, within, MAX_ANSWER_BYTES, &mut Vec::new()).await
    }

    /// Creates an object, and gives what the API server made of it.
    pub(crate) async fn create(
        &self,
        verb: Verb,
        path: &str,
        object: Vec<u8>,
        within: Duration,
    ) -> Result<Vec<u8>, RequestError> {
        let request = Request::post(path)
            .header(header::ACCEPT, JSON)
            .header(header::CONTENT_TYPE, JSON)
            .body(Body::from(object))
            .map_err(|error| RequestError::Connection(error.to_string()))?;
        let answer = self.send(verb, request, within).await?;
        let mut bytes = Vec::new();
        read(answer, within, MAX_ANSWER_BYTES, &mut bytes).await?;
        Ok(bytes)
    }

    async fn send(
        &self,
        verb: Verb,
        request: Request<Body>,
        within: Duration,
    ) -> Result<Body, RequestError> {
        self.counters.requested(verb);
        let response = timeout(within, self.client.send(request))
            .await
            .map_err(|_| RequestError::Silent)?
            .map_err(|error| connection(&error))?;
        if matches!(response.status(), StatusCode::OK | StatusCode::CREATED) {
            return Ok(response.into_body());
        }
        Err(refused(response, within).await)
    }

    /// The whole answer, if it is no longer than `most` bytes and never stalls for longer than `within`.
    pub(crate) async fn get(
        &self,
        verb: Verb,
        path: &str,
        accept: &str,
        within: Duration,
        most: usize,
    ) -> Result<Vec<u8>, RequestError> {
        let mut bytes = Vec::new();
        self.get_into(&mut bytes, verb, path, accept, (within, most))
            .await?;
        Ok(bytes)
    }

    /// The same, in the place of what is in this buffer.
    pub(crate) async fn get_into(
        &self,
        bytes: &mut Vec<u8>,
        verb: Verb,
        path: &str,
        accept: &str,
        (within, most): (Duration, usize),
    ) -> Result<(), RequestError> {
        let body = self.open(verb, path, accept, within).await?;
        read(body, within, most, bytes).await
    }
}

/// A path with more parameters.
pub(crate) fn with(path: &str, parameters: &str) -> String {
    let first = if path.contains('?') { '&' } else { '?' };
    format!("{path}{first}{parameters}")
}

async fn read(
    mut body: Body,
    within: Duration,
    most: usize,
    bytes: &mut Vec<u8>,
) -> Result<(), RequestError> {
    bytes.clear();
    while let Some(frame) = timeout(within, body.frame())
        .await
        .map_err(|_| RequestError::Silent)?
    {
        if let Ok(data) = frame.map_err(|error| connection(&error))?.into_data() {
            if bytes.len() + data.len() > most {
                return Err(RequestError::TooLong);
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(())
}

async fn refused(response: Response<Body>, within: Duration) -> RequestError {
    let code = response.status().as_u16();
    let retry_after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let mut bytes = Vec::new();
    if read(response.into_body(), within, MAX_ANSWER_BYTES, &mut bytes)
        .await
        .is_err()
    {
        bytes.clear(); // a part of a text says nothing for sure
    }
    let mut status = serde_json::from_slice::<Status>(&bytes).unwrap_or_else(|_| Status {
        message: String::from_utf8_lossy(&bytes).into_owned(),
        ..Status::default()
    });
    status.code = code;
    status.into_error(retry_after)
}

/// What the API server answers instead (Kubernetes documentation, "API conventions", response status kind).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    code: u16,
    reason: Option<CompactString>,
    message: String,
}

impl Status {
    pub(crate) fn into_error(self, retry_after: Option<Duration>) -> RequestError {
        RequestError::Refused {
            code: self.code,
            reason: self.reason.unwrap_or_default(),
            message: short(&self.message),
            retry_after,
        }
    }
}

/// The end of the chain of causes says most.
pub(crate) fn connection(error: &kube::Error) -> RequestError {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    RequestError::Connection(short(&text))
}

pub(crate) fn short(text: &str) -> String {
    let cut = text.char_indices().nth(MAX_MESSAGE);
    let kept = cut.and_then(|(end, _)| text.get(..end)).unwrap_or(text);
    kept.trim().to_owned()
}

/// One segment of a path, or one value of a query: all but unreserved characters encoded (RFC 3986, section 2.3).
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(text: &str) -> RequestError {
        serde_json::from_str::<Status>(text)
            .unwrap()
            .into_error(None)
    }

    #[test]
    fn what_makes_everything_be_listed_again() {
        for text in [
            r#"{"kind":"Status","code":410,"reason":"Expired","message":"too old resource version: 1 (5)"}"#,
            r#"{"code":410,"reason":"Gone"}"#,
            r#"{"code":410}"#,
            r#"{"code":504,"reason":"Timeout","message":"Too large resource version: 9, current: 5"}"#,
        ] {
            assert!(status(text).is_expired(), "{text}");
        }
        for text in [
            r#"{"code":504,"reason":"Timeout","message":"slow"}"#,
            r#"{"code":403,"reason":"Forbidden"}"#,
            r#"{"code":500,"reason":null}"#,
        ] {
            assert!(!status(text).is_expired(), "{text}");
        }
    }

    #[test]
    fn a_segment_stays_one_segment() {
        assert_eq!(
            encode("../../secrets?x=1#y"),
            "..%2F..%2Fsecrets%3Fx%3D1%23y"
        );
        assert_eq!(encode("web-1.2_3~"), "web-1.2_3~");
        assert_eq!(encode("é\r\n"), "%C3%A9%0D%0A");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(short(&"é".repeat(1000)).chars().count(), MAX_MESSAGE);
    }
}
