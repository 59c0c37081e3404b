//! A small cluster with one of everything, and what is observed in it.

use std::net::SocketAddr;
use std::time::Duration;

use cluster::{Index, Settings, document};
use map::{
    Answer, Connection, DnsName, Edge, EdgeKey, Evidence, Observation, Outcome, PodUid, Protocol,
    Source, Target, Time,
};
use mapper::{Fate, Ingest, Refusal};
use serde_json::{Value, json};
use testkit::cluster::{START, deployment, list, node, pod, service};

/// Addresses of clients and servers.
pub(crate) const CLIENT: &str = "10.244.0.5";
pub(crate) const CART: &str = "10.244.0.6";
pub(crate) const NODE: &str = "172.18.0.2";
pub(crate) const DNS: &str = "10.96.0.10";

fn with_node_port(mut service: Vec<Value>, port: u16) -> Vec<Value> {
    service[0]["spec"]["ports"][0]["nodePort"] = port.into();
    service[0]["spec"]["externalIPs"] = json!(["192.0.2.7"]);
    service[0]["status"]["loadBalancer"]["ingress"] = json!([{ "ip": "198.51.100.7" }]);
    service
}

fn external_name(name: &str, target: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": { "name": name, "namespace": "shop", "creationTimestamp": START },
        "spec": { "type": "ExternalName", "externalName": target },
    })
}

pub(crate) fn objects() -> Vec<Value> {
    let mut objects = vec![
        node("n1", NODE, "10.244.0.0/24"),
        external_name("billing", "billing.example.com"),
        external_name("alias", "cart.shop.svc.cluster.local"),
    ];
    let slot = |name: &str| format!("{name}-5d7677ff9f-00000");
    objects.extend(deployment("shop", "client", &[CLIENT]));
    objects.extend(deployment("shop", "cart", &[CART]));
    let cart = service(
        "shop",
        "cart",
        Some("10.96.0.20"),
        (80, 8080),
        &[(&slot("cart"), CART)],
    );
    objects.extend(with_node_port(cart, 30_080));
    // Two workloads behind one Service.
    objects.extend(deployment("shop", "blue", &["10.244.0.21"]));
    objects.extend(deployment("shop", "green", &["10.244.0.22"]));
    let colours = [
        (&*slot("blue"), "10.244.0.21"),
        (&*slot("green"), "10.244.0.22"),
    ];
    objects.extend(service(
        "shop",
        "colour",
        Some("10.96.0.30"),
        (80, 8080),
        &colours,
    ));
    // Headless, with one pod in another namespace than the client's.
    objects.push(pod(
        "data",
        "db-0",
        "10.244.0.31",
        Some(("apps/v1", "StatefulSet", "db")),
    ));
    objects.extend(service(
        "data",
        "db",
        None,
        (5432, 5432),
        &[("db-0", "10.244.0.31")],
    ));
    objects.extend(service(
        "shop",
        "empty",
        Some("10.96.0.40"),
        (80, 8080),
        &[],
    ));
    objects.extend(service(
        "default",
        "kubernetes",
        Some("10.96.0.1"),
        (443, 6443),
        &[("", "172.18.0.5")],
    ));
    objects.extend(deployment("kube-system", "coredns", &["10.244.0.2"]));
    objects.extend(service(
        "kube-system",
        "kube-dns",
        Some(DNS),
        (53, 53),
        &[(&slot("coredns"), "10.244.0.2")],
    ));
    // On the node's own network, behind a Service.
    let mut agent = pod(
        "monitoring",
        "agent-x",
        NODE,
        Some(("apps/v1", "DaemonSet", "agent")),
    );
    agent["spec"]["hostNetwork"] = true.into();
    objects.push(agent);
    objects.extend(service(
        "monitoring",
        "agent",
        Some("10.96.0.50"),
        (9100, 9100),
        &[("agent-x", NODE)],
    ));
    // By hand, for something outside.
    objects.extend(service(
        "shop",
        "legacy",
        Some("10.96.0.60"),
        (80, 80),
        &[("", "93.184.216.99")],
    ));
    objects
}

/// The mapper in this cluster.
pub(crate) struct Town {
    index: Index,
    ingest: Ingest,
    second: u64,
}

impl Town {
    pub(crate) fn new() -> Self {
        Self::of(&objects())
    }

    pub(crate) fn of(objects: &[Value]) -> Self {
        let mut index = Index::new(Settings::default());
        let text = list(objects).to_string();
        let summary = document::read(&mut text.as_bytes(), &mut |event| index.apply(event));
        assert!(
            summary.error.is_none() && summary.bad.is_empty(),
            "{summary:?}"
        );
        Self {
            index,
            ingest: Ingest::new(""),
            second: 60,
        }
    }

    pub(crate) fn waits(&mut self, seconds: u64) -> &mut Self {
        self.second += seconds;
        self
    }

    fn observe(&mut self, from: &str, target: Target, evidence: Evidence) {
        self.observe_of(from, None, target, evidence);
    }

    fn observe_of(
        &mut self,
        from: &str,
        pod_uid: Option<PodUid>,
        target: Target,
        evidence: Evidence,
    ) {
        let at = START
            .parse::<Time>()
            .unwrap()
            .plus(Duration::from_secs(self.second));
        let source = Source {
            address: from.parse().unwrap(),
            pod_uid,
        };
        let observation = Observation {
            source,
            target,
            evidence,
            first_seen: at,
            last_seen: at,
            connections: 1,
            ttl: 30,
        };
        self.ingest.observe(&self.index, &observation);
    }

    pub(crate) fn connects(&mut self, from: &str, meant: &str) -> &mut Self {
        self.connection(from, meant, None, Outcome::Accepted)
    }

    /// A connection of an address, opened by a process of this pod.
    pub(crate) fn process_connects(&mut self, from: &str, pod: PodUid, meant: &str) -> &mut Self {
        let connection = Connection {
            protocol: Protocol::Tcp,
            meant: meant.parse().unwrap(),
            reached: None,
            outcome: Outcome::Accepted,
            server_pod: None,
        };
        let target = Target::Connection(connection);
        self.observe_of(from, Some(pod), target, Evidence::Tcp);
        self
    }

    pub(crate) fn reaches(&mut self, from: &str, meant: &str, reached: &str) -> &mut Self {
        self.connection(from, meant, Some(reached), Outcome::Accepted)
    }

    pub(crate) fn is_refused(&mut self, from: &str, meant: &str) -> &mut Self {
        self.connection(from, meant, None, Outcome::Refused)
    }

    fn connection(
        &mut self,
        from: &str,
        meant: &str,
        reached: Option<&str>,
        outcome: Outcome,
    ) -> &mut Self {
        let socket = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (meant, reached) = (socket(meant), reached.map(socket));
        let connection = Connection {
            protocol: Protocol::Tcp,
            meant,
            reached,
            outcome,
            server_pod: None,
        };
        self.observe(from, Target::Connection(connection), Evidence::Tcp);
        self
    }

    /// `from` asks for a name and learns an address.
    pub(crate) fn learns(&mut self, from: &str, name: &str, address: &str) -> &mut Self {
        let answer = Answer {
            name: DnsName::new(name),
            address: Some(address.parse().unwrap()),
        };
        self.observe(from, Target::Answer(answer), Evidence::Dns);
        self
    }

    pub(crate) fn held(&self) -> u64 {
        self.ingest.held()
    }

    pub(crate) fn finish(&mut self) -> &mut Self {
        self.ingest.finish(&self.index);
        assert_eq!(
            self.ingest.fates().total(),
            self.ingest.taken().total(),
            "every observation has one fate"
        );
        self
    }

    pub(crate) fn refused(&self, refusal: Refusal) -> u64 {
        self.ingest.fates().get(&Fate::Refused(refusal))
    }

    pub(crate) fn host_network(&self, node: &str) -> u64 {
        self.ingest
            .host_network()
            .get(node)
            .copied()
            .unwrap_or_default()
    }

    /// `client → server :port [evidence] via Service`, one line an edge.
    pub(crate) fn edges(&self) -> Vec<String> {
        self.ingest.map().edges().map(line).collect()
    }

    pub(crate) fn attempts(&self) -> Vec<String> {
        self.ingest.map().attempts().map(line).collect()
    }
}

fn line((key, edge): (&EdgeKey, &Edge)) -> String {
    let mut text = format!("{} → {}", key.client, key.server);
    for (_, port) in edge.ports() {
        text = format!("{text} :{port}");
    }
    let evidence: Vec<&str> = edge.evidence().map(Evidence::as_str).collect();
    text = format!("{text} [{}]", evidence.join(" "));
    for service in edge.services() {
        text = format!("{text} via {service}");
    }
    if edge.is_assumed() {
        text + " assumed"
    } else {
        text
    }
}
