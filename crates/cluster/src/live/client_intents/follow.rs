//! ClientIntents, followed for ever: looked for, listed, watched.

use std::collections::HashSet;
use std::time::Duration;

use compact_str::CompactString;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::decode::{Told, item, line};
use super::{GROUP, IntentsUpdate, VERSIONS};
use crate::live::backoff::{Backoff, Random};
use crate::live::counters::Verb;
use crate::live::follow::Stopped;
use crate::live::pages::Pages;
use crate::live::request::{Api, RequestError};
use crate::live::resource::JSON;
use crate::live::settings::{MAX_ANSWER_BYTES, MAX_OBJECTS, Settings};
use crate::live::stream::Stream;

/// ClientIntents and where their updates go.
pub(crate) struct FollowIntents {
    api: Api,
    settings: Settings,
    updates: mpsc::Sender<IntentsUpdate>,
    backoff: Backoff,
    random: Random,
    /// What was said last, so that it is said once.
    said: Option<Said>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Absent,
    Forbidden,
    Served(&'static str),
}

/// A list that is through: the version of the API, and of the list.
struct Listed {
    version: &'static str,
    at: CompactString,
    count: usize,
}

/// Which versions of a group are served (Kubernetes documentation, "The Kubernetes API", discovery).
#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    versions: Vec<GroupVersion>,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: CompactString,
}

/// Where they are in this version.
fn path(version: &str) -> String {
    format!("{GROUP}/{version}/clientintents")
}

impl FollowIntents {
    pub(crate) fn new(api: Api, settings: Settings, updates: mpsc::Sender<IntentsUpdate>) -> Self {
        let random = Random::new(settings.seed, GROUP);
        Self {
            api,
            settings,
            updates,
            backoff: Backoff::new(random.clone()),
            random,
            said: None,
        }
    }

    /// Ends when nobody takes updates any more.
    pub(crate) async fn run(mut self) {
        while let Ok(wait) = self.once().await {
            sleep(wait).await;
        }
    }

    /// Looks for them, lists and watches them until that does not go on; how long to wait before the next time.
    async fn once(&mut self) -> Result<Duration, Stopped> {
        let error = match self.find().await? {
            Ok(Some(listed)) => {
                self.say(Said::Served(listed.version), listed.count);
                match self.watched(listed).await? {
                    Some(error) => error,
                    None => return Ok(self.backoff.wait(None)),
                }
            }
            Ok(None) => {
                self.say(Said::Absent, 0);
                self.tell(IntentsUpdate::Absent).await?;
                return Ok(self.settings.look_again);
            }
            Err(error) => error,
        };
        if error.is_forbidden() {
            self.say(Said::Forbidden, 0);
            self.tell(IntentsUpdate::Absent).await?;
            return Ok(self.settings.look_again);
        }
        if !error.is_expired() && !error.is_not_served() {
            tracing::warn!(%error, "ClientIntents cannot be followed; it is tried again");
        }
        Ok(self.backoff.wait(error.retry_after()))
    }

    /// Lists them in the first version that has them.
    async fn find(&self) -> Result<Result<Option<Listed>, RequestError>, Stopped> {
        let served = match self.served().await {
            Ok(served) => served,
            Err(error) if error.is_not_served() => return Ok(Ok(None)),
            Err(error) => return Ok(Err(error)),
        };
        for version in VERSIONS {
            if !served.iter().any(|one| one == version) {
                continue;
            }
            match self.list(version).await? {
                // The group has other resources in this version.
                Err(error) if error.is_not_served() => {}
                other => return Ok(other.map(Some)),
            }
        }
        Ok(Ok(None))
    }

    async fn served(&self) -> Result<Vec<CompactString>, RequestError> {
        let within = self.settings.answer;
        let answer = self
            .api
            .get(Verb::Discovery, GROUP, JSON, within, MAX_ANSWER_BYTES)
            .await?;
        let group: Group = serde_json::from_slice(&answer)
            .map_err(|error| RequestError::Unreadable(error.to_string()))?;
        let versions = group.versions.into_iter();
        Ok(versions.map(|version| version.version).collect())
    }

    /// Tells all there are, then which they are.
    async fn list(&self, version: &'static str) -> Result<Result<Listed, RequestError>, Stopped> {
        let mut present = HashSet::new();
        let mut at = CompactString::default();
        let path = path(version);
        let mut pages = Pages::new(&self.api, &self.settings, &path, JSON);
        let mut bytes = Vec::new();
        loop {
            let page = match pages.next(&mut bytes).await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(error) => return Ok(Err(error)),
            };
            for raw in page.items.iter().flatten() {
                match item(raw) {
                    Ok(intents) => {
                        present.insert(intents.key.clone());
                        self.tell(IntentsUpdate::Applied(intents)).await?;
                    }
                    // It is there, whatever it is: as it was known before.
                    Err(key) => present.extend(key),
                }
            }
            if present.len() > MAX_OBJECTS {
                return Ok(Err(RequestError::TooLong));
            }
            at = page.metadata.resource_version;
        }
        let count = present.len();
        let update = IntentsUpdate::Listed { version, present };
        self.tell(update).await?;
        Ok(Ok(Listed { version, at, count }))
    }

    /// Watches until all must be listed again; the error says why, unless what a line told is lost.
    async fn watched(&mut self, listed: Listed) -> Result<Option<RequestError>, Stopped> {
        let Listed {
            version, mut at, ..
        } = listed;
        loop {
            let lasting = self.random.between(80, self.settings.watch);
            let from = at.clone();
            match self.watch(version, &mut at, lasting).await? {
                Ok(true) if at != from => self.backoff.reset(),
                // An API server that hangs up at once must not be asked again without a pause.
                Ok(true) => sleep(self.backoff.wait(None)).await,
                Ok(false) => return Ok(None),
                Err(error)
                    if error.is_expired() || error.is_not_served() || error.is_forbidden() =>
                {
                    return Ok(Some(error));
                }
                Err(error) => {
                    tracing::warn!(%error, "ClientIntents cannot be watched; it is tried again");
                    sleep(self.backoff.wait(error.retry_after())).await;
                }
            }
        }
    }

    /// One watch from `at` on. Whether it can go on from where it came to.
    async fn watch(
        &mut self,
        version: &'static str,
        at: &mut CompactString,
        lasting: Duration,
    ) -> Result<Result<bool, RequestError>, Stopped> {
        let from = (at.as_str(), lasting);
        let opened = Stream::open(&self.api, &self.settings, &path(version), JSON, from).await;
        let mut stream = match opened {
            Ok(stream) => stream,
            Err(error) => return Ok(Err(error)),
        };
        loop {
            match stream.more().await {
                Ok(true) => {}
                Ok(false) => return Ok(Ok(true)),
                Err(error) => return Ok(Err(error)),
            }
            while let Some(bytes) = stream.lines.pop() {
                let (update, version) = match bytes.ok().and_then(line) {
                    Some(Told::Applied(intents, at)) => (Some(IntentsUpdate::Applied(intents)), at),
                    Some(Told::Deleted(key, at)) => (Some(IntentsUpdate::Deleted(key)), at),
                    Some(Told::Reached(at)) => (None, at),
                    Some(Told::Error(error)) => return Ok(Err(error)),
                    None => return Ok(Ok(false)),
                };
                if let Some(update) = update {
                    self.tell(update).await?;
                }
                if !version.is_empty() {
                    *at = version;
                }
                self.backoff.reset();
            }
        }
    }

    fn say(&mut self, said: Said, count: usize) {
        if self.said.replace(said) == Some(said) {
            return;
        }
        match said {
            Said::Served(version) => tracing::info!(
                version,
                count,
                "addresses of internet targets are written into the status of ClientIntents"
            ),
            Said::Absent => tracing::info!(
                "no ClientIntents are served here; it is looked again from time to time"
            ),
            Said::Forbidden => tracing::warn!(
                "ClientIntents may not be read: internet targets get no addresses until the service account may get, \
                 list and watch clientintents and patch clientintents/status (k8s.otterize.com)"
            ),
        }
    }

    async fn tell(&self, update: IntentsUpdate) -> Result<(), Stopped> {
        self.updates.send(update).await.map_err(|_| Stopped)
    }
}
