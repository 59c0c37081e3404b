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

pub mod difference;
pub mod file;
pub mod filter;
pub mod limits;
pub mod map;
pub mod observation;
pub mod sorted;
pub mod tally;
pub mod time;
pub mod vocabulary;
pub mod workload;

mod activity;
mod attributes;
mod edge;
mod facet;
mod grid;
mod seen;
mod seen_file;
mod sighting;
mod table;

pub use activity::Activity;
pub use attributes::Attributes;
pub use difference::{ChangedEdge, Difference, difference, difference_between};
pub use edge::{Edge, EdgeError, EdgeKey};
pub use facet::Facet;
pub use filter::Filter;
pub use map::{Gone, Map};
pub use observation::{
    Answer, Connection, DnsName, Evidence, Observation, Outcome, PodUid, Protocol, Source, Target,
};
pub use seen::Seen;
pub use seen_file::SeenError;
pub use sighting::{Change, Sighting};
pub use tally::Tally;
pub use time::Time;
pub use vocabulary::{HttpMethod, KafkaOperation};
pub use workload::{AddressRange, CloudProvider, CloudResource, Peer, Workload};
