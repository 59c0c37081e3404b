//! Who is at either end of an edge.

use std::fmt;
use std::net::IpAddr;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::DnsName;

/// A service identity: what an operator calls "the checkout service".
///
/// Ordered by namespace, then name, then kind, which is the order of every list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Workload {
    /// The namespace of its pods.
    pub namespace: CompactString,
    /// The root owner's name, or what an annotation on the pod says.
    pub name: CompactString,
    /// The root owner's kind (`Deployment`, `StatefulSet`, `Pod`, …); empty when an annotation gave the
    /// name, and for the API server.
    #[serde(default, skip_serializing_if = "CompactString::is_empty")]
    pub kind: CompactString,
}

impl Workload {
    /// From its three parts.
    pub fn new(namespace: &str, name: &str, kind: &str) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            kind: kind.into(),
        }
    }

    /// The Kubernetes API server, as the replaced system names it.
    pub fn api_server() -> Self {
        Self::new("default", "kubernetes", "")
    }

    /// Whether this is the Kubernetes API server.
    pub fn is_api_server(&self) -> bool {
        self.name == "kubernetes" && self.namespace == "default" && self.kind.is_empty()
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)?;
        if !self.kind.is_empty() {
            write!(f, " ({})", self.kind)?;
        }
        Ok(())
    }
}

/// One end of an edge.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    /// A workload of the cluster.
    Workload(Workload),
    /// A DNS name outside the cluster; `*.example.com` when names were folded.
    Name(DnsName),
    /// Addresses outside the cluster that have no name.
    Address(AddressRange),
    /// Whoever calls in from outside; the addresses are facets of the edge.
    Internet,
    /// A resource of a cloud.
    Cloud(CloudResource),
}

impl Peer {
    /// The workload, if it is one.
    pub const fn workload(&self) -> Option<&Workload> {
        match self {
            Self::Workload(workload) => Some(workload),
            _ => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workload(workload) => workload.fmt(f),
            Self::Name(name) => name.fmt(f),
            Self::Address(range) => range.fmt(f),
            Self::Internet => f.write_str("internet"),
            Self::Cloud(resource) => resource.name.fmt(f),
        }
    }
}

/// A resource of a cloud, such as a bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CloudResource {
    /// Whose.
    pub provider: CloudProvider,
    /// What the provider calls it: an ARN, a resource name, a scope.
    pub name: CompactString,
}

/// A cloud whose operations the contract knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CloudProvider {
    /// Amazon Web Services.
    Aws,
    /// Google Cloud.
    Gcp,
    /// Microsoft Azure.
    Azure,
}

impl CloudProvider {
    /// The word for it in output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
        }
    }
}

/// One address, or (folded) all that share its first `prefix` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AddressRange {
    /// The address; the bits behind the prefix are zero.
    pub address: IpAddr,
    /// How many leading bits count: 32 or 128 for a single address.
    pub prefix: u8,
}

impl AddressRange {
    /// A single address.
    pub const fn single(address: IpAddr) -> Self {
        let prefix = if address.is_ipv4() { 32 } else { 128 };
        Self { address, prefix }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::single(self.address) {
            self.address.fmt(f)
        } else {
            write!(f, "{}/{}", self.address, self.prefix)
        }
    }
}
