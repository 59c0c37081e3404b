//! Who was called.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use cluster::{Holder, Index, NameKind, Pod, Service, ServicePort};
use compact_str::CompactString;
use map::workload::AddressRange;
use map::{Connection, DnsName, Peer, PodUid, Protocol, Time, Workload};

use crate::fate::Refusal;

/// The server's side of an observation.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The backend's own port where it is known, else the port that was meant.
    pub(crate) port: u16,
}

impl Server {
    fn of_pod(index: &Index, pod: &Pod, service: Option<&Service>) -> Self {
        let workload = index.identity(pod).workload;
        let service = service.map(|service| service.name.clone());
        Self::Workload {
            workload,
            service,
            assumed: false,
            pod: Some(pod.uid),
        }
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

/// Who is behind a connection: the backend where translation was seen, else whoever holds the address meant.
pub(crate) fn place(index: &Index, connection: &Connection, at: Time) -> Result<Place, Refusal> {
    let Connection {
        protocol,
        meant,
        reached,
        ..
    } = *connection;
    let dns = |end: SocketAddr| end.port() == 53 && index.is_cluster_dns(end.ip());
    if dns(meant) || reached.is_some_and(dns) {
        return Err(Refusal::ClusterDns);
    }
    let found = index.service_at(meant, protocol, at);
    let service = found.as_ref().map(|(service, _)| *service);
    if index.is_api_server(meant) || service.is_some_and(is_api) {
        let port = reached.unwrap_or(meant).port();
        return Ok(Place {
            server: Server::api_server(service),
            port,
        });
    }
    if let Some(backend) = reached {
        match backend_at(index, backend, service, at) {
            Err(Refusal::UnknownDestination | Refusal::HostNetworkDestination) => {}
            other => {
                return other.map(|server| Place {
                    server,
                    port: backend.port(),
                });
            }
        }
    }
    match found {
        Some((service, port)) => {
            let (server, port) = behind(index, service, port.as_ref(), at)?;
            Ok(Place {
                server,
                port: port.unwrap_or(meant.port()),
            })
        }
        None => held(index, meant.ip(), at).map(|server| Place {
            server,
            port: meant.port(),
        }),
    }
}

/// Who a DNS answer stands for: the address decides where the cluster knows it, else the name.
pub(crate) fn name(
    index: &Index,
    name: &DnsName,
    address: IpAddr,
    at: Time,
) -> Result<Server, Refusal> {
    if index.is_cluster_dns(address) {
        return Err(Refusal::ClusterDns);
    }
    match index.classify(name) {
        NameKind::Outside => {
            by_address(index, address, at).unwrap_or_else(|| Ok(Server::Name(name.clone())))
        }
        NameKind::Service {
            namespace, name, ..
        } => {
            let service = index
                .service(&namespace, &name)
                .ok_or(Refusal::UnknownName)?;
            if let Some(target) = &service.external_name {
                return by_address(index, address, at)
                    .unwrap_or_else(|| Ok(Server::Name(target.clone())));
            }
            if is_api(service) {
                return Ok(Server::api_server(Some(service)));
            }
            // The address in a headless Service's answer is one pod; in any other, the whole Service.
            match index.holder(address, None, at) {
                Holder::Pod(pod) => Ok(Server::of_pod(index, pod, Some(service))),
                Holder::Ambiguous => Err(Refusal::AmbiguousDestination),
                _ => behind(index, service, None, at).map(|(server, _)| server),
            }
        }
        NameKind::PodAddress(address) => held(index, address, at),
        NameKind::InClusterUnknown => Err(Refusal::UnknownName),
    }
}

fn is_api(service: &Service) -> bool {
    service.name == "kubernetes" && service.namespace == "default"
}

/// Who is behind an address, if the cluster knows it at all.
fn by_address(index: &Index, address: IpAddr, at: Time) -> Option<Result<Server, Refusal>> {
    if let Some((service, _)) = index.service_at(SocketAddr::new(address, 0), Protocol::Tcp, at) {
        return Some(if is_api(service) {
            Ok(Server::api_server(Some(service)))
        } else {
            behind(index, service, None, at).map(|(server, _)| server)
        });
    }
    match index.holder(address, None, at) {
        Holder::Unknown => None,
        _ => Some(held(index, address, at)),
    }
}

/// The pod behind a translated address.
fn backend_at(
    index: &Index,
    backend: SocketAddr,
    service: Option<&Service>,
    at: Time,
) -> Result<Server, Refusal> {
    if index.is_api_server(backend) {
        return Ok(Server::api_server(service));
    }
    match index.holder(backend.ip(), None, at) {
        Holder::Pod(pod) => Ok(Server::of_pod(index, pod, service)),
        Holder::Ambiguous => Err(Refusal::AmbiguousDestination),
        Holder::HostNetwork(_) => {
            // Several host-network pods share the node's address; the Service knows which one is its own.
            let backends = service
                .map(|service| index.backends(service, None, at))
                .unwrap_or_default();
            let pods = backends
                .iter()
                .filter(|b| b.address == backend.ip())
                .filter_map(|b| b.pod);
            one(index, pods, service).ok_or(Refusal::HostNetworkDestination)
        }
        Holder::Unknown => Err(Refusal::UnknownDestination),
    }
}

/// The workload behind a Service, and its own port where that is one.
fn behind(
    index: &Index,
    service: &Service,
    port: Option<&ServicePort>,
    at: Time,
) -> Result<(Server, Option<u16>), Refusal> {
    let backends = index.backends(service, port, at);
    if backends.is_empty() {
        return Ok((
            Server::Empty(Workload::new(&service.namespace, &service.name, "Service")),
            None,
        ));
    }
    let ports: BTreeSet<Option<u16>> = backends.iter().map(|backend| backend.port).collect();
    let port = if ports.len() == 1 {
        ports.into_iter().next().flatten()
    } else {
        None
    };
    if let Some(server) = one(
        index,
        backends.iter().filter_map(|backend| backend.pod),
        Some(service),
    ) {
        return Ok((server, port));
    }
    // Endpoints without pods: made by hand, for something outside.
    match backends.iter().map(|backend| backend.address).min() {
        Some(address) if !index.is_private(address) => Ok((Server::Outside(address), port)),
        _ => Err(Refusal::UnknownDestination),
    }
}

/// The workload of these pods: the only one, or the first by name, assumed. `None` without any pod.
#[allow(
    single_use_lifetimes,
    reason = "an elided lifetime in an impl Trait argument is not stable"
)]
fn one<'a>(
    index: &Index,
    pods: impl Iterator<Item = &'a Pod>,
    service: Option<&Service>,
) -> Option<Server> {
    let workloads: BTreeMap<Workload, &Pod> = pods
        .map(|pod| (index.identity(pod).workload, pod))
        .collect();
    let assumed = workloads.len() > 1;
    let (workload, pod) = workloads
        .into_iter()
        .min_by(|(a, _), (b, _)| (&a.name, a).cmp(&(&b.name, b)))?;
    let service = service.map(|service| service.name.clone());
    Some(Server::Workload {
        workload,
        service,
        assumed,
        pod: Some(pod.uid),
    })
}

/// Whoever holds the address itself.
fn held(index: &Index, address: IpAddr, at: Time) -> Result<Server, Refusal> {
    match index.holder(address, None, at) {
        Holder::Pod(pod) => Ok(Server::of_pod(index, pod, None)),
        Holder::Ambiguous => Err(Refusal::AmbiguousDestination),
        Holder::HostNetwork(_) => Err(Refusal::HostNetworkDestination),
        Holder::Unknown if index.is_private(address) => Err(Refusal::UnknownDestination),
        Holder::Unknown => Ok(Server::Outside(address)),
    }
}
