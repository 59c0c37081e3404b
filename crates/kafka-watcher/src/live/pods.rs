//! Which pods are brokers, and a task for each of their containers' logs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use app::clock::Stopwatch;
use app::shutdown::Stop;
use cluster::live::{LoggedPod, PodLogs};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::follow::{Follow, beginning};
use super::servers::{Selectors, Servers};
use super::state::{LogName, State};
use super::watch::trouble;
use crate::accesses::Broker;
use crate::limits::{LONGEST_BACK, MAX_LOGS, START_BACK};

/// Everything that the task has.
#[derive(Debug)]
pub(crate) struct Pods {
    pub(crate) logs: PodLogs,
    pub(crate) servers: Servers,
    pub(crate) selectors: Selectors,
    /// The one whose log is read; all when empty.
    pub(crate) container: String,
    pub(crate) interval: Duration,
    pub(crate) state: State,
    pub(crate) started: Stopwatch,
}

/// A log that is followed.
#[derive(Debug)]
struct Followed {
    uid: String,
    restarts: watch::Sender<u32>,
    task: AbortHandle,
}

impl Pods {
    /// Looks again and again, until the stop.
    pub(crate) async fn run(self, stop: Stop) {
        let mut followed: BTreeMap<LogName, Followed> = BTreeMap::new();
        // Dropping it ends them all.
        let mut tasks = JoinSet::new();
        loop {
            let looked = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                looked = self.look() => looked,
            };
            self.follow(&looked, &mut followed, &mut tasks);
            while tasks.try_join_next().is_some() {}
            if stop.cancelled_within(self.interval).await {
                return;
            }
        }
    }

    /// The pods that are there, and the names of those that could not be asked for.
    async fn look(&self) -> Looked {
        let mut looked = Looked::default();
        for server in &self.servers.0 {
            let found = self.logs.pod(&server.namespace, &server.name).await;
            let about = format!("the pod {server}");
            trouble(&self.state, about, found.as_ref().err());
            match found {
                Ok(pod) => looked.pods.push(pod),
                Err(error) => looked.is_partial |= !error.is_not_found(),
            }
        }
        for selector in &self.selectors.0 {
            let found = self.logs.pods(&selector.namespace, &selector.labels).await;
            let about = format!("the pods of {selector}");
            trouble(&self.state, about.clone(), found.as_ref().err());
            match found {
                Ok((pods, beyond)) => {
                    self.state.lock().figures.beyond += beyond;
                    if pods.is_empty() {
                        let mut inner = self.state.lock();
                        inner.troubles.insert(about, "there are none".to_owned());
                    }
                    looked.pods.extend(pods);
                }
                Err(_) => looked.is_partial = true,
            }
        }
        looked
    }

    fn follow(
        &self,
        looked: &Looked,
        followed: &mut BTreeMap<LogName, Followed>,
        tasks: &mut JoinSet<()>,
    ) {
        let mut wanted = BTreeSet::new();
        for pod in &looked.pods {
            for container in &pod.containers {
                let is_wanted = self.container.is_empty() || self.container == *container.name;
                if !is_wanted || !container.has_run {
                    continue;
                }
                let name = LogName {
                    namespace: pod.namespace.clone(),
                    pod: pod.name.clone(),
                    container: container.name.clone(),
                };
                if !wanted.insert(name.clone()) {
                    continue;
                }
                if let Some(there) = followed.get(&name).filter(|there| there.uid == *pod.uid) {
                    there.restarts.send_if_modified(|restarts| {
                        let is_new = container.restarts > *restarts;
                        *restarts = container.restarts.max(*restarts);
                        is_new
                    });
                    continue;
                }
                if followed.len() >= MAX_LOGS && !followed.contains_key(&name) {
                    self.state.lock().figures.beyond += 1;
                    continue;
                }
                let begun = self.begin(pod, name.clone(), container.restarts, tasks);
                if let Some(before) = followed.insert(name, begun) {
                    before.task.abort();
                }
            }
            self.lacks_container(pod);
        }
        if looked.is_partial {
            return; // Whoever could not be asked for may be there still.
        }
        let mut inner = self.state.lock();
        followed.retain(|name, there| {
            let stays = wanted.contains(name);
            if !stays {
                there.task.abort();
                inner.places.remove(name);
                inner
                    .brokers
                    .remove(&(name.namespace.clone(), name.pod.clone()));
            }
            stays
        });
        // From the cursor: what is not there any more.
        if self.started.elapsed() > START_BACK {
            inner.places.retain(|name, _| wanted.contains(name));
        }
    }

    fn begin(
        &self,
        pod: &LoggedPod,
        name: LogName,
        restarts: u32,
        tasks: &mut JoinSet<()>,
    ) -> Followed {
        let addresses = pod
            .addresses
            .iter()
            .filter_map(|address| address.parse().ok());
        let broker = Arc::new(Broker {
            namespace: pod.namespace.clone(),
            pod: pod.name.clone(),
            addresses: addresses.collect(),
        });
        let mut inner = self.state.lock();
        inner.follow(&broker, self.started.elapsed());
        let from = beginning(
            inner.places.get(&name),
            &pod.uid,
            restarts,
            (START_BACK, LONGEST_BACK),
        );
        drop(inner);
        tracing::info!(
            pod = %name.pod, namespace = %name.namespace, container = %name.container, from = %from.place.at,
            "a log is followed"
        );
        let (restarts, known) = watch::channel(restarts);
        let follow = Follow {
            logs: self.logs.clone(),
            name,
            state: self.state.clone(),
            restarts: known,
            from,
            intake: Follow::intake(&broker),
            suspected: None,
        };
        let task = tasks.spawn(follow.run());
        Followed {
            uid: pod.uid.to_string(),
            restarts,
            task,
        }
    }

    /// A container of this name may come with the pod's next version; most likely the name is wrong.
    fn lacks_container(&self, pod: &LoggedPod) {
        if self.container.is_empty() {
            return;
        }
        let about = format!("the container of {}.{}", pod.name, pod.namespace);
        let names: Vec<&str> = pod.containers.iter().map(|one| one.name.as_str()).collect();
        let mut inner = self.state.lock();
        if names.contains(&self.container.as_str()) {
            inner.troubles.remove(&about);
        } else {
            let why = format!(
                "it has no container {:?}, but {}",
                self.container,
                names.join(", ")
            );
            if inner.troubles.insert(about.clone(), why.clone()).as_ref() != Some(&why) {
                tracing::warn!(about, why, "see --kafka-container");
            }
        }
    }
}

#[derive(Debug, Default)]
struct Looked {
    pods: Vec<LoggedPod>,
    /// Whether somebody could not be asked for.
    is_partial: bool,
}
