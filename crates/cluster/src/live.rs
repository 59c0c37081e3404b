//! The live cluster: lists and watches on the Kubernetes API become updates of the index.
//!
//! ```text
//! a page of a list ─┐                      ┌─ Event, Listed ──┐
//! a line of a watch ┴► slim object, at once┤                  │
//! a probe ─► version ─► when the watch of pods is there ─ PodsCurrent ┼─► mpsc ─► the one writer ─► Index
//! an owner asked for ─► its metadata ──────── Event, OwnerUnknowable ─┘              │
//!         ▲                                                                          │
//!         └────────────────────────────── Lookups::ask ◄─────────────────────────────┘
//! ```
//!
//! Nothing of the cluster is kept here: one page or one event at a time. Whatever fails is tried again for ever, with a
//! pause that grows; what the API server says meanwhile is in the log, and counted.

mod backoff;
mod client_intents;
#[cfg(feature = "exec")]
mod commands;
mod connect;
mod counters;
mod decode;
mod domain;
mod follow;
mod lines;
mod list;
mod lookups;
mod note;
mod pages;
mod pod_logs;
mod progress;
mod request;
mod resource;
mod settings;
mod sidecars;
mod stream;
mod suspicion;
mod tokens;
mod watch;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

pub use kube::Client;
use tokio::sync::mpsc;

pub use self::client_intents::{ClientIntents, IntentsKey, IntentsUpdate, Resolved, StatusWriter};
#[cfg(feature = "exec")]
pub use self::commands::{Command, CommandError, Commands};
pub use self::connect::{ConnectError, client, connect};
pub use self::counters::{Counters, KINDS, Verb};
pub use self::domain::{DEFAULT_CLUSTER_DOMAIN, cluster_domain};
use self::follow::Follow;
pub use self::lines::{Lines, TooLong};
pub use self::lookups::Lookups;
pub use self::note::Note;
pub use self::pod_logs::{LogRequest, LogStream, Logged, LoggedPod, MAX_LOGGED_PODS, PodLogs};
use self::request::Api;
pub use self::request::RequestError;
use self::resource::{POD, WATCHED};
pub use self::settings::{
    Clock, MAX_ANSWER_BYTES, MAX_LINE_BYTES, MAX_OBJECTS, MAX_PAGE_BYTES, Settings,
};
pub use self::sidecars::{
    SIDECAR_CONTAINER, SIDECAR_LABEL, Sidecar, SidecarSelector, SidecarUpdate, WAYPOINT_LABEL,
    sidecars,
};
use self::suspicion::Suspicion;
pub use self::tokens::{Review, TokenReviewer};
use crate::update::{Kind, Update};

/// A live watch of a cluster.
#[derive(Debug)]
pub struct Live {
    /// Where the writer asks for owners.
    pub lookups: Lookups,
    /// What happens, in numbers.
    pub counters: Arc<Counters>,
    /// What must run; nothing runs by itself.
    pub tasks: Vec<Task>,
}

/// A part of the watch that runs until its updates are not taken any more, or it is dropped, at any point.
pub struct Task {
    /// Its name.
    pub name: &'static str,
    work: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Task {
    fn new(name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> Self {
        let work = Box::pin(work);
        Self { name, work }
    }

    /// Runs until `stop` is there, or nobody takes updates any more.
    pub async fn until(self, stop: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = stop => {}
            () = self.work => {}
        }
    }
}

impl Live {
    /// A watch whose updates go to `updates`, a channel with a bound: when it is full, the API server waits. The one
    /// who takes them must never wait for these tasks.
    pub fn new(client: Client, settings: &Settings, updates: &mpsc::Sender<Update>) -> Self {
        let counters = Arc::new(Counters::default());
        let api = Api {
            client,
            counters: Arc::clone(&counters),
        };
        let (reporter, keeper) = progress::pair(api.clone(), settings, updates.clone());
        let (lookups, finder) = lookups::pair(api.clone(), settings, updates.clone());
        let mut tasks = vec![
            Task::new("progress of the watch of pods", keeper.run()),
            Task::new("look up owners", finder.run()),
        ];
        let mut reporter = Some(reporter);
        let suspicion = Suspicion::new();
        for resource in WATCHED {
            let of_pods = resource.kind == POD.kind;
            let suspicion = if of_pods {
                suspicion.raising()
            } else {
                suspicion.clone()
            };
            let progress = if of_pods { reporter.take() } else { None };
            let (api, settings, updates) = (api.clone(), settings.clone(), updates.clone());
            let follow = Follow::new(api, resource, settings, suspicion, updates, progress);
            tasks.push(Task::new(resource.task, follow.run()));
        }
        Self {
            lookups,
            counters,
            tasks,
        }
    }
}

impl Live {
    /// What is known of ClientIntents goes to `updates`, as long as the task runs; the writer changes their status.
    pub fn client_intents(
        &self,
        client: Client,
        settings: &Settings,
        updates: mpsc::Sender<IntentsUpdate>,
    ) -> (StatusWriter, Task) {
        let counters = Arc::clone(&self.counters);
        let api = Api { client, counters };
        let writer = StatusWriter::new(api.clone(), settings);
        let follow = client_intents::FollowIntents::new(api, settings.clone(), updates);
        (writer, Task::new("watch clientintents", follow.run()))
    }

    /// Where it is asked whose a token is.
    pub fn token_reviewer(&self, client: Client) -> TokenReviewer {
        let counters = Arc::clone(&self.counters);
        TokenReviewer::new(Api { client, counters })
    }
}

/// Which kinds were listed, or need not be waited for: the index is complete when that is so for all.
#[derive(Clone, Debug, Default)]
pub struct Synced {
    lacking: Option<Vec<Kind>>,
}

impl Synced {
    /// A list of this kind was applied, or is forbidden. Endpoints stand for `EndpointSlice`s, where there are none.
    pub fn listed(&mut self, kind: Kind) {
        let kind = if kind == Kind::Endpoints {
            Kind::EndpointSlice
        } else {
            kind
        };
        self.lacking
            .get_or_insert_with(all)
            .retain(|lacking| *lacking != kind);
    }

    /// The kinds that were not listed yet.
    pub fn lacking(&self) -> Vec<Kind> {
        self.lacking.clone().unwrap_or_else(all)
    }

    /// Whether all were.
    pub fn is_complete(&self) -> bool {
        self.lacking.as_ref().is_some_and(Vec::is_empty)
    }
}

fn all() -> Vec<Kind> {
    WATCHED.iter().map(|resource| resource.kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synced_when_every_kind_was_listed_and_endpoints_stand_for_slices() {
        let mut synced = Synced::default();
        assert_eq!(synced.lacking().len(), WATCHED.len());
        for kind in all()
            .into_iter()
            .filter(|kind| *kind != Kind::EndpointSlice)
        {
            synced.listed(kind);
        }
        assert_eq!(
            (synced.is_complete(), synced.lacking()),
            (false, vec![Kind::EndpointSlice])
        );
        synced.listed(Kind::Endpoints);
        assert!(synced.is_complete());
    }
}
