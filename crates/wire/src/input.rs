//! What reporters send.
//!
//! Fields and their order are those of the replaced contract; behind them, after "Beyond the old contract", come
//! optional ones of ours. Those of old are written as null when they are not known, as the replaced sniffer does; ours
//! are left out, because an old mapper refuses a field that it does not know, even when it is null.

use serde::{Deserialize, Serialize};

use crate::list;
use crate::{AttemptOutcome, HttpMethod, Int, Protocol, Text, Time};

/// Gives an input both directions, and its place in the server's schema.
macro_rules! inputs {
    ($($(#[$about:meta])* $name:ident as $word:literal { $($(#[$note:meta])* $field:ident: $kind:ty,)+ })+) => {
        $(
            $(#[$about])*
            #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(rename_all = "camelCase", deny_unknown_fields)]
            #[cfg_attr(feature = "server", derive(async_graphql::InputObject))]
            #[cfg_attr(feature = "server", graphql(name = $word))]
            pub struct $name { $($(#[$note])* pub $field: $kind,)+ }
        )+
    };
}

inputs! {
    /// One thing that a source reached or asked for.
    Destination as "Destination" {
        /// An address, or a DNS name.
        destination: Text,
        /// The address, where it is known.
        #[serde(rename = "destinationIP")]
        #[cfg_attr(feature = "server", graphql(name = "destinationIP"))]
        destination_ip: Option<Text>,
        /// The port.
        destination_port: Option<Int>,
        /// How long a DNS answer is valid, in seconds.
        #[serde(rename = "TTL")]
        #[cfg_attr(feature = "server", graphql(name = "TTL"))]
        ttl: Option<Int>,
        /// When it was last seen.
        last_seen: Time,
        /// The client's ports, to count connections by.
        #[serde(default, deserialize_with = "list::optional_scalars")]
        src_ports: Option<Vec<Int>>,

        // Beyond the old contract.
        /// The UID of the pod behind the destination, where the node knows it.
        #[serde(skip_serializing_if = "Option::is_none")]
        destination_pod_uid: Option<Text>,
        /// The address that the client meant, when `destination` is the backend that it reached by translation.
        #[serde(skip_serializing_if = "Option::is_none")]
        original_destination: Option<Text>,
        /// The port that the client meant, see `originalDestination`.
        #[serde(skip_serializing_if = "Option::is_none")]
        original_port: Option<Int>,
        /// The transport.
        #[serde(skip_serializing_if = "Option::is_none")]
        protocol: Option<Protocol>,
        /// Given when no connection was made: an attempt, never an edge.
        #[serde(skip_serializing_if = "Option::is_none")]
        attempt: Option<AttemptOutcome>,
        /// When this reporter first saw it.
        #[serde(skip_serializing_if = "Option::is_none")]
        first_seen: Option<Time>,
        /// How many connections this reporter has counted since it started.
        #[serde(skip_serializing_if = "Option::is_none")]
        connections: Option<Int>,
    }

    /// What one source reached or asked for.
    RecordedDestinationsForSrc as "RecordedDestinationsForSrc" {
        /// The source's address.
        src_ip: Text,
        /// The name of the source's pod, where the node knows it; else empty.
        src_hostname: Text,
        /// What it reached or asked for.
        #[serde(deserialize_with = "list::objects")]
        destinations: Vec<Destination>,

        // Beyond the old contract.
        /// The UID of the source's pod, where the node knows it.
        #[serde(skip_serializing_if = "Option::is_none")]
        src_pod_uid: Option<Text>,
        /// The node of the reporter.
        #[serde(skip_serializing_if = "Option::is_none")]
        node_name: Option<Text>,
        /// One run of one reporter; without it the report comes from the replaced sniffer.
        #[serde(skip_serializing_if = "Option::is_none")]
        reporter_id: Option<Text>,
    }

    /// DNS answers.
    CaptureResults as "CaptureResults" {
        /// By source.
        #[serde(deserialize_with = "list::objects")]
        results: Vec<RecordedDestinationsForSrc>,
    }

    /// TCP handshakes.
    CaptureTcpResults as "CaptureTCPResults" {
        /// By source.
        #[serde(deserialize_with = "list::objects")]
        results: Vec<RecordedDestinationsForSrc>,
    }

    /// Open connections. The replaced sniffer swaps the ports: the server's is `srcPorts[0]`.
    SocketScanResults as "SocketScanResults" {
        /// By source.
        #[serde(deserialize_with = "list::objects")]
        results: Vec<RecordedDestinationsForSrc>,
    }

    /// An access to a Kafka topic.
    KafkaMapperResult as "KafkaMapperResult" {
        /// The client's address.
        src_ip: Text,
        /// The broker's pod.
        server_pod_name: Text,
        /// The broker's namespace.
        server_namespace: Text,
        /// The topic.
        topic: Text,
        /// The broker's word for the operation, such as `Read`.
        operation: Text,
        /// When it was last seen.
        last_seen: Time,

        // Beyond the old contract.
        /// One run of one reporter.
        #[serde(skip_serializing_if = "Option::is_none")]
        reporter_id: Option<Text>,
        /// Given when the broker denied the access: an attempt, never an edge.
        #[serde(skip_serializing_if = "Option::is_none")]
        attempt: Option<AttemptOutcome>,
    }

    /// Accesses to Kafka topics.
    KafkaMapperResults as "KafkaMapperResults" {
        /// In any order.
        #[serde(deserialize_with = "list::objects")]
        results: Vec<KafkaMapperResult>,
    }

    /// Requests that an Istio sidecar counted.
    IstioConnection as "IstioConnection" {
        /// The client's name: its workload's, or its canonical one.
        src_workload: Text,
        /// The client's namespace.
        src_workload_namespace: Text,
        /// The server's name: its workload's, or its canonical one.
        dst_workload: Text,
        /// The Service that was called.
        dst_service_name: Text,
        /// The server's namespace.
        dst_workload_namespace: Text,
        /// The path of the requests.
        path: Text,
        /// Their methods.
        #[serde(deserialize_with = "list::scalars")]
        methods: Vec<HttpMethod>,
        /// When it was last seen.
        last_seen: Time,

        // Beyond the old contract.
        /// One run of one reporter.
        #[serde(skip_serializing_if = "Option::is_none")]
        reporter_id: Option<Text>,
        /// Given when every such request was denied or had no answer: an attempt, never an edge.
        #[serde(skip_serializing_if = "Option::is_none")]
        attempt: Option<AttemptOutcome>,
        /// The client's canonical name, where `srcWorkload` is that of its workload.
        #[serde(skip_serializing_if = "Option::is_none")]
        src_canonical_service: Option<Text>,
        /// The server's canonical name, where `dstWorkload` is that of its workload.
        #[serde(skip_serializing_if = "Option::is_none")]
        dst_canonical_service: Option<Text>,
    }

    /// What Istio sidecars counted.
    IstioConnectionResults as "IstioConnectionResults" {
        /// In any order.
        #[serde(deserialize_with = "list::objects")]
        results: Vec<IstioConnection>,
    }

    /// A workload, by its name.
    NamespacedName as "NamespacedName" {
        /// Its name.
        name: Text,
        /// Its namespace.
        namespace: Text,
    }

    /// What a client did to a resource of Amazon Web Services.
    AwsOperation as "AWSOperation" {
        /// The ARN.
        resource: Text,
        /// Such as `s3:GetObject`.
        #[serde(deserialize_with = "list::scalars")]
        actions: Vec<Text>,
        /// The client's address, when `client` is not given.
        src_ip: Option<Text>,
        /// The role that was used.
        iam_role: Option<Text>,
        /// The client.
        #[serde(default, deserialize_with = "list::optional_object")]
        client: Option<NamespacedName>,
    }

    /// What a client did to a resource of Google Cloud.
    GcpOperation as "GCPOperation" {
        /// The resource.
        resource: Text,
        /// Such as `storage.objects.get`.
        #[serde(deserialize_with = "list::scalars")]
        permissions: Vec<Text>,
        /// The client's address, when `client` is not given.
        src_ip: Option<Text>,
        /// The client.
        #[serde(default, deserialize_with = "list::optional_object")]
        client: Option<NamespacedName>,
    }

    /// What a client did to a resource of Azure.
    AzureOperation as "AzureOperation" {
        /// The resource.
        scope: Text,
        /// On the resource.
        #[serde(deserialize_with = "list::scalars")]
        actions: Vec<Text>,
        /// On the data within it.
        #[serde(deserialize_with = "list::scalars")]
        data_actions: Vec<Text>,
        /// The client's name.
        client_name: Text,
        /// The client's namespace.
        client_namespace: Text,
    }

    /// How much went from one address to another.
    TrafficLevelResult as "TrafficLevelResult" {
        /// From.
        #[serde(rename = "srcIP")]
        #[cfg_attr(feature = "server", graphql(name = "srcIP"))]
        src_ip: Text,
        /// To.
        #[serde(rename = "dstIP")]
        #[cfg_attr(feature = "server", graphql(name = "dstIP"))]
        dst_ip: Text,
        /// In bytes.
        bytes_sent: Int,
        /// How many connections.
        flows: Int,
    }

    /// How much went between addresses.
    TrafficLevelResults as "TrafficLevelResults" {
        /// In any order.
        #[serde(deserialize_with = "list::objects")]
        results: Vec<TrafficLevelResult>,
    }

    /// Which server: the clients of it are wanted.
    ServerFilter as "ServerFilter" {
        /// Its name.
        name: Text,
        /// Its namespace.
        namespace: Text,
    }

    /// How many, and why.
    ReasonCountInput as "ReasonCountInput" {
        /// The reason, in the words of the reporter's metrics.
        reason: Text,
        /// Since the reporter started.
        count: Int,
    }

    /// What a reporter sees of its node, and what it does not.
    NodeCoverage as "NodeCoverage" {
        /// The node; empty where `role` is given.
        node_name: Text,
        /// One run of one reporter.
        reporter_id: Text,
        /// As of when.
        at: Time,
        /// What came in, by evidence or kind of packet.
        #[serde(deserialize_with = "list::objects")]
        seen: Vec<ReasonCountInput>,
        /// What was not counted as an observation, by reason.
        #[serde(deserialize_with = "list::objects")]
        dropped: Vec<ReasonCountInput>,
        /// How many observations wait to be sent.
        spooled: Int,
        /// The sources that the reporter's rights allow, such as `packets` or `sockets`.
        #[serde(deserialize_with = "list::scalars")]
        rights: Vec<Text>,
        /// When socket tables were last read completely.
        last_scan: Option<Time>,
        /// The reporter's version.
        version: Text,
        /// What it is, such as `kafka-watcher`, when it speaks for no node.
        #[serde(skip_serializing_if = "Option::is_none")]
        role: Option<Text>,
    }
}

impl ReasonCountInput {
    /// So many, for this reason.
    pub fn new(reason: &str, count: u64) -> Self {
        Self {
            reason: Text::from(reason),
            count: Int::from(count),
        }
    }
}
