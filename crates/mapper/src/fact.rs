//! What reporters claim: observations, and what watchers of logs, sidecars and clouds saw.

use std::net::IpAddr;

use compact_str::CompactString;
use map::{
    CloudResource, Evidence, HttpMethod, KafkaOperation, Observation, Outcome, Source, Target, Time,
};
use serde::{Deserialize, Serialize};

/// One thing that a reporter claims.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// A collector on a node saw it.
    Seen(Observation, Claim),
    /// A broker's log tells it.
    Topic(TopicAccess),
    /// A sidecar counted it.
    Request(HttpRequest),
    /// A cloud tells it.
    Cloud(CloudAccess),
}

/// What a reporter says beside the observation. The default says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Claim {
    /// What the source's containers call themselves; must fit the pod.
    pub hostname: CompactString,
    /// The name of the destination's pod, for a source outside the cluster; must fit the pod.
    pub destination_name: CompactString,
    /// Who counts the connections, by a name that lives as long as its counter; empty for one that has none.
    pub reporter: CompactString,
    /// Whether this reporter tells of refused connections, so that an answer waits for what becomes of its connection.
    /// The replaced system's sniffers do not.
    pub awaits_outcome: bool,
}

/// A client used a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicAccess {
    /// The client's address.
    pub client: IpAddr,
    /// The broker's namespace and pod.
    pub broker: (CompactString, CompactString),
    /// The topic.
    pub topic: CompactString,
    /// What for.
    pub operation: KafkaOperation,
    /// When.
    pub at: Time,
    /// Whether the broker allowed it.
    pub outcome: Outcome,
}

/// A client sent requests to a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// The client's namespace and name.
    pub client: (CompactString, CompactString),
    /// The server's namespace and name.
    pub server: (CompactString, CompactString),
    /// The Service that was called; empty where it is not known.
    pub service: CompactString,
    /// The path.
    pub path: CompactString,
    /// The methods.
    pub methods: Vec<HttpMethod>,
    /// When.
    pub at: Time,
    /// What became of it.
    pub outcome: Outcome,
    /// The client's canonical name, where Istio told it beside its workload's; else empty.
    #[serde(default, skip_serializing_if = "CompactString::is_empty")]
    pub client_canonical: CompactString,
    /// The server's, likewise.
    #[serde(default, skip_serializing_if = "CompactString::is_empty")]
    pub server_canonical: CompactString,
}

/// A client used a resource of a cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudAccess {
    /// Who.
    pub client: CloudClient,
    /// What it used.
    pub resource: CloudResource,
    /// Actions on the resource.
    pub actions: Vec<CompactString>,
    /// Actions on the data within it.
    pub data_actions: Vec<CompactString>,
    /// The role that it used; empty where there is none.
    pub role: CompactString,
    /// When.
    pub at: Time,
}

/// The client of a cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloudClient {
    /// By namespace and name.
    Named(CompactString, CompactString),
    /// By address.
    At(IpAddr),
}

impl Fact {
    /// How it was seen.
    pub const fn evidence(&self) -> Evidence {
        match self {
            Self::Seen(observation, _) => observation.evidence,
            Self::Topic(_) => Evidence::Kafka,
            Self::Request(_) => Evidence::Istio,
            Self::Cloud(_) => Evidence::Cloud,
        }
    }

    /// The address of its source, where it is told by one.
    pub(crate) const fn source(&self) -> Option<Source> {
        let address = match self {
            Self::Seen(observation, _) => return Some(observation.source),
            Self::Topic(access) => access.client,
            Self::Cloud(CloudAccess {
                client: CloudClient::At(address),
                ..
            }) => *address,
            Self::Request(_) | Self::Cloud(_) => return None,
        };
        Some(Source {
            address,
            pod_uid: None,
        })
    }

    /// The address of its destination, where it is told by one.
    pub(crate) const fn destination(&self) -> Option<IpAddr> {
        match self {
            Self::Seen(observation, _) => match &observation.target {
                Target::Answer(answer) => answer.address,
                Target::Connection(connection) => Some(connection.meant.ip()),
            },
            _ => None,
        }
    }
}
