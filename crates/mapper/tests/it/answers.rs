//! What answers tell, alone and with the connections they were asked for.

use mapper::Refusal;

use crate::town::{CLIENT, Town};

/// The one edge that an answer alone makes.
fn edge_by(name: &str, address: &str) -> Vec<String> {
    let mut town = Town::new();
    let edges = town.learns(CLIENT, name, address).finish().edges();
    let client = "shop/client (Deployment) → ";
    edges.iter().map(|edge| edge.replace(client, "")).collect()
}

#[test]
fn every_kind_of_name() {
    for (name, address, edge) in [
        (
            "cart.shop.svc.cluster.local",
            "10.96.0.20",
            "shop/cart (Deployment) [dns] via cart",
        ),
        (
            "_main._tcp.cart.shop.svc.cluster.local",
            "10.96.0.20",
            "shop/cart (Deployment) [dns] via cart",
        ),
        // Headless, and one of its pods by name.
        (
            "db.data.svc.cluster.local",
            "10.244.0.31",
            "data/db (StatefulSet) [dns] via db",
        ),
        (
            "db-0.db.data.svc.cluster.local",
            "10.244.0.31",
            "data/db (StatefulSet) [dns] via db",
        ),
        (
            "10-244-0-31.data.pod.cluster.local",
            "10.244.0.31",
            "data/db (StatefulSet) [dns]",
        ),
        (
            "kubernetes.default.svc.cluster.local",
            "10.96.0.1",
            "default/kubernetes [dns] via kubernetes",
        ),
        // ExternalName, to the outside and back into the cluster.
        (
            "billing.shop.svc.cluster.local",
            "93.184.216.34",
            "billing.example.com [dns]",
        ),
        (
            "alias.shop.svc.cluster.local",
            "10.96.0.20",
            "shop/cart (Deployment) [dns] via cart",
        ),
        // Another cluster's domain, or any name, for an address of this one.
        (
            "cart.shop.svc.other.example",
            "10.96.0.20",
            "shop/cart (Deployment) [dns] via cart",
        ),
        (
            "db.example.com",
            "10.244.0.31",
            "data/db (StatefulSet) [dns]",
        ),
        ("api.example.com", "93.184.216.34", "api.example.com [dns]"),
        (
            "cart.shop.svc.other.example",
            "93.184.216.35",
            "cart.shop.svc.other.example [dns]",
        ),
        // Several workloads: the first by name, marked.
        (
            "colour.shop.svc.cluster.local",
            "10.96.0.30",
            "shop/blue (Deployment) [dns] via colour assumed",
        ),
    ] {
        assert_eq!(edge_by(name, address), [edge], "{name}");
    }
}

#[test]
fn names_that_stand_for_nothing() {
    for (name, address, refusal) in [
        (
            "gone.shop.svc.cluster.local",
            "10.96.0.99",
            Refusal::UnknownName,
        ),
        ("strange.cluster.local", "10.96.0.20", Refusal::UnknownName),
        (
            "10-244-0-99.shop.pod.cluster.local",
            "10.244.0.99",
            Refusal::UnknownDestination,
        ),
        (
            "empty.shop.svc.cluster.local",
            "10.96.0.40",
            Refusal::NoBackend,
        ),
        (
            "kube-dns.kube-system.svc.cluster.local",
            "10.96.0.10",
            Refusal::ClusterDns,
        ),
    ] {
        let mut town = Town::new();
        town.learns(CLIENT, name, address).finish();
        assert_eq!(town.edges(), [""; 0], "{name}");
        assert_eq!(town.refused(refusal), 1, "{name}");
    }
}

#[test]
fn an_answer_waits_for_its_connection() {
    let mut town = Town::new();
    town.learns(CLIENT, "colour.shop.svc.cluster.local", "10.96.0.30");
    assert_eq!((town.held(), town.edges().len()), (1, 0));
    town.waits(59)
        .reaches(CLIENT, "10.96.0.30:80", "10.244.0.22:8080");
    assert_eq!(town.held(), 0);
    // So does one that comes after.
    town.learns(CLIENT, "colour.shop.svc.cluster.local", "10.96.0.30")
        .finish();
    assert_eq!(
        town.edges(),
        ["shop/client (Deployment) → shop/green (Deployment) :8080 [dns tcp] via colour"]
    );
}

#[test]
fn an_answer_without_a_connection_speaks_for_itself_after_a_minute() {
    let mut town = Town::new();
    town.learns(CLIENT, "cart.shop.svc.cluster.local", "10.96.0.20")
        .waits(61)
        .connects(CLIENT, "10.244.0.31:5432");
    assert_eq!(town.held(), 0);
    assert_eq!(
        town.finish().edges(),
        [
            "shop/client (Deployment) → data/db (StatefulSet) :5432 [tcp]",
            "shop/client (Deployment) → shop/cart (Deployment) [dns] via cart",
        ]
    );
}

/// A connection that was kept open shows who answers there, long before the next question.
#[test]
fn what_was_shown_before_is_not_assumed_again() {
    let mut town = Town::new();
    town.reaches(CLIENT, "10.96.0.30:80", "10.244.0.22:8080")
        .waits(3_600);
    town.learns(CLIENT, "colour.shop.svc.cluster.local", "10.96.0.30")
        .finish();
    assert_eq!(
        town.edges(),
        ["shop/client (Deployment) → shop/green (Deployment) :8080 [dns tcp] via colour"]
    );
}

#[test]
fn an_answer_whose_connections_were_all_refused_is_an_attempt() {
    let mut town = Town::new();
    town.learns(CLIENT, "cart.shop.svc.cluster.local", "10.96.0.20")
        .is_refused(CLIENT, "10.96.0.20:80")
        .finish();
    assert_eq!(town.edges(), [""; 0]);
    assert_eq!(
        town.attempts(),
        ["shop/client (Deployment) → shop/cart (Deployment) :8080 [dns tcp] via cart"]
    );

    let mut town = Town::new();
    town.learns(CLIENT, "cart.shop.svc.cluster.local", "10.96.0.20")
        .is_refused(CLIENT, "10.96.0.20:80")
        .connects(CLIENT, "10.96.0.20:80")
        .finish();
    assert_eq!(
        town.edges(),
        ["shop/client (Deployment) → shop/cart (Deployment) :8080 [dns tcp] via cart"]
    );
}

/// However many names a client learns for one address, few wait at a time, and none is lost.
#[test]
fn names_without_end() {
    let mut town = Town::new();
    for number in 0..500 {
        town.learns(
            CLIENT,
            &format!("host-{number}.example.com"),
            "93.184.216.34",
        );
        assert!(town.held() <= 32);
    }
    assert_eq!(town.finish().edges().len(), 500);
}
