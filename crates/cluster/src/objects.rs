//! Slim Kubernetes objects: only the fields that the map needs; unknown ones are skipped, `null` is absent.

use std::collections::BTreeMap;

use compact_str::CompactString;
use map::{PodUid, Time};
use serde::{Deserialize, Deserializer};

/// Any object. Every kind has the same few fields here; a kind uses those that it has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Object {
    /// `v1`, `apps/v1`, ….
    #[serde(deserialize_with = "or_default")]
    pub api_version: CompactString,
    /// `Pod`, `Service`, ….
    #[serde(deserialize_with = "or_default")]
    pub kind: CompactString,
    #[serde(deserialize_with = "or_default")]
    pub(crate) metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    pub(crate) spec: Spec,
    #[serde(deserialize_with = "or_default")]
    pub(crate) status: Status,
    #[serde(deserialize_with = "or_default")]
    pub(crate) endpoints: Vec<SliceEndpoint>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) ports: Vec<Port>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) subsets: Vec<Subset>,
}

impl Object {
    /// A pod's UID, as the nodes know it: for a static pod, its configuration's hash, which the kubelet puts into an
    /// annotation of the mirror pod (Kubernetes documentation, "Create static Pods").
    pub(crate) fn pod_uid(&self) -> Option<PodUid> {
        let hash = self.metadata.annotations.get("kubernetes.io/config.hash");
        let mut texts = hash.into_iter().chain([&self.metadata.uid]);
        texts.find_map(|text| text.parse().ok())
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Metadata {
    #[serde(deserialize_with = "or_default")]
    pub(crate) name: CompactString,
    #[serde(deserialize_with = "or_default")]
    pub(crate) namespace: CompactString,
    #[serde(deserialize_with = "or_default")]
    pub(crate) uid: CompactString,
    #[serde(deserialize_with = "time")]
    pub(crate) creation_timestamp: Option<Time>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) labels: BTreeMap<CompactString, CompactString>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) annotations: BTreeMap<CompactString, CompactString>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) owner_references: Vec<OwnerReference>,
    #[serde(deserialize_with = "time")]
    pub(crate) deletion_timestamp: Option<Time>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct OwnerReference {
    #[serde(deserialize_with = "or_default")]
    pub(crate) api_version: CompactString,
    #[serde(deserialize_with = "or_default")]
    pub(crate) kind: CompactString,
    #[serde(deserialize_with = "or_default")]
    pub(crate) name: CompactString,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_field_names, reason = "the names of the Kubernetes API")]
pub(crate) struct Spec {
    #[serde(deserialize_with = "or_default")]
    pub(crate) host_network: bool,
    #[serde(deserialize_with = "or_default")]
    pub(crate) node_name: CompactString,
    /// Of a pod: its host name, where that is not the pod's name.
    #[serde(deserialize_with = "or_default")]
    pub(crate) hostname: CompactString,
    #[serde(rename = "clusterIPs", deserialize_with = "or_default")]
    pub(crate) cluster_ips: Vec<CompactString>,
    #[serde(rename = "clusterIP", deserialize_with = "or_default")]
    pub(crate) cluster_ip: CompactString,
    #[serde(rename = "externalIPs", deserialize_with = "or_default")]
    pub(crate) external_ips: Vec<CompactString>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) external_name: CompactString,
    #[serde(deserialize_with = "lenient")]
    pub(crate) ports: Vec<Port>,
    /// Of a `CronJob`: what its Jobs are made from.
    #[serde(deserialize_with = "or_default")]
    pub(crate) job_template: JobTemplate,
    #[serde(rename = "podCIDRs", deserialize_with = "or_default")]
    pub(crate) pod_cidrs: Vec<CompactString>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) containers: Vec<Container>,
    /// Of a Service; other kinds have selectors of another shape.
    #[serde(deserialize_with = "lenient")]
    pub(crate) selector: BTreeMap<CompactString, CompactString>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Container {
    #[serde(deserialize_with = "or_default")]
    pub(crate) name: CompactString,
    #[serde(deserialize_with = "or_default")]
    pub(crate) image: CompactString,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_field_names, reason = "the names of the Kubernetes API")]
pub(crate) struct Port {
    #[serde(deserialize_with = "or_default")]
    pub(crate) name: CompactString,
    #[serde(deserialize_with = "or_default")]
    pub(crate) protocol: CompactString,
    #[serde(deserialize_with = "or_default")]
    pub(crate) port: u16,
    #[serde(deserialize_with = "or_default")]
    pub(crate) node_port: u16,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_field_names, reason = "the names of the Kubernetes API")]
pub(crate) struct Status {
    #[serde(deserialize_with = "or_default")]
    pub(crate) phase: CompactString,
    #[serde(rename = "podIP", deserialize_with = "or_default")]
    pub(crate) pod_ip: CompactString,
    #[serde(rename = "podIPs", deserialize_with = "or_default")]
    pub(crate) pod_ips: Vec<Ip>,
    #[serde(deserialize_with = "time")]
    pub(crate) start_time: Option<Time>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) init_container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) ephemeral_container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) addresses: Vec<NodeAddress>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) load_balancer: LoadBalancer,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LoadBalancer {
    #[serde(deserialize_with = "or_default")]
    pub(crate) ingress: Vec<Ip>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ip {
    #[serde(deserialize_with = "or_default")]
    pub(crate) ip: CompactString,
    #[serde(rename = "targetRef", deserialize_with = "or_default")]
    pub(crate) target: TargetRef,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NodeAddress {
    #[serde(deserialize_with = "or_default")]
    pub(crate) address: CompactString,
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub(crate) kind: CompactString,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Condition {
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub(crate) kind: CompactString,
    #[serde(deserialize_with = "or_default")]
    pub(crate) status: CompactString,
    #[serde(deserialize_with = "time")]
    pub(crate) last_transition_time: Option<Time>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ContainerStatus {
    #[serde(deserialize_with = "or_default")]
    pub(crate) state: ContainerState,
    #[serde(deserialize_with = "or_default")]
    pub(crate) last_state: ContainerState,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ContainerState {
    pub(crate) running: Option<Run>,
    pub(crate) terminated: Option<Run>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Run {
    #[serde(deserialize_with = "time")]
    pub(crate) started_at: Option<Time>,
    #[serde(deserialize_with = "time")]
    pub(crate) finished_at: Option<Time>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SliceEndpoint {
    #[serde(deserialize_with = "or_default")]
    pub(crate) addresses: Vec<CompactString>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) target_ref: TargetRef,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TargetRef {
    #[serde(deserialize_with = "or_default")]
    pub(crate) uid: CompactString,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Subset {
    #[serde(deserialize_with = "or_default")]
    pub(crate) addresses: Vec<Ip>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) not_ready_addresses: Vec<Ip>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) ports: Vec<Port>,
}

/// The part of a Job's template that its pods inherit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct JobTemplate {
    #[serde(deserialize_with = "or_default")]
    pub(crate) spec: JobSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct JobSpec {
    #[serde(deserialize_with = "or_default")]
    pub(crate) template: PodTemplate,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PodTemplate {
    #[serde(deserialize_with = "or_default")]
    pub(crate) metadata: Metadata,
}

/// `null` is absent.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A field whose shape differs between kinds: another shape is absent.
fn lenient<'de, D: Deserializer<'de>, T: for<'a> Deserialize<'a> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(serde_json::from_value(serde_json::Value::deserialize(deserializer)?).unwrap_or_default())
}

/// A time that cannot be read is absent.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.and_then(|text| text.parse().ok()))
}
