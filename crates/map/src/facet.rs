//! What an edge is made of.

use std::net::IpAddr;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::vocabulary::{HttpMethod, KafkaOperation};
use crate::{Evidence, Outcome, Protocol};

/// One thing known of an edge; each has its own [`Seen`](crate::Seen).
///
/// The order is that of every list of facets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Facet {
    /// The server was called on this port: its own, behind any translation, where that is known.
    Port {
        /// The transport.
        protocol: Protocol,
        /// The server's port.
        port: u16,
    },
    /// It was seen in this way.
    Evidence(Evidence),
    /// It was called through the Kubernetes Service with this name, in the server's namespace.
    Service(CompactString),
    /// The outside peer had this address.
    Address(IpAddr),
    /// The client did this to a Kafka topic.
    Topic {
        /// The topic's name.
        topic: CompactString,
        /// What was done.
        operation: KafkaOperation,
    },
    /// The client sent this HTTP request.
    Resource {
        /// The path of the request, without the query.
        path: CompactString,
        /// Its method.
        method: HttpMethod,
    },
    /// The client did this to a resource of a cloud: an action of AWS or Azure, a permission of Google Cloud.
    CloudAction(CompactString),
    /// The client did this to the data in a resource of Azure.
    CloudDataAction(CompactString),
    /// The client used this role of AWS.
    CloudRole(CompactString),
    /// Several workloads stand behind one Service; this one was taken by name. No longer so once a connection shows
    /// it, see [`Edge::is_assumed`](crate::Edge::is_assumed).
    Assumed,
    /// What became of it; on attempts only.
    Outcome(Outcome),
}

impl Facet {
    /// The evidence that it is, if it is one.
    pub(crate) const fn evidence(&self) -> Option<Evidence> {
        match self {
            Self::Evidence(evidence) => Some(*evidence),
            _ => None,
        }
    }
}
