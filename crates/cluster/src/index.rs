//! What is known of the cluster, by address, name and owner.

mod holders;
mod live;
mod services;

use std::cell::RefCell;
use std::collections::{self, BTreeSet};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::{Equivalent, HashMap};
use ipnet::IpNet;
use map::{DnsName, PodUid, Protocol, Workload};

use crate::document::Event;
use crate::lease::{Lease, Presence};
use crate::names::{self, NameKind};
use crate::objects::{Object, OwnerReference};
use crate::owners::{self, Owners, Root};
use crate::services::Service;
use crate::update::OwnerKey;

pub use live::{MAX_PODS, Need, STATUS_DELAY, Touched};

/// What an operator can set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The cluster's DNS domain.
    pub cluster_domain: CompactString,
    /// The annotation on a pod that names its workload.
    pub workload_name_annotation: CompactString,
    /// The size of the IPv4 network around the API server's endpoints from which it calls: 32 for those alone.
    pub control_plane_prefix: u8,
    /// Whether pods of Jobs (not of a `CronJob`'s) are named by their images: for Jobs with names made up at random.
    pub image_names_for_jobs: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cluster_domain: "cluster.local".into(),
            workload_name_annotation: "intents.otterize.com/workload-name".into(),
            control_plane_prefix: 32,
            image_names_for_jobs: false,
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
    hostname: CompactString,
    host_network: bool,
    addresses: Vec<IpAddr>,
    lease: Lease,
    /// It was deleted, or vanished.
    gone: bool,
    annotated: Option<CompactString>,
    owner: Option<OwnerReference>,
    /// The name by its images, where that may be asked for.
    image_name: Option<CompactString>,
    known: RefCell<Option<Known>>,
}

/// A pod's identity, and when it was worked out.
#[derive(Clone, Debug)]
struct Known {
    generation: u64,
    identity: Arc<Identity>,
    unknown: Option<OwnerKey>,
}

impl Pod {
    /// Whether its containers call themselves so: by the pod's own host name, or its name, which Linux cuts at 63
    /// bytes (Kubernetes documentation, "Pod's hostname and subdomain fields").
    pub fn is_called(&self, hostname: &str) -> bool {
        let name = self.name.as_str();
        let cut = name.get(..63).unwrap_or(name).trim_end_matches(['-', '.']);
        [name, cut, self.hostname.as_str()].contains(&hostname)
    }

    /// Its own addresses; none on a node's network.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The latest pod of each namespace and name.
    by_name: HashMap<(CompactString, CompactString), PodUid>,
    nodes: HashMap<IpAddr, CompactString>,
    pod_ranges: Vec<IpNet>,
    services: HashMap<ServiceKey, Service>,
    service_addresses: HashMap<IpAddr, BTreeSet<ServiceKey>>,
    node_ports: HashMap<(Protocol, u16), BTreeSet<ServiceKey>>,
    dns_services: BTreeSet<ServiceKey>,
    /// Whether any `EndpointSlice` or Endpoints came: if not, selectors must tell who is behind a Service.
    has_endpoints: bool,
    owners: Owners,
    live: live::State,
}

/// Namespace and name.
type ServiceKey = (CompactString, CompactString);

/// The same to look one up by, without a copy: it hashes as the pair does.
#[derive(Clone, Copy, Debug, Hash)]
struct Named<'a>(&'a str, &'a str);

impl Equivalent<(CompactString, CompactString)> for Named<'_> {
    fn equivalent(&self, key: &(CompactString, CompactString)) -> bool {
        // Names differ more often than namespaces.
        self.1 == key.1 && self.0 == key.0
    }
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
        let presence = if deleted {
            Presence::Gone
        } else {
            Presence::Here
        };
        match object.kind.as_str() {
            "Pod" => self.apply_pod(&object, presence),
            "Node" => self.apply_node(&object),
            "Service" => self.apply_service(&object),
            "EndpointSlice" => self.apply_slice(&object),
            "Endpoints" => self.apply_endpoints(&object),
            _ => self.owners.apply(&object),
        }
    }

    fn apply_pod(&mut self, object: &Object, presence: Presence) {
        let metadata = &object.metadata;
        let Some(uid) = object.pod_uid() else {
            return;
        };
        let lease = Lease::of(object, presence);
        // A name of nothing names nothing.
        let named = |name: &&CompactString| !name.trim().is_empty();
        let annotation = |key: &str| metadata.annotations.get(key).filter(named).cloned();
        let pod = self.pods.entry(uid).or_insert_with(|| Pod {
            uid,
            namespace: metadata.namespace.clone(),
            name: metadata.name.clone(),
            labels: Vec::new(),
            node: CompactString::default(),
            hostname: object.spec.hostname.clone(),
            host_network: object.spec.host_network,
            addresses: Vec::new(),
            lease,
            gone: false,
            annotated: None,
            owner: None,
            image_name: None,
            known: RefCell::default(),
        });
        let is_here = presence == Presence::Here;
        if is_here {
            let name = (metadata.namespace.clone(), metadata.name.clone());
            self.by_name.insert(name, uid);
        }
        if is_here && std::mem::take(&mut pod.gone) {
            pod.lease = lease; // it had only vanished from our sight
        }
        pod.lease.join(lease);
        pod.gone = !is_here;
        pod.labels = metadata
            .labels
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        pod.annotated = annotation(&self.settings.workload_name_annotation)
            .or_else(|| annotation(OLD_ANNOTATION));
        pod.owner = metadata.owner_references.first().cloned();
        pod.image_name = self
            .settings
            .image_names_for_jobs
            .then(|| owners::image_name(&object.spec.containers));
        let before = pod.known.take().map(|known| known.identity);
        if !object.spec.node_name.is_empty() {
            pod.node.clone_from(&object.spec.node_name);
        }
        let texts = object
            .status
            .pod_ips
            .iter()
            .map(|ip| &ip.ip)
            .chain([&object.status.pod_ip]);
        let mut new = Vec::new();
        for address in texts.filter_map(|text| text.parse::<IpAddr>().ok()) {
            let address = address.to_canonical();
            if pod.host_network {
                self.nodes
                    .entry(address)
                    .or_insert_with(|| pod.node.clone());
            } else if !pod.addresses.contains(&address) {
                pod.addresses.push(address);
                self.by_address.entry(address).or_default().push(uid);
                new.push(address);
            }
        }
        self.note_pod(uid, &new, before.as_deref());
    }

    fn apply_node(&mut self, object: &Object) {
        let inside = object
            .status
            .addresses
            .iter()
            .filter(|a| a.kind == "InternalIP" || a.kind == "ExternalIP");
        for address in inside.filter_map(|address| address.address.parse().ok()) {
            self.nodes.insert(address, object.metadata.name.clone());
            self.touch(Need::Address(address));
        }
        let ranges = object.spec.pod_cidrs.iter();
        for range in ranges.filter_map(|range| range.parse::<IpNet>().ok()) {
            if !self.pod_ranges.contains(&range) {
                self.pod_ranges.push(range);
            }
        }
    }

    /// The pod with this UID.
    pub fn pod(&self, uid: PodUid) -> Option<&Pod> {
        self.pods.get(&uid)
    }

    /// The latest pod with this name.
    pub fn pod_named(&self, namespace: &str, name: &str) -> Option<&Pod> {
        self.pod(*self.by_name.get(&Named(namespace, name))?)
    }

    /// A pod for each workload, by namespace and the names that service meshes and clouds use for it: the workload's
    /// own, that of the root of its owners where an annotation, images or dots make it another, Istio's canonical name (a
    /// label that its injector sets, else `app.kubernetes.io/name`, else `app`: Istio documentation, "Resource Labels").
    /// Where two names clash, the workload's own wins, then its owner's.
    pub fn pods_by_workload_name(
        &self,
    ) -> collections::HashMap<(CompactString, CompactString), PodUid> {
        const LABELS: [&str; 3] = [
            "app",
            "app.kubernetes.io/name",
            "service.istio.io/canonical-name",
        ];
        let mut pods: Vec<&Pod> = self.pods.values().collect();
        // The latest that still runs comes last, and stays.
        pods.sort_by_key(|pod| (!pod.gone, pod.lease.start, pod.uid));
        let mut named = collections::HashMap::new();
        for label in LABELS {
            for pod in &pods {
                if let Some((_, value)) = pod.labels.iter().find(|(key, _)| key == label) {
                    named.insert((pod.namespace.clone(), value.clone()), pod.uid);
                }
            }
        }
        for pod in &pods {
            let root = pod.owner.as_ref().map_or_else(
                || pod.name.clone(),
                |owner| {
                    self.owners
                        .root(owner, &pod.namespace, &pod.labels)
                        .owner
                        .name
                },
            );
            named.insert((pod.namespace.clone(), root), pod.uid);
        }
        for pod in pods {
            let name = self.identity(pod).workload.name.clone();
            named.insert((pod.namespace.clone(), name), pod.uid);
        }
        named
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

    /// The workload of a pod: an annotation, else the root of its owners.
    pub fn identity(&self, pod: &Pod) -> Arc<Identity> {
        self.known(pod, |known| Arc::clone(&known.identity))
    }

    /// The owner of a pod that nobody has looked up yet: until then, its identity may be another.
    pub fn unknown_owner(&self, pod: &Pod) -> Option<OwnerKey> {
        self.known(pod, |known| known.unknown.clone())
    }

    /// The workload of a pod once it is certain; before, the owner to look up.
    pub fn identified(&self, pod: &Pod) -> Result<Arc<Identity>, OwnerKey> {
        self.known(pod, |known| match &known.unknown {
            Some(owner) => Err(owner.clone()),
            None => Ok(Arc::clone(&known.identity)),
        })
    }

    fn known<T>(&self, pod: &Pod, read: impl FnOnce(&Known) -> T) -> T {
        let generation = self.owners.generation();
        if let Some(known) = &*pod.known.borrow()
            && known.generation == generation
        {
            return read(known);
        }
        let (identity, unknown) = self.identify(pod);
        let known = Known {
            generation,
            identity: Arc::new(identity),
            unknown,
        };
        let answer = read(&known);
        pod.known.replace(Some(known));
        answer
    }

    fn identify(&self, pod: &Pod) -> (Identity, Option<OwnerKey>) {
        let named = |name: &str, by_annotation| Identity {
            workload: Workload::new(&pod.namespace, name, ""),
            by_annotation,
            group: CompactString::default(),
            version: CompactString::default(),
        };
        if let Some(name) = &pod.annotated {
            return (named(name, true), None);
        }
        let root = match &pod.owner {
            Some(owner) => self.owners.root(owner, &pod.namespace, &pod.labels),
            None => Root {
                owner: OwnerReference {
                    api_version: "v1".into(),
                    kind: "Pod".into(),
                    name: pod.name.clone(),
                },
                unknown: None,
            },
        };
        let Root { owner, unknown } = root;
        if let (Some(name), "Job") = (&pod.image_name, owner.kind.as_str()) {
            return (named(name, false), unknown);
        }
        // Targets are written `name.namespace`, so a name holds no dot.
        let workload = Workload::new(&pod.namespace, &owner.name.replace('.', "_"), &owner.kind);
        let (group, version) = owners::split(&owner.api_version);
        let identity = Identity {
            workload,
            by_annotation: false,
            group: group.into(),
            version: version.into(),
        };
        (identity, unknown)
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
