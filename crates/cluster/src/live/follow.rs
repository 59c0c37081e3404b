//! A resource, followed for ever: listed, then watched; listed again only when its watch cannot go on.

use compact_str::CompactString;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::backoff::{Backoff, Random};
use super::progress::Reporter;
use super::request::{Api, RequestError};
use super::resource::Resource;
use super::settings::Settings;
use super::suspicion::Suspicion;
use super::watch::Ended;
use crate::document::Event;
use crate::update::{Kind, Update};

/// Nobody takes updates any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopped;

/// One resource and where its updates go.
pub(crate) struct Follow {
    pub(crate) api: Api,
    pub(crate) resource: &'static Resource,
    pub(crate) settings: Settings,
    pub(crate) suspicion: Suspicion,
    updates: mpsc::Sender<Update>,
    /// Of pods only.
    progress: Option<Reporter>,
    backoff: Backoff,
    random: Random,
    /// The API server forbids it, which was said.
    is_forbidden: bool,
}

impl Follow {
    pub(crate) fn new(
        api: Api,
        resource: &'static Resource,
        settings: Settings,
        suspicion: Suspicion,
        updates: mpsc::Sender<Update>,
        progress: Option<Reporter>,
    ) -> Self {
        let random = Random::new(settings.seed, resource.path);
        Self {
            api,
            resource,
            settings,
            suspicion,
            updates,
            progress,
            backoff: Backoff::new(random.clone()),
            random,
            is_forbidden: false,
        }
    }

    /// Ends when nobody takes updates any more.
    pub(crate) async fn run(mut self) {
        while let Ok(version) = self.listed().await {
            if self.watched(version).await.is_err() {
                return;
            }
        }
    }

    /// Tries until there is a list; its version.
    async fn listed(&mut self) -> Result<CompactString, Stopped> {
        loop {
            match self.list().await? {
                Ok(listed) => {
                    self.is_forbidden = false;
                    if let Some(progress) = &mut self.progress {
                        progress.listed(listed.asked, &listed.version).await;
                    }
                    return Ok(listed.version);
                }
                Err(error) if error.is_not_served() && self.resource.instead.is_some() => {
                    self.take_instead();
                }
                Err(error) if error.is_forbidden() && self.resource.kind != Kind::Pod => {
                    self.forbidden(&error).await?;
                }
                Err(error) => self.failed("list", &error).await,
            }
        }
    }

    fn take_instead(&mut self) {
        if let Some(instead) = self.resource.instead {
            tracing::info!(
                missing = self.resource.path,
                instead = instead.path,
                "the API server does not serve a resource: another one says the same"
            );
            self.resource = instead;
        }
    }

    /// Nobody waits for what may not be read. It is asked for again all the same, as roles change.
    async fn forbidden(&mut self, error: &RequestError) -> Result<(), Stopped> {
        let kind = self.resource.kind;
        self.api.counters.failed(kind);
        if !std::mem::replace(&mut self.is_forbidden, true) {
            tracing::warn!(
                resource = self.resource.name(),
                group = self.resource.group(),
                error = %error,
                "a resource may not be read, and counts as absent: let the service account list and watch it"
            );
            self.send(Update::Forbidden(kind)).await?;
        }
        sleep(self.backoff.wait(error.retry_after())).await;
        Ok(())
    }

    /// Watches until all must be listed again.
    async fn watched(&mut self, mut version: CompactString) -> Result<(), Stopped> {
        loop {
            let lasting = if self.resource.kind == Kind::Pod {
                self.settings.pod_watch
            } else {
                self.random.between(80, self.settings.watch)
            };
            if let Some(progress) = &mut self.progress {
                progress.probe(&self.api).await;
            }
            match self.watch(&mut version, lasting).await? {
                Ended::Sound => self.backoff.reset(),
                Ended::Failed(error) => self.failed("watch", &error).await,
                Ended::Lost(error) => {
                    self.lost(error).await;
                    return Ok(());
                }
            }
        }
    }

    /// Where a watch has come to. It works.
    pub(crate) fn reached(&mut self, version: &mut CompactString, at: CompactString) {
        self.backoff.reset();
        if at.is_empty() {
            return;
        }
        *version = at;
        if let Some(progress) = &self.progress {
            progress.reached(version);
        }
    }

    pub(crate) async fn opened(&mut self) {
        if let Some(progress) = &mut self.progress {
            progress.opened().await;
        }
    }

    async fn lost(&mut self, error: Option<RequestError>) {
        let kind = self.resource.kind;
        self.api.counters.has_expired(kind);
        let why = error.map_or_else(
            || "a line of the watch could not be read".to_owned(),
            |error| error.to_string(),
        );
        // The text has a version in it, which would make every message another.
        tracing::debug!(kind = kind.as_str(), why, "all is listed again");
        sleep(self.backoff.wait(None)).await;
    }

    async fn failed(&mut self, what: &'static str, error: &RequestError) {
        let kind = self.resource.kind;
        if error.is_expired() {
            self.api.counters.has_expired(kind);
        } else {
            self.api.counters.failed(kind);
        }
        tracing::warn!(
            kind = kind.as_str(),
            what,
            error = %error,
            "the Kubernetes API cannot be followed; it is tried again"
        );
        if matches!(error, RequestError::Silent) {
            self.suspicion.raise();
        }
        if let Some(progress) = &mut self.progress {
            progress.lost().await;
        }
        sleep(self.backoff.wait(error.retry_after())).await;
    }

    pub(crate) async fn tell(&self, event: Event) -> Result<(), Stopped> {
        self.send(Update::Event(event)).await?;
        let now = self.settings.clock.now();
        self.api.counters.told(self.resource.kind, now);
        Ok(())
    }

    pub(crate) async fn send(&self, update: Update) -> Result<(), Stopped> {
        self.updates.send(update).await.map_err(|_| Stopped)
    }
}
