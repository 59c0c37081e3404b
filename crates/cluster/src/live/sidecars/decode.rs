//! Answers become sidecars.

use compact_str::CompactString;
use map::{PodUid, Time};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{SIDECAR_CONTAINER, Sidecar, SidecarUpdate};
use crate::live::decode::Line;
use crate::live::request::{RequestError, Status as Problem};

/// Of a pod, what counts here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pod {
    metadata: Metadata,
    status: Option<Status>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    namespace: CompactString,
    name: CompactString,
    uid: CompactString,
    resource_version: CompactString,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    phase: CompactString,
    #[serde(rename = "podIP")]
    pod_ip: Option<CompactString>,
    container_statuses: Option<Vec<Container>>,
    init_container_statuses: Option<Vec<Container>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Container {
    name: CompactString,
    state: Option<State>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    running: Option<Running>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Running {
    started_at: Option<CompactString>,
}

impl Pod {
    /// A sidecar that runs, or that there is none (any more); nothing of what is no pod.
    fn update(self) -> Option<SidecarUpdate> {
        let uid = self.metadata.uid.parse().ok()?;
        let sidecar = self.sidecar(uid);
        Some(sidecar.map_or(SidecarUpdate::Gone(uid), SidecarUpdate::Applied))
    }

    fn sidecar(self, uid: PodUid) -> Option<Sidecar> {
        let status = self.status?;
        if status.phase != "Running" {
            return None;
        }
        let ordinary = status.container_statuses.into_iter();
        let containers = ordinary.chain(status.init_container_statuses).flatten();
        let mut sidecars = containers.filter(|container| container.name == SIDECAR_CONTAINER);
        let running = sidecars.find_map(|container| container.state?.running)?;
        let started: Option<Time> = running.started_at.and_then(|text| text.parse().ok());
        Some(Sidecar {
            uid,
            namespace: self.metadata.namespace,
            name: self.metadata.name,
            address: status.pod_ip?.parse().ok()?,
            started,
        })
    }
}

/// `None` for what cannot be read.
pub(super) fn item(raw: &RawValue) -> Option<SidecarUpdate> {
    serde_json::from_str::<Pod>(raw.get()).ok()?.update()
}

/// What one line of a watch tells, and the version up to which it is told.
#[derive(Debug)]
pub(super) enum Told {
    Update(SidecarUpdate, CompactString),
    /// Nothing that could be read happened up to here.
    Reached(CompactString),
    Error(RequestError),
}

/// `None` where the line is no event: what it told is lost.
pub(super) fn line(bytes: &[u8]) -> Option<Told> {
    let line: Line<'_> = serde_json::from_slice(bytes).ok()?;
    let text = line.object.get();
    if line.word == "ERROR" {
        let problem = serde_json::from_str::<Problem>(text).unwrap_or_default();
        return Some(Told::Error(problem.into_error(None)));
    }
    let pod: Pod = serde_json::from_str(text).ok()?;
    let version = pod.metadata.resource_version.clone();
    let uid = pod.metadata.uid.parse().ok();
    let update = match line.word.as_str() {
        "ADDED" | "MODIFIED" => pod.update(),
        // It no longer exists, or has the label no more.
        "DELETED" => uid.map(SidecarUpdate::Gone),
        _ => None,
    };
    Some(match update {
        Some(update) => Told::Update(update, version),
        None => Told::Reached(version),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "0b8b5a50-3c3e-4d4f-9e9a-0123456789ab";

    fn pod(status: &str) -> String {
        format!(
            r#"{{"metadata":{{"namespace":"shop","name":"web-1","uid":"{UID}","resourceVersion":"7"}},"status":{status}}}"#
        )
    }

    fn told(word: &str, status: &str) -> SidecarUpdate {
        let text = format!(r#"{{"type":"{word}","object":{}}}"#, pod(status));
        match line(text.as_bytes()) {
            Some(Told::Update(update, version)) if version == "7" => update,
            other => panic!("{other:?}"),
        }
    }

    const RUNNING: &str = r#"[{"name":"app","state":{"running":{"startedAt":"2026-11-28T10:00:00Z"}}},
        {"name":"istio-proxy","state":{"running":{"startedAt":"2026-11-28T10:00:05Z"}}}]"#;

    #[test]
    fn a_sidecar_is_an_ordinary_container_or_an_init_container_that_stays() {
        for list in ["containerStatuses", "initContainerStatuses"] {
            let status = format!(r#"{{"phase":"Running","podIP":"10.1.2.3","{list}":{RUNNING}}}"#);
            let SidecarUpdate::Applied(sidecar) = told("ADDED", &status) else {
                panic!("no sidecar in {list}");
            };
            assert_eq!(
                (sidecar.address.to_string(), sidecar.started),
                ("10.1.2.3".to_owned(), "2026-11-28T10:00:05Z".parse().ok())
            );
            assert_eq!((&*sidecar.namespace, &*sidecar.name), ("shop", "web-1"));
        }
    }

    #[test]
    fn what_does_not_run_is_gone() {
        let gone = SidecarUpdate::Gone(UID.parse().unwrap());
        let running =
            format!(r#"{{"phase":"Running","podIP":"10.1.2.3","containerStatuses":{RUNNING}}}"#);
        assert_eq!(told("DELETED", &running), gone);
        for status in [
            running.replace("Running", "Pending"),
            running.replace("istio-proxy", "other"),
            running.replace("\"podIP\":\"10.1.2.3\"", "\"podIP\":null"),
            running.replace("10.1.2.3", "x"),
            r#"{"phase":"Running","podIP":"10.1.2.3","containerStatuses":[{"name":"istio-proxy",
                "state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}"#
                .to_owned(),
            "null".to_owned(),
        ] {
            assert_eq!(told("MODIFIED", &status), gone, "{status}");
        }
    }

    #[test]
    fn bookmarks_move_on_and_errors_end_it() {
        let bookmark = br#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}"#;
        assert!(matches!(line(bookmark), Some(Told::Reached(version)) if version == "9"));
        let error = br#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}"#;
        assert!(matches!(line(error), Some(Told::Error(error)) if error.is_expired()));
        assert!(line(b"{").is_none());
    }
}
