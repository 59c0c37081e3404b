//! The sidecars that there are, as the cluster tells.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cluster::live::{Sidecar, SidecarUpdate};
use map::PodUid;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

/// Which watch tells of a pod: each knows only of those that it lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// That of pods with a sidecar.
    Injected,
    /// That of waypoints.
    Waypoints,
}

/// Those that run now; a cheap handle. A waypoint is a sidecar of many pods.

#[derive(Clone, Debug)]
pub(crate) struct Sidecars {
    running: Arc<Mutex<BTreeMap<(PodUid, Source), Sidecar>>>,
    /// Watches whose first list has not come.
    unlisted: watch::Sender<BTreeSet<Source>>,
}

impl Sidecars {
    /// None are known yet; these watches tell of them.
    pub(crate) fn new(of: impl IntoIterator<Item = Source>) -> Self {
        Self {
            running: Arc::default(),
            unlisted: watch::Sender::new(of.into_iter().collect()),
        }
    }

    /// Takes what the cluster tells, as long as it does.
    pub(crate) async fn follow(self, from: Source, mut updates: mpsc::Receiver<SidecarUpdate>) {
        while let Some(update) = updates.recv().await {
            self.apply(from, update);
        }
    }

    fn apply(&self, from: Source, update: SidecarUpdate) {
        let mut running = self.running.lock();
        match update {
            SidecarUpdate::Applied(sidecar) => {
                running.insert((sidecar.uid, from), sidecar);
            }
            SidecarUpdate::Gone(uid) => {
                running.remove(&(uid, from));
            }
            SidecarUpdate::Listed(present) => {
                running.retain(|(uid, source), _| *source != from || present.contains(uid));
                self.unlisted.send_modify(|left| {
                    left.remove(&from);
                });
            }
        }
    }

    /// Waits until all are known.
    pub(crate) async fn listed(&self) {
        // The sender is in our hands, so that waiting cannot fail.
        let _ = self.unlisted.subscribe().wait_for(BTreeSet::is_empty).await;
    }

    /// Whether all were known once.
    pub(crate) fn are_listed(&self) -> bool {
        self.unlisted.borrow().is_empty()
    }

    /// Those that run now, each once.
    pub(crate) fn running(&self) -> Vec<Sidecar> {
        let mut running: Vec<Sidecar> = self.running.lock().values().cloned().collect();
        running.dedup_by_key(|sidecar| sidecar.uid);
        running
    }

    /// Whether this one does.
    pub(crate) fn has(&self, uid: PodUid) -> bool {
        let running = self.running.lock();
        [Source::Injected, Source::Waypoints]
            .iter()
            .any(|source| running.contains_key(&(uid, *source)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn uid(last: u8) -> PodUid {
        format!("00000000-0000-4000-8000-0000000000{last:02x}")
            .parse()
            .unwrap()
    }

    fn applied(last: u8) -> SidecarUpdate {
        SidecarUpdate::Applied(Sidecar {
            uid: uid(last),
            namespace: "shop".into(),
            name: "web".into(),
            address: [10, 0, 0, last].into(),
            started: None,
        })
    }

    fn running(sidecars: &Sidecars) -> Vec<PodUid> {
        sidecars.running().iter().map(|one| one.uid).collect()
    }

    #[test]
    fn a_list_of_one_watch_says_nothing_of_what_the_other_tells() {
        let sidecars = Sidecars::new([Source::Injected, Source::Waypoints]);
        sidecars.apply(Source::Injected, applied(1));
        sidecars.apply(Source::Injected, applied(2));
        sidecars.apply(Source::Injected, SidecarUpdate::Listed([uid(1)].into()));
        assert!(!sidecars.are_listed());
        sidecars.apply(Source::Waypoints, applied(3));
        sidecars.apply(Source::Waypoints, SidecarUpdate::Listed([uid(3)].into()));
        assert!(sidecars.are_listed());
        assert_eq!(running(&sidecars), [uid(1), uid(3)]);
        // A pod that both tell of is one, and stays while one does.
        sidecars.apply(Source::Waypoints, applied(1));
        assert_eq!(running(&sidecars), [uid(1), uid(3)]);
        sidecars.apply(Source::Injected, SidecarUpdate::Gone(uid(1)));
        assert!(sidecars.has(uid(1)));
        sidecars.apply(Source::Waypoints, SidecarUpdate::Listed(HashSet::new()));
        assert_eq!(running(&sidecars), []);
    }
}
