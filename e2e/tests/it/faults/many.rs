//! Thousands of pods go at once, and others get their addresses.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::bed;
use e2e::kube::{Kube, Proxy};
use e2e::mapper::Mapper;
use e2e::scene::{self, Pod, Scene, set_up};
use e2e::time::wait;
use serde_json::{Value, json};

use super::load::{Call, Load};

const NODES: usize = 10;
const CROWD: usize = 2_100;
const HEIRS: usize = 200;

/// A pod, its address and its UID.
struct Known {
    pod: Pod,
    uid: String,
}

fn create(kube: &mut Kube, names: &str, number: usize) {
    let object = json!({
        "metadata": {"name": format!("{names}-{number}"), "labels": {"app": names}},
        "spec": {"nodeName": format!("fake-{}", number % NODES), "automountServiceAccountToken": false,
            "containers": [{"name": "main", "image": "registry.example/main:1"}]},
    });
    kube.create("many", "pods", &object);
}

fn list(kube: &mut Kube, names: &str) -> Vec<Known> {
    let path = format!("/api/v1/namespaces/many/pods?labelSelector=app%3D{names}");
    let found = kube.send("GET", &path, &json!(null)).json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = found["items"].as_array().unwrap().iter();
    items
        .map(|item| Known {
            pod: Pod {
                name: text(&item["metadata"]["name"]),
                ip: text(&item["status"]["podIP"]),
            },
            uid: text(&item["metadata"]["uid"]),
        })
        .collect()
}

/// Makes pods on the fake nodes, and waits until the mapper knows the address of each.
fn run(proxy: &Proxy, mapper: &Mapper, names: &str, count: usize) -> Vec<Known> {
    let leases = || mapper.metrics().get("portolan_mapper_leases");
    let wanted = leases() + count as u64;
    let numbers: Vec<usize> = (0..count).collect();
    std::thread::scope(|scope| {
        for part in numbers.chunks(count.div_ceil(8)) {
            scope.spawn(move || {
                let mut kube = proxy.client();
                for number in part {
                    create(&mut kube, names, *number);
                }
            });
        }
    });
    let known = wait(Duration::from_mins(2), || {
        (leases() >= wanted).then_some(())
    });
    assert!(known.is_some(), "{} of {wanted} leases", leases());
    list(&mut proxy.client(), names)
}

fn calls(pods: &[Known], to: &str, port: u16, with_uid: impl Fn(usize) -> bool) -> Vec<Call> {
    let numbered = pods.iter().enumerate();
    numbered
        .map(|(number, known)| Call {
            from: known.pod.ip.clone(),
            uid: with_uid(number).then(|| known.uid.clone()),
            to: to.to_owned(),
            port,
        })
        .collect()
}

fn wait_edges(mapper: &Mapper, count: usize) {
    let edges = || mapper.metrics().get("portolan_mapper_edges");
    let there = wait(Duration::from_mins(1), || {
        (edges() >= count as u64).then_some(())
    });
    assert!(there.is_some(), "{} of {count} edges", edges());
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn faults_thousands_of_pods_go_at_once_and_their_addresses_to_others() {
    bed::testbed(&["nodes", &NODES.to_string()]);
    let proxy = Proxy::start();
    let mapper = Mapper::ready("many", &[]);
    let mut scene = Scene::new(246, "many");
    let server = scene.pod("server");
    set_up(&proxy, &mapper, &mut [scene]);
    let crowd = run(&proxy, &mapper, "crowd", CROWD);
    assert_eq!(crowd.len(), CROWD);
    // One half by address alone.
    let load = Load::new(
        &mapper,
        calls(&crowd, &server.ip, 8080, |number| number % 2 == 0),
    );
    load.during(|| {
        wait_edges(&mapper, CROWD);
        let path = "/api/v1/namespaces/many/pods?labelSelector=app%3Dcrowd";
        let gone = proxy
            .client()
            .send("DELETE", path, &json!({"gracePeriodSeconds": 0}));
        assert_eq!(gone.status, 200, "{}", gone.text());
        // They are said to call still, and are not taken at that.
        let refused = wait(Duration::from_mins(1), || {
            let dropped = mapper.metrics().dropped();
            (dropped.get("unknown_source") > Some(&1_000)).then_some(())
        });
        assert!(refused.is_some(), "{:?}", mapper.metrics().dropped());
    });
    let heirs = run(&proxy, &mapper, "heir", HEIRS);
    let before: BTreeSet<&str> = crowd.iter().map(|known| &*known.pod.ip).collect();
    assert!(
        heirs.iter().any(|heir| before.contains(&*heir.pod.ip)),
        "no address is used again"
    );
    let load = Load::new(&mapper, calls(&heirs, &server.ip, 9090, |_| false));
    load.during(|| wait_edges(&mapper, CROWD + HEIRS));
    let wanted = |pods: &[Known], port: u16| -> Vec<String> {
        let edge =
            |known: &Known| format!("{}/Pod -> server/Pod :{port}/tcp [tcp]", known.pod.name);
        pods.iter().map(edge).collect()
    };
    let wanted: BTreeSet<String> = [wanted(&crowd, 8080), wanted(&heirs, 9090)]
        .concat()
        .into_iter()
        .collect();
    let edges = scene::all(&mapper, "edges");
    let found: BTreeSet<String> = edges
        .iter()
        .map(|edge| scene::render(edge, "many"))
        .collect();
    let wrong: Vec<&String> = found.symmetric_difference(&wanted).take(10).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
