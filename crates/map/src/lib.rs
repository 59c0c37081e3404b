//! The words of Portolan, and the map that joins them. No I/O, no async, no clock.
//!
//! ```text
//! Observation      one thing seen on one node: addresses and names, no Kubernetes
//!     │ resolved by the mapper
//!     ▼
//! EdgeKey ─► Edge  client workload → server, with facets, each with its Seen
//!     │
//!     ▼
//! Map              the set of edges and attempts; merge is a join-semilattice
//! ```

pub mod observation;
pub mod time;
pub mod workload;

pub use observation::{
    Answer, Connection, DnsName, Evidence, Observation, Outcome, PodUid, Protocol, Source, Target,
};
pub use time::Time;
pub use workload::{Peer, Workload};
