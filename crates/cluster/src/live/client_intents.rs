//! ClientIntents of the intents operator (group `k8s.otterize.com`): their internet targets, and the one part of their
//! status that is ours.
//!
//! The service account needs `get`, `list` and `watch` on `clientintents` and `patch` on `clientintents/status`.

mod decode;
mod follow;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::time::Duration;

use compact_str::CompactString;
use serde_json::json;

pub(crate) use self::follow::FollowIntents;
use super::counters::Verb;
use super::request::{Api, RequestError, encode};
use super::settings::Settings;

/// The versions that have internet targets, the first that is served counts. `v2alpha1` is the one that is stored, so
/// that no conversion by the operator's webhook is needed; it is also the one that the replaced mapper used.
const VERSIONS: [&str; 4] = ["v2alpha1", "v2beta1", "v1beta1", "v1alpha3"];

const GROUP: &str = "/apis/k8s.otterize.com";

/// What tells one ClientIntents from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentsKey {
    /// Its namespace.
    pub namespace: CompactString,
    /// Its name.
    pub name: CompactString,
}

impl fmt::Display for IntentsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Addresses by domain, as the status has them: both sorted, each once.
pub type Resolved = BTreeMap<CompactString, BTreeSet<CompactString>>;

/// What counts of a ClientIntents here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIntents {
    /// Which one it is.
    pub key: IntentsKey,
    /// The domains of its internet targets, as they are written there: `api.example.com`, `*.example.com`.
    pub domains: BTreeSet<CompactString>,
    /// `status.resolvedIPs`.
    pub resolved: Resolved,
}

/// What is known of ClientIntents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntentsUpdate {
    /// One is there, or has changed.
    Applied(ClientIntents),
    /// One is gone.
    Deleted(IntentsKey),
    /// All that there are, in this version of the API, were told; others are gone.
    Listed {
        /// Such as `v2alpha1`.
        version: &'static str,
        /// Those that there are.
        present: HashSet<IntentsKey>,
    },
    /// The API server does not serve them, or does not let us read them.
    Absent,
}

/// Changes the status of ClientIntents.
#[derive(Clone)]
pub struct StatusWriter {
    api: Api,
    within: Duration,
}

impl fmt::Debug for StatusWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StatusWriter")
    }
}

impl StatusWriter {
    pub(crate) const fn new(api: Api, settings: &Settings) -> Self {
        Self {
            api,
            within: settings.answer,
        }
    }

    /// Makes `status.resolvedIPs` of one ClientIntents this; nothing else of it changes, whoever writes it meanwhile.
    pub async fn write(
        &self,
        version: &str,
        key: &IntentsKey,
        resolved: &Resolved,
    ) -> Result<(), RequestError> {
        let path = format!(
            "{GROUP}/{version}/namespaces/{}/clientintents/{}/status?fieldManager=portolan-mapper",
            encode(&key.namespace),
            encode(&key.name),
        );
        let entries: Vec<_> = resolved
            .iter()
            .map(|(dns, ips)| json!({ "dns": dns.as_str(), "ips": texts(ips) }))
            .collect();
        let change = json!({ "status": { "resolvedIPs": entries } });
        let change = change.to_string().into_bytes();
        self.api
            .merge_patch(Verb::Status, &path, change, self.within)
            .await
    }
}

fn texts(ips: &BTreeSet<CompactString>) -> Vec<&str> {
    ips.iter().map(CompactString::as_str).collect()
}
