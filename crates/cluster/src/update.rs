//! What a live watch tells the index.

use std::collections::HashSet;

use compact_str::CompactString;
use map::{PodUid, Time};

use crate::document::Event;

/// One step of a live watch. Steps of one kind come in order; different kinds overtake each other.
#[derive(Debug)]
pub enum Update {
    /// An object came, changed or went.
    Event(Event),
    /// A list of all objects of a kind was read, each told by an [`Event`] before: what is not in it is gone.
    Listed {
        /// Which kind.
        kind: Kind,
        /// All there are. Of other kinds than pods, by namespace and name.
        present: Present,
        /// When the list was asked for, by our clock: what is not in it was gone by then.
        asked: Time,
    },
    /// The API server does not let us list this kind, for now: what is not known of it counts as absent. Never pods,
    /// without which there is nothing to tell.
    Forbidden(Kind),
    /// All that the API server knew of pods at this time, by our clock, has been told: an address that a pod holds now
    /// was held by nobody else up to then, except for what the kubelets had not reported yet.
    PodsCurrent(Time),
    /// The API server does not tell how far its watch is: no [`PodsCurrent`](Self::PodsCurrent) but after lists, until
    /// one comes by itself again. Who needs one waits as long as a watch usually lags.
    ProgressUnsupported,
    /// The API server was asked for an owner, and either does not have it, or does not let us see it, or does not know
    /// its kind: it is as much of a root as there will be.
    OwnerUnknowable(OwnerKey),
}

/// What a list holds.
#[derive(Debug)]
pub enum Present {
    /// The UIDs of pods.
    Pods(HashSet<PodUid>),
    /// Namespace (empty for cluster-wide kinds) and name.
    Named(HashSet<(CompactString, CompactString)>),
}

/// The kinds that are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `v1`.
    Pod,
    /// `v1`.
    Node,
    /// `v1`.
    Service,
    /// `discovery.k8s.io/v1`.
    EndpointSlice,
    /// `v1`, where there are no `EndpointSlices`.
    Endpoints,
    /// `apps/v1`.
    ReplicaSet,
    /// `apps/v1`.
    Deployment,
    /// `apps/v1`.
    StatefulSet,
    /// `apps/v1`.
    DaemonSet,
    /// `batch/v1`.
    Job,
    /// `batch/v1`.
    CronJob,
}

impl Kind {
    /// As objects name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::Node => "Node",
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::Endpoints => "Endpoints",
            Self::ReplicaSet => "ReplicaSet",
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
        }
    }
}

/// An owner to look up: as a reference names it, in the namespace of what it owns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerKey {
    /// Such as `argoproj.io/v1alpha1`.
    pub api_version: CompactString,
    /// Such as `Rollout`.
    pub kind: CompactString,
    /// The namespace of what it owns; cluster-wide kinds ignore it.
    pub namespace: CompactString,
    /// Its name.
    pub name: CompactString,
}
