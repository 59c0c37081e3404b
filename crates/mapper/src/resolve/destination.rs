//! Who was called.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use cluster::{Holder, Index, NameKind, Need, Pod, Service, ServicePort};
use compact_str::CompactString;
use map::workload::AddressRange;
use map::{Connection, DnsName, Peer, PodUid, Protocol, Time, Workload};
use serde::{Deserialize, Serialize};

use super::doubt::is_settled;
use super::{Doubt, When, holder, identified};
use crate::fate::Refusal;

/// The server's side of an observation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Server {
    /// A workload of the cluster.
    Workload {
        /// Which one; the first by name when `assumed`.
        workload: Workload,
        /// The Service through which it was called.
        service: Option<CompactString>,
        /// Several workloads stand behind the Service, and which one answered was not seen.
        assumed: bool,
        /// One of its pods, for labels.
        pod: Option<PodUid>,
    },
    /// A Service that has no backend; connections to it can only fail.
    Empty(Workload),
    /// A DNS name outside the cluster.
    Name(DnsName),
    /// An address outside the cluster.
    Outside(IpAddr),
}

/// The server of a connection, and the port it serves on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) server: Server,
    /// The backend's own port where it is known, else the port that was meant; 0 when nobody told.
    pub(crate) port: u16,
}

impl Server {
    fn of_pod(index: &Index, pod: &Pod, service: Option<&Service>) -> Result<Self, Doubt> {
        let (pod, identity) = identified(index, pod)?;
        Ok(Self::Workload {
            workload: identity.workload.clone(),
            service: service.map(|service| service.name.clone()),
            assumed: false,
            pod: Some(pod.uid),
        })
    }

    fn api_server(service: Option<&Service>) -> Self {
        let service = service.map(|service| service.name.clone());
        Self::Workload {
            workload: Workload::api_server(),
            service,
            assumed: false,
            pod: None,
        }
    }

    /// Whether this is its [`peer`](Self::peer).
    pub(crate) fn is(&self, peer: &Peer) -> bool {
        match (self, peer) {
            (Self::Workload { workload, .. } | Self::Empty(workload), Peer::Workload(other)) => {
                workload == other
            }
            (Self::Name(name), Peer::Name(other)) => name == other,
            (Self::Outside(address), Peer::Address(other)) => {
                AddressRange::single(*address) == *other
            }
            _ => false,
        }
    }

    /// The peer of the edge; an outside address may still get a name.
    pub(crate) fn peer(&self) -> Peer {
        match self {
            Self::Workload { workload, .. } | Self::Empty(workload) => {
                Peer::Workload(workload.clone())
            }
            Self::Name(name) => Peer::Name(name.clone()),
            Self::Outside(address) => Peer::Address(AddressRange::single(*address)),
        }
    }
}

/// Where ztunnels and waypoints take connections of an ambient mesh, many of them in one (Istio documentation, "Ports used by
/// Istio", HBONE). Who called whom is seen in the pods' own sockets.
const MESH_TUNNEL: u16 = 15_008;

/// Who is behind a connection: the backend where translation was seen, else whoever holds the address meant.
pub(crate) fn place(index: &Index, connection: &Connection, when: When) -> Result<Place, Doubt> {
    let at = when.last;
    let Connection {
        protocol,
        meant,
        reached,
        server_pod,
        ..
    } = *connection;
    let dns = |end: SocketAddr| end.port() == 53 && index.is_cluster_dns(end.ip());
    if dns(meant) || reached.is_some_and(dns) {
        return Err(Refusal::ClusterDns.into());
    }
    if protocol == Protocol::Tcp && reached.unwrap_or(meant).port() == MESH_TUNNEL {
        return Err(Refusal::MeshTunnel.into());
    }
    let found = index.service_at(meant, protocol, at);
    let service = found.map(|(service, _)| service);
    let port = reached.unwrap_or(meant).port();
    if index.is_api_server(meant) || service.is_some_and(is_api) {
        let server = Server::api_server(service);
        return Ok(Place { server, port });
    }
    if let Some(uid) = server_pod
        && let Some(server) = of_uid(index, uid, reached.unwrap_or(meant).ip(), service, at)?
    {
        return Ok(Place { server, port });
    }
    // Nothing else needs to be known where one workload is all that stands behind the Service.
    if let Some((service, service_port)) = found
        && let Some(pod) = index.only_backend(service)
    {
        let own = service_port.and_then(|port| service.target_of(port));
        let seen = reached.map(|reached| reached.port());
        return Ok(Place {
            server: Server::of_pod(index, pod, Some(service))?,
            port: seen.or(own).unwrap_or(meant.port()),
        });
    }
    if let Some(backend) = reached {
        match backend_at(index, backend, service, when) {
            Err(Doubt::Refused(Refusal::UnknownDestination | Refusal::HostNetworkDestination)) => {}
            // Whoever it was, it may be all the same: what stood behind the Service then decides.
            Err(Doubt::Refused(Refusal::AmbiguousDestination)) if found.is_some() => {}
            other => return other.map(|server| Place { server, port }),
        }
    }
    match found {
        Some((service, port)) => {
            let (server, port) = one_behind(index, service, port, at)?;
            Ok(Place {
                server,
                port: port.unwrap_or(meant.port()),
            })
        }
        None => held(index, meant.ip(), when).map(|server| Place {
            server,
            port: meant.port(),
        }),
    }
}

/// Who a DNS answer stands for: the address decides where the cluster knows it, else the name.
pub(crate) fn name(
    index: &Index,
    name: &DnsName,
    address: Option<IpAddr>,
    when: When,
) -> Result<Server, Doubt> {
    let at = when.last;
    if address.is_some_and(|address| index.is_cluster_dns(address)) {
        return Err(Refusal::ClusterDns.into());
    }
    let or_outside = |name: &DnsName| {
        let known = address.and_then(|address| by_address(index, address, when));
        known.unwrap_or_else(|| Ok(Server::Name(name.clone())))
    };
    match index.classify(name) {
        NameKind::Outside => or_outside(name),
        NameKind::Service {
            namespace, name, ..
        } => {
            let Some(service) = index.service(&namespace, &name) else {
                let need = Need::Service(namespace, name);
                let refusal = Refusal::UnknownName;
                return Err(Doubt::unless_settled(index, at, need, refusal));
            };
            if let Some(target) = &service.external_name {
                return or_outside(target);
            }
            if is_api(service) {
                return Ok(Server::api_server(Some(service)));
            }
            if let Some(pod) = index.only_backend(service) {
                return Server::of_pod(index, pod, Some(service));
            }
            // The address in a headless Service's answer is one pod; in any other, the whole Service.
            match address.filter(|address| !is_of(index, service, *address, at)) {
                Some(address) => endpoint(index, service, address, when),
                None => behind(index, service, None, at).map(|(server, _)| server),
            }
        }
        NameKind::PodAddress(address) => held(index, address, when),
        NameKind::InClusterUnknown => Err(Refusal::UnknownName.into()),
    }
}

fn is_api(service: &Service) -> bool {
    service.name == "kubernetes" && service.namespace == "default"
}

fn ambiguous(index: &Index, address: IpAddr, at: Time) -> Doubt {
    Doubt::unless_settled(
        index,
        at,
        Need::Address(address),
        Refusal::AmbiguousDestination,
    )
}

/// Whether this is one of the Service's own addresses.
fn is_of(index: &Index, service: &Service, address: IpAddr, at: Time) -> bool {
    let found = index.service_at(SocketAddr::new(address, 0), Protocol::Tcp, at);
    found.is_some_and(|(found, _)| std::ptr::eq(found, service))
}

/// The pod behind a Service that a name's answer gave. The answer may be older than the pod that has the address.
fn endpoint(
    index: &Index,
    service: &Service,
    address: IpAddr,
    when: When,
) -> Result<Server, Doubt> {
    let at = when.last;
    let of_service = |pod: &Pod| {
        let backends = index.backends(service, None, at);
        let mut pods = backends.iter().filter(|backend| backend.address == address);
        pods.any(|backend| backend.pod.is_some_and(|behind| behind.uid == pod.uid))
    };
    match holder(index, address, when) {
        Holder::Pod(pod) if of_service(pod) => {
            Doubt::settled(index, at)?;
            Server::of_pod(index, pod, Some(service))
        }
        Holder::HostNetwork(_) => behind(index, service, None, at).map(|(server, _)| server),
        _ if !is_settled(index, at) => Err(ambiguous(index, address, at)),
        _ => one_behind(index, service, None, at).map(|(server, _)| server),
    }
}

/// The one workload behind a Service: among several, somebody was called for sure, but nobody knows who.
fn one_behind(
    index: &Index,
    service: &Service,
    port: Option<&ServicePort>,
    at: Time,
) -> Result<(Server, Option<u16>), Doubt> {
    let found = behind(index, service, port, at)?;
    if matches!(found.0, Server::Workload { assumed: true, .. }) {
        let need = Need::Service(service.namespace.clone(), service.name.clone());
        let refusal = Refusal::AmbiguousDestination;
        return Err(Doubt::unless_settled(index, at, need, refusal));
    }
    Ok(found)
}

/// The pod that the node named, if it is one of its own network.
fn of_uid(
    index: &Index,
    uid: PodUid,
    address: IpAddr,
    service: Option<&Service>,
    at: Time,
) -> Result<Option<Server>, Doubt> {
    match index.holder(address, Some(uid), at) {
        Holder::Pod(pod) => Server::of_pod(index, pod, service).map(Some),
        Holder::Unknown if index.pod(uid).is_none() => {
            let need = Need::Pod(uid);
            let refusal = Refusal::UnknownPod;
            Err(Doubt::unless_settled(index, at, need, refusal))
        }
        _ => Ok(None),
    }
}

/// Who is behind an address, if the cluster knows it at all.
fn by_address(index: &Index, address: IpAddr, when: When) -> Option<Result<Server, Doubt>> {
    let at = when.last;
    if let Some((service, _)) = index.service_at(SocketAddr::new(address, 0), Protocol::Tcp, at) {
        return Some(if is_api(service) {
            Ok(Server::api_server(Some(service)))
        } else {
            behind(index, service, None, at).map(|(server, _)| server)
        });
    }
    match index.holder(address, None, at) {
        Holder::Unknown => None,
        _ => Some(held(index, address, when)),
    }
}

/// The pod behind a translated address.
fn backend_at(
    index: &Index,
    backend: SocketAddr,
    service: Option<&Service>,
    when: When,
) -> Result<Server, Doubt> {
    let at = when.last;
    if index.is_api_server(backend) {
        return Ok(Server::api_server(service));
    }
    match holder(index, backend.ip(), when) {
        Holder::Pod(pod) => {
            Doubt::settled(index, at)?;
            Server::of_pod(index, pod, service)
        }
        Holder::Ambiguous => Err(ambiguous(index, backend.ip(), at)),
        Holder::HostNetwork(_) => {
            // Several host-network pods share the node's address; the Service knows which one is its own.
            let backends = service
                .map(|service| index.backends(service, None, at))
                .unwrap_or_default();
            let pods = backends
                .iter()
                .filter(|b| b.address == backend.ip())
                .filter_map(|b| b.pod);
            one(index, pods, service)?.ok_or_else(|| Refusal::HostNetworkDestination.into())
        }
        Holder::Unknown => {
            let need = Need::Address(backend.ip());
            let refusal = Refusal::UnknownDestination;
            Err(Doubt::unless_settled(index, at, need, refusal))
        }
    }
}

/// The workload behind a Service, and its own port where that is one.
fn behind(
    index: &Index,
    service: &Service,
    port: Option<&ServicePort>,
    at: Time,
) -> Result<(Server, Option<u16>), Doubt> {
    if let Some(pod) = index.only_backend(service) {
        let port = port.and_then(|port| service.target_of(port));
        return Ok((Server::of_pod(index, pod, Some(service))?, port));
    }
    let backends = index.backends(service, port, at);
    if backends.is_empty() {
        if !is_settled(index, at) {
            let need = Need::Service(service.namespace.clone(), service.name.clone());
            let refusal = Refusal::NoBackend;
            return Err(Doubt::unless_settled(index, at, need, refusal));
        }
        let workload = Workload::new(&service.namespace, &service.name, "Service");
        return Ok((Server::Empty(workload), None));
    }
    let ports: BTreeSet<Option<u16>> = backends.iter().map(|backend| backend.port).collect();
    let port = if ports.len() == 1 {
        ports.into_iter().next().flatten()
    } else {
        None
    };
    let pods = backends.iter().filter_map(|backend| backend.pod);
    if let Some(mut server) = one(index, pods, Some(service))? {
        Doubt::settled(index, at)?;
        if let Server::Workload { assumed, .. } = &mut server {
            *assumed = *assumed || is_shared(index, service)?;
        }
        return Ok((server, port));
    }
    // Endpoints without pods: made by hand, for something outside; or pods that are not known yet.
    Doubt::settled(index, at)?;
    match backends.iter().map(|backend| backend.address).min() {
        Some(address) if !index.is_private(address) => Ok((Server::Outside(address), port)),
        _ => Err(Refusal::UnknownDestination.into()),
    }
}

/// Whether several workloads stand, or stood, behind a Service: its endpoints may be told later than its pods.
fn is_shared(index: &Index, service: &Service) -> Result<bool, Doubt> {
    let all = one(index, index.ever_behind(service), Some(service))?;
    Ok(matches!(all, Some(Server::Workload { assumed: true, .. })))
}

/// The workload of these pods: the only one, or the first by name, assumed. `None` without any pod.
#[allow(
    single_use_lifetimes,
    reason = "an elided lifetime in an impl Trait argument is not stable"
)]
fn one<'a>(
    index: &'a Index,
    pods: impl Iterator<Item = &'a Pod>,
    service: Option<&Service>,
) -> Result<Option<Server>, Doubt> {
    let mut workloads: BTreeMap<Workload, &Pod> = BTreeMap::new();
    for pod in pods {
        let (pod, identity) = identified(index, pod)?;
        workloads.entry(identity.workload.clone()).or_insert(pod);
    }
    let assumed = workloads.len() > 1;
    let first = workloads
        .into_iter()
        .min_by(|(a, _), (b, _)| (&a.name, a).cmp(&(&b.name, b)));
    Ok(first.map(|(workload, pod)| Server::Workload {
        workload,
        service: service.map(|service| service.name.clone()),
        assumed,
        pod: Some(pod.uid),
    }))
}

/// Whoever holds the address itself.
fn held(index: &Index, address: IpAddr, when: When) -> Result<Server, Doubt> {
    let at = when.last;
    match holder(index, address, when) {
        Holder::Pod(pod) => {
            Doubt::settled(index, at)?;
            Server::of_pod(index, pod, None)
        }
        Holder::Ambiguous => Err(ambiguous(index, address, at)),
        Holder::HostNetwork(_) => Err(Refusal::HostNetworkDestination.into()),
        Holder::Unknown if index.is_private(address) => {
            let need = Need::Address(address);
            let refusal = Refusal::UnknownDestination;
            Err(Doubt::unless_settled(index, at, need, refusal))
        }
        // A public address that a pod holds lies in a node's range, or is known soon; an operator who sees what a
        // client calls outside should not wait for that.
        Holder::Unknown => Ok(Server::Outside(address)),
    }
}
