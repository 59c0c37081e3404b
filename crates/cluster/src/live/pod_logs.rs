//! Logs of containers, and the pods that they are of (Kubernetes API reference, pods, `get`, `list` and `log`).
//!
//! The service account needs `get` and `list` on `pods` and `get` on `pods/log`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use compact_str::CompactString;
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use map::Time;
use serde::Deserialize;

use super::counters::{Counters, Verb};
use super::request::{Api, RequestError, connection, encode, short};
use super::resource::JSON;

/// How long an answer may take to begin, or to go on where it is a list.
const WITHIN: Duration = Duration::from_secs(15);

/// Bytes of one pod as JSON: etcd takes no larger object, and JSON is larger than what it keeps.
const MAX_POD: usize = 4 << 20;

/// Pods of one list. Brokers of one cluster are dozens.
pub const MAX_LOGGED_PODS: usize = 200;

/// Bytes of such a list: full pods have up to 108 KB in clusters that were looked at.
const MAX_LIST: usize = 64 << 20;

/// Asks for logs, and for the pods that they are of.
#[derive(Clone)]
pub struct PodLogs(Api);

impl fmt::Debug for PodLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PodLogs")
    }
}

/// A pod, as far as its logs are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedPod {
    /// Its namespace.
    pub namespace: CompactString,
    /// Its name.
    pub name: CompactString,
    /// Its UID: another pod may have had the same name.
    pub uid: CompactString,
    /// Its addresses, as they are written.
    pub addresses: Vec<CompactString>,
    /// Its containers, but not those that run before them.
    pub containers: Vec<Logged>,
}

/// A container, as far as its log is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its name.
    pub name: CompactString,
    /// How often it was started again.
    pub restarts: u32,
    /// Whether it has ever run: else there is no log.
    pub has_run: bool,
}

/// Which part of which log.
#[derive(Clone, Copy, Debug)]
pub struct LogRequest<'a> {
    /// The pod's namespace.
    pub namespace: &'a str,
    /// The pod's name.
    pub pod: &'a str,
    /// The container's name.
    pub container: &'a str,
    /// From this time on, in whole seconds.
    pub since: Time,
    /// The log of the container that ran before the last restart, to its end; else that of the present one, for ever.
    pub previous: bool,
}

/// Bytes of a log as they come: lines, each with a time stamp (RFC 3339) and a space in front.
pub struct LogStream(Body);

impl fmt::Debug for LogStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogStream")
    }
}

impl LogStream {
    /// The next bytes; none at the end. May be dropped while it waits.
    pub async fn next(&mut self) -> Result<Option<Bytes>, RequestError> {
        while let Some(frame) = self.0.frame().await {
            if let Ok(data) = frame.map_err(|error| connection(&error))?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

impl PodLogs {
    /// Asks with this client.
    pub fn new(client: Client) -> Self {
        let counters = Arc::new(Counters::default());
        Self(Api { client, counters })
    }

    /// One pod.
    pub async fn pod(&self, namespace: &str, name: &str) -> Result<LoggedPod, RequestError> {
        let path = format!("{}/{}", pods(namespace), encode(name));
        let text = self.0.get(Verb::List, &path, JSON, WITHIN, MAX_POD).await?;
        let pod: Pod = read(&text)?;
        Ok(pod.into())
    }

    /// The pods with these labels, sorted by name: [`MAX_LOGGED_PODS`] of them, and how many more there are.
    pub async fn pods(
        &self,
        namespace: &str,
        selector: &str,
    ) -> Result<(Vec<LoggedPod>, u64), RequestError> {
        let path = format!(
            "{}?labelSelector={}&limit={MAX_LOGGED_PODS}",
            pods(namespace),
            encode(selector)
        );
        let text = self
            .0
            .get(Verb::List, &path, JSON, WITHIN, MAX_LIST)
            .await?;
        let list: List = read(&text)?;
        let mut found: Vec<LoggedPod> = list.items.into_iter().map(LoggedPod::from).collect();
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok((found, list.metadata.remaining_item_count.unwrap_or(0)))
    }

    /// Opens a log.
    pub async fn open(&self, log: &LogRequest<'_>) -> Result<LogStream, RequestError> {
        let way = if log.previous {
            "previous=true"
        } else {
            "follow=true"
        };
        let since = Time::from_secs(log.since.as_secs()).to_string();
        let path = format!(
            "{}/{}/log?container={}&timestamps=true&sinceTime={}&{way}",
            pods(log.namespace),
            encode(log.pod),
            encode(log.container),
            encode(&since),
        );
        // The head of an answer comes with the first line, which may take for ever: the API server sends it only then. So
        // there is no limit here; whoever waits gives up.
        let patience = Duration::from_secs(u64::from(u32::MAX));
        let body = self.0.open(Verb::Log, &path, "*/*", patience).await?;
        Ok(LogStream(body))
    }
}

fn pods(namespace: &str) -> String {
    format!("/api/v1/namespaces/{}/pods", encode(namespace))
}

fn read<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, RequestError> {
    serde_json::from_slice(text)
        .map_err(|error| RequestError::Unreadable(short(&error.to_string())))
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    metadata: ListMetadata,
    #[serde(default)]
    items: Vec<Pod>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListMetadata {
    remaining_item_count: Option<u64>,
}

#[derive(Deserialize)]
struct Pod {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Metadata {
    namespace: CompactString,
    name: CompactString,
    uid: CompactString,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    containers: Vec<Container>,
}

#[derive(Deserialize)]
struct Container {
    name: CompactString,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    pod_ip: CompactString,
    #[serde(rename = "podIPs")]
    pod_ips: Vec<Address>,
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Deserialize)]
struct Address {
    ip: CompactString,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerStatus {
    name: CompactString,
    #[serde(default)]
    restart_count: u32,
    #[serde(default)]
    state: State,
    #[serde(default)]
    last_state: State,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct State {
    running: Option<Present>,
    terminated: Option<Present>,
}

/// Whatever is in it.
#[derive(Deserialize)]
struct Present {}

impl From<Pod> for LoggedPod {
    fn from(pod: Pod) -> Self {
        let status = pod.status;
        let container = |container: Container| {
            let said = status
                .container_statuses
                .iter()
                .find(|said| said.name == container.name);
            let has_run = said.is_some_and(|said| {
                said.state.running.is_some()
                    || said.state.terminated.is_some()
                    || said.last_state.terminated.is_some()
            });
            Logged {
                name: container.name,
                restarts: said.map_or(0, |said| said.restart_count),
                has_run,
            }
        };
        let containers = pod.spec.containers.into_iter().map(container).collect();
        let mut addresses: Vec<_> = status
            .pod_ips
            .into_iter()
            .map(|address| address.ip)
            .collect();
        if !status.pod_ip.is_empty() && !addresses.contains(&status.pod_ip) {
            addresses.push(status.pod_ip);
        }
        Self {
            namespace: pod.metadata.namespace,
            name: pod.metadata.name,
            uid: pod.metadata.uid,
            addresses,
            containers,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_has_its_containers_and_how_often_they_were_started() {
        let text = json!({
            "metadata": {"namespace": "kafka", "name": "kafka-0", "uid": "1"},
            "spec": {"containers": [{"name": "kafka"}, {"name": "exporter"}, {"name": "late"}], "initContainers": [{"name": "init"}]},
            "status": {
                "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}],
                "containerStatuses": [
                    {"name": "exporter", "restartCount": 3, "state": {"waiting": {}}, "lastState": {"terminated": {"exitCode": 1}}},
                    {"name": "kafka", "restartCount": 0, "state": {"running": {"startedAt": "2026-11-23T09:42:12Z"}}, "lastState": {}},
                ],
            },
        });
        let pod = LoggedPod::from(read::<Pod>(text.to_string().as_bytes()).unwrap());
        let containers: Vec<_> = pod
            .containers
            .iter()
            .map(|container| {
                (
                    container.name.as_str(),
                    container.restarts,
                    container.has_run,
                )
            })
            .collect();
        assert_eq!(
            containers,
            [
                ("kafka", 0, true),
                ("exporter", 3, true),
                ("late", 0, false)
            ]
        );
        assert_eq!(pod.addresses, ["10.0.0.1", "fd00::1"]);
        let bare = json!({"metadata": {"namespace": "a", "name": "b", "uid": "1"}});
        let pod = LoggedPod::from(read::<Pod>(bare.to_string().as_bytes()).unwrap());
        assert!(pod.containers.is_empty() && pod.addresses.is_empty());
    }
}
