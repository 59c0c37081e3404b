//! One watch, from a version on, until it ends.

use std::pin::pin;
use std::time::Duration;

use compact_str::CompactString;
use http_body_util::BodyExt;
use kube::client::Body;
use tokio::time::{Instant, timeout};

use super::counters::Verb;
use super::decode::{self, Told};
use super::follow::{Follow, Stopped};
use super::lines::{Lines, TooLong};
use super::request::{RequestError, connection, encode};
use super::settings::MAX_LINE_BYTES;

/// A watch that ends sooner is no sound one: whoever hangs up at once must not be asked again without a pause.
const SHORTEST: Duration = Duration::from_millis(500);

/// How a watch ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// As watches do after their time, or so that another may look whether the connection is still alive: it goes on
    /// from where it is.
    Sound,
    /// It cannot go on from here: all must be listed again. The error says why, unless what a line told is lost.
    Lost(Option<RequestError>),
    /// It can be tried again from here.
    Failed(RequestError),
}

impl Follow {
    /// Tells what happens from `version` on, and moves `version` along.
    pub(crate) async fn watch(
        &mut self,
        version: &mut CompactString,
        lasting: Duration,
    ) -> Result<Ended, Stopped> {
        let begun = Instant::now();
        let path = format!(
            "{}?watch=1&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
            self.resource.path,
            encode(version),
            lasting.as_secs().max(1),
        );
        let accept = self.resource.accept_watch();
        let opened = self
            .api
            .open(Verb::Watch, &path, accept, self.settings.answer)
            .await;
        let ended = match opened {
            Ok(body) => {
                self.opened().await;
                self.read(body, version, lasting + self.settings.silence)
                    .await?
            }
            Err(error) => Err(error),
        };
        Ok(match ended {
            Ok(Ended::Sound) if begun.elapsed() < SHORTEST => {
                Ended::Failed(RequestError::Connection("it hangs up at once".to_owned()))
            }
            Ok(ended) => ended,
            Err(error) if error.is_expired() => Ended::Lost(Some(error)),
            Err(error) => Ended::Failed(error),
        })
    }

    async fn read(
        &mut self,
        mut body: Body,
        version: &mut CompactString,
        silence: Duration,
    ) -> Result<Result<Ended, RequestError>, Stopped> {
        let mut lines = Lines::new(MAX_LINE_BYTES);
        loop {
            let last = Instant::now();
            let frame = {
                let suspected = pin!(self.suspicion.silent_since(last));
                tokio::select! {
                    biased;
                    frame = timeout(silence, body.frame()) => frame,
                    () = suspected => return Ok(Ok(Ended::Sound)),
                }
            };
            let data = match frame {
                Err(_) => return Ok(Err(RequestError::Silent)),
                Ok(None) => return Ok(Ok(Ended::Sound)),
                Ok(Some(Err(error))) => return Ok(Err(connection(&error))),
                Ok(Some(Ok(frame))) => frame.into_data(),
            };
            let Ok(data) = data else { continue };
            lines.push(&data);
            while let Some(line) = lines.pop() {
                let told = match line {
                    Ok(line) => decode::line(line, self.resource),
                    Err(TooLong) => None,
                };
                match told {
                    Some(Told::Event(event, at)) => {
                        self.tell(event).await?;
                        self.reached(version, at);
                    }
                    Some(Told::Bookmark(at)) => self.reached(version, at),
                    Some(Told::LeftOut(at)) => {
                        self.api.counters.left_out(self.resource.kind, 1);
                        self.reached(version, at);
                    }
                    Some(Told::Error(error)) => return Ok(Err(error)),
                    None => {
                        self.api.counters.left_out(self.resource.kind, 1);
                        return Ok(Ok(Ended::Lost(None)));
                    }
                }
            }
        }
    }
}
