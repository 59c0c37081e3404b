//! The largest cluster that Kubernetes supports, 150 000 pods, and a million edges: memory, start, and lists.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use e2e::cost;
use e2e::http::Client;
use e2e::mapper::Mapper;
use e2e::time::{from_now, wait};
use serde_json::{Value, json};
use testkit::city::{City, DEPLOYMENTS, REPLICAS, Resident, Sniffer, address, pod_uid};

use super::load::{Body, KINDS, stamp};
use crate::api::Api;
use crate::running::{self, Memory, grouped, mib};
use crate::{Size, part};

pub(crate) fn run(size: &Size) {
    let none = City { pods: 0, calls: 0 };
    let city = City {
        pods: size.scale_pods,
        calls: size.scale_calls,
    };
    let (empty, _) = running::start("none", &Api::start(none).kubeconfig, &[], &[]);
    let without = running::memory(&empty, size.settle_seconds);
    drop(empty);

    let api = Api::start(city);
    let (mapper, ready) = running::start("scale", &api.kubeconfig, &[], &[]);
    let with_pods = running::memory(&mapper, size.settle_seconds);
    let begun = Instant::now();
    report(mapper.address, city);
    let known = wait(Duration::from_mins(2), || {
        let metrics = mapper.metrics();
        let edges = metrics.get("portolan_mapper_edges");
        (edges == city.edges() as u64 && metrics.held() == 0).then_some(metrics)
    });
    let metrics = known.unwrap_or_else(|| panic!("{:?}", mapper.metrics()));
    metrics.assert_balanced();
    let reported = begun.elapsed();
    let with_edges = running::memory(&mapper, size.settle_seconds);

    part("SCALE");
    println!(
        "| pods | JSON of a pod | start to ready | memory | of a pod | at its peak | edges | memory with them | of an edge |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let each = |(now, before): (Memory, Memory), count: usize| {
        let bytes = now.now.saturating_sub(before.now) * 1024 / count.max(1) as u64;
        format!("{bytes} B")
    };
    println!(
        "| {} | {} B | {:.1} s | {} | {} | {} | {} | {:.1} s | {} | {} |",
        grouped(city.pods as u64),
        api.pod_bytes,
        ready.as_secs_f64(),
        mib(with_pods.now),
        each((with_pods, without), city.pods),
        mib(with_pods.peak),
        grouped(city.edges() as u64),
        reported.as_secs_f64(),
        mib(with_edges.now),
        each((with_edges, with_pods), city.edges()),
    );
    lists(&mapper, city, size.lists);
}

/// One pod of each Deployment calls whom all of it call.
fn report(address_of_mapper: SocketAddr, city: City) {
    let resident = |pod| Resident {
        address: address(pod),
        uid: pod_uid(pod),
    };
    let share = city.deployments().div_ceil(4);
    std::thread::scope(|scope| {
        for first in (0..city.deployments()).step_by(share) {
            scope.spawn(move || {
                let mut client = Client::new(address_of_mapper);
                for deployment in first..(first + share).min(city.deployments()) {
                    let pod = deployment * REPLICAS;
                    for kind in KINDS {
                        let mut body =
                            Body::new(city, Sniffer::Ours, kind, pod..pod + 1, &resident);
                        body.stamp(&stamp(0));
                        assert_eq!(body.send(&mut client).refused, 0, "a report was refused");
                    }
                }
            });
        }
    });
}

/// A query, and its variables for the so-manieth time.
struct List {
    name: &'static str,
    document: &'static str,
    variables: fn(usize, &str) -> Value,
}

const LISTS: [List; 6] = [
    List {
        name: "`intents` of one namespace, as `list` asks for it",
        document: "query($namespaces: [String!]) { intents(namespaces: $namespaces) { \
            client { name namespace podOwnerKind { group kind version } } \
            server { name namespace podOwnerKind { group kind version } kubernetesService } type resolutionData } }",
        variables: |namespace, _| json!({"namespaces": [format!("team-{namespace}")]}),
    },
    List {
        name: "`serviceIntents` of one namespace",
        document: "query($namespaces: [String!]) { serviceIntents(namespaces: $namespaces) { \
            client { name namespace } intents { name namespace } } }",
        variables: |namespace, _| json!({"namespaces": [format!("team-{namespace}")]}),
    },
    List {
        name: "`edges` of one namespace, all that is known of them",
        document: "query($namespaces: [String!], $since: Time) { edges(namespaces: $namespaces, since: $since) { \
            client { name namespace ownerKind } server { name namespace ownerKind } firstSeen lastSeen \
            ports { protocol port } evidence services connections } }",
        variables: |namespace, since| json!({"namespaces": [format!("team-{namespace}")], "since": since}),
    },
    List {
        name: "`edges` of all, the first 100",
        document: "query($since: Time) { edges(since: $since, limit: 100) { \
            client { name namespace } server { name namespace } lastSeen } }",
        variables: |_, since| json!({"since": since}),
    },
    List {
        name: "`edges` of all with evidence that none has",
        document: "query { edges(evidence: [KAFKA]) { client { name namespace } server { name namespace } } }",
        variables: |_, _| json!({}),
    },
    List {
        name: "`intents` of those who call one server, with all they call",
        document: "query($server: ServerFilter) { intents(server: $server) { \
            client { name namespace } server { name namespace } } }",
        variables: |namespace, _| {
            let (namespace, name) = City::deployment(namespace * DEPLOYMENTS);
            json!({"server": {"name": name, "namespace": namespace}})
        },
    },
];

fn lists(mapper: &Mapper, city: City, count: usize) {
    part("LISTS");
    println!("| list | rows | bytes | p50 | p99 | CPU |");
    println!("|---|---:|---:|---:|---:|---:|");
    let namespaces = (city.deployments() / DEPLOYMENTS).max(1);
    let since = from_now(-3_600);
    let mut client = mapper.client();
    for list in LISTS {
        let mut times = Vec::with_capacity(count);
        let mut last = None;
        let before = cost::cpu(mapper.pid());
        for turn in 0..count {
            let variables = (list.variables)(turn * 7 % namespaces, &since);
            let body = json!({"query": list.document, "variables": variables}).to_string();
            let fields = [("content-type", "application/json")];
            let begun = Instant::now();
            let answer = client
                .send("POST", "/query", &fields, body.as_bytes())
                .unwrap();
            times.push(begun.elapsed());
            assert_eq!(answer.status, 200, "{}", answer.text());
            last = Some(answer);
        }
        let cpu = cost::cpu(mapper.pid()).since(&before).total();
        let answer = last.expect("no list was asked for");
        let json = answer.json();
        assert!(json["errors"].is_null(), "{}", json["errors"]);
        times.sort_unstable();
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            list.name,
            grouped(rows(&json["data"])),
            grouped(answer.body.len() as u64),
            millis(times[times.len() / 2]),
            millis(times[(times.len() * 99 / 100).min(times.len() - 1)]),
            millis(cpu / u32::try_from(times.len()).unwrap()),
        );
    }
}

/// Pairs of client and server.
fn rows(data: &Value) -> u64 {
    let lists = data
        .as_object()
        .into_iter()
        .flat_map(|fields| fields.values());
    let items = lists.flat_map(|list| list.as_array().into_iter().flatten());
    let pairs = items.map(|item| item["intents"].as_array().map_or(1, Vec::len) as u64);
    pairs.sum()
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
