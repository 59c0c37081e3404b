//! The lines of one watch, as they come.

use std::time::Duration;

use http_body_util::BodyExt;
use kube::client::Body;
use tokio::time::timeout;

use super::counters::Verb;
use super::lines::Lines;
use super::request::{Api, RequestError, connection, encode, with};
use super::settings::{MAX_LINE_BYTES, Settings};

/// An open watch.
pub(crate) struct Stream {
    body: Body,
    silence: Duration,
    /// What came and was not taken yet.
    pub(crate) lines: Lines,
}

impl Stream {
    /// Watches what is listed at `path`, which may have parameters, from a version on, for so long.
    pub(crate) async fn open(
        api: &Api,
        settings: &Settings,
        path: &str,
        accept: &str,
        (version, lasting): (&str, Duration),
    ) -> Result<Self, RequestError> {
        let parameters = format!(
            "watch=1&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
            encode(version),
            lasting.as_secs().max(1),
        );
        let path = with(path, &parameters);
        let body = api
            .open(Verb::Watch, &path, accept, settings.answer)
            .await?;
        Ok(Self {
            body,
            silence: lasting + settings.silence,
            lines: Lines::new(MAX_LINE_BYTES),
        })
    }

    /// Waits for more lines; not when there are none any more, as the watch has ended. Whoever stops to wait loses nothing.
    pub(crate) async fn more(&mut self) -> Result<bool, RequestError> {
        let frame = timeout(self.silence, self.body.frame()).await;
        match frame.map_err(|_| RequestError::Silent)? {
            None => Ok(false),
            Some(Err(error)) => Err(connection(&error)),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    self.lines.push(&data);
                }
                Ok(true)
            }
        }
    }
}
