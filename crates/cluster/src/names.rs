//! Names in the cluster's domain (Kubernetes DNS-Based Service Discovery, version 1.1.0).

use std::net::IpAddr;

use compact_str::CompactString;
use map::DnsName;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// `<svc>.<ns>.svc.<domain>`, with any labels in front (SRV names, pod host names).
    Service {
        /// The Service's namespace.
        namespace: CompactString,
        /// The Service's name.
        name: CompactString,
    },
    /// `1-2-3-4.<ns>.pod.<domain>`.
    PodAddress(IpAddr),
    /// In the cluster's domain, but nothing that it defines.
    InClusterUnknown,
    /// Not in the cluster's domain.
    Outside,
}

/// Sorts a name by the cluster's domain.
pub(crate) fn classify(name: &DnsName, domain: &str) -> NameKind {
    let Some(rest) = name.as_str().strip_suffix(domain) else {
        return NameKind::Outside;
    };
    if rest.is_empty() {
        return NameKind::InClusterUnknown;
    }
    let Some(rest) = rest.strip_suffix('.') else {
        return NameKind::Outside;
    };
    let labels: Vec<&str> = rest.split('.').collect();
    match labels[..] {
        [.., name, namespace, "svc"] => NameKind::Service {
            namespace: namespace.into(),
            name: name.into(),
        },
        [dashed, _, "pod"] => {
            let address = dashed
                .replace('-', ".")
                .parse()
                .or_else(|_| dashed.replace('-', ":").parse());
            address.map_or(NameKind::InClusterUnknown, NameKind::PodAddress)
        }
        _ => NameKind::InClusterUnknown,
    }
}
