//! What stands behind names and addresses.

use std::net::SocketAddr;

use cluster::{Index, NameKind};
use map::{DnsName, Protocol};
use serde_json::{Value, json};
use testkit::cluster::{deployment, node, pod, service};

use crate::{after_start, index};

fn shop() -> Vec<Value> {
    let mut objects = vec![node("n1", "172.18.0.2", "10.244.0.0/24")];
    objects.extend(deployment("shop", "cart", &["10.244.0.5"]));
    let backend = ("cart-5d7677ff9f-00000", "10.244.0.5");
    objects.extend(service(
        "shop",
        "cart",
        Some("10.96.0.20"),
        (80, 8080),
        &[backend],
    ));
    objects
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// The Service at an address, with the addresses and ports behind it.
fn behind(index: &Index, to: &str) -> String {
    let Some((service, port)) = index.service_at(at(to), Protocol::Tcp, after_start(60)) else {
        return "none".to_owned();
    };
    let backends = index.backends(service, port, after_start(60));
    let backends: Vec<String> = backends
        .iter()
        .map(|backend| format!("{}:{}", backend.address, backend.port.unwrap_or_default()))
        .collect();
    format!("{} → {}", service.name, backends.join(" "))
}

#[test]
fn a_service_is_found_by_each_of_its_addresses() {
    let mut objects = shop();
    let service = &mut objects[4];
    service["spec"]["externalIPs"] = json!(["192.0.2.7"]);
    service["status"]["loadBalancer"]["ingress"] =
        json!([{ "ip": "198.51.100.7" }, { "hostname": "lb.example" }]);
    service["spec"]["ports"][0]["nodePort"] = 30_080.into();
    let index = index(&objects);
    for to in [
        "10.96.0.20:80",
        "192.0.2.7:80",
        "198.51.100.7:80",
        "172.18.0.2:30080",
    ] {
        assert_eq!(behind(&index, to), "cart → 10.244.0.5:8080", "{to}");
    }
    // Another port of the Service's own address is still the Service; another port of the node is not.
    assert_eq!(behind(&index, "10.96.0.20:81"), "cart → 10.244.0.5:0");
    assert_eq!(behind(&index, "172.18.0.2:30081"), "none");
    assert_eq!(behind(&index, "10.244.0.5:8080"), "none");
}

#[test]
fn a_service_that_was_not_there_yet_is_not_meant() {
    let index = index(&shop());
    let before = testkit::cluster::START
        .parse::<map::Time>()
        .unwrap()
        .minus(std::time::Duration::from_secs(9));
    assert!(
        index
            .service_at(at("10.96.0.20:80"), Protocol::Tcp, before)
            .is_none()
    );
    assert!(
        index
            .service_at(at("10.96.0.20:80"), Protocol::Udp, after_start(1))
            .is_some_and(|(_, port)| port.is_none())
    );
}

#[test]
fn endpoints_serve_where_there_are_no_slices() {
    let mut objects = shop();
    objects.pop();
    objects.push(json!({
        "apiVersion": "v1", "kind": "Endpoints", "metadata": { "name": "cart", "namespace": "shop" },
        "subsets": [{
            "addresses": [{ "ip": "10.244.0.5" }],
            "notReadyAddresses": [{ "ip": "10.244.0.6" }],
            "ports": [{ "name": "main", "port": 8080, "protocol": "TCP" }],
        }],
    }));
    assert_eq!(
        behind(&index(&objects), "10.96.0.20:80"),
        "cart → 10.244.0.5:8080 10.244.0.6:8080"
    );
}

#[test]
fn selectors_serve_where_there_are_neither() {
    let mut objects = shop();
    objects.pop();
    objects.push(pod("shop", "other", "10.244.0.9", None));
    assert_eq!(
        behind(&index(&objects), "10.96.0.20:80"),
        "cart → 10.244.0.5:0"
    );
    // Where slices are known, a Service without one has nobody behind it.
    objects.extend(service("shop", "other", None, (80, 80), &[]));
    assert_eq!(behind(&index(&objects), "10.96.0.20:80"), "cart → ");
}

#[test]
fn names_of_the_cluster() {
    let index = index(&[]);
    let cart = || NameKind::Service {
        namespace: "shop".into(),
        name: "cart".into(),
    };
    let pod = |text: &str| NameKind::PodAddress(text.parse().unwrap());
    for (name, kind) in [
        ("cart.shop.svc.cluster.local", cart()),
        ("Cart.Shop.svc.cluster.local.", cart()),
        ("_http._tcp.cart.shop.svc.cluster.local", cart()),
        ("cart-0.cart.shop.svc.cluster.local", cart()),
        ("10-244-0-5.shop.pod.cluster.local", pod("10.244.0.5")),
        ("fd00--5.shop.pod.cluster.local", pod("fd00::5")),
        ("nobody.shop.pod.cluster.local", NameKind::InClusterUnknown),
        ("cluster.local", NameKind::InClusterUnknown),
        ("svc.cluster.local", NameKind::InClusterUnknown),
        ("notcluster.local", NameKind::Outside),
        ("cart.shop.svc.cluster.local.example.com", NameKind::Outside),
        ("api.example.com", NameKind::Outside),
    ] {
        assert_eq!(index.classify(&DnsName::new(name)), kind, "{name}");
    }
}

#[test]
fn private_is_never_the_internet() {
    let index = index(&[node("n1", "172.18.0.2", "93.184.0.0/16")]);
    for private in [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "127.0.0.1",
        "0.0.0.0",
        "fd00::1",
        "fe80::1",
        "::1",
        "ff02::1",
        "93.184.1.1",
    ] {
        assert!(index.is_private(private.parse().unwrap()), "{private}");
    }
    for public in [
        "8.8.8.8",
        "100.128.0.1",
        "172.32.0.1",
        "2606:4700::1111",
        "203.0.113.9",
    ] {
        assert!(!index.is_private(public.parse().unwrap()), "{public}");
    }
}

#[test]
fn the_api_server_is_told_by_its_endpoints() {
    let objects = service(
        "default",
        "kubernetes",
        Some("10.96.0.1"),
        (443, 6443),
        &[("", "172.18.0.5")],
    );
    let index = index(&objects);
    assert!(index.is_api_server(at("172.18.0.5:6443")));
    assert!(!index.is_api_server(at("172.18.0.5:22")));
    assert!(index.control_plane(at("172.18.0.5:1").ip()));
}

#[test]
fn the_clusters_dns_is_known() {
    let index = index(&service(
        "kube-system",
        "kube-dns",
        Some("10.96.0.10"),
        (53, 53),
        &[("dns", "10.244.0.2")],
    ));
    assert!(index.is_cluster_dns("10.96.0.10".parse().unwrap()));
    assert!(index.is_cluster_dns("10.244.0.2".parse().unwrap()));
    assert!(!index.is_cluster_dns("10.244.0.3".parse().unwrap()));
}
