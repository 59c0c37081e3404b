//! Sidecars of Istio, followed for ever: the pods with a label, and of each what its statistics are asked by.
//!
//! The service account needs `list` and `watch` on `pods`.

mod decode;

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use kube::Client;
use map::{PodUid, Time};
use tokio::sync::mpsc;
use tokio::time::sleep;

use self::decode::{Told, item, line};
use super::Task;
use super::backoff::{Backoff, Random};
use super::counters::Counters;
use super::follow::Stopped;
use super::pages::Pages;
use super::request::{Api, RequestError, encode};
use super::resource::JSON;
use super::settings::{MAX_OBJECTS, Settings};
use super::stream::Stream;
use crate::update::Kind;

/// The label that Istio's injector sets on every pod with a sidecar (Istio documentation, "Resource Labels").
pub const SIDECAR_LABEL: &str = "security.istio.io/tlsMode";

/// The label of the pods of waypoints, which count for the workloads of an ambient mesh (Istio documentation, "Use Layer 7
/// features"; the Gateway API names the class of a gateway on its pods).
pub const WAYPOINT_LABEL: &str = "gateway.networking.k8s.io/gateway-class-name=istio-waypoint";

/// The container of a sidecar, a waypoint and a gateway (Istio documentation, "Installing the Sidecar").
pub const SIDECAR_CONTAINER: &str = "istio-proxy";

/// A pod whose sidecar runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sidecar {
    /// The pod.
    pub uid: PodUid,
    /// Its namespace.
    pub namespace: CompactString,
    /// Its name.
    pub name: CompactString,
    /// Its address.
    pub address: IpAddr,
    /// When the container `istio-proxy` started, be it an ordinary one or an init container that stays.
    pub started: Option<Time>,
}

/// What is known of sidecars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SidecarUpdate {
    /// One runs, or has changed.
    Applied(Sidecar),
    /// One does not run any more.
    Gone(PodUid),
    /// All pods with the label were told; others are gone.
    Listed(HashSet<PodUid>),
}

/// Which pods are followed.
#[derive(Clone, Debug)]
pub struct SidecarSelector {
    /// A label selector as `kubectl --selector` takes it.
    pub labels: String,
    /// The only namespace, if there is one.
    pub namespace: Option<String>,
}

/// A task that tells `updates` of sidecars, as long as they are taken; and what it asks, counted as of kind [`Kind::Pod`].
pub fn sidecars(
    client: Client,
    settings: &Settings,
    selector: &SidecarSelector,
    updates: mpsc::Sender<SidecarUpdate>,
) -> (Arc<Counters>, Task) {
    let counters = Arc::new(Counters::default());
    let api = Api {
        client,
        counters: Arc::clone(&counters),
    };
    let random = Random::new(settings.seed, &selector.labels);
    let scope = selector
        .namespace
        .as_ref()
        .map_or_else(String::new, |name| format!("/namespaces/{}", encode(name)));
    let follow = Follow {
        api,
        settings: settings.clone(),
        path: format!(
            "/api/v1{scope}/pods?labelSelector={}",
            encode(&selector.labels)
        ),
        updates,
        backoff: Backoff::new(random.clone()),
        random,
        is_forbidden: false,
    };
    (counters, Task::new("watch sidecars", follow.run()))
}

struct Follow {
    api: Api,
    settings: Settings,
    /// Of the list, with the selector as its first parameter.
    path: String,
    updates: mpsc::Sender<SidecarUpdate>,
    backoff: Backoff,
    random: Random,
    /// Which was said.
    is_forbidden: bool,
}

impl Follow {
    /// Ends when nobody takes updates any more.
    async fn run(mut self) {
        while let Ok(wait) = self.once().await {
            sleep(wait).await;
        }
    }

    /// Lists and watches until that does not go on; how long to wait before the next time.
    async fn once(&mut self) -> Result<Duration, Stopped> {
        let ended = match self.list().await? {
            Ok(version) => {
                self.is_forbidden = false;
                self.watched(version).await?
            }
            Err(error) => Some(error),
        };
        let Some(error) = ended else {
            return Ok(self.backoff.wait(None));
        };
        if error.is_expired() {
            self.api.counters.has_expired(Kind::Pod);
        } else {
            self.api.counters.failed(Kind::Pod);
            self.say(&error);
        }
        Ok(self.backoff.wait(error.retry_after()))
    }

    fn say(&mut self, error: &RequestError) {
        if !error.is_forbidden() {
            tracing::warn!(%error, "sidecars cannot be followed; it is tried again");
        } else if !std::mem::replace(&mut self.is_forbidden, true) {
            tracing::error!(
                %error,
                "pods may not be read, so that no sidecar is found: let the service account list and watch pods, in one \
                 namespace where it is restricted to that"
            );
        }
    }

    /// Tells all there are, then which they are; the version of the list.
    async fn list(&self) -> Result<Result<CompactString, RequestError>, Stopped> {
        let mut present = HashSet::new();
        let mut version = CompactString::default();
        let mut pages = Pages::new(&self.api, &self.settings, &self.path, JSON);
        let mut bytes = Vec::new();
        loop {
            let page = match pages.next(&mut bytes).await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(error) => return Ok(Err(error)),
            };
            for raw in page.items.iter().flatten() {
                match item(raw) {
                    Some(update) => {
                        if let SidecarUpdate::Applied(sidecar) = &update {
                            present.insert(sidecar.uid);
                        }
                        self.tell(update).await?;
                    }
                    None => self.api.counters.left_out(Kind::Pod, 1),
                }
            }
            if present.len() > MAX_OBJECTS {
                return Ok(Err(RequestError::TooLong));
            }
            version = page.metadata.resource_version;
        }
        self.tell(SidecarUpdate::Listed(present)).await?;
        self.api.counters.listed(Kind::Pod);
        Ok(Ok(version))
    }

    /// Watches until all must be listed again; the error says why, unless what a line told is lost.
    async fn watched(&mut self, mut at: CompactString) -> Result<Option<RequestError>, Stopped> {
        loop {
            let lasting = self.random.between(80, self.settings.watch);
            let from = at.clone();
            match self.watch(&mut at, lasting).await? {
                Ok(true) if at != from => self.backoff.reset(),
                // An API server that hangs up at once must not be asked again without a pause.
                Ok(true) => sleep(self.backoff.wait(None)).await,
                Ok(false) => return Ok(None),
                Err(error) if error.is_expired() || error.is_forbidden() => {
                    return Ok(Some(error));
                }
                Err(error) => {
                    self.api.counters.failed(Kind::Pod);
                    self.say(&error);
                    sleep(self.backoff.wait(error.retry_after())).await;
                }
            }
        }
    }

    /// One watch from `at` on. Whether it can go on from where it came to.
    async fn watch(
        &mut self,
        at: &mut CompactString,
        lasting: Duration,
    ) -> Result<Result<bool, RequestError>, Stopped> {
        let from = (at.as_str(), lasting);
        let opened = Stream::open(&self.api, &self.settings, &self.path, JSON, from);
        let mut stream = match opened.await {
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
                let version = match bytes.ok().and_then(line) {
                    Some(Told::Update(update, version)) => {
                        self.tell(update).await?;
                        version
                    }
                    Some(Told::Reached(version)) => version,
                    Some(Told::Error(error)) => return Ok(Err(error)),
                    None => return Ok(Ok(false)),
                };
                if !version.is_empty() {
                    *at = version;
                }
                self.backoff.reset();
            }
        }
    }

    async fn tell(&self, update: SidecarUpdate) -> Result<(), Stopped> {
        let now = self.settings.clock.now();
        self.api.counters.told(Kind::Pod, now);
        self.updates.send(update).await.map_err(|_| Stopped)
    }
}
