//! Where an observation ends: as an edge, as an attempt, or refused with its reason.

/// The end of one observation. Every observation has one, or is still held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It made or refreshed an edge.
    Edge,
    /// It made or refreshed an attempt.
    Attempt,
    /// It is not in the map.
    Refused(Refusal),
}

impl Fate {
    /// The words for it in summaries and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edge => "in edges",
            Self::Attempt => "in attempts",
            Self::Refused(refusal) => refusal.as_str(),
        }
    }
}

/// Why an observation is not in the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The source is a node, or a pod on the node's own network: its processes cannot be told apart.
    HostNetworkSource,
    /// Nobody known held the source's address at that time.
    UnknownSource,
    /// More than one pod may have held the source's address at that time.
    AmbiguousSource,
    /// The node named a pod that the cluster does not know.
    UnknownPod,
    /// The destination is a node's own address, and no Service explains the port.
    HostNetworkDestination,
    /// A private address that nobody known held at that time. Never the internet.
    UnknownDestination,
    /// More than one pod may have held the destination's address at that time.
    AmbiguousDestination,
    /// A name in the cluster's domain that no Service or pod has.
    UnknownName,
    /// A Service that had no backend.
    NoBackend,
    /// A call to the cluster's DNS: every client makes it, and its answers tell more.
    ClusterDns,
    /// An answer to the cluster's DNS: it resolves for others.
    Recursion,
    /// Both ends are outside the cluster.
    BothOutside,
    /// It lies below the floor: before the last reset, or expired.
    BelowFloor,
    /// A table was full.
    TableFull,
}

impl Refusal {
    /// Every reason.
    pub const ALL: [Self; 14] = [
        Self::HostNetworkSource,
        Self::UnknownSource,
        Self::AmbiguousSource,
        Self::UnknownPod,
        Self::HostNetworkDestination,
        Self::UnknownDestination,
        Self::AmbiguousDestination,
        Self::UnknownName,
        Self::NoBackend,
        Self::ClusterDns,
        Self::Recursion,
        Self::BothOutside,
        Self::BelowFloor,
        Self::TableFull,
    ];

    /// The words for it in summaries and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HostNetworkSource => "from a node or host network",
            Self::UnknownSource => "unknown address as source",
            Self::AmbiguousSource => "ambiguous address as source",
            Self::UnknownPod => "unknown pod as source",
            Self::HostNetworkDestination => "to a node or host network",
            Self::UnknownDestination => "unknown address as destination",
            Self::AmbiguousDestination => "ambiguous address as destination",
            Self::UnknownName => "unknown name in the cluster's domain",
            Self::NoBackend => "Service without a backend",
            Self::ClusterDns => "to the cluster's DNS",
            Self::Recursion => "answers to the cluster's DNS (recursion)",
            Self::BothOutside => "both ends outside the cluster",
            Self::BelowFloor => "before the last reset",
            Self::TableFull => "lost to a full table",
        }
    }
}
