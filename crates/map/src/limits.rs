//! The bounds of the map, each with its reason. They hold where sightings and descriptions come in; merge and files
//! join what has passed them.

/// Edges: twice what the largest cluster of the design has (1 000 000).
pub const MAX_EDGES: usize = 2_000_000;

/// Attempts. They are few except where someone scans, and then there is nothing to learn from more.
pub const MAX_ATTEMPTS: usize = 200_000;

/// Facets of one edge. The mapper folds outside addresses at 256; the rest is room for topics and paths, and few
/// enough that insertion into a sorted vector stays cheap.
pub const MAX_FACETS: usize = 4096;

/// Reporters whose connections are counted on one edge: about one for each node that runs a client, and one more for
/// each restart of a sniffer. Those beyond it are not counted, which [`Edge::connections`](crate::Edge::connections)
/// allows for.
pub const MAX_REPORTERS: usize = 1024;

/// Workloads of one cluster that are described: more than the 150 000 pods that Kubernetes supports in a cluster
/// (Kubernetes documentation, "Considerations for large clusters").
pub const MAX_WORKLOADS: usize = 200_000;
