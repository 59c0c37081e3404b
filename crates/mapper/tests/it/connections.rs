//! Where connections lead.

use mapper::Refusal;

use crate::town::{CART, CLIENT, DNS, NODE, Town};

/// The one edge that a connection from the client makes.
fn edge_to(meant: &str, reached: Option<&str>) -> Vec<String> {
    let mut town = Town::new();
    match reached {
        Some(reached) => town.reaches(CLIENT, meant, reached),
        None => town.connects(CLIENT, meant),
    };
    let edges = town.finish().edges();
    let client = "shop/client (Deployment) → ";
    edges.iter().map(|edge| edge.replace(client, "")).collect()
}

#[test]
fn every_kind_of_address_inside() {
    for (meant, reached, edge) in [
        // A pod's own address; a Service's, with and without the backend.
        (
            "10.244.0.6:8080",
            None,
            "shop/cart (Deployment) :8080 [tcp]",
        ),
        (
            "10.96.0.20:80",
            None,
            "shop/cart (Deployment) :8080 [tcp] via cart",
        ),
        (
            "10.96.0.20:80",
            Some("10.244.0.6:8080"),
            "shop/cart (Deployment) :8080 [tcp] via cart",
        ),
        // A load balancer's, an external address, a node's port.
        (
            "198.51.100.7:80",
            None,
            "shop/cart (Deployment) :8080 [tcp] via cart",
        ),
        (
            "192.0.2.7:80",
            None,
            "shop/cart (Deployment) :8080 [tcp] via cart",
        ),
        (
            "172.18.0.2:30080",
            None,
            "shop/cart (Deployment) :8080 [tcp] via cart",
        ),
        (
            "172.18.0.2:30080",
            Some("10.244.0.6:8080"),
            "shop/cart (Deployment) :8080 [tcp] via cart",
        ),
        // A stateful pod in another namespace.
        (
            "10.244.0.31:5432",
            None,
            "data/db (StatefulSet) :5432 [tcp]",
        ),
        // The API server, by its Service and directly.
        (
            "10.96.0.1:443",
            Some("172.18.0.5:6443"),
            "default/kubernetes :6443 [tcp] via kubernetes",
        ),
        ("172.18.0.5:6443", None, "default/kubernetes :6443 [tcp]"),
        // Behind a Service on the host network.
        (
            "10.96.0.50:9100",
            Some("172.18.0.2:9100"),
            "monitoring/agent (DaemonSet) :9100 [tcp] via agent",
        ),
        (
            "10.96.0.50:9100",
            None,
            "monitoring/agent (DaemonSet) :9100 [tcp] via agent",
        ),
    ] {
        assert_eq!(edge_to(meant, reached), [edge], "{meant} {reached:?}");
    }
}

#[test]
fn the_backend_decides_among_several_workloads() {
    assert_eq!(
        edge_to("10.96.0.30:80", Some("10.244.0.22:8080")),
        ["shop/green (Deployment) :8080 [tcp] via colour"]
    );
}

#[test]
fn outside_is_an_address_or_the_names_the_client_learned() {
    assert_eq!(
        edge_to("93.184.216.34:443", None),
        ["93.184.216.34 :443 [tcp]"]
    );
    // A Service without pods, for something outside.
    assert_eq!(edge_to("10.96.0.60:80", None), ["93.184.216.99 :80 [tcp]"]);

    let mut town = Town::new();
    town.learns(CLIENT, "api.example.com", "93.184.216.34")
        .learns(CART, "other.example.com", "93.184.216.34")
        .connects(CLIENT, "93.184.216.34:443")
        .connects(CART, "93.184.216.34:443");
    assert_eq!(
        town.finish().edges(),
        [
            "shop/cart (Deployment) → other.example.com :443 [dns tcp]",
            "shop/client (Deployment) → api.example.com :443 [dns tcp]",
        ]
    );
}

/// An answer stands for its address as long as it may be kept, and a while longer for pools.
#[test]
fn a_name_is_forgotten_in_time() {
    let mut town = Town::new();
    town.learns(CLIENT, "api.example.com", "93.184.216.34")
        .waits(30 + 600 + 1)
        .connects(CLIENT, "93.184.216.34:443");
    assert_eq!(
        town.finish().edges(),
        [
            "shop/client (Deployment) → api.example.com [dns]",
            "shop/client (Deployment) → 93.184.216.34 :443 [tcp]",
        ]
    );
}

#[test]
fn what_is_unknown_is_said_and_never_guessed() {
    for (meant, refusal) in [
        ("10.244.0.99:80", Refusal::UnknownDestination),
        ("192.168.7.7:80", Refusal::UnknownDestination),
        ("172.18.0.2:22", Refusal::HostNetworkDestination),
        ("10.96.0.10:53", Refusal::ClusterDns),
        ("10.244.0.2:53", Refusal::ClusterDns),
        ("10.96.0.40:80", Refusal::NoBackend),
    ] {
        let mut town = Town::new();
        town.connects(CLIENT, meant).finish();
        assert_eq!(town.edges(), [""; 0], "{meant}");
        assert_eq!(town.refused(refusal), 1, "{meant}");
    }
    // Only the port of DNS is: CoreDNS has others.
    assert_eq!(
        edge_to("10.244.0.2:9153", None),
        ["kube-system/coredns (Deployment) :9153 [tcp]"]
    );
}

#[test]
fn refusals_are_attempts_and_no_edges() {
    let mut town = Town::new();
    town.is_refused(CLIENT, "10.244.0.6:8080")
        .is_refused(CLIENT, "10.96.0.40:80")
        .is_refused(CLIENT, "93.184.216.34:443")
        .finish();
    assert_eq!(town.edges(), [""; 0]);
    assert_eq!(
        town.attempts(),
        [
            "shop/client (Deployment) → shop/cart (Deployment) :8080 [tcp]",
            "shop/client (Deployment) → shop/empty (Service) :80 [tcp]",
            "shop/client (Deployment) → 93.184.216.34 :443 [tcp]",
        ]
    );
}

#[test]
fn a_workload_may_call_itself() {
    let mut town = Town::new();
    town.reaches(CART, "10.96.0.20:80", "10.244.0.6:8080")
        .finish();
    assert_eq!(
        town.edges(),
        ["shop/cart (Deployment) → shop/cart (Deployment) :8080 [tcp] via cart"]
    );
}

#[test]
fn dns_and_node_are_where_they_should_be() {
    let mut town = Town::new();
    town.connects(NODE, "10.244.0.6:8080")
        .learns(DNS, "api.example.com", "93.184.216.34")
        .finish();
    assert_eq!(
        (town.host_network("n1"), town.refused(Refusal::Recursion)),
        (1, 1)
    );
    assert_eq!(town.edges(), [""; 0]);
}

/// What goes through it is seen in the pods themselves.
#[test]
fn the_tunnel_of_an_ambient_mesh_is_transport() {
    let mut town = Town::new();
    town.connects(CLIENT, "10.244.0.6:15008")
        .reaches(CLIENT, "10.96.0.20:80", "10.244.0.6:15008")
        .connects(CLIENT, "10.244.0.6:15009")
        .finish();
    assert_eq!(town.refused(Refusal::MeshTunnel), 2);
    assert_eq!(
        town.edges(),
        ["shop/client (Deployment) → shop/cart (Deployment) :15009 [tcp]"]
    );
}
