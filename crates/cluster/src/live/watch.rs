//! One watch, from a version on, until it ends.

use std::pin::pin;
use std::time::Duration;

use compact_str::CompactString;
use tokio::time::Instant;

use super::decode::{self, Told};
use super::follow::{Follow, Stopped};
use super::lines::TooLong;
use super::request::RequestError;
use super::stream::Stream;

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
        let accept = self.resource.accept_watch();
        let from = (version.as_str(), lasting);
        let opened = Stream::open(&self.api, &self.settings, self.resource.path, accept, from);
        let ended = match opened.await {
            Ok(stream) => {
                self.opened().await;
                self.read(stream, version).await?
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
        mut stream: Stream,
        version: &mut CompactString,
    ) -> Result<Result<Ended, RequestError>, Stopped> {
        loop {
            let last = Instant::now();
            let more = {
                let suspected = pin!(self.suspicion.silent_since(last));
                tokio::select! {
                    biased;
                    more = stream.more() => more,
                    () = suspected => return Ok(Ok(Ended::Sound)),
                }
            };
            match more {
                Ok(true) => {}
                Ok(false) => return Ok(Ok(Ended::Sound)),
                Err(error) => return Ok(Err(error)),
            }
            while let Some(line) = stream.lines.pop() {
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
