//! What is known of the cluster, by address, name and owner.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};

use compact_str::CompactString;
use ipnet::IpNet;
use map::{DnsName, PodUid, Protocol, Time, Workload};

use crate::document::Event;
use crate::lease::{GRAIN, Lease, SKEW};
use crate::names::{self, NameKind};
use crate::objects::{Object, OwnerReference};
use crate::services::{Backend, Service, ServicePort};

/// Owners between a pod and its root; real chains have three.
const MAX_OWNERS: usize = 16;

/// What an operator can set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The cluster's DNS domain.
    pub cluster_domain: CompactString,
    /// The annotation on a pod that names its workload.
    pub workload_name_annotation: CompactString,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cluster_domain: "cluster.local".into(),
            workload_name_annotation: "intents.otterize.com/workload-name".into(),
        }
    }
}

/// The older annotation, which always counts as the second choice.
const OLD_ANNOTATION: &str = "intents.otterize.com/service-name";

/// A pod, slim.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its UID, or a static pod's configuration hash.
    pub uid: PodUid,
    /// Its namespace.
    pub namespace: CompactString,
    /// Its name.
    pub name: CompactString,
    /// Its labels.
    pub labels: Vec<(CompactString, CompactString)>,
    node: CompactString,
    host_network: bool,
    addresses: BTreeSet<IpAddr>,
    lease: Lease,
    annotated: Option<CompactString>,
    owner: Option<OwnerReference>,
}

/// Who held an address at a time.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'a> {
    /// This pod, for certain.
    Pod(&'a Pod),
    /// A node, or pods on its own network.
    HostNetwork(&'a str),
    /// One of several, or a fringe of a lease.
    Ambiguous,
    /// Nobody that is known.
    Unknown,
}

/// A pod's workload, and how it got its name.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The workload.
    pub workload: Workload,
    /// Whether an annotation on the pod gave the name.
    pub by_annotation: bool,
    /// The root owner's API group; empty for core kinds.
    pub group: CompactString,
    /// The root owner's API version.
    pub version: CompactString,
}

/// The cluster, fed by events.
#[derive(Debug, Default)]
pub struct Index {
    settings: Settings,
    pods: HashMap<PodUid, Pod>,
    by_address: HashMap<IpAddr, Vec<PodUid>>,
    nodes: HashMap<IpAddr, CompactString>,
    pod_ranges: Vec<IpNet>,
    services: HashMap<(CompactString, CompactString), Service>,
    service_addresses: HashMap<IpAddr, BTreeSet<(CompactString, CompactString)>>,
    /// The labels that each `CronJob` gives to its pods, by namespace and name.
    cron_jobs: BTreeMap<(CompactString, CompactString), BTreeMap<CompactString, CompactString>>,
    /// The first owner reference of each owner, by kind, namespace and name.
    owners: HashMap<(CompactString, CompactString, CompactString), Option<OwnerReference>>,
}

impl Index {
    /// An empty index.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Takes a change. States of one object join, so that the order of files does not matter.
    pub fn apply(&mut self, event: Event) {
        let (object, deleted) = match event {
            Event::Applied(object) => (object, false),
            Event::Deleted(object) => (object, true),
        };
        match object.kind.as_str() {
            "Pod" => self.apply_pod(&object, deleted),
            "Node" => self.apply_node(&object),
            "Service" => self.apply_service(&object),
            "EndpointSlice" => self.apply_slice(&object),
            "Endpoints" => self.apply_endpoints(&object),
            _ => {
                if object.kind == "CronJob" {
                    let key = (
                        object.metadata.namespace.clone(),
                        object.metadata.name.clone(),
                    );
                    self.cron_jobs.insert(
                        key,
                        object
                            .spec
                            .job_template
                            .spec
                            .template
                            .metadata
                            .labels
                            .clone(),
                    );
                }
                let key = (
                    object.kind.clone(),
                    object.metadata.namespace.clone(),
                    object.metadata.name.clone(),
                );
                self.owners
                    .insert(key, object.metadata.owner_references.first().cloned());
            }
        }
    }

    fn apply_pod(&mut self, object: &Object, deleted: bool) {
        let metadata = &object.metadata;
        let hash = metadata.annotations.get("kubernetes.io/config.hash");
        let Some(uid) = hash
            .into_iter()
            .chain([&metadata.uid])
            .find_map(|text| text.parse().ok())
        else {
            return;
        };
        let lease = Lease::of(object, deleted);
        let annotation = |key: &str| metadata.annotations.get(key).cloned();
        let pod = self.pods.entry(uid).or_insert_with(|| Pod {
            uid,
            namespace: metadata.namespace.clone(),
            name: metadata.name.clone(),
            labels: Vec::new(),
            node: CompactString::default(),
            host_network: object.spec.host_network,
            addresses: BTreeSet::new(),
            lease,
            annotated: None,
            owner: None,
        });
        pod.lease.join(lease);
        pod.labels = metadata
            .labels
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        pod.annotated = annotation(&self.settings.workload_name_annotation)
            .or_else(|| annotation(OLD_ANNOTATION));
        pod.owner = metadata.owner_references.first().cloned();
        if !object.spec.node_name.is_empty() {
            pod.node.clone_from(&object.spec.node_name);
        }
        let texts = object
            .status
            .pod_ips
            .iter()
            .map(|ip| &ip.ip)
            .chain([&object.status.pod_ip]);
        for address in texts.filter_map(|text| text.parse::<IpAddr>().ok()) {
            if pod.host_network {
                self.nodes
                    .entry(address)
                    .or_insert_with(|| pod.node.clone());
            } else if pod.addresses.insert(address) {
                self.by_address.entry(address).or_default().push(uid);
            }
        }
    }

    fn apply_node(&mut self, object: &Object) {
        let inside = object
            .status
            .addresses
            .iter()
            .filter(|a| a.kind == "InternalIP" || a.kind == "ExternalIP");
        for address in inside.filter_map(|address| address.address.parse().ok()) {
            self.nodes.insert(address, object.metadata.name.clone());
        }
        self.pod_ranges.extend(
            object
                .spec
                .pod_cidrs
                .iter()
                .filter_map(|range| range.parse::<IpNet>().ok()),
        );
    }

    fn service_mut(&mut self, namespace: &CompactString, name: &CompactString) -> &mut Service {
        self.services
            .entry((namespace.clone(), name.clone()))
            .or_insert_with(|| Service {
                namespace: namespace.clone(),
                name: name.clone(),
                ..Service::default()
            })
    }

    fn apply_service(&mut self, object: &Object) {
        let (namespace, name) = (&object.metadata.namespace, &object.metadata.name);
        let service = self.service_mut(namespace, name);
        service.apply(object);
        for address in service.addresses.clone() {
            self.service_addresses
                .entry(address)
                .or_default()
                .insert((namespace.clone(), name.clone()));
        }
    }

    fn apply_slice(&mut self, object: &Object) {
        let Some(name) = object.metadata.labels.get("kubernetes.io/service-name") else {
            return;
        };
        let service = self.service_mut(&object.metadata.namespace, name);
        service.targets.extend(
            object
                .ports
                .iter()
                .map(|port| (port.name.clone(), port.port)),
        );
        for endpoint in &object.endpoints {
            let pod = endpoint.target_ref.uid.parse().ok();
            let addresses = endpoint
                .addresses
                .iter()
                .filter_map(|address| address.parse().ok());
            service
                .endpoints
                .extend(addresses.map(|address| (address, pod)));
        }
    }

    fn apply_endpoints(&mut self, object: &Object) {
        let service = self.service_mut(&object.metadata.namespace, &object.metadata.name);
        for subset in &object.subsets {
            service.targets.extend(
                subset
                    .ports
                    .iter()
                    .map(|port| (port.name.clone(), port.port)),
            );
            for address in subset.addresses.iter().chain(&subset.not_ready_addresses) {
                if let Ok(ip) = address.ip.parse() {
                    service
                        .endpoints
                        .insert((ip, address.target.uid.parse().ok()));
                }
            }
        }
    }

    /// The pod with this UID.
    pub fn pod(&self, uid: PodUid) -> Option<&Pod> {
        self.pods.get(&uid)
    }

    /// The node with this address.
    pub fn node_of(&self, address: IpAddr) -> Option<&str> {
        self.nodes.get(&address).map(CompactString::as_str)
    }

    /// One more address of a node, found on the node itself: that of a bridge or tunnel.
    pub fn add_node_address(&mut self, address: IpAddr, node: &str) {
        if !self.by_address.contains_key(&address) {
            self.nodes.entry(address).or_insert_with(|| node.into());
        }
    }

    /// Who held the address at that time. A wrong edge would stay for ever, so doubt is [`Holder::Ambiguous`].
    pub fn holder(&self, address: IpAddr, uid: Option<PodUid>, at: Time) -> Holder<'_> {
        if let Some(uid) = uid {
            return match self.pods.get(&uid) {
                Some(pod) if pod.host_network => Holder::HostNetwork(&pod.node),
                Some(pod) if pod.addresses.contains(&address) && self.nearly(pod, address, at) => {
                    Holder::Pod(pod)
                }
                _ => Holder::Unknown,
            };
        }
        let candidates = self.by_address.get(&address).into_iter().flatten();
        let mut near = candidates
            .filter_map(|uid| self.pods.get(uid))
            .filter(|pod| self.nearly(pod, address, at));
        match (near.next(), near.next()) {
            (None, _) => self
                .node_of(address)
                .map_or(Holder::Unknown, Holder::HostNetwork),
            (Some(pod), None) => {
                let ended = self
                    .end(pod, address)
                    .is_some_and(|end| at > end.plus(GRAIN));
                if at < pod.lease.start || ended {
                    Holder::Ambiguous
                } else {
                    Holder::Pod(pod)
                }
            }
            _ => Holder::Ambiguous,
        }
    }

    /// Within the lease, widened by what clocks and whole seconds leave open.
    fn nearly(&self, pod: &Pod, address: IpAddr, at: Time) -> bool {
        let after = self
            .end(pod, address)
            .is_none_or(|end| at <= end.plus(GRAIN + SKEW));
        at >= pod.lease.start.minus(SKEW) && after
    }

    /// The lease's end; an open lease ends where a later one on the same address firmly starts.
    fn end(&self, pod: &Pod, address: IpAddr) -> Option<Time> {
        pod.lease.end.or_else(|| {
            let others = self
                .by_address
                .get(&address)?
                .iter()
                .filter_map(|uid| self.pods.get(uid));
            others
                .filter(|other| other.lease.firm)
                .map(|other| other.lease.start)
                .filter(|s| *s > pod.lease.start)
                .min()
        })
    }

    /// The workload of a pod: an annotation, else the root of its owners.
    pub fn identity(&self, pod: &Pod) -> Identity {
        if let Some(name) = &pod.annotated {
            let workload = Workload {
                namespace: pod.namespace.clone(),
                name: name.clone(),
                kind: CompactString::default(),
            };
            return Identity {
                workload,
                by_annotation: true,
                group: CompactString::default(),
                version: CompactString::default(),
            };
        }
        let pod_itself = OwnerReference {
            api_version: "v1".into(),
            kind: "Pod".into(),
            name: pod.name.clone(),
        };
        let mut root = pod.owner.as_ref().unwrap_or(&pod_itself);
        let mut cron_job = None;
        for _ in 0..MAX_OWNERS {
            let key = (root.kind.clone(), pod.namespace.clone(), root.name.clone());
            match self.owners.get(&key) {
                Some(Some(owner)) => root = owner,
                Some(None) => break,
                None => {
                    cron_job = self.cron_job_of(pod, root);
                    break;
                }
            }
        }
        let root = cron_job.as_ref().unwrap_or(root);
        // Targets are written `name.namespace`, so a name holds no dot.
        let workload = Workload::new(&pod.namespace, &root.name.replace('.', "_"), &root.kind);
        let (group, version) = root
            .api_version
            .split_once('/')
            .unwrap_or(("", &root.api_version));
        Identity {
            workload,
            by_annotation: false,
            group: group.into(),
            version: version.into(),
        }
    }

    /// The `CronJob` behind a Job that is gone. Finished Jobs are deleted after a few runs, so a snapshot rarely
    /// holds them; their pods still carry the labels of the `CronJob`'s template, and their names begin with its
    /// name and a dash (Kubernetes: `getJobName` of the `CronJob` controller). Both must agree.
    fn cron_job_of(&self, pod: &Pod, job: &OwnerReference) -> Option<OwnerReference> {
        if job.kind != "Job" {
            return None;
        }
        let fits = |name: &CompactString, labels: &BTreeMap<CompactString, CompactString>| {
            let named = job
                .name
                .strip_prefix(name.as_str())
                .is_some_and(|rest| rest.starts_with('-'));
            let carried = |(key, value): (&CompactString, &CompactString)| {
                pod.labels.iter().any(|(k, v)| k == key && v == value)
            };
            named && !labels.is_empty() && labels.iter().all(carried)
        };
        let all = self
            .cron_jobs
            .iter()
            .filter(|((namespace, _), _)| *namespace == pod.namespace);
        let names = all
            .filter(|((_, name), labels)| fits(name, labels))
            .map(|((_, name), _)| name);
        let name = names.max_by_key(|name| name.len())?.clone();
        Some(OwnerReference {
            api_version: job.api_version.clone(),
            kind: "CronJob".into(),
            name,
        })
    }

    /// The Service with this name.
    pub fn service(&self, namespace: &str, name: &str) -> Option<&Service> {
        self.services.get(&(namespace.into(), name.into()))
    }

    /// The Service that an address and port stand for: its own addresses first, then a node's port.
    pub fn service_at(
        &self,
        to: SocketAddr,
        protocol: Protocol,
        at: Time,
    ) -> Option<(&Service, Option<ServicePort>)> {
        let alive = |service: &&Service| at >= service.created;
        let own = self.service_addresses.get(&to.ip()).into_iter().flatten();
        let own: Vec<&Service> = own
            .filter_map(|key| self.services.get(key))
            .filter(alive)
            .collect();
        for service in &own {
            let port = service
                .ports
                .iter()
                .find(|port| port.port == to.port() && port.protocol == protocol);
            if let Some(port) = port {
                return Some((service, Some(port.clone())));
            }
        }
        if let [only] = own[..] {
            return Some((only, None));
        }
        self.node_of(to.ip())?;
        self.services.values().filter(alive).find_map(|service| {
            let port = service
                .ports
                .iter()
                .find(|p| p.node_port != 0 && p.node_port == to.port() && p.protocol == protocol)?;
            Some((service, Some(port.clone())))
        })
    }

    /// What stands behind a Service: the endpoints whose pods held their address then, or all when none did.
    pub fn backends(
        &self,
        service: &Service,
        port: Option<&ServicePort>,
        at: Time,
    ) -> Vec<Backend<'_>> {
        let target = port.and_then(|port| {
            let mut ports = service
                .targets
                .iter()
                .filter(|(name, _)| *name == port.name)
                .map(|(_, port)| *port);
            ports.next().filter(|_| ports.next().is_none())
        });
        let all: Vec<Backend<'_>> = service
            .endpoints
            .iter()
            .map(|(address, pod)| Backend {
                address: *address,
                port: target,
                pod: pod.and_then(|uid| self.pod(uid)),
            })
            .collect();
        let then = |backend: &Backend<'_>| {
            backend
                .pod
                .is_none_or(|pod| pod.host_network || self.nearly(pod, backend.address, at))
        };
        let held: Vec<Backend<'_>> = all.iter().copied().filter(then).collect();
        if held.is_empty() { all } else { held }
    }

    /// Whether this is the API server: an endpoint of `default/kubernetes`.
    pub fn is_api_server(&self, to: SocketAddr) -> bool {
        self.service("default", "kubernetes")
            .is_some_and(|service| {
                service
                    .endpoints
                    .iter()
                    .any(|(address, _)| *address == to.ip())
                    && service.targets.iter().any(|(_, port)| *port == to.port())
            })
    }

    /// Whether the API server calls from this address, and nobody else does.
    pub fn control_plane(&self, address: IpAddr) -> bool {
        let service = self.service("default", "kubernetes");
        !self.nodes.contains_key(&address)
            && service.is_some_and(|s| {
                s.addresses.contains(&address) || s.endpoints.iter().any(|(a, _)| *a == address)
            })
    }

    /// Whether the cluster's own DNS answers at this address.
    pub fn is_cluster_dns(&self, address: IpAddr) -> bool {
        self.services
            .values()
            .filter(|service| service.is_dns)
            .any(|service| {
                service.addresses.contains(&address)
                    || service
                        .endpoints
                        .iter()
                        .any(|(endpoint, _)| *endpoint == address)
            })
    }

    /// What a DNS name stands for.
    pub fn classify(&self, name: &DnsName) -> NameKind {
        names::classify(name, &self.settings.cluster_domain)
    }

    /// Whether no such address can be on the internet: RFC 1918, 6598, 4193, loopback, link-local, multicast, or a
    /// node's range for pods.
    pub fn is_private(&self, address: IpAddr) -> bool {
        let special = match address {
            IpAddr::V4(v4) => {
                let [a, b, ..] = v4.octets();
                let shared = a == 100 && (64..128).contains(&b);
                v4.is_private()
                    || v4.is_loopback()
                    || v4.is_link_local()
                    || v4.is_multicast()
                    || v4.is_broadcast()
                    || shared
            }
            IpAddr::V6(v6) => {
                v6.is_unique_local()
                    || v6.is_unicast_link_local()
                    || v6.is_loopback()
                    || v6.is_multicast()
            }
        };
        special
            || address.is_unspecified()
            || self.pod_ranges.iter().any(|range| range.contains(&address))
    }
}
