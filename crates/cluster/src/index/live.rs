//! The index of a live cluster: what comes and goes, what is forgotten, and what others wait for.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use compact_str::CompactString;
use map::{PodUid, Time};

use super::{Identity, Index, ServiceKey, Settings};
use crate::document::Event;
use crate::lease::Presence;
use crate::objects::Object;
use crate::owners::{Owners, REMEMBERED};
use crate::update::{Kind, OwnerKey, Present, Update};

/// How long after a pod got an address it may take until the API server says so: the kubelet notices that a container
/// runs within a second (its pod lifecycle event generator relists every second), and writes the status after that.
pub const STATUS_DELAY: Duration = Duration::from_secs(3);

/// Pods that are kept, those of the last hour included: more than Kubernetes supports in a cluster (150 000, Kubernetes
/// documentation, "Considerations for large clusters").
pub const MAX_PODS: usize = 400_000;

/// Times of the watch come in order; one that is further back than this was told by a clock that was set back.
const CLOCK_JUMP: Duration = Duration::from_mins(1);

/// Changes that nobody has asked for yet. Beyond it, everybody who waits should look again.
const MAX_TOUCHED: usize = 100_000;

/// What is missing for an answer, and comes with a later update.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Nobody known holds the address, yet.
    Address(IpAddr),
    /// The pod is not known, yet.
    Pod(PodUid),
    /// The Service (namespace and name) is not known, yet, or has no endpoints.
    Service(CompactString, CompactString),
    /// The owner has not been looked up.
    Owner(OwnerKey),
    /// Who holds an address at this time may still change with what the API server has not told.
    Settled(Time),
}

/// What only a live index has.
#[derive(Debug)]
pub(super) struct State {
    on: bool,
    current: Time,
    touched: Vec<Need>,
    overflow: bool,
    ended: VecDeque<(Time, PodUid)>,
    gone_services: VecDeque<(Time, ServiceKey)>,
    annotations: u64,
    refused_pods: u64,
    without_progress: bool,
    now: Time,
}

impl Default for State {
    /// A snapshot: all that will ever be known is known.
    fn default() -> Self {
        Self {
            on: false,
            current: Time::MAX,
            touched: Vec::new(),
            overflow: false,
            ended: VecDeque::new(),
            gone_services: VecDeque::new(),
            annotations: 0,
            refused_pods: 0,
            without_progress: false,
            now: Time::MIN,
        }
    }
}

impl State {
    pub(super) const fn is_on(&self) -> bool {
        self.on
    }

    /// Grows when a pod's identity changes by its own object.
    pub(super) const fn annotations(&self) -> u64 {
        self.annotations
    }
}

/// What changed since it was last asked for.
#[derive(Debug, Default)]
pub struct Touched {
    /// Each of these is known better now.
    pub needs: Vec<Need>,
    /// There was more than could be kept: anything may have changed.
    pub all: bool,
}

impl Index {
    /// An empty index of a live cluster, which knows nothing yet.
    pub fn live(settings: Settings) -> Self {
        Self {
            settings,
            owners: Owners::live(),
            live: State {
                on: true,
                current: Time::MIN,
                ..State::default()
            },
            ..Self::default()
        }
    }

    /// Takes a step of a live watch, received at `now`.
    pub fn update(&mut self, update: Update, now: Time) {
        self.live.now = now;
        match update {
            Update::Event(Event::Applied(object)) if self.has_room(&object) => {
                self.apply(Event::Applied(object));
            }
            Update::Event(Event::Applied(_)) => self.live.refused_pods += 1,
            Update::Event(Event::Deleted(object)) => self.delete(&object, now),
            Update::Listed {
                kind,
                present,
                asked,
            } => self.listed(kind, &present, asked, now),
            // What was known of it before is still the best there is.
            Update::Forbidden(_) => {}
            Update::PodsCurrent(at) => {
                self.live.without_progress = false;
                self.set_current(at);
            }
            Update::ProgressUnsupported => self.live.without_progress = true,
            Update::OwnerUnknowable(owner) => {
                self.owners.set_unknowable(&owner);
                self.touch(Need::Owner(owner));
            }
        }
    }

    /// All that the API server knew of pods at this time is known here. It goes back only with our own clock: otherwise
    /// all of the time by which that was set back would count as known.
    pub fn set_current(&mut self, at: Time) {
        let is_set_back = self.live.current.since(at) > CLOCK_JUMP;
        self.live.current = if is_set_back {
            at
        } else {
            self.live.current.max(at)
        };
    }

    /// Whether the API server never says how far its watch has come, so that somebody else must assume it.
    pub const fn is_without_progress(&self) -> bool {
        self.live.without_progress
    }

    /// Until when all is known that the API server knew of pods.
    pub const fn current(&self) -> Time {
        self.live.current
    }

    /// Whether all is known about who held addresses at this time: the API server has told everything up to then, and
    /// some more for what the kubelets told it late.
    pub fn is_settled(&self, at: Time) -> bool {
        self.live.current >= at.plus(STATUS_DELAY)
    }

    /// When the time will be settled that `current` must reach.
    pub fn settles(at: Time) -> Time {
        at.plus(STATUS_DELAY)
    }

    /// What changed since the last call.
    pub fn take_touched(&mut self) -> Touched {
        Touched {
            needs: std::mem::take(&mut self.live.touched),
            all: std::mem::take(&mut self.live.overflow),
        }
    }

    /// Pods that are known, those that are gone included.
    pub fn pods(&self) -> usize {
        self.pods.len()
    }

    /// Leases: pairs of a pod and an address of its own.
    pub fn leases(&self) -> usize {
        self.by_address.values().map(Vec::len).sum()
    }

    /// Services that are known.
    pub fn services(&self) -> usize {
        self.services.len()
    }

    /// Owners that are known.
    pub fn owners(&self) -> usize {
        self.owners.len()
    }

    /// Pods that found no room.
    pub const fn refused_pods(&self) -> u64 {
        self.live.refused_pods
    }

    pub(super) fn touch(&mut self, need: Need) {
        if !self.live.on {
            return;
        }
        if self.live.touched.len() < MAX_TOUCHED {
            self.live.touched.push(need);
        } else {
            self.live.overflow = true;
        }
    }

    /// A pod's object was taken.
    pub(super) fn note_pod(&mut self, uid: PodUid, new: &[IpAddr], before: Option<&Identity>) {
        if !self.live.on {
            return;
        }
        self.touch(Need::Pod(uid));
        for address in new {
            self.touch(Need::Address(*address));
        }
        let Some(pod) = self.pods.get(&uid) else {
            return;
        };
        if before.is_some_and(|before| *before != *self.identity(pod)) {
            self.live.annotations += 1;
        }
        if pod.lease.end.is_some() || pod.gone {
            self.live.ended.push_back((self.live.now, uid));
        }
    }

    fn has_room(&self, object: &Object) -> bool {
        object.kind != "Pod"
            || self.pods.len() < MAX_PODS
            || object
                .pod_uid()
                .is_some_and(|uid| self.pods.contains_key(&uid))
    }

    fn delete(&mut self, object: &Object, now: Time) {
        let metadata = &object.metadata;
        let key = (metadata.namespace.clone(), metadata.name.clone());
        match object.kind.as_str() {
            "Pod" => self.apply_pod(object, Presence::GoneBy(now)),
            "Node" => self.nodes.retain(|_, node| *node != metadata.name),
            "Service" => self.end_service(&key, now),
            "EndpointSlice" => self.delete_slice(object),
            "Endpoints" => {
                if let Some(service) = self.services.get_mut(&key) {
                    service.delete_slice("");
                }
            }
            kind => {
                self.owners
                    .delete(kind, &object.api_version, &key.0, &key.1, now);
            }
        }
    }

    fn end_service(&mut self, key: &ServiceKey, now: Time) {
        if let Some(service) = self.services.get_mut(key)
            && service.gone.is_none()
        {
            service.gone = Some(now);
            self.live.gone_services.push_back((now, key.clone()));
        }
    }

    /// What was not in a list is gone, and nobody saw it go.
    fn listed(&mut self, kind: Kind, present: &Present, asked: Time, now: Time) {
        match (kind, present) {
            (Kind::Pod, Present::Pods(present)) => {
                let current = self.live.current;
                for (uid, pod) in &mut self.pods {
                    if !pod.gone && !present.contains(uid) {
                        pod.gone = true;
                        if pod.lease.end.is_none() {
                            pod.lease.end = Some(asked);
                            pod.lease.sure_until = Some(current);
                        }
                        self.live.ended.push_back((now, *uid));
                    }
                }
                self.set_current(asked);
            }
            (Kind::Service, Present::Named(present)) => {
                let known = self.services.iter();
                let gone: Vec<ServiceKey> = known
                    .filter(|(key, service)| service.exists && !present.contains(*key))
                    .map(|(key, _)| key.clone())
                    .collect();
                for key in gone {
                    self.end_service(&key, now);
                }
            }
            (Kind::EndpointSlice, Present::Named(present)) => {
                for ((namespace, _), service) in &mut self.services {
                    let is_gone = |name: &&CompactString| {
                        !name.is_empty() && !present.contains(&(namespace.clone(), (*name).clone()))
                    };
                    let gone: Vec<CompactString> =
                        service.slices.keys().filter(is_gone).cloned().collect();
                    for name in gone {
                        service.delete_slice(&name);
                    }
                }
            }
            (Kind::Endpoints, Present::Named(present)) => {
                for (key, service) in &mut self.services {
                    if !present.contains(key) {
                        service.delete_slice("");
                    }
                }
            }
            (Kind::Node, Present::Named(present)) => {
                let named = |node: &CompactString| (CompactString::default(), node.clone());
                self.nodes.retain(|_, node| present.contains(&named(node)));
            }
            (kind, Present::Named(present)) => {
                let known = self.owners.of_kind(kind.as_str());
                let gone: Vec<(CompactString, ServiceKey)> = known
                    .map(|(version, ns, name)| (version.clone(), (ns.clone(), name.clone())))
                    .filter(|(_, key)| !present.contains(key))
                    .collect();
                for (version, (namespace, name)) in gone {
                    self.owners
                        .delete(kind.as_str(), &version, &namespace, &name, now);
                }
            }
            (_, Present::Pods(_)) => {}
        }
    }

    /// Forgets what is gone for so long that no report asks for it.
    pub fn forget(&mut self, now: Time) {
        self.owners.forget(now);
        while let Some((at, _)) = self.live.gone_services.front()
            && now.since(*at) > REMEMBERED
        {
            if let Some((at, key)) = self.live.gone_services.pop_front()
                && self.services.get(&key).is_some_and(|s| s.gone == Some(at))
            {
                self.forget_service(&key);
            }
        }
        let mut forgotten = Vec::new();
        while let Some((at, uid)) = self.live.ended.front()
            && now.since(*at) > REMEMBERED
        {
            let uid = *uid;
            self.live.ended.pop_front();
            // A finished pod stays in the API until somebody deletes it, and its object may come again.
            if self.pods.get(&uid).is_some_and(|pod| pod.gone)
                && let Some(pod) = self.pods.remove(&uid)
            {
                for address in &pod.addresses {
                    if let Some(sharing) = self.by_address.get_mut(address) {
                        sharing.retain(|other| *other != uid);
                        if sharing.is_empty() {
                            self.by_address.remove(address);
                        }
                    }
                }
                let name = (pod.namespace, pod.name);
                if self.by_name.get(&name) == Some(&uid) {
                    self.by_name.remove(&name);
                }
                forgotten.push(uid);
            }
        }
        if !forgotten.is_empty() {
            forgotten.sort_unstable();
            for service in self.services.values_mut() {
                service
                    .past
                    .retain(|(_, uid)| forgotten.binary_search(uid).is_err());
            }
        }
    }
}
