//! Services: what an address or a name stands for, and who is behind it.

use std::net::{IpAddr, SocketAddr};

use compact_str::CompactString;
use map::{Protocol, Time};

use super::{Index, Pod};
use crate::objects::Object;
use crate::services::{Backend, Service, ServicePort};

impl Index {
    fn service_mut(&mut self, namespace: &CompactString, name: &CompactString) -> &mut Service {
        self.services
            .entry((namespace.clone(), name.clone()))
            .or_insert_with(|| Service {
                namespace: namespace.clone(),
                name: name.clone(),
                ..Service::default()
            })
    }

    pub(super) fn apply_service(&mut self, object: &Object) {
        let (namespace, name) = (&object.metadata.namespace, &object.metadata.name);
        let service = self.service_mut(namespace, name);
        service.apply(object);
        let (addresses, ports) = (service.addresses.clone(), service.ports.clone());
        let is_dns = service.is_dns;
        let key = (namespace.clone(), name.clone());
        for address in addresses {
            let services = self.service_addresses.entry(address).or_default();
            services.insert(key.clone());
        }
        for port in ports.iter().filter(|port| port.node_port != 0) {
            let services = self.node_ports.entry((port.protocol, port.node_port));
            services.or_default().insert(key.clone());
        }
        if is_dns {
            self.dns_services.insert(key);
        }
    }

    pub(super) fn apply_slice(&mut self, object: &Object) {
        let Some(name) = object.metadata.labels.get("kubernetes.io/service-name") else {
            return;
        };
        self.has_endpoints = true;
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

    pub(super) fn apply_endpoints(&mut self, object: &Object) {
        self.has_endpoints = true;
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
        let services = self.node_ports.get(&(protocol, to.port()))?;
        let service = services
            .iter()
            .filter_map(|key| self.services.get(key))
            .find(alive)?;
        let is_port =
            |port: &&ServicePort| port.node_port == to.port() && port.protocol == protocol;
        Some((service, service.ports.iter().find(is_port).cloned()))
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
        let mut all: Vec<Backend<'_>> = service
            .endpoints
            .iter()
            .map(|(address, pod)| Backend {
                address: *address,
                port: target,
                pod: pod.and_then(|uid| self.pod(uid)),
            })
            .collect();
        if !self.has_endpoints {
            all = self.selected(service);
        }
        let then = |backend: &Backend<'_>| {
            backend
                .pod
                .is_none_or(|pod| pod.host_network || self.nearly(pod, backend.address, at))
        };
        let held: Vec<Backend<'_>> = all.iter().copied().filter(then).collect();
        if held.is_empty() { all } else { held }
    }

    /// The pods that a Service selects, by their labels. Looks at every pod: only for snapshots without endpoints.
    fn selected(&self, service: &Service) -> Vec<Backend<'_>> {
        let fits = |pod: &&Pod| {
            let carries = |(key, value)| pod.labels.iter().any(|(k, v)| (k, v) == (key, value));
            pod.namespace == service.namespace && service.selector.iter().all(carries)
        };
        if service.selector.is_empty() {
            return Vec::new();
        }
        let mut backends: Vec<Backend<'_>> = self
            .pods
            .values()
            .filter(fits)
            .flat_map(|pod| pod.addresses.iter().map(move |address| (*address, pod)))
            .map(|(address, pod)| Backend {
                address,
                port: None,
                pod: Some(pod),
            })
            .collect();
        backends.sort_by_key(|backend| backend.address);
        backends
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
        self.dns_services
            .iter()
            .filter_map(|key| self.services.get(key))
            .any(|service| {
                service.addresses.contains(&address)
                    || service
                        .endpoints
                        .iter()
                        .any(|(endpoint, _)| *endpoint == address)
            })
    }
}
