//! Services, and what stands behind them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use compact_str::CompactString;
use map::{DnsName, PodUid, Protocol, Time};

use crate::index::Pod;
use crate::objects::{Object, Port};

/// A Service.
#[derive(Clone, Debug, Default)]
pub struct Service {
    /// Its namespace.
    pub namespace: CompactString,
    /// Its name.
    pub name: CompactString,
    /// For type `ExternalName`: what it stands for.
    pub external_name: Option<DnsName>,
    /// Whether its own object was seen, and not only its endpoints.
    pub(crate) exists: bool,
    pub(crate) created: Time,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) ports: Vec<ServicePort>,
    pub(crate) is_dns: bool,
    /// The labels of its pods.
    pub(crate) selector: BTreeMap<CompactString, CompactString>,
    /// Its endpoints, by the name of the `EndpointSlice`; empty for those of the Endpoints object.
    pub(crate) slices: BTreeMap<CompactString, Slice>,
    /// Pods that were behind it, as long as they are remembered.
    pub(crate) past: BTreeSet<(IpAddr, PodUid)>,
    /// When it was seen to be gone.
    pub(crate) gone: Option<Time>,
    /// The one workload behind it, and when that was worked out.
    pub(crate) only: RefCell<Option<Only>>,
}

/// A part of the endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) endpoints: BTreeSet<(IpAddr, Option<PodUid>)>,
    /// Ports of the endpoints, by the name of the Service's port.
    pub(crate) targets: BTreeSet<(CompactString, u16)>,
}

/// Whether all that ever stood behind a Service is one workload.
#[derive(Clone, Debug)]
pub(crate) struct Only {
    pub(crate) generation: u64,
    pub(crate) pod: Option<PodUid>,
}

/// A port of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    pub(crate) name: CompactString,
    pub(crate) protocol: Protocol,
    pub(crate) port: u16,
    pub(crate) node_port: u16,
}

/// One endpoint of a Service.
#[derive(Clone, Copy, Debug)]
pub struct Backend<'a> {
    /// Its address.
    pub address: IpAddr,
    /// Its port, where the Service's port tells.
    pub port: Option<u16>,
    /// Its pod, where it is one.
    pub pod: Option<&'a Pod>,
}

impl Service {
    /// Address and pod of every endpoint, past ones too.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = (IpAddr, Option<PodUid>)> {
        let now = self
            .slices
            .values()
            .flat_map(|slice| slice.endpoints.iter().copied());
        let past = self
            .past
            .iter()
            .map(|(address, uid)| (*address, Some(*uid)));
        now.chain(past)
    }

    /// The port of its endpoints behind one of its own, by name: the only one, if there is.
    pub(crate) fn target(&self, name: &str) -> Option<u16> {
        let targets = self.slices.values().flat_map(|slice| &slice.targets);
        let mut ports = targets.filter(|(of, _)| of == name).map(|(_, port)| *port);
        let first = ports.next()?;
        ports.all(|port| port == first).then_some(first)
    }

    /// The backends' own port behind one of its ports, where that is one.
    pub fn target_of(&self, port: &ServicePort) -> Option<u16> {
        self.target(&port.name)
    }

    /// Takes a part of its endpoints. Pods that are no longer in it are remembered.
    pub(crate) fn apply_slice(&mut self, name: CompactString, slice: Slice) {
        let old = self.slices.insert(name, slice).unwrap_or_default();
        self.leave(old);
        self.only.take();
    }

    /// A part of its endpoints is gone.
    pub(crate) fn delete_slice(&mut self, name: &str) {
        let old = self.slices.remove(name).unwrap_or_default();
        self.leave(old);
        self.only.take();
    }

    fn leave(&mut self, old: Slice) {
        let pods = old.endpoints.into_iter();
        self.past
            .extend(pods.filter_map(|(address, uid)| Some((address, uid?))));
    }

    /// Takes the Service's own object; endpoints are kept.
    pub(crate) fn apply(&mut self, object: &Object) {
        let Object {
            metadata,
            spec,
            status,
            ..
        } = object;
        self.namespace.clone_from(&metadata.namespace);
        self.name.clone_from(&metadata.name);
        self.exists = true;
        self.gone = None;
        self.created = metadata.creation_timestamp.unwrap_or_default();
        self.external_name =
            (!spec.external_name.is_empty()).then(|| DnsName::new(&spec.external_name));
        let balancers = status
            .load_balancer
            .ingress
            .iter()
            .map(|ingress| &ingress.ip);
        let all = spec
            .cluster_ips
            .iter()
            .chain([&spec.cluster_ip])
            .chain(&spec.external_ips)
            .chain(balancers);
        let addresses: BTreeSet<IpAddr> = all
            .filter_map(|text| Some(text.parse::<IpAddr>().ok()?.to_canonical()))
            .collect();
        self.addresses = addresses.into_iter().collect();
        self.ports = spec.ports.iter().map(port).collect();
        self.selector.clone_from(&spec.selector);
        let labelled = metadata
            .labels
            .get("k8s-app")
            .is_some_and(|app| app == "kube-dns" || app == "node-local-dns");
        let named = matches!(
            self.name.as_str(),
            "kube-dns" | "coredns" | "node-local-dns"
        );
        self.is_dns = self.namespace == "kube-system" && (labelled || named);
    }
}

fn port(port: &Port) -> ServicePort {
    let protocol = if port.protocol == "UDP" {
        Protocol::Udp
    } else {
        Protocol::Tcp
    };
    ServicePort {
        name: port.name.clone(),
        protocol,
        port: port.port,
        node_port: port.node_port,
    }
}
