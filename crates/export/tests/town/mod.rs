//! Clusters as they are: an entrance, applications that call their own databases and some of each other, and
//! platforms that everybody calls or that call everybody. Drawn by chance, always the same for the same numbers.

use map::{
    DnsName, EdgeKey, Evidence, Facet, HttpMethod, KafkaOperation, Map, Outcome, Peer, Protocol,
    Sighting, Time, Workload,
};

/// The 24th of November 2026.
const AT: i64 = 1_795_478_400;

const APPLICATIONS: [&str; 24] = [
    "checkout",
    "catalog",
    "search",
    "payments",
    "shipping",
    "accounts",
    "loyalty",
    "pricing",
    "inventory",
    "media",
    "reviews",
    "messaging",
    "returns",
    "fraud",
    "partners",
    "reporting",
    "booking",
    "tickets",
    "content",
    "geo",
    "taxes",
    "gifts",
    "wallet",
    "surveys",
];
const PARTS: [&str; 16] = [
    "gateway",
    "api",
    "orders",
    "profile",
    "rules",
    "worker",
    "scheduler",
    "sync",
    "importer",
    "exporter",
    "notifier",
    "cache",
    "indexer",
    "audit",
    "postgres",
    "redis",
];

/// xorshift64*: chance enough for a picture.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap_or(0) % n.max(1)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

struct Platforms {
    ingress: Workload,
    login: Workload,
    kafka: Workload,
    traces: Workload,
    prometheus: Workload,
}

/// A cluster of about this many workloads in about this many namespaces, with about this many edges.
pub(crate) fn town(namespaces: usize, workloads: usize, edges: usize) -> Map {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut map = Map::new();
    let platforms = platforms(&mut map);
    let applications = applications(&mut dice, namespaces, workloads);
    for (i, members) in applications.iter().enumerate() {
        connect(&mut map, &mut dice, &platforms, i, members);
    }
    outside(&mut map, &applications);
    rest(&mut map, &mut dice, &applications, edges);
    map
}

fn platforms(map: &mut Map) -> Platforms {
    let platform = |namespace: &str, name: &str, kind: &str| Workload::new(namespace, name, kind);
    let ingress = platform("ingress", "ingress-nginx", "DaemonSet");
    let login = platform("identity", "keycloak", "StatefulSet");
    let kafka = platform("kafka", "kafka", "StatefulSet");
    let traces = platform("observability", "otel-collector", "DaemonSet");
    let prometheus = platform("observability", "prometheus", "StatefulSet");
    call(map, Peer::Internet, &ingress, 443);
    call(map, workload(&ingress), &login, 8080);
    call(
        map,
        workload(&login),
        &platform("identity", "keycloak-postgres", "StatefulSet"),
        5432,
    );
    call(map, workload(&prometheus), &traces, 8888);
    call(
        map,
        workload(&platform("observability", "grafana", "Deployment")),
        &prometheus,
        9090,
    );
    call(
        map,
        workload(&traces),
        &platform("observability", "tempo", "StatefulSet"),
        4317,
    );
    Platforms {
        ingress,
        login,
        kafka,
        traces,
        prometheus,
    }
}

fn applications(dice: &mut Dice, namespaces: usize, workloads: usize) -> Vec<Vec<Workload>> {
    let mut applications: Vec<Vec<Workload>> = Vec::new();
    let places = namespaces.saturating_sub(4).max(1);
    let each = workloads.saturating_sub(8).max(places) / places;
    for i in 0..places {
        let name = APPLICATIONS[i % APPLICATIONS.len()];
        let namespace = match i / APPLICATIONS.len() {
            0 => name.to_owned(),
            n => format!("{name}-{n}"),
        };
        let size = each * 3 / 4 + dice.below(each / 2 + 1);
        let members = (0..size.max(1)).map(|j| {
            let part = PARTS[if j < 2 {
                j
            } else {
                2 + (j * 5 + i) % (PARTS.len() - 2)
            }];
            let kind = match part {
                "postgres" | "redis" => "StatefulSet",
                "exporter" | "importer" => "CronJob",
                _ => "Deployment",
            };
            let name = match j / (PARTS.len() - 2) {
                0 => format!("{name}-{part}"),
                n => format!("{name}-{part}-{n}"),
            };
            Workload::new(&namespace, &name, kind)
        });
        applications.push(members.collect());
    }
    applications
}

/// What an application has from everybody, and from chance.
fn connect(map: &mut Map, dice: &mut Dice, platforms: &Platforms, i: usize, members: &[Workload]) {
    let Platforms {
        ingress,
        login,
        kafka,
        traces,
        prometheus,
    } = platforms;
    let [gateway, ..] = members else {
        return;
    };
    if i.is_multiple_of(2) {
        call(map, workload(ingress), gateway, 8080);
    }
    if i.is_multiple_of(3) {
        call(map, workload(gateway), login, 8080);
    }
    call(map, workload(prometheus), &members[members.len() - 1], 9100);
    call(map, workload(&members[members.len() / 2]), traces, 4317);
    for j in 1..members.len() {
        call(map, workload(&members[dice.below(j)]), &members[j], 8080);
    }
    let user = workload(&members[dice.below(members.len())]);
    let (topic, operation) = if dice.one_in(2) {
        (
            format!("{}-events", gateway.namespace),
            KafkaOperation::Produce,
        )
    } else {
        ("orders".to_owned(), KafkaOperation::Consume)
    };
    let topic = topic.as_str().into();
    record(
        map,
        user,
        workload(kafka),
        &[
            port(9092),
            Facet::Evidence(Evidence::Kafka),
            Facet::Topic { topic, operation },
        ],
    );
}

fn outside(map: &mut Map, applications: &[Vec<Workload>]) {
    if let Some(first) = applications.first().and_then(|members| members.get(1)) {
        for name in ["api.stripe.com", "hooks.stripe.com", "api.mailgun.net"] {
            record(
                map,
                workload(first),
                Peer::Name(DnsName::new(name)),
                &[port(443)],
            );
        }
        let gone = workload(&Workload::new("kafka", "schema-registry", "Deployment"));
        map.record_attempt(&sighting(
            workload(first),
            gone,
            &[
                Facet::Evidence(Evidence::Tcp),
                Facet::Outcome(Outcome::Refused),
            ],
        ));
    }
}

/// Most of it at home, some of it in the next namespaces.
fn rest(map: &mut Map, dice: &mut Dice, applications: &[Vec<Workload>], edges: usize) {
    for _ in 0..20 * edges {
        if map.len() >= edges {
            break;
        }
        let i = dice.below(applications.len());
        let from = &applications[i][dice.below(applications[i].len())];
        let target = if dice.one_in(4) {
            &applications[(i + 1 + dice.below(3)) % applications.len()]
        } else {
            &applications[i]
        };
        let to = &target[dice.below(target.len())];
        if to.name.contains("gateway") || (from.name >= to.name && !dice.one_in(6)) || from == to {
            continue;
        }
        if dice.one_in(9) {
            let path = "/v1/items".into();
            let method = HttpMethod::Get;
            record(
                map,
                workload(from),
                workload(to),
                &[
                    port(8080),
                    Facet::Evidence(Evidence::Istio),
                    Facet::Resource { path, method },
                ],
            );
        } else {
            call(map, workload(from), to, 8080);
        }
    }
}

fn workload(workload: &Workload) -> Peer {
    Peer::Workload(workload.clone())
}

fn port(port: u16) -> Facet {
    Facet::Port {
        protocol: Protocol::Tcp,
        port,
    }
}

fn call(map: &mut Map, client: Peer, server: &Workload, at: u16) {
    record(
        map,
        client,
        workload(server),
        &[port(at), Facet::Evidence(Evidence::Tcp)],
    );
}

fn record(map: &mut Map, client: Peer, server: Peer, facets: &[Facet]) {
    map.record(&sighting(client, server, facets));
}

fn sighting(client: Peer, server: Peer, facets: &[Facet]) -> Sighting<'_> {
    Sighting {
        key: EdgeKey {
            cluster: "".into(),
            client,
            server,
        },
        facets,
        first: Time::from_secs(AT),
        last: Time::from_secs(AT + 3_600),
        reporter: None,
        connections: 1,
    }
}
