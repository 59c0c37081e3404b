//! Services: what an address or a name stands for, and who is behind it.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use compact_str::CompactString;
use map::{PodUid, Protocol, Time};

use super::{Index, Named, Need, Pod, ServiceKey};
use crate::lease::SKEW;
use crate::objects::{Object, Port};
use crate::services::{Backend, Only, Service, ServicePort, Slice};

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
        let before = std::mem::take(&mut service.addresses);
        let ports_before = std::mem::take(&mut service.ports);
        service.apply(object);
        let (addresses, ports) = (service.addresses.clone(), service.ports.clone());
        let is_dns = service.is_dns;
        let key = (namespace.clone(), name.clone());
        // Of two snapshots both count; a live Service has only what it has now.
        if self.live.is_on() {
            self.unlink_service(&key, &before, &ports_before);
        }
        self.touch(Need::Service(key.0.clone(), key.1.clone()));
        for address in addresses {
            let services = self.service_addresses.entry(address).or_default();
            services.insert(key.clone());
            self.touch(Need::Address(address));
        }
        for port in ports.iter().filter(|port| port.node_port != 0) {
            let services = self.node_ports.entry((port.protocol, port.node_port));
            services.or_default().insert(key.clone());
        }
        if is_dns {
            self.dns_services.insert(key);
        } else {
            self.dns_services.remove(&key);
        }
    }

    /// It no longer has these addresses and ports.
    fn unlink_service(&mut self, key: &ServiceKey, addresses: &[IpAddr], ports: &[ServicePort]) {
        for address in addresses {
            if let Some(services) = self.service_addresses.get_mut(address) {
                services.remove(key);
                if services.is_empty() {
                    self.service_addresses.remove(address);
                }
            }
        }
        for port in ports.iter().filter(|port| port.node_port != 0) {
            let place = (port.protocol, port.node_port);
            if let Some(services) = self.node_ports.get_mut(&place) {
                services.remove(key);
                if services.is_empty() {
                    self.node_ports.remove(&place);
                }
            }
        }
    }

    /// It is gone for good: nothing late will ask for it.
    pub(super) fn forget_service(&mut self, key: &ServiceKey) {
        if let Some(service) = self.services.remove(key) {
            self.unlink_service(key, &service.addresses, &service.ports);
            self.dns_services.remove(key);
        }
    }

    pub(super) fn apply_slice(&mut self, object: &Object) {
        let Some(name) = slice_service(object) else {
            return;
        };
        let (namespace, name) = (object.metadata.namespace.clone(), name.clone());
        let endpoints = object.endpoints.iter().flat_map(|endpoint| {
            let pod = endpoint.target_ref.uid.parse().ok();
            let addresses = endpoint.addresses.iter();
            addresses.filter_map(move |text| endpoint_of(text, pod))
        });
        let slice = Slice {
            endpoints: endpoints.collect(),
            targets: targets(&object.ports),
        };
        self.has_endpoints = true;
        let service = self.service_mut(&namespace, &name);
        service.apply_slice(object.metadata.name.clone(), slice);
        self.touch(Need::Service(namespace, name));
    }

    pub(super) fn delete_slice(&mut self, object: &Object) {
        if let Some(name) = slice_service(object) {
            let key = (object.metadata.namespace.clone(), name.clone());
            if let Some(service) = self.services.get_mut(&key) {
                service.delete_slice(&object.metadata.name);
            }
        }
    }

    pub(super) fn apply_endpoints(&mut self, object: &Object) {
        let mut slice = Slice::default();
        for subset in &object.subsets {
            slice.targets.extend(targets(&subset.ports));
            let addresses = subset.addresses.iter().chain(&subset.not_ready_addresses);
            slice.endpoints.extend(
                addresses.filter_map(|address| {
                    endpoint_of(&address.ip, address.target.uid.parse().ok())
                }),
            );
        }
        let (namespace, name) = (&object.metadata.namespace, &object.metadata.name);
        self.has_endpoints = true;
        let service = self.service_mut(namespace, name);
        service.apply_slice(CompactString::default(), slice);
        self.touch(Need::Service(namespace.clone(), name.clone()));
    }

    /// The Service with this name.
    pub fn service(&self, namespace: &str, name: &str) -> Option<&Service> {
        self.services.get(&Named(namespace, name))
    }

    /// The Service that an address and port stand for: its own addresses first, then a node's port. None when several
    /// claim the same.
    pub fn service_at(
        &self,
        to: SocketAddr,
        protocol: Protocol,
        at: Time,
    ) -> Option<(&Service, Option<&ServicePort>)> {
        let is_meant = |port: &&ServicePort| port.port == to.port() && port.protocol == protocol;
        let mut own = None;
        let mut with_port = None;
        for service in self.alive(self.service_addresses.get(&to.ip()), at) {
            own = Some(own.map_or(Claim::Only(service), |_| Claim::Several));
            if let Some(port) = service.ports.iter().find(is_meant) {
                let this = Claim::Only((service, port));
                with_port = Some(with_port.map_or(this, |_| Claim::Several));
            }
        }
        match (with_port, own) {
            (Some(Claim::Only((service, port))), _) => return Some((service, Some(port))),
            (None, Some(Claim::Only(service))) => return Some((service, None)),
            (Some(Claim::Several), _) | (None, Some(Claim::Several)) => return None,
            (None, None) => {}
        }
        self.node_of(to.ip())?;
        let mut services = self.alive(self.node_ports.get(&(protocol, to.port())), at);
        let service = services.next().filter(|_| services.next().is_none())?;
        let is_port =
            |port: &&ServicePort| port.node_port == to.port() && port.protocol == protocol;
        Some((service, service.ports.iter().find(is_port)))
    }

    /// Those of the Services that were there at that time.
    fn alive<'i>(
        &'i self,
        keys: Option<&'i BTreeSet<ServiceKey>>,
        at: Time,
    ) -> impl Iterator<Item = &'i Service> {
        let services = keys.into_iter().flatten();
        let services = services.filter_map(|key| self.services.get(key));
        services.filter(move |service| {
            at >= service.created && service.gone.is_none_or(|gone| at <= gone.plus(SKEW))
        })
    }

    /// What stands behind a Service: the endpoints whose pods held their address then, or all when none did.
    pub fn backends(
        &self,
        service: &Service,
        port: Option<&ServicePort>,
        at: Time,
    ) -> Vec<Backend<'_>> {
        let target = port.and_then(|port| service.target(&port.name));
        let endpoints: BTreeSet<(IpAddr, Option<PodUid>)> = service.endpoints().collect();
        let mut all: Vec<Backend<'_>> = endpoints
            .into_iter()
            .map(|(address, pod)| Backend {
                address,
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

    /// A pod of the one workload that is, and as far as is remembered was, behind a Service: then nothing else needs to
    /// be known of who was called through it. Looked up once until the endpoints or the owners change.
    pub fn only_backend(&self, service: &Service) -> Option<&Pod> {
        let generation = self.owners.generation() + self.live.annotations();
        if let Some(only) = &*service.only.borrow()
            && only.generation == generation
        {
            return only.pod.and_then(|uid| self.pod(uid));
        }
        let found = self.common_pod(service);
        let pod = found.map(|pod| pod.uid);
        service.only.replace(Some(Only { generation, pod }));
        found
    }

    fn common_pod(&self, service: &Service) -> Option<&Pod> {
        let mut common: Option<&Pod> = None;
        for (_, uid) in service.endpoints() {
            let pod = self.pod(uid?)?;
            if self.unknown_owner(pod).is_some() {
                return None;
            }
            match common {
                Some(first) if self.identity(first) != self.identity(pod) => return None,
                Some(_) => {}
                None => common = Some(pod),
            }
        }
        common
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
                let mut slices = service.slices.values();
                slices.any(|slice| {
                    slice
                        .endpoints
                        .iter()
                        .any(|(address, _)| *address == to.ip())
                        && slice.targets.iter().any(|(_, port)| *port == to.port())
                })
            })
    }

    /// Whether the API server calls from this address, and nobody else does: its Service's address, its endpoints', or
    /// the network of the configured size around one of them.
    pub fn control_plane(&self, address: IpAddr) -> bool {
        let service = self.service("default", "kubernetes");
        !self.nodes.contains_key(&address)
            && service.is_some_and(|service| {
                service.addresses.contains(&address)
                    || service
                        .endpoints()
                        .any(|(endpoint, _)| self.is_control_plane_network(endpoint, address))
            })
    }

    fn is_control_plane_network(&self, endpoint: IpAddr, address: IpAddr) -> bool {
        let (IpAddr::V4(endpoint), IpAddr::V4(address)) = (endpoint, address) else {
            return endpoint == address;
        };
        let prefix = self.settings.control_plane_prefix.min(32);
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        u32::from(endpoint) & mask == u32::from(address) & mask
    }

    /// Whether the cluster's own DNS answers at this address.
    pub fn is_cluster_dns(&self, address: IpAddr) -> bool {
        self.dns_services
            .iter()
            .filter_map(|key| self.services.get(key))
            .any(|service| {
                service.addresses.contains(&address)
                    || service.endpoints().any(|(endpoint, _)| endpoint == address)
            })
    }
}

/// Who claims an address.
#[derive(Clone, Copy)]
enum Claim<T> {
    Only(T),
    Several,
}

/// The Service that a slice belongs to (Kubernetes documentation, "`EndpointSlices`", ownership).
fn slice_service(slice: &Object) -> Option<&CompactString> {
    slice.metadata.labels.get("kubernetes.io/service-name")
}

fn endpoint_of(text: &str, pod: Option<PodUid>) -> Option<(IpAddr, Option<PodUid>)> {
    let address: IpAddr = text.parse().ok()?;
    Some((address.to_canonical(), pod))
}

fn targets(ports: &[Port]) -> BTreeSet<(CompactString, u16)> {
    ports
        .iter()
        .map(|port| (port.name.clone(), port.port))
        .collect()
}
