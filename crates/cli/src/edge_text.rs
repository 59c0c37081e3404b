//! One edge on one line, for what comes edge by edge.

use map::{EdgeKey, Facet, Outcome, Peer};

/// `client (Deployment) in shop -> cart (Deployment) in shop`.
pub(crate) fn ends(key: &EdgeKey) -> String {
    let cluster = if key.cluster.is_empty() {
        String::new()
    } else {
        format!("{}: ", key.cluster)
    };
    format!("{cluster}{} -> {}", peer(&key.client), peer(&key.server))
}

fn peer(peer: &Peer) -> String {
    match peer {
        Peer::Workload(workload) if workload.kind.is_empty() => {
            format!("{}.{}", workload.name, workload.namespace)
        }
        Peer::Workload(workload) => {
            format!(
                "{}.{} ({})",
                workload.name, workload.namespace, workload.kind
            )
        }
        other => other.to_string(),
    }
}

/// What a facet says.
pub(crate) fn facet(facet: &Facet) -> String {
    match facet {
        Facet::Port { protocol, port } => format!("port {port}/{protocol}"),
        Facet::Evidence(evidence) => format!("seen by {evidence}"),
        Facet::Service(name) => format!("through Service {name}"),
        Facet::Address(address) => format!("address {address}"),
        Facet::Topic { topic, operation } => {
            let operation = operation.as_str().to_lowercase();
            format!("Kafka topic {topic}: {operation}")
        }
        Facet::Resource { path, method } => format!("{} {path}", method.as_str()),
        Facet::CloudAction(action) => format!("action {action}"),
        Facet::CloudDataAction(action) => format!("data action {action}"),
        Facet::CloudRole(role) => format!("role {role}"),
        Facet::Assumed => "assumed by name".to_owned(),
        Facet::Outcome(Outcome::Accepted) => "accepted".to_owned(),
        Facet::Outcome(Outcome::Refused) => "refused".to_owned(),
        Facet::Outcome(Outcome::Unanswered) => "unanswered".to_owned(),
    }
}

/// What facets say, but for how it was seen.
#[allow(
    single_use_lifetimes,
    reason = "an elided lifetime in an impl Trait argument is not stable"
)]
pub(crate) fn details<'f>(facets: impl Iterator<Item = &'f Facet>) -> String {
    let shown = facets.filter(|facet| !matches!(facet, Facet::Evidence(_)));
    shown.map(facet).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use map::{Evidence, Protocol, Workload};

    use super::*;

    #[test]
    fn an_edge_is_one_line() {
        let key = EdgeKey {
            cluster: "north".into(),
            client: Peer::Workload(Workload::new("shop", "web", "Deployment")),
            server: Peer::Internet,
        };
        assert_eq!(ends(&key), "north: web.shop (Deployment) -> internet");
        let facets = [
            Facet::Port {
                protocol: Protocol::Tcp,
                port: 443,
            },
            Facet::Evidence(Evidence::Tcp),
            Facet::Service("api".into()),
        ];
        assert_eq!(details(facets.iter()), "port 443/tcp, through Service api");
    }
}
