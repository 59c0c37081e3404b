//! The sidecars that there are, as the cluster tells.

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::live::{Sidecar, SidecarUpdate};
use map::PodUid;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

/// Those that run now; a cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Sidecars {
    running: Arc<Mutex<BTreeMap<PodUid, Sidecar>>>,
    are_listed: watch::Sender<bool>,
}

impl Sidecars {
    /// None are known yet.
    pub(crate) fn new() -> Self {
        Self {
            running: Arc::default(),
            are_listed: watch::Sender::new(false),
        }
    }

    /// Takes what the cluster tells, as long as it does.
    pub(crate) async fn follow(self, mut updates: mpsc::Receiver<SidecarUpdate>) {
        while let Some(update) = updates.recv().await {
            self.apply(update);
        }
    }

    fn apply(&self, update: SidecarUpdate) {
        let mut running = self.running.lock();
        match update {
            SidecarUpdate::Applied(sidecar) => {
                running.insert(sidecar.uid, sidecar);
            }
            SidecarUpdate::Gone(uid) => {
                running.remove(&uid);
            }
            SidecarUpdate::Listed(present) => {
                running.retain(|uid, _| present.contains(uid));
                self.are_listed.send_replace(true);
            }
        }
    }

    /// Waits until all are known.
    pub(crate) async fn listed(&self) {
        // The sender is in our hands, so that waiting cannot fail.
        let _ = self.are_listed.subscribe().wait_for(|listed| *listed).await;
    }

    /// Whether all were known once.
    pub(crate) fn are_listed(&self) -> bool {
        *self.are_listed.borrow()
    }

    /// Those that run now.
    pub(crate) fn running(&self) -> Vec<Sidecar> {
        self.running.lock().values().cloned().collect()
    }

    /// Whether this one does.
    pub(crate) fn has(&self, uid: PodUid) -> bool {
        self.running.lock().contains_key(&uid)
    }
}
