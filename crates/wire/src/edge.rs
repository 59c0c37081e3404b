//! What the mapper answers beyond the replaced contract: edges with all that is known of them, attempts, changes,
//! coverage and traffic.

use serde::{Deserialize, Serialize};

use crate::output::{HttpResource, KafkaConfig, PodLabel, outputs};
use crate::{
    AttemptOutcome, ChangeKind, CloudProvider, Evidence, Int, PeerKind, Protocol, Text, Time,
};

outputs! {
    /// One end of an edge.
    Peer as "Peer" {
        /// What it is.
        kind: PeerKind,
        /// The workload's name, the DNS name (`*.example.com` when folded), the address (`192.0.2.0/24` when folded),
        /// the cloud resource, or `internet`.
        name: Text,
        /// Of a workload: its namespace.
        namespace: Option<Text>,
        /// Of a workload: the kind of its root owner.
        owner_kind: Option<Text>,
        /// Of a workload: the labels of one of its pods.
        labels: Option<Vec<PodLabel>>,
        /// Of a cloud resource: who provides it.
        provider: Option<CloudProvider>,
    }

    /// A port of a server.
    Port as "Port" {
        /// The transport.
        protocol: Protocol,
        /// The number.
        port: Int,
    }

    /// A client calls a server, or (an attempt) tried to.
    Edge as "Edge" {
        /// The cluster; empty when there is only one.
        cluster: Text,
        /// Who calls.
        client: Peer,
        /// Who is called.
        server: Peer,
        /// When it was first seen.
        first_seen: Time,
        /// When it was last seen.
        last_seen: Time,
        /// The server's ports, sorted.
        ports: Vec<Port>,
        /// How it was seen, sorted.
        evidence: Vec<Evidence>,
        /// The Kubernetes Services through which the server was called, sorted.
        services: Vec<Text>,
        /// The addresses of the end that is outside the cluster, sorted.
        addresses: Vec<Text>,
        /// By topic, sorted.
        kafka_topics: Vec<KafkaConfig>,
        /// By path, sorted.
        http_resources: Vec<HttpResource>,
        /// What was done to a cloud resource, sorted; of Google Cloud the permissions.
        cloud_actions: Vec<Text>,
        /// What was done to the data in a resource of Azure, sorted.
        cloud_data_actions: Vec<Text>,
        /// The roles of AWS that were used, sorted.
        cloud_roles: Vec<Text>,
        /// At least how many connections there were.
        connections: Int,
        /// Whether the server was taken by name among several behind one Service.
        assumed: bool,
        /// Of an attempt: what became of it. Empty for an edge.
        outcomes: Vec<AttemptOutcome>,
    }

    /// Details of an edge that came or went.
    EdgeDetails as "EdgeDetails" {
        /// The server's ports.
        ports: Vec<Port>,
        /// How it was seen.
        evidence: Vec<Evidence>,
        /// The Kubernetes Services.
        services: Vec<Text>,
        /// The addresses of the outside end.
        addresses: Vec<Text>,
        /// By topic.
        kafka_topics: Vec<KafkaConfig>,
        /// By path.
        http_resources: Vec<HttpResource>,
        /// On a cloud resource.
        cloud_actions: Vec<Text>,
        /// On the data in a resource of Azure.
        cloud_data_actions: Vec<Text>,
        /// The roles of AWS.
        cloud_roles: Vec<Text>,
    }

    /// What happened to an edge between two times, or just now.
    EdgeChange as "EdgeChange" {
        /// What happened.
        kind: ChangeKind,
        /// The edge as it is (or, when removed, was).
        edge: Edge,
        /// Of a changed edge: what came.
        gained: Option<EdgeDetails>,
        /// Of a changed edge: what went.
        lost: Option<EdgeDetails>,
    }

    /// How many, and why.
    ReasonCount as "ReasonCount" {
        /// The reason.
        reason: Text,
        /// Since the reporter started.
        count: Int,
    }

    /// What a reporter sees of its node, and what it does not.
    Coverage as "Coverage" {
        /// The node.
        node_name: Text,
        /// One run of one reporter.
        reporter_id: Text,
        /// As of when.
        at: Time,
        /// What came in, by evidence or kind of packet.
        seen: Vec<ReasonCount>,
        /// What was not counted as an observation, by reason.
        dropped: Vec<ReasonCount>,
        /// How many observations wait to be sent.
        spooled: Int,
        /// The sources that the reporter's rights allow.
        rights: Vec<Text>,
        /// When socket tables were last read completely.
        last_scan: Option<Time>,
        /// The reporter's version.
        version: Text,
    }

    /// What the mapper did with all that it was told since it started.
    Status as "Status" {
        /// As of when.
        at: Time,
        /// The mapper's version.
        version: Text,
        /// Whether it knows the cluster. Before, it resolves nothing.
        synced: bool,
        /// How many pods it knows.
        pods: Int,
        /// How many edges the map has.
        edges: Int,
        /// How many attempts the map has.
        attempts: Int,
        /// How many reports came.
        reports: Int,
        /// What they held, by evidence.
        taken: Vec<ReasonCount>,
        /// What became of it: in edges, in attempts, or why it was refused.
        fates: Vec<ReasonCount>,
        /// How much of it waits for a connection, or for the cluster to be known better.
        held: Int,
        /// Up to when the map was forgotten, by a reset or because it was old; null if never.
        forgotten: Option<Time>,
    }

    /// How much a client sent to a server.
    TrafficLevel as "TrafficLevel" {
        /// Who sent.
        client: Peer,
        /// Who received.
        server: Peer,
        /// In bytes.
        bytes_sent: Int,
        /// How many connections.
        flows: Int,
        /// When it was last reported.
        last_seen: Time,
    }
}

impl From<crate::input::NodeCoverage> for Coverage {
    fn from(node: crate::input::NodeCoverage) -> Self {
        let counts = |list: Vec<crate::input::ReasonCountInput>| {
            let count = |item: crate::input::ReasonCountInput| ReasonCount {
                reason: item.reason,
                count: item.count,
            };
            list.into_iter().map(count).collect()
        };
        Self {
            node_name: node.node_name,
            reporter_id: node.reporter_id,
            at: node.at,
            seen: counts(node.seen),
            dropped: counts(node.dropped),
            spooled: node.spooled,
            rights: node.rights,
            last_scan: node.last_scan,
            version: node.version,
        }
    }
}
