//! Kubernetes objects as `kubectl get … -o json` prints them, as far as anybody looks at them.

use serde_json::{Value, json};

/// When the clusters built here came to life.
pub const START: &str = "2026-11-24T10:00:00Z";

/// A list of objects.
pub fn list(items: &[Value]) -> Value {
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}

/// A node.
pub fn node(name: &str, address: &str, pod_cidr: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": { "name": name, "uid": uid("node", name) },
        "spec": { "podCIDR": pod_cidr, "podCIDRs": [pod_cidr] },
        "status": { "addresses": [
            { "type": "InternalIP", "address": address },
            { "type": "Hostname", "address": name },
        ] },
    })
}

/// An owner that is itself owned by nobody, or by the object named as (API version, kind, name).
pub fn owner(
    api_version: &str,
    kind: &str,
    namespace: &str,
    name: &str,
    owner: Option<(&str, &str, &str)>,
) -> Value {
    let mut object = json!({
        "apiVersion": api_version, "kind": kind,
        "metadata": {
            "name": name, "namespace": namespace, "uid": uid(kind, &format!("{namespace}/{name}")),
            "creationTimestamp": START,
        },
    });
    if let Some((api_version, kind, name)) = owner {
        object["metadata"]["ownerReferences"] = references(namespace, api_version, kind, name);
    }
    object
}

/// A running pod on node `n1`, owned by the object named as (API version, kind, name), if any.
pub fn pod(namespace: &str, name: &str, address: &str, owner: Option<(&str, &str, &str)>) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": namespace, "uid": uid("Pod", &format!("{namespace}/{name}")),
            "creationTimestamp": START, "labels": {},
        },
        "spec": { "nodeName": "n1", "containers": [{ "name": "main", "image": "registry.example/main:1" }] },
        "status": {
            "phase": "Running", "podIP": address, "podIPs": [{ "ip": address }], "startTime": START,
            "conditions": [{ "type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": START }],
            "containerStatuses": [{ "name": "main", "state": { "running": { "startedAt": START } } }],
        },
    });
    if let Some((api_version, kind, name)) = owner {
        pod["metadata"]["ownerReferences"] = references(namespace, api_version, kind, name);
    }
    pod
}

/// A Deployment with its `ReplicaSet` and one pod for each address. The pods carry the label `app=<name>`.
pub fn deployment(namespace: &str, name: &str, addresses: &[&str]) -> Vec<Value> {
    let replica_set = format!("{name}-5d7677ff9f");
    let mut objects = vec![
        owner("apps/v1", "Deployment", namespace, name, None),
        owner(
            "apps/v1",
            "ReplicaSet",
            namespace,
            &replica_set,
            Some(("apps/v1", "Deployment", name)),
        ),
    ];
    for (number, address) in addresses.iter().enumerate() {
        let pod_name = format!("{replica_set}-{number:05}");
        let owner = Some(("apps/v1", "ReplicaSet", &*replica_set));
        let mut pod = pod(namespace, &pod_name, address, owner);
        pod["metadata"]["labels"]["app"] = name.into();
        objects.push(pod);
    }
    objects
}

/// A Service with one TCP port, and its slice with these backends: (pod, address), each serving at `target`.
/// A cluster address of `None` makes it headless.
pub fn service(
    namespace: &str,
    name: &str,
    cluster_address: Option<&str>,
    (port, target): (u16, u16),
    backends: &[(&str, &str)],
) -> Vec<Value> {
    let cluster_address = cluster_address.unwrap_or("None");
    let endpoints: Vec<Value> = backends
        .iter()
        .map(|(pod, address)| {
            json!({
                "addresses": [address],
                "conditions": { "ready": true, "serving": true, "terminating": false },
                "targetRef": { "kind": "Pod", "namespace": namespace, "name": pod,
                               "uid": uid("Pod", &format!("{namespace}/{pod}")) },
            })
        })
        .collect();
    vec![
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": name, "namespace": namespace, "uid": uid("Service", &format!("{namespace}/{name}")),
                          "creationTimestamp": START },
            "spec": { "type": "ClusterIP", "clusterIP": cluster_address, "clusterIPs": [cluster_address],
                      "selector": { "app": name },
                      "ports": [{ "name": "main", "protocol": "TCP", "port": port, "targetPort": target }] },
        }),
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": { "name": format!("{name}-abcde"), "namespace": namespace,
                          "uid": uid("EndpointSlice", &format!("{namespace}/{name}")),
                          "labels": { "kubernetes.io/service-name": name } },
            "endpoints": endpoints,
            "ports": [{ "name": "main", "protocol": "TCP", "port": target }],
        }),
    ]
}

fn references(namespace: &str, api_version: &str, kind: &str, name: &str) -> Value {
    json!([{ "apiVersion": api_version, "kind": kind, "name": name, "controller": true,
             "uid": uid(kind, &format!("{namespace}/{name}")) }])
}

/// A UID that is the same for the same object: FNV-1a of its name, twice.
pub fn uid(kind: &str, name: &str) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in kind.bytes().chain([b'/']).chain(name.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let low = hash.rotate_left(17) ^ 0x9e37_79b9_7f4a_7c15;
    let digits = format!("{hash:016x}{low:016x}");
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-")
}
