//! Services, and what stands behind them.

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
    pub(crate) created: Time,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) ports: Vec<ServicePort>,
    pub(crate) is_dns: bool,
    /// The labels of its pods.
    pub(crate) selector: BTreeMap<CompactString, CompactString>,
    /// Address and pod of every endpoint that was ever seen.
    pub(crate) endpoints: BTreeSet<(IpAddr, Option<PodUid>)>,
    /// Ports of the endpoints, by the name of the Service's port.
    pub(crate) targets: BTreeSet<(CompactString, u16)>,
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
        let addresses: BTreeSet<IpAddr> = all.filter_map(|text| text.parse().ok()).collect();
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
