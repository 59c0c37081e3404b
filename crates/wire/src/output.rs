//! What the replaced mapper answers, field by field. What this one answers beyond it is in [`edge`](crate::edge).

use serde::{Deserialize, Serialize};

use crate::{HttpMethod, Int, IntentType, KafkaOperation, Text};

/// Gives an output both directions, and its place in the server's schema. A client asks for fewer fields than there
/// are: what may be null may be missing.
macro_rules! outputs {
    ($($(#[$about:meta])* $name:ident as $word:literal {
        $($(#[$note:meta])* $field:ident $(as $called:literal)?: $kind:ty,)+
    })+) => {
        $(
            $(#[$about])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(rename_all = "camelCase")]
            #[cfg_attr(feature = "server", derive(async_graphql::SimpleObject))]
            // Nothing here waits: one field after the other costs less, and comes in the order asked for.
            #[cfg_attr(feature = "server", graphql(name = $word, serial))]
            pub struct $name {
                $(
                    $(#[$note])*
                    $(#[serde(rename = $called)])?
                    $(#[cfg_attr(feature = "server", graphql(name = $called))])?
                    pub $field: $kind,
                )+
            }

            #[cfg(feature = "server")]
            impl crate::engine::Row for $name {
                fn writer(
                    asked: &[async_graphql::SelectionField<'_>],
                ) -> crate::engine::Write<Self> {
                    crate::engine::rows::object(asked, $word, |name, fields| {
                        $(
                            let names: &[&str] = &[$($called,)? stringify!($field)];
                            if names.first() == Some(&name) {
                                let write = <$kind as crate::engine::Row>::writer(fields);
                                return Some(Box::new(move |row: &Self, json| write(&row.$field, json)));
                            }
                        )+
                        None
                    })
                }
            }
        )+
    };
}
pub(crate) use outputs;

outputs! {
    /// A label of a pod.
    PodLabel as "PodLabel" {
        /// The key.
        key: Text,
        /// The value.
        value: Text,
    }

    /// The kind of a Kubernetes object.
    GroupVersionKind as "GroupVersionKind" {
        /// The API group; null for the core group.
        group: Option<Text>,
        /// The API version.
        version: Text,
        /// The kind.
        kind: Text,
    }

    /// How a TCP destination was found; always null here.
    TcpDestResolveBugfixData as "TCPDestResolveBugfixData" {
        /// Whether the source is the control plane.
        is_src_control_plane: bool,
        /// Whether the destination was found by its address.
        resolved_using_ip: bool,
    }

    /// How an identity was found.
    IdentityResolutionData as "IdentityResolutionData" {
        /// The name or address that was resolved.
        host: Option<Text>,
        /// The pod's name.
        pod_hostname: Option<Text>,
        /// The name that the node gave.
        procfs_hostname: Option<Text>,
        /// The port.
        port: Option<Int>,
        /// Whether a Service stood before it.
        is_service: Option<bool>,
        /// How long the pod had been up.
        uptime: Option<Text>,
        /// When it was seen.
        last_seen: Option<Text>,
        /// Anything else.
        extra_info: Option<Text>,
        /// Whether the pod has a Linkerd sidecar.
        has_linkerd_sidecar: Option<bool>,
        /// See there.
        tcp_dest_resolve_fix_data: Option<TcpDestResolveBugfixData>,
    }

    /// A workload.
    OtterizeServiceIdentity as "OtterizeServiceIdentity" {
        /// Its name.
        name: Text,
        /// Its namespace.
        namespace: Text,
        /// The labels of one of its pods.
        labels: Option<Vec<PodLabel>>,
        /// Whether an annotation gave the name.
        name_resolved_using_annotation: Option<bool>,
        /// How it was found.
        resolution_data: Option<IdentityResolutionData>,
        /// The kind of its root owner.
        pod_owner_kind: Option<GroupVersionKind>,
        /// The Service through which it was called.
        kubernetes_service: Option<Text>,
    }

    /// What is done to a Kafka topic.
    KafkaConfig as "KafkaConfig" {
        /// The topic.
        name: Text,
        /// What is done to it.
        operations: Option<Vec<KafkaOperation>>,
    }

    /// How an HTTP path is called.
    HttpResource as "HttpResource" {
        /// The path.
        path: Text,
        /// The methods.
        methods: Option<Vec<HttpMethod>>,
    }

    /// A client calls a server.
    Intent as "Intent" {
        /// Who calls.
        client: OtterizeServiceIdentity,
        /// Who is called.
        server: OtterizeServiceIdentity,
        /// The kind of access, where it is known.
        intent_type as "type": Option<IntentType>,
        /// How the intent was found.
        resolution_data: Option<Text>,
        /// By topic.
        kafka_topics: Option<Vec<KafkaConfig>>,
        /// By path.
        http_resources: Option<Vec<HttpResource>>,
        /// Never given.
        aws_actions: Option<Vec<Text>>,
    }

    /// A client, and the servers that it calls.
    ServiceIntents as "ServiceIntents" {
        /// Who calls.
        client: OtterizeServiceIdentity,
        /// Who is called.
        intents: Vec<OtterizeServiceIdentity>,
    }
}
