//! A mapper at a real API server with many pods: its start, its memory, and a burst of reports of pods never seen before.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use e2e::bed;
use e2e::kube::{Kube, Proxy, path};
use e2e::time::wait;
use serde_json::{Value, json};
use testkit::city::{City, DEPLOYMENTS, Kind, PODS_OF_NODE, REPLICAS, Resident, Sniffer, pod_name};

use super::load;
use crate::running::{self, grouped, mib};
use crate::{OLD_AGO, Size, part};

/// How many objects are made at the same time.
const MAKERS: usize = 8;

pub(crate) fn sizes(size: &Size) {
    let kubeconfig = bed::variable("KUBECONFIG");
    let mut bed = Bed::default();
    part("SIZES");
    println!("| pods | start to ready | memory | of a pod | at its peak |");
    println!("|---:|---:|---:|---:|---:|");
    let mut without = 0;
    for pods in std::iter::once(&0).chain(size.real_pods) {
        bed.grow(*pods);
        let (mapper, ready) = running::start("sizes", &kubeconfig, &[], &[]);
        let memory = running::memory(&mapper, size.settle_seconds);
        let known = mapper.metrics().get("portolan_mapper_pods");
        assert!(known >= *pods as u64, "{known} pods are known");
        let of_a_pod = if *pods == 0 {
            without = memory.now;
            String::new()
        } else {
            let bytes = memory.now.saturating_sub(without) * 1024 / *pods as u64;
            format!("{bytes} B")
        };
        println!(
            "| {} | {:.1} s | {} | {of_a_pod} | {} |",
            grouped(*pods as u64),
            ready.as_secs_f64(),
            mib(memory.now),
            mib(memory.peak),
        );
    }
}

pub(crate) fn burst(size: &Size) {
    let kubeconfig = bed::variable("KUBECONFIG");
    let mut bed = Bed::default();
    let city = bed.grow(size.burst_pods);
    // What is reported of then must have been there then.
    std::thread::sleep(Duration::from_secs(OLD_AGO + 5));
    part("BURST");
    println!(
        "| reports | pods | observations | all answered after | all resolved after | requests to the API server |"
    );
    println!("|---|---:|---:|---:|---:|---|");
    for (name, sniffer, ago) in [
        ("of our sniffer", Sniffer::Ours, 0),
        (
            "of the replaced one, of ten seconds ago",
            Sniffer::Old,
            OLD_AGO.cast_signed(),
        ),
        ("of the replaced one, of now", Sniffer::Old, 0),
    ] {
        // It knows nothing of anybody but what it watches.
        let (mapper, _) = running::start("burst", &kubeconfig, &[], &[]);
        std::thread::sleep(Duration::from_secs(size.settle_seconds.max(4)));
        let kinds = [Kind::Tcp, Kind::Socket];
        let mut bodies = load::bodies(city, sniffer, &kinds, &|pod| bed.residents[pod].clone());
        let before = mapper.metrics().api_requests();
        let begun = Instant::now();
        let sent = load::send(mapper.address, &mut bodies, ago, None);
        let answered = begun.elapsed();
        let mut metrics = mapper.metrics();
        while metrics.taken() < sent.observations || metrics.held() > 0 {
            assert!(begun.elapsed() < Duration::from_mins(1), "{metrics:?}");
            std::thread::sleep(Duration::from_millis(5));
            metrics = mapper.metrics();
        }
        let resolved = begun.elapsed();
        assert_eq!(sent.refused, 0, "reports were refused");
        assert!(metrics.dropped().is_empty(), "{:?}", metrics.dropped());
        assert_eq!(metrics.get("portolan_mapper_edges"), city.edges() as u64);
        println!(
            "| {name} | {} | {} | {:.0} ms | {:.0} ms | {} |",
            grouped(city.pods as u64),
            grouped(sent.observations),
            answered.as_secs_f64() * 1e3,
            resolved.as_secs_f64() * 1e3,
            requests(&before, &metrics.api_requests()),
        );
    }
}

/// All but those of the watch, which come whether anybody reports or not.
fn requests(
    before: &std::collections::BTreeMap<String, u64>,
    after: &std::collections::BTreeMap<String, u64>,
) -> String {
    let new = after.iter().map(|(verb, count)| {
        let count = count - before.get(verb).copied().unwrap_or_default();
        (verb, count)
    });
    let (watch, other): (Vec<_>, Vec<_>) =
        new.partition(|(verb, _)| matches!(verb.as_str(), "watch" | "progress"));
    let sum = |counts: &[(&String, u64)]| counts.iter().map(|(_, count)| count).sum::<u64>();
    format!("{} ({} of the watch meanwhile)", sum(&other), sum(&watch))
}

/// The city in the testbed, as far as it is built.
#[derive(Default)]
struct Bed {
    residents: Vec<Resident>,
}

impl Bed {
    /// Builds until there are so many pods. What an earlier one has built stays.
    fn grow(&mut self, pods: usize) -> City {
        let city = City { pods, calls: 8 };
        let proxy = Proxy::start();
        let new: Vec<usize> = (self.residents.len() / REPLICAS..city.deployments()).collect();
        for number in new
            .iter()
            .filter(|number| number.is_multiple_of(DEPLOYMENTS))
        {
            let (namespace, _) = City::deployment(*number);
            make(
                &mut proxy.client(),
                "",
                "namespaces",
                &json!({"metadata": {"name": namespace}}),
            );
            let account = json!({"metadata": {"name": "default"}});
            make(&mut proxy.client(), &namespace, "serviceaccounts", &account);
        }
        let each = |build: &(dyn Fn(&mut Kube, usize) + Sync)| {
            std::thread::scope(|scope| {
                for part in new.chunks(new.len().div_ceil(MAKERS).max(1)) {
                    let mut kube = proxy.client();
                    scope.spawn(move || part.iter().for_each(|number| build(&mut kube, *number)));
                }
            });
        };
        each(&|kube, number| {
            for object in city.objects_of(number) {
                build(kube, object);
            }
        });
        let running = wait(Duration::from_mins(5), || {
            residents(&mut proxy.client(), pods)
        });
        self.residents = running.expect("the pods do not run");
        each(&|kube, number| {
            for object in city.objects_of(number) {
                open(kube, object, &self.residents, number);
            }
        });
        city
    }
}

/// Makes an object, unless it is there. Of a Service that is there, the API server says that its address is taken.
fn make(kube: &mut Kube, namespace: &str, resource: &str, object: &Value) {
    let answer = kube.send("POST", &path(namespace, resource, ""), object);
    let name = object["metadata"]["name"].as_str().unwrap();
    let mut is_there = || {
        let path = path(namespace, resource, name);
        kube.send("GET", &path, &Value::Null).status == 200
    };
    assert!(
        answer.status == 201 || is_there(),
        "{object}\n{}",
        answer.text()
    );
}

/// Owners and pods, as the API server wants to have them.
fn build(kube: &mut Kube, mut object: Value) {
    let resource = match object["kind"].as_str() {
        Some("Pod") => "pods",
        Some("ReplicaSet") => "apis/apps/v1/replicasets",
        Some("Deployment") => "apis/apps/v1/deployments",
        _ => return,
    };
    if resource == "pods" {
        let number = object["spec"]["nodeName"]
            .as_str()
            .and_then(|name| name.strip_prefix("node-"));
        object["spec"]["nodeName"] = format!("fake-{}", number.unwrap()).into();
        object["spec"]["automountServiceAccountToken"] = false.into();
    } else {
        let labels = json!({"app": object["metadata"]["name"]});
        let containers = json!([{"name": "main", "image": "registry.example/main:1"}]);
        object["spec"] = json!({
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        });
    }
    let namespace = object["metadata"]["namespace"].as_str().unwrap().to_owned();
    make(kube, &namespace, resource, &object);
}

/// The Service, and its endpoints where they really are.
fn open(kube: &mut Kube, mut object: Value, residents: &[Resident], number: usize) {
    let resource = match object["kind"].as_str() {
        Some("Service") => "services",
        Some("EndpointSlice") => "apis/discovery.k8s.io/v1/endpointslices",
        _ => return,
    };
    let endpoints = object.get_mut("endpoints").and_then(Value::as_array_mut);
    let endpoints = endpoints.into_iter().flatten();
    for (endpoint, resident) in endpoints.zip(&residents[number * REPLICAS..]) {
        endpoint["addresses"] = json!([resident.address]);
        endpoint["targetRef"]["uid"] = resident.uid.clone().into();
    }
    let namespace = object["metadata"]["namespace"].as_str().unwrap().to_owned();
    make(kube, &namespace, resource, &object);
}

/// The pods as the API server knows them, once all of them run.
fn residents(kube: &mut Kube, pods: usize) -> Option<Vec<Resident>> {
    let mut found = HashMap::new();
    let mut next = String::new();
    loop {
        let path = format!("/api/v1/pods?limit=500&continue={next}");
        let mut page = kube.send("GET", &path, &Value::Null).json();
        for pod in page["items"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            if let (Some(name), Some(uid), Some(address)) = (
                text(&pod["metadata"]["name"]),
                text(&pod["metadata"]["uid"]),
                text(&pod["status"]["podIP"]),
            ) {
                found.insert(name, Resident { address, uid });
            }
        }
        match page["metadata"]["continue"].take() {
            Value::String(token) if !token.is_empty() => next = token,
            _ => break,
        }
    }
    (0..pods).map(|pod| found.remove(&pod_name(pod))).collect()
}

const _: () = assert!(PODS_OF_NODE <= 250, "what a fake node has room for");
