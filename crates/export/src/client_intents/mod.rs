//! ClientIntents (group `k8s.otterize.com`), from which the Otterize intents operator makes network policies and
//! Kafka ACLs: one document for each client.
//!
//! The text is that of the tool that Portolan replaces, wherever that is a valid document that says what was seen.
//! The differences are listed in `DIFFERENCES.md` beside this crate.

mod documents;
mod json;
mod listed;
mod targets;
mod v1alpha3;
mod v2beta1;

use serde::Serialize;

pub use documents::client_intents;
pub use json::to_json;

/// What one client calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIntents {
    /// `metadata.name`: the workload's name as far as Kubernetes allows it, and unlike that of any other document in
    /// the namespace.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// Who calls.
    pub(crate) workload: Client,
    /// Whether another workload in the namespace has the same name, so that only the kind tells them apart.
    pub(crate) shares_name: bool,
    /// Whom.
    pub(crate) targets: Vec<Target>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Client {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) kind: String,
}

/// One thing that is called. In the order of the documents: by name, then as declared here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Target {
    /// A workload.
    Kubernetes(Server),
    /// A Kubernetes Service.
    Service(Server),
    /// Topics of a Kafka broker.
    Kafka { name: String, topics: Vec<Topic> },
    /// What is outside the cluster.
    Internet(Outside),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Server {
    /// With the namespace behind a dot, where it is not the client's.
    pub(crate) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) kind: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) http: Vec<Resource>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Resource {
    pub(crate) path: String,
    pub(crate) methods: Vec<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) operations: Vec<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Outside {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) domains: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) ips: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) ports: Vec<u16>,
}

impl ClientIntents {
    /// The document in version `v2beta1`, without a line's end behind it.
    pub fn to_yaml(&self) -> String {
        v2beta1::render(self)
    }

    /// The document as the list of the replaced tool has it, for people; each line with its end.
    pub fn to_list(&self) -> String {
        listed::render(self)
    }

    /// The document in version `v1alpha3`, without a line's end behind it.
    pub fn to_yaml_v1alpha3(&self) -> String {
        v1alpha3::render(self)
    }
}

/// Several YAML documents as one text, without a line's end behind it.
pub fn join(documents: impl IntoIterator<Item = String>) -> String {
    let documents: Vec<String> = documents.into_iter().collect();
    documents.join("\n---\n")
}
