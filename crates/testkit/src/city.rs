//! A cluster of any size, and what its sniffers report: every pod calls the Services next to its own.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cluster::{node, owner, pod, service, uid};

/// The Service behind which the cluster's DNS answers.
pub const DNS: &str = "10.96.0.10";

/// A cluster: Deployments of twenty pods, each behind its Service, ten of them in a namespace.
#[derive(Clone, Copy, Debug)]
pub struct City {
    /// How many pods.
    pub pods: usize,
    /// How many Services each pod calls.
    pub calls: usize,
}

/// Pods of a Deployment.
pub const REPLICAS: usize = 20;
/// Deployments of a namespace.
pub const DEPLOYMENTS: usize = 10;
/// Pods of a node.
pub const PODS_OF_NODE: usize = 100;

/// How a pod is known on its node. In a real cluster others say that.
#[derive(Clone, Debug)]
pub struct Resident {
    /// Its address.
    pub address: String,
    /// Its UID.
    pub uid: String,
}

/// Who reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sniffer {
    /// Ours: with UIDs of pods, counters, and both ends of a translation.
    Ours,
    /// That of the replaced system: addresses only.
    Old,
}

/// What is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// DNS answers.
    Dns,
    /// Handshakes.
    Tcp,
    /// Open connections.
    Socket,
}

impl City {
    /// How many Deployments, each with a Service.
    pub const fn deployments(&self) -> usize {
        self.pods.div_ceil(REPLICAS)
    }

    /// How many edges there are once everybody has called.
    pub fn edges(&self) -> usize {
        self.deployments() * self.calls.min(self.deployments() - 1)
    }

    /// The namespace and name of a Deployment.
    pub fn deployment(number: usize) -> (String, String) {
        (
            format!("team-{}", number / DEPLOYMENTS),
            format!("service-{number}"),
        )
    }

    /// All objects, one kind after another.
    pub fn objects(&self) -> impl Iterator<Item = Value> {
        let nodes = (0..self.pods.div_ceil(PODS_OF_NODE)).map(|n| {
            let address = format!("172.16.{}.{}", n / 250, n % 250 + 1);
            node(&format!("node-{n}"), &address, "10.128.0.0/9")
        });
        let own = service(
            "default",
            "kubernetes",
            Some("10.96.0.1"),
            (443, 6443),
            &[("", "172.31.0.1")],
        );
        let dns = service(
            "kube-system",
            "kube-dns",
            Some(DNS),
            (53, 53),
            &[("", "172.31.0.2")],
        );
        let city = *self;
        let deployments = (0..self.deployments()).flat_map(move |number| city.objects_of(number));
        nodes.chain(own).chain(dns).chain(deployments)
    }

    /// A Deployment's objects: owners, pods, Service, slice.
    pub fn objects_of(self, number: usize) -> Vec<Value> {
        let (namespace, name) = Self::deployment(number);
        let set = format!("{name}-{HASH}");
        let parent = Some(("apps/v1", "Deployment", &*name));
        let mut objects = vec![
            owner("apps/v1", "Deployment", &namespace, &name, None),
            owner("apps/v1", "ReplicaSet", &namespace, &set, parent),
        ];
        let mut backends = Vec::new();
        for n in number * REPLICAS..((number + 1) * REPLICAS).min(self.pods) {
            let (pod_name, address) = (pod_name(n), address(n));
            let mut object = pod(
                &namespace,
                &pod_name,
                &address,
                Some(("apps/v1", "ReplicaSet", &set)),
            );
            object["spec"]["nodeName"] = node_of(n).into();
            object["metadata"]["labels"] = json!({
                "app.kubernetes.io/name": name, "app.kubernetes.io/instance": format!("{namespace}-{name}"),
                "app.kubernetes.io/version": "2.14.3", "app.kubernetes.io/managed-by": "Helm",
                "helm.sh/chart": format!("{name}-1.8.0"), "pod-template-hash": HASH,
            });
            object["metadata"]["annotations"] = json!({
                "prometheus.io/scrape": "true", "checksum/config": "8f14e45fceea167a5a36dedd4bea2543",
            });
            objects.push(object);
            backends.push((pod_name, address));
        }
        let backends: Vec<_> = backends
            .iter()
            .map(|(pod, address)| (&**pod, &**address))
            .collect();
        objects.extend(service(
            &namespace,
            &name,
            Some(&cluster_address(number)),
            (80, 8080),
            &backends,
        ));
        objects
    }

    /// The variables of a report, as JSON: these pods call as many Services each as the city says. `last_seen` is when,
    /// `count` how many connections ours has counted.
    pub fn report(
        &self,
        sniffer: Sniffer,
        kind: Kind,
        pods: std::ops::Range<usize>,
        last_seen: &str,
        count: u64,
    ) -> String {
        self.report_of(sniffer, kind, pods, last_seen, count, &resident)
    }

    /// The same where the pods are known otherwise.
    pub fn report_of(
        &self,
        sniffer: Sniffer,
        kind: Kind,
        pods: std::ops::Range<usize>,
        last_seen: &str,
        count: u64,
        resident: &dyn Fn(usize) -> Resident,
    ) -> String {
        let mut results = String::new();
        for pod in pods {
            let comma = if results.is_empty() { "" } else { "," };
            let Resident { address: from, uid } = resident(pod);
            let _ = write!(
                results,
                r#"{comma}{{"srcIp":"{from}","srcHostname":"","destinations":["#
            );
            for call in 0..self.calls {
                let comma = if call == 0 { "" } else { "," };
                let called = self.called(pod, call);
                let at = resident(called);
                let destination = destination(sniffer, kind, (called, &at), last_seen, count);
                let _ = write!(results, "{comma}{destination}");
            }
            results.push(']');
            if sniffer == Sniffer::Ours {
                let node = node_of(pod);
                let reporter = 0x7f3a_9c2e_51d0_4b68 + pod / PODS_OF_NODE;
                let _ = write!(
                    results,
                    r#","srcPodUid":"{uid}","nodeName":"{node}","reporterId":"{reporter:016x}""#
                );
            }
            results.push('}');
        }
        format!(r#"{{"results":{{"results":[{results}]}}}}"#)
    }

    /// The pod that answers a pod's call: of another Deployment, which all pods of the caller's share.
    fn called(&self, pod: usize, call: usize) -> usize {
        let own = pod / REPLICAS;
        let others = (self.deployments() - 1).max(1);
        let other = (own + 1 + call % others) % self.deployments();
        (other * REPLICAS + pod % REPLICAS).min(self.pods - 1)
    }
}

/// The part of a pod's name that is its `ReplicaSet`'s.
const HASH: &str = "5d7677ff9f";

fn destination(
    sniffer: Sniffer,
    kind: Kind,
    (called, at): (usize, &Resident),
    last_seen: &str,
    count: u64,
) -> String {
    let (pod, service) = (&at.address, cluster_address(called / REPLICAS));
    let beyond = format!(r#","firstSeen":"{last_seen}","connections":{count}"#);
    let translated = format!(
        r#","destinationPodUid":"{}","originalDestination":"{service}","originalPort":80,"protocol":"TCP"{beyond}"#,
        at.uid,
    );
    match (sniffer, kind) {
        (_, Kind::Dns) => {
            let (namespace, name) = City::deployment(called / REPLICAS);
            let beyond = if sniffer == Sniffer::Ours {
                &*beyond
            } else {
                ""
            };
            format!(
                r#"{{"destination":"{name}.{namespace}.svc.cluster.local","destinationIP":"{service}","destinationPort":null,"TTL":30,"lastSeen":"{last_seen}","srcPorts":null{beyond}}}"#
            )
        }
        (Sniffer::Ours, Kind::Tcp | Kind::Socket) => format!(
            r#"{{"destination":"{pod}","destinationIP":"{pod}","destinationPort":8080,"TTL":null,"lastSeen":"{last_seen}","srcPorts":null{translated}}}"#
        ),
        (Sniffer::Old, Kind::Tcp) => format!(
            r#"{{"destination":"{service}","destinationIP":"{service}","destinationPort":80,"TTL":null,"lastSeen":"{last_seen}","srcPorts":[{}]}}"#,
            32_768 + called % 28_000
        ),
        (Sniffer::Old, Kind::Socket) => format!(
            r#"{{"destination":"{pod}","destinationIP":"{pod}","destinationPort":{},"TTL":null,"lastSeen":"{last_seen}","srcPorts":[8080]}}"#,
            32_768 + called % 28_000
        ),
    }
}

fn resident(pod: usize) -> Resident {
    Resident {
        address: address(pod),
        uid: pod_uid(pod),
    }
}

/// A pod's address.
pub fn address(pod: usize) -> String {
    let [_, b, c, d] = (pod as u32 + 1).to_be_bytes();
    format!("10.{}.{c}.{d}", 128 + b)
}

/// The address of a Deployment's Service, which has port 80.
pub fn cluster_address(deployment: usize) -> String {
    let [_, _, c, d] = (deployment as u32 + 256).to_be_bytes();
    format!("10.96.{c}.{d}")
}

/// A pod's name.
pub fn pod_name(pod: usize) -> String {
    format!("service-{}-{HASH}-{:05}", pod / REPLICAS, pod % REPLICAS)
}

/// A pod's UID.
pub fn pod_uid(pod: usize) -> String {
    let (namespace, _) = City::deployment(pod / REPLICAS);
    uid("Pod", &format!("{namespace}/{}", pod_name(pod)))
}

fn node_of(pod: usize) -> String {
    format!("node-{}", pod / PODS_OF_NODE)
}
