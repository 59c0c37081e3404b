//! Objects of the simulated cluster, as the API server shows them.

use serde_json::{Value, json};

use crate::pods::{Pod, Stage};
use crate::scene::{At, SECOND};

/// A time as objects hold it: cut to the second.
pub(crate) fn stamp(at: At) -> String {
    map::Time::from_secs(at.div_euclid(SECOND)).to_string()
}

pub(crate) fn owner(api: &str, kind: &str, name: &str, owner: Option<(&str, &str, &str)>) -> Value {
    let mut object = json!({
        "apiVersion": api, "kind": kind, "metadata": { "name": name, "namespace": "shop" },
    });
    if let Some(owner) = owner {
        object["metadata"]["ownerReferences"] = reference(owner);
    }
    object
}

pub(crate) fn cron_job(name: &str) -> Value {
    let mut object = owner("batch/v1", "CronJob", name, None);
    object["spec"] = json!({ "jobTemplate": { "spec": { "template": { "metadata": {
        "labels": { "app": name } } } } } });
    object
}

fn reference((api, kind, name): (&str, &str, &str)) -> Value {
    json!([{ "apiVersion": api, "kind": kind, "name": name, "controller": true }])
}

/// A pod in the state that its kubelet last told.
pub(crate) fn pod(pod: &Pod, app: &str, node: &str) -> Value {
    let mut object = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": pod.name, "namespace": "shop", "uid": pod.uid().to_string(),
            "creationTimestamp": stamp(pod.created), "labels": { "app": app },
        },
        "spec": { "nodeName": node },
        "status": { "phase": "Pending" },
    });
    if let Some((api, kind, name)) = &pod.owner {
        object["metadata"]["ownerReferences"] = reference((api, kind, name));
    }
    if let Some(deleting) = pod.deleting {
        object["metadata"]["deletionTimestamp"] = stamp(deleting + 30 * SECOND).into();
    }
    if pod.told >= Stage::Sandbox {
        status(pod, &mut object["status"]);
    }
    object
}

fn status(pod: &Pod, status: &mut Value) {
    let local = |at: At| stamp(at + pod.skew);
    let address = pod.address.map(|address| address.to_string());
    status["podIP"] = address.clone().into();
    status["podIPs"] = json!([{ "ip": address }]);
    status["startTime"] = local(pod.admitted).into();
    if let Some(at) = pod.condition {
        status["conditions"] = json!([{
            "type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": local(at),
        }]);
    }
    if pod.told == Stage::Finished && pod.evicted {
        status["phase"] = "Failed".into();
        return;
    }
    let main = pod.started.filter(|_| pod.told >= Stage::Running);
    if let Some((from, to)) = pod.init {
        let state = if main.is_some() {
            json!({ "terminated": { "startedAt": local(from), "finishedAt": local(to) } })
        } else if pod.told == Stage::Init {
            json!({ "running": { "startedAt": local(from) } })
        } else {
            json!({})
        };
        status["initContainerStatuses"] = json!([{ "name": "init", "state": state }]);
    }
    let Some(started) = main else { return };
    status["phase"] = "Running".into();
    let mut state = json!({ "running": { "startedAt": local(started) } });
    if pod.told == Stage::Finished
        && let Some(finished) = pod.finished
    {
        if pod.is_job {
            status["phase"] = "Succeeded".into();
        }
        let (started, finished) = (local(started), local(finished));
        state = json!({ "terminated": { "startedAt": started, "finishedAt": finished } });
    }
    status["containerStatuses"] = json!([{ "name": "main", "state": state }]);
}

pub(crate) fn service(name: &str, address: Option<&str>, target: u16) -> Value {
    let address = address.unwrap_or("None");
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": { "name": name, "namespace": "shop", "creationTimestamp": "2026-11-24T09:00:00Z" },
        "spec": { "clusterIP": address, "clusterIPs": [address],
                  "ports": [{ "name": "main", "protocol": "TCP", "port": 80, "targetPort": target }] },
    })
}

pub(crate) fn slice(service: &str, target: u16, endpoints: &[(String, String)]) -> Value {
    let endpoints = endpoints.iter().map(|(address, uid)| {
        json!({ "addresses": [address], "targetRef": { "kind": "Pod", "uid": uid } })
    });
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": { "name": format!("{service}-abcde"), "namespace": "shop",
                      "labels": { "kubernetes.io/service-name": service } },
        "endpoints": endpoints.collect::<Vec<_>>(),
        "ports": [{ "name": "main", "protocol": "TCP", "port": target }],
    })
}
