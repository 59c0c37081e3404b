//! The resources that are watched.

use crate::update::Kind;

/// What of an object is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it, as JSON.
    Full,
    /// Its metadata (Kubernetes documentation, "Kubernetes API Concepts", metadata-only fetches).
    Metadata,
}

/// A resource that is watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resource {
    pub(crate) kind: Kind,
    /// Such as `apps/v1`.
    pub(crate) api_version: &'static str,
    /// Such as `/apis/apps/v1/replicasets`.
    pub(crate) path: &'static str,
    pub(crate) part: Part,
    /// What is watched where the API server does not serve this one.
    pub(crate) instead: Option<&'static Self>,
    /// The name of its task.
    pub(crate) task: &'static str,
}

/// What is watched, all at the same time: one more is one line.
pub(crate) const WATCHED: [&Resource; 10] = [
    &POD,
    &full(Kind::Node, "v1", "/api/v1/nodes", "watch nodes"),
    &full(Kind::Service, "v1", "/api/v1/services", "watch services"),
    &ENDPOINT_SLICE,
    &CRON_JOB,
    &owner(
        Kind::ReplicaSet,
        "apps/v1",
        "/apis/apps/v1/replicasets",
        "watch replicasets",
    ),
    &owner(
        Kind::Deployment,
        "apps/v1",
        "/apis/apps/v1/deployments",
        "watch deployments",
    ),
    &owner(
        Kind::StatefulSet,
        "apps/v1",
        "/apis/apps/v1/statefulsets",
        "watch statefulsets",
    ),
    &owner(
        Kind::DaemonSet,
        "apps/v1",
        "/apis/apps/v1/daemonsets",
        "watch daemonsets",
    ),
    &owner(Kind::Job, "batch/v1", "/apis/batch/v1/jobs", "watch jobs"),
];

pub(crate) const POD: Resource = full(Kind::Pod, "v1", "/api/v1/pods", "watch pods");

/// Since Kubernetes 1.21; before, Endpoints say the same in fewer objects (Kubernetes documentation, "EndpointSlices").
const ENDPOINT_SLICE: Resource = Resource {
    instead: Some(&full(
        Kind::Endpoints,
        "v1",
        "/api/v1/endpoints",
        "watch endpoints",
    )),
    ..full(
        Kind::EndpointSlice,
        "discovery.k8s.io/v1",
        "/apis/discovery.k8s.io/v1/endpointslices",
        "watch endpointslices",
    )
};

/// In full, for what its Jobs' pods inherit; before Kubernetes 1.21 only as a beta.
const CRON_JOB: Resource = Resource {
    instead: Some(&full(
        Kind::CronJob,
        "batch/v1beta1",
        "/apis/batch/v1beta1/cronjobs",
        "watch cronjobs",
    )),
    ..full(
        Kind::CronJob,
        "batch/v1",
        "/apis/batch/v1/cronjobs",
        "watch cronjobs",
    )
};

const fn full(
    kind: Kind,
    api_version: &'static str,
    path: &'static str,
    task: &'static str,
) -> Resource {
    Resource {
        kind,
        api_version,
        path,
        part: Part::Full,
        instead: None,
        task,
    }
}

/// An owner of which only its own owner counts.
const fn owner(
    kind: Kind,
    api_version: &'static str,
    path: &'static str,
    task: &'static str,
) -> Resource {
    Resource {
        part: Part::Metadata,
        ..full(kind, api_version, path, task)
    }
}

impl Resource {
    /// Its name in the rules of roles, such as `replicasets`.
    pub(crate) fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }

    /// Its API group there, such as `apps`; empty for the core.
    pub(crate) fn group(&self) -> &'static str {
        self.api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
    }

    /// The `Accept` of a list. Servers that know no metadata-only lists send whole ones.
    pub(crate) const fn accept_list(&self) -> &'static str {
        match self.part {
            Part::Full => JSON,
            Part::Metadata => METADATA_LIST,
        }
    }

    /// The `Accept` of a watch.
    pub(crate) const fn accept_watch(&self) -> &'static str {
        match self.part {
            Part::Full => JSON,
            Part::Metadata => METADATA,
        }
    }
}

pub(crate) const JSON: &str = "application/json";
pub(crate) const METADATA: &str =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
pub(crate) const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
