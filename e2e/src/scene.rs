//! A situation in a cluster, what is reported of it, and the edges that must come of it.
//!
//! Each scene has a namespace and addresses of its own, so that any number of them share one API server and one mapper.
//! Edges are compared as text: `client/Deployment -> server/Deployment via svc-server :8080/tcp [tcp]`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::kube::{Kube, Proxy};
use crate::mapper::{Mapper, Metrics};
use crate::time::{from_now, wait, whole_from_now};

/// When pods began to run, where a scene does not say: ten minutes ago.
const BEGAN: &str = "$began:";

/// A scene. Texts in its JSON that begin with `$` are filled in when they are needed: `$uid:NAME` is the UID of an object
/// of the scene, `$at:-5` five seconds ago, `$whole:-5` the same in whole seconds, `$began:` when its pods began.
#[derive(Debug)]
pub struct Scene {
    /// Its name, which is its namespace.
    pub name: String,
    number: u16,
    addresses: u8,
    services: u8,
    objects: Vec<Object>,
    then: Vec<Then>,
    uids: BTreeMap<String, String>,
    /// When its pods began, all in the same second: of two at one address, a later one would be the next.
    began: String,
    reports: Vec<(&'static str, Value)>,
    items: u64,
    waiting: u64,
    edges: Vec<String>,
    attempts: Vec<String>,
    refused: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Object {
    resource: &'static str,
    whole: Value,
    status: Option<Value>,
}

/// What happens after all scenes were set up.
#[derive(Debug)]
enum Then {
    Delete { pod: String, grace: u32 },
    Create(Object),
}

/// A pod of a scene.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Its address.
    pub ip: String,
}

/// A Service of a scene.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name in the cluster's domain.
    pub dns: String,
    /// Its address.
    pub ip: String,
    /// Its node port, should it want one.
    pub node_port: u16,
}

/// Joins JSON as RFC 7396 does; lists are replaced.
pub fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => into.clone_from(from),
    }
}

impl Scene {
    /// An empty one. Its number, below 250, is its own.
    pub fn new(number: u16, name: &str) -> Self {
        Self {
            name: name.replace('_', "-"),
            number,
            addresses: 0,
            services: 0,
            objects: Vec::new(),
            then: Vec::new(),
            uids: BTreeMap::new(),
            began: whole_from_now(-600),
            reports: Vec::new(),
            items: 0,
            waiting: 0,
            edges: Vec::new(),
            attempts: Vec::new(),
            refused: BTreeMap::new(),
        }
    }

    /// An address for pods that nobody else has.
    pub fn address(&mut self) -> String {
        self.addresses += 1;
        format!("10.150.{}.{}", self.number, self.addresses)
    }

    /// A public address that nobody else has (RFC 2544's range for benchmarks).
    pub fn public_address(&mut self) -> String {
        self.addresses += 1;
        format!("198.18.{}.{}", self.number, self.addresses)
    }

    /// An object in the scene's namespace.
    pub fn object(&mut self, resource: &'static str, object: Value, status: Option<Value>) {
        self.objects.push(Object {
            resource,
            whole: object,
            status,
        });
    }

    /// A Node with an address of its own.
    pub fn node(&mut self, name: &str) -> String {
        self.addresses += 1;
        let address = format!("192.168.{}.{}", self.number, self.addresses);
        let object = json!({"metadata": {"name": format!("{}-{name}", self.name)}});
        let status = json!({"addresses": [{"type": "InternalIP", "address": address}]});
        self.object("/nodes", object, Some(status));
        address
    }

    /// A running pod without an owner, on a node without a kubelet.
    pub fn pod(&mut self, name: &str) -> Pod {
        self.pod_with(name, &json!({}), &json!({}))
    }

    /// The same, with other things in its object and its status. An address in the status is the pod's.
    pub fn pod_with(&mut self, name: &str, object: &Value, status: &Value) -> Pod {
        let given = status["podIP"].as_str().map(str::to_owned);
        let ip = given.unwrap_or_else(|| self.address());
        let (object, status) = running(name, &ip, object, status);
        self.object("pods", object, Some(status));
        Pod {
            name: name.to_owned(),
            ip,
        }
    }

    /// The same after all scenes were set up and seen.
    pub fn then_pod(&mut self, name: &str, object: &Value, status: &Value) {
        let ip = status["podIP"].as_str().unwrap();
        let (object, status) = running(name, ip, object, status);
        self.then.push(Then::Create(Object {
            resource: "pods",
            whole: object,
            status: Some(status),
        }));
    }

    /// A pod with an owner of this kind that is not there itself.
    pub fn owned(&mut self, name: &str, api_version: &str, kind: &str, owner: &str) -> Pod {
        let object = owned_by(api_version, kind, owner);
        self.pod_with(name, &object, &json!({}))
    }

    /// A Deployment with its `ReplicaSet` and one pod.
    pub fn deployment(&mut self, name: &str) -> Pod {
        self.deployment_with(name, &json!({}), &json!({}))
    }

    /// The same, with other things in the pod's object and status.
    pub fn deployment_with(&mut self, name: &str, object: &Value, status: &Value) -> Pod {
        let set = format!("{name}-5d8f9");
        self.object("apis/apps/v1/deployments", templated(name), None);
        let mut replicas = templated(&set);
        merge(&mut replicas, &owned_by("apps/v1", "Deployment", name));
        self.object("apis/apps/v1/replicasets", replicas, None);
        let mut pod = owned_by("apps/v1", "ReplicaSet", &set);
        merge(&mut pod, object);
        self.pod_with(&format!("{set}-x2x4z"), &pod, status)
    }

    /// A `DaemonSet` with one pod.
    pub fn daemon_set(&mut self, name: &str) -> Pod {
        self.object("apis/apps/v1/daemonsets", templated(name), None);
        self.owned(&format!("{name}-k7k2p"), "apps/v1", "DaemonSet", name)
    }

    /// A Service with port 80 in front of port 8080 of these pods.
    pub fn service(&mut self, name: &str, pods: &[&Pod]) -> Service {
        self.service_with(name, pods, &json!({}), None)
    }

    /// The same, with other things in its object and a status.
    pub fn service_with(
        &mut self,
        name: &str,
        pods: &[&Pod],
        object: &Value,
        status: Option<Value>,
    ) -> Service {
        let service = self.service_alone(name, object, status);
        let endpoints: Vec<Value> = pods.iter().map(|pod| endpoint(pod)).collect();
        self.slice(name, "", &json!(endpoints));
        service
    }

    /// A Service without endpoints.
    pub fn service_alone(&mut self, name: &str, object: &Value, status: Option<Value>) -> Service {
        self.services += 1;
        let number = self.number;
        let service = Service {
            dns: format!("{name}.{}.svc.cluster.local", self.name),
            ip: format!("10.96.{number}.{}", 200 + u16::from(self.services)),
            node_port: 30_000 + number * 10 + u16::from(self.services),
        };
        let mut whole = json!({
            "metadata": {"name": name},
            "spec": {"clusterIP": service.ip, "ports": [{"port": 80, "targetPort": 8080}]},
        });
        merge(&mut whole, object);
        self.object("services", whole, status);
        service
    }

    /// A slice of a Service's endpoints, on port 8080.
    pub fn slice(&mut self, service: &str, suffix: &str, endpoints: &Value) {
        let v6 = endpoints[0]["addresses"][0]
            .as_str()
            .is_some_and(|address| address.contains(':'));
        let object = json!({
            "metadata": {
                "name": format!("{service}-slice{suffix}"),
                "labels": {"kubernetes.io/service-name": service},
            },
            "addressType": if v6 { "IPv6" } else { "IPv4" },
            "endpoints": endpoints,
            "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
        });
        self.object("apis/discovery.k8s.io/v1/endpointslices", object, None);
    }

    /// Deletes a pod, once all scenes are set up.
    pub fn then_delete(&mut self, pod: &Pod, grace: u32) {
        self.then.push(Then::Delete {
            pod: pod.name.clone(),
            grace,
        });
    }

    /// The UID of an object, once it is set up.
    pub fn uid(&self, name: &str) -> &str {
        &self.uids[name]
    }

    /// A report with one source, in the contract's own words, which fill in what the replaced sniffer always sends.
    pub fn sends(&mut self, field: &'static str, mut source: Value) {
        let whole = json!({"srcHostname": ""});
        let given = source.clone();
        source = whole;
        merge(&mut source, &given);
        let destinations = source["destinations"].as_array_mut().unwrap();
        self.items += destinations.len() as u64;
        for destination in destinations {
            let mut whole = json!({
                "destinationIP": "", "destinationPort": null, "TTL": null, "lastSeen": "$at:0", "srcPorts": [],
            });
            merge(&mut whole, destination);
            *destination = whole;
        }
        self.reports.push((field, json!({ "results": [source] })));
    }

    /// A report as it is, with so many observations.
    pub fn sends_as_is(&mut self, field: &'static str, argument: Value, items: u64) {
        self.items += items;
        self.reports.push((field, argument));
    }

    /// A DNS answer that a pod got, as the replaced sniffer tells it.
    pub fn dns(&mut self, from: &Pod, name: &str, address: &str) {
        self.dns_from(&from.ip, name, address);
    }

    /// The same from an address.
    pub fn dns_from(&mut self, from: &str, name: &str, address: &str) {
        let destination = json!({"destination": name, "destinationIP": address, "TTL": 30});
        let source = json!({"srcIp": from, "destinations": [destination]});
        self.sends("reportCaptureResults", source);
    }

    /// A handshake, as the replaced sniffer tells it.
    pub fn tcp(&mut self, from: &str, to: &str, port: u16) {
        self.tcp_at(from, to, port, 0);
    }

    /// The same, so many seconds from now.
    pub fn tcp_at(&mut self, from: &str, to: &str, port: u16, at: i64) {
        let destination = json!({
            "destination": to, "destinationIP": to, "destinationPort": port, "srcPorts": [40_001],
            "lastSeen": format!("$at:{at}"),
        });
        let source = json!({"srcIp": from, "destinations": [destination]});
        self.sends("reportTCPCaptureResults", source);
    }

    /// An open connection, as the replaced sniffer tells it: with its ports swapped.
    pub fn socket(&mut self, from: &Pod, to: &str, port: u16) {
        let destination = json!({
            "destination": to, "destinationIP": to, "destinationPort": 40_002, "srcPorts": [port],
        });
        let source = json!({"srcIp": from.ip, "destinations": [destination]});
        self.sends("reportSocketScanResults", source);
    }

    /// These edges, and no others, must come of it.
    pub fn edges(&mut self, edges: &[&str]) {
        self.edges
            .extend(edges.iter().map(|edge| (*edge).to_owned()));
    }

    /// These attempts, and no others, must come of it.
    pub fn attempts(&mut self, attempts: &[&str]) {
        let texts = attempts.iter().map(|attempt| (*attempt).to_owned());
        self.attempts.extend(texts);
    }

    /// What was wanted up to now is not wanted any more.
    pub fn forget(&mut self) {
        self.edges.clear();
        self.attempts.clear();
    }

    /// So many observations must be refused for this reason.
    pub fn refused(&mut self, reason: &str, count: u64) {
        *self.refused.entry(reason.to_owned()).or_default() += count;
    }

    /// So many observations wait for a minute before they count.
    pub const fn waits(&mut self, count: u64) {
        self.waiting += count;
    }

    fn set_up(&mut self, kube: &mut Kube) {
        kube.namespace(&self.name);
        for object in std::mem::take(&mut self.objects) {
            self.create(kube, &object);
        }
    }

    fn create(&mut self, kube: &mut Kube, object: &Object) {
        let filled = self.fill(&object.whole);
        // A leading slash marks what lies in no namespace.
        let (namespace, resource) = match object.resource.strip_prefix('/') {
            Some(resource) => (String::new(), resource),
            None => (self.name.clone(), object.resource),
        };
        let uid = kube.create(&namespace, resource, &filled);
        let name = filled["metadata"]["name"].as_str().unwrap();
        self.uids.insert(name.to_owned(), uid);
        if let Some(status) = &object.status {
            kube.set_status(&namespace, resource, name, &self.fill(status));
        }
    }

    fn go_on(&mut self, kube: &mut Kube) {
        for then in std::mem::take(&mut self.then) {
            match then {
                Then::Delete { pod, grace } => kube.delete(&self.name, "pods", &pod, grace),
                Then::Create(object) => self.create(kube, &object),
            }
        }
    }

    /// Fills in the texts that begin with `$`.
    fn fill(&self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| (key.clone(), self.fill(value)))
                .collect(),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::String(text) => Value::String(match text.split_once(':') {
                Some(("$uid", name)) => self
                    .uids
                    .get(name)
                    .cloned()
                    .unwrap_or_else(|| panic!("{}: no object {name}", self.name)),
                Some(("$began", _)) => self.began.clone(),
                Some(("$at", seconds)) => from_now(seconds.parse().unwrap()),
                Some(("$whole", seconds)) => whole_from_now(seconds.parse().unwrap()),
                _ => text.clone(),
            }),
            other => other.clone(),
        }
    }

    /// What is wrong with these edges and attempts, all of the map.
    fn wrong(&self, edges: &[Value], attempts: &[Value]) -> Vec<String> {
        let mut wrong = self.differences("edges", &self.edges, edges);
        wrong.extend(self.differences("attempts", &self.attempts, attempts));
        wrong
    }

    /// What is wrong with these edges or attempts, all of the map.
    fn differences(&self, what: &str, wanted: &[String], found: &[Value]) -> Vec<String> {
        let mine = found.iter().filter(|edge| {
            [&edge["client"], &edge["server"]]
                .iter()
                .any(|peer| peer["namespace"] == self.name.as_str())
        });
        let mut found: Vec<String> = mine.map(|edge| render(edge, &self.name)).collect();
        let mut wanted = wanted.to_vec();
        found.sort();
        wanted.sort();
        if found == wanted {
            return Vec::new();
        }
        vec![format!(
            "{}: {what}\n  wanted: {wanted:#?}\n  found: {found:#?}",
            self.name
        )]
    }
}

/// The owner reference of a pod. Nobody looks at its UID.
pub fn owned_by(api_version: &str, kind: &str, name: &str) -> Value {
    json!({"metadata": {"ownerReferences": [
        {"apiVersion": api_version, "kind": kind, "name": name, "uid": "00000000-0000-0000-0000-000000000001"},
    ]}})
}

/// An endpoint of a slice.
pub fn endpoint(pod: &Pod) -> Value {
    json!({
        "addresses": [pod.ip],
        "targetRef": {"kind": "Pod", "name": pod.name, "uid": format!("$uid:{}", pod.name)},
    })
}

/// A Deployment, `ReplicaSet` or `DaemonSet`.
fn templated(name: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "registry.example/main"}]},
            },
        },
    })
}

fn running(name: &str, ip: &str, object: &Value, status: &Value) -> (Value, Value) {
    let mut whole = json!({
        "metadata": {"name": name},
        "spec": {
            "nodeName": "by-hand",
            "automountServiceAccountToken": false,
            "containers": [{"name": "main", "image": "registry.example/main:1"}],
        },
    });
    merge(&mut whole, object);
    let mut running = json!({
        "phase": "Running",
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "startTime": BEGAN,
        "conditions": [
            {"type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": BEGAN},
        ],
    });
    merge(&mut running, status);
    (whole, running)
}

/// One edge as text, as the namespace sees it.
pub fn render(edge: &Value, namespace: &str) -> String {
    let peer = |peer: &Value| {
        let name = peer["name"].as_str().unwrap();
        if peer["kind"] != "WORKLOAD" {
            return name.to_owned();
        }
        let of = peer["namespace"].as_str().unwrap();
        let mut text = name.to_owned();
        if of != namespace {
            text = format!("{of}/{text}");
        }
        if let Some(kind) = peer["ownerKind"].as_str() {
            text = format!("{text}/{kind}");
        }
        text
    };
    let list = |key: &str, each: &dyn Fn(&Value) -> String| {
        let items = edge[key].as_array().unwrap();
        items.iter().map(each).collect::<Vec<_>>().join(",")
    };
    let word = |value: &Value| value.as_str().unwrap().to_lowercase();
    let mut text = format!("{} -> {}", peer(&edge["client"]), peer(&edge["server"]));
    let mut add = |before: &str, list: String, after: &str| {
        if !list.is_empty() {
            text.extend([" ", before, &list, after]);
        }
    };
    add("via ", list("services", &word), "");
    add("at ", list("addresses", &word), "");
    add(
        ":",
        list("ports", &|port| {
            format!("{}/{}", port["port"], word(&port["protocol"]))
        }),
        "",
    );
    add("[", list("evidence", &word), "]");
    let both = |item: &Value, name: &str, what: &str| {
        let words: Vec<String> = item[what].as_array().unwrap().iter().map(word).collect();
        format!("{}:{}", item[name].as_str().unwrap(), words.join("+"))
    };
    add(
        "topics ",
        list("kafkaTopics", &|topic| both(topic, "name", "operations")),
        "",
    );
    add(
        "paths ",
        list("httpResources", &|path| both(path, "path", "methods")),
        "",
    );
    add("actions ", list("cloudActions", &word), "");
    add("data actions ", list("cloudDataActions", &word), "");
    add("roles ", list("cloudRoles", &word), "");
    add("", list("outcomes", &word), "");
    if edge["assumed"] == true {
        text.push_str(" assumed");
    }
    text
}

/// All that can be asked of an edge.
pub const EDGE: &str = "cluster client { kind name namespace ownerKind labels { key value } provider } \
     server { kind name namespace ownerKind labels { key value } provider } \
     firstSeen lastSeen ports { protocol port } evidence services addresses kafkaTopics { name operations } \
     httpResources { path methods } cloudActions cloudDataActions cloudRoles connections assumed outcomes";

/// All edges, outside ones too, or all attempts.
pub fn all(mapper: &Mapper, field: &str) -> Vec<Value> {
    let document = format!("{{ {field}(external: true) {{ {EDGE} }} }}");
    let mut data = mapper.query(&document, &json!({}));
    match data[field].take() {
        Value::Array(edges) => edges,
        other => panic!("{field}: {other}"),
    }
}

/// Sets the scenes up, and waits until the mapper knows all of them.
///
/// Others set theirs up in the same cluster at the same time: what it counts says nothing of these.
pub fn set_up(proxy: &Proxy, mapper: &Mapper, scenes: &mut [Scene]) {
    // As many connections as the API server takes requests of one client at once without queueing.
    let share = scenes.len().div_ceil(4).max(1);
    std::thread::scope(|scope| {
        for part in scenes.chunks_mut(share) {
            scope.spawn(|| {
                let mut kube = proxy.client();
                for scene in part {
                    scene.set_up(&mut kube);
                }
            });
        }
    });
    let since = Instant::now();
    let is_known = wait(Duration::from_mins(1), || {
        // Both in whole seconds, so that this is on the safe side.
        let lag = mapper.metrics().get("portolan_mapper_watch_lag_seconds");
        (since.elapsed().as_secs() > lag).then_some(())
    });
    assert!(is_known.is_some(), "it does not get to know all pods");
    let mut kube = proxy.client();
    for scene in scenes {
        scene.go_on(&mut kube);
    }
}

/// Reports what the scenes report, and checks what comes of it; the mapper has seen nothing else.
pub fn play(mapper: &Mapper, scenes: &[Scene]) -> Metrics {
    let mut items = 0;
    for scene in scenes {
        for (field, argument) in &scene.reports {
            mapper.report(field, &scene.fill(argument));
        }
        items += scene.items;
    }
    let waiting: u64 = scenes.iter().map(|scene| scene.waiting).sum();
    let quick: Vec<&Scene> = scenes.iter().filter(|scene| scene.waiting == 0).collect();
    let metrics = mapper.wait_ends(items, waiting, Duration::from_secs(30));
    check(mapper, &quick);
    if waiting == 0 {
        check_refusals(scenes, &metrics);
        return metrics;
    }
    let metrics = mapper.wait_ends(items, 0, Duration::from_secs(75));
    check(mapper, &scenes.iter().collect::<Vec<_>>());
    check_refusals(scenes, &metrics);
    metrics
}

/// Waits until the map holds what the scene wants of it and nothing else, for at most so long.
pub fn wait_edges(mapper: &Mapper, scene: &Scene, most: Duration) {
    let found = wait(most, || {
        let (edges, attempts) = (all(mapper, "edges"), all(mapper, "attempts"));
        scene.wrong(&edges, &attempts).is_empty().then_some(())
    });
    if found.is_none() {
        check(mapper, &[scene]);
    }
}

fn check(mapper: &Mapper, scenes: &[&Scene]) {
    let (edges, attempts) = (all(mapper, "edges"), all(mapper, "attempts"));
    let wrong: Vec<String> = scenes
        .iter()
        .flat_map(|scene| scene.wrong(&edges, &attempts))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} scenes differ\n{}\nrefused: {:?}",
        wrong.len(),
        scenes.len(),
        wrong.join("\n"),
        mapper.metrics().dropped()
    );
}

fn check_refusals(scenes: &[Scene], metrics: &Metrics) {
    let mut wanted: BTreeMap<String, u64> = BTreeMap::new();
    for (reason, count) in scenes.iter().flat_map(|scene| &scene.refused) {
        *wanted.entry(reason.clone()).or_default() += count;
    }
    assert_eq!(metrics.dropped(), wanted, "refused, by reason");
}
