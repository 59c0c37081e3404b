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
    /// The source is a loopback address: a process talks to its own pod or node, which is no edge.
    LoopbackSource,
    /// Nobody known held the source's address at that time.
    UnknownSource,
    /// More than one pod may have held the source's address at that time.
    AmbiguousSource,
    /// The node named a pod that the cluster does not know.
    UnknownPod,
    /// The pod's owners could not be looked up in time.
    UnknownOwner,
    /// The API server did not tell in time who held an address then.
    Unsettled,
    /// The reporter names another pod than the one that held the address.
    WrongPod,
    /// Nobody has this name: a broker's pod, or a workload that a sidecar or a cloud named.
    UnknownWorkload,
    /// The operation is not in the contract.
    UnknownOperation,
    /// The item cannot be read: no address where one must be, or a text that is too long.
    Unreadable,
    /// One of its ends is in a namespace that is left out by setting.
    ExcludedNamespace,
    /// This kind of report is switched off by setting.
    SwitchedOff,
    /// Too much waits for what the index does not know yet.
    ParkingFull,
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
    /// To port 15008, the tunnel of an ambient mesh (Istio documentation, "Ports used by Istio"): the transport of
    /// connections that are seen by themselves in the pods.
    MeshTunnel,
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
    pub const ALL: [Self; 25] = [
        Self::HostNetworkSource,
        Self::LoopbackSource,
        Self::UnknownSource,
        Self::AmbiguousSource,
        Self::UnknownPod,
        Self::UnknownOwner,
        Self::Unsettled,
        Self::WrongPod,
        Self::UnknownWorkload,
        Self::UnknownOperation,
        Self::Unreadable,
        Self::ExcludedNamespace,
        Self::SwitchedOff,
        Self::ParkingFull,
        Self::HostNetworkDestination,
        Self::UnknownDestination,
        Self::AmbiguousDestination,
        Self::UnknownName,
        Self::NoBackend,
        Self::ClusterDns,
        Self::MeshTunnel,
        Self::Recursion,
        Self::BothOutside,
        Self::BelowFloor,
        Self::TableFull,
    ];

    /// The words for it in summaries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HostNetworkSource => "from a node or host network",
            Self::LoopbackSource => "from a loopback address",
            Self::UnknownSource => "unknown address as source",
            Self::AmbiguousSource => "ambiguous address as source",
            Self::UnknownPod => "unknown pod as source",
            Self::UnknownOwner => "owners not looked up in time",
            Self::Unsettled => "holder of an address not confirmed in time",
            Self::WrongPod => "reporter names another pod",
            Self::UnknownWorkload => "unknown workload or broker",
            Self::UnknownOperation => "unknown operation",
            Self::Unreadable => "unreadable",
            Self::ExcludedNamespace => "in an excluded namespace",
            Self::SwitchedOff => "switched off",
            Self::ParkingFull => "too many waiting",
            Self::HostNetworkDestination => "to a node or host network",
            Self::UnknownDestination => "unknown address as destination",
            Self::AmbiguousDestination => "ambiguous address as destination",
            Self::UnknownName => "unknown name in the cluster's domain",
            Self::NoBackend => "Service without a backend",
            Self::ClusterDns => "to the cluster's DNS",
            Self::MeshTunnel => "through the mesh's tunnel (port 15008)",
            Self::Recursion => "answers to the cluster's DNS (recursion)",
            Self::BothOutside => "both ends outside the cluster",
            Self::BelowFloor => "before the last reset",
            Self::TableFull => "lost to a full table",
        }
    }

    /// The value of the label `reason` in metrics and of `reason` in coverage.
    pub const fn label(self) -> &'static str {
        match self {
            Self::HostNetworkSource => "host_network_source",
            Self::LoopbackSource => "loopback_source",
            Self::UnknownSource => "unknown_source",
            Self::AmbiguousSource => "ambiguous_source",
            Self::UnknownPod => "unknown_pod",
            Self::UnknownOwner => "unknown_owner",
            Self::Unsettled => "unsettled",
            Self::WrongPod => "wrong_pod",
            Self::UnknownWorkload => "unknown_workload",
            Self::UnknownOperation => "unknown_operation",
            Self::Unreadable => "unreadable",
            Self::ExcludedNamespace => "excluded_namespace",
            Self::SwitchedOff => "switched_off",
            Self::ParkingFull => "parking_full",
            Self::HostNetworkDestination => "host_network_destination",
            Self::UnknownDestination => "unknown_destination",
            Self::AmbiguousDestination => "ambiguous_destination",
            Self::UnknownName => "unknown_name",
            Self::NoBackend => "no_backend",
            Self::ClusterDns => "cluster_dns",
            Self::MeshTunnel => "mesh_tunnel",
            Self::Recursion => "recursion",
            Self::BothOutside => "both_outside",
            Self::BelowFloor => "below_floor",
            Self::TableFull => "table_full",
        }
    }
}
