//! ClientIntents, followed for ever: looked for, listed, watched.

use std::collections::HashSet;
use std::time::Duration;

use compact_str::CompactString;
use http_body_util::BodyExt;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::decode::{Told, item, line};
use super::{GROUP, IntentsUpdate, VERSIONS};
use crate::live::backoff::{Backoff, Random};
use crate::live::counters::Verb;
use crate::live::decode::page;
use crate::live::follow::Stopped;
use crate::live::lines::Lines;
use crate::live::request::{Api, RequestError, connection, encode};
use crate::live::resource::JSON;
use crate::live::settings::{
    MAX_ANSWER_BYTES, MAX_LINE_BYTES, MAX_OBJECTS, MAX_PAGE_BYTES, Settings,
};

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
        let mut limit = self.settings.page_size.max(1);
        let mut next: Option<String> = None;
        loop {
            let mut path = format!("{GROUP}/{version}/clientintents?limit={limit}");
            if let Some(next) = &next {
                path.push_str("&continue=");
                path.push_str(&encode(next));
            }
            let within = self.settings.list;
            let got = self
                .api
                .get(Verb::List, &path, JSON, within, MAX_PAGE_BYTES);
            let bytes = match got.await {
                Ok(bytes) => bytes,
                Err(RequestError::TooLong) if limit > 1 => {
                    limit /= 2;
                    continue;
                }
                Err(error) => return Ok(Err(error)),
            };
            let page = match page(&bytes) {
                Ok(page) => page,
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
            next = page.metadata.next.filter(|token| !token.is_empty());
            if next.is_none() {
                let listed = Listed {
                    version,
                    at: page.metadata.resource_version,
                    count: present.len(),
                };
                let update = IntentsUpdate::Listed { version, present };
                self.tell(update).await?;
                return Ok(Ok(listed));
            }
        }
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
        let path = format!(
            "{GROUP}/{version}/clientintents?watch=1&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
            encode(at),
            lasting.as_secs().max(1),
        );
        let within = self.settings.answer;
        let mut body = match self.api.open(Verb::Watch, &path, JSON, within).await {
            Ok(body) => body,
            Err(error) => return Ok(Err(error)),
        };
        let silence = lasting + self.settings.silence;
        let mut lines = Lines::new(MAX_LINE_BYTES);
        loop {
            let data = match timeout(silence, body.frame()).await {
                Err(_) => return Ok(Err(RequestError::Silent)),
                Ok(None) => return Ok(Ok(true)),
                Ok(Some(Err(error))) => return Ok(Err(connection(&error))),
                Ok(Some(Ok(frame))) => frame.into_data(),
            };
            let Ok(data) = data else { continue };
            lines.push(&data);
            while let Some(bytes) = lines.pop() {
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
