//! Who calls.

use mapper::Refusal;
use serde_json::json;
use testkit::cluster::{node, pod, uid};

use crate::town::{NODE, Town, objects};

#[test]
fn the_api_server_and_the_internet_call_in() {
    let mut town = Town::new();
    town.connects("172.18.0.5", "10.244.0.6:8080")
        .connects("203.0.113.9", "172.18.0.2:30080")
        .finish();
    assert_eq!(
        town.edges(),
        [
            "default/kubernetes → shop/cart (Deployment) :8080 [tcp]",
            "internet → shop/cart (Deployment) :8080 [tcp] via cart",
        ]
    );
}

#[test]
fn nodes_strangers_and_passers_by_are_counted() {
    let mut town = Town::new();
    town.connects(NODE, "10.244.0.6:8080")
        .connects("10.244.0.99", "10.244.0.6:8080")
        .connects("203.0.113.9", "93.184.216.34:443")
        .finish();
    assert_eq!(town.edges(), [""; 0]);
    assert_eq!(town.refused(Refusal::HostNetworkSource), 1);
    assert_eq!(town.refused(Refusal::UnknownSource), 1);
    assert_eq!(town.refused(Refusal::BothOutside), 1);
}

/// Of the pods on a node's network, a sniffer that sees processes tells which it was.
#[test]
fn a_pod_on_the_nodes_network_is_known_by_its_uid() {
    let mut objects = objects();
    let mut agent = pod("shop", "agent", NODE, None);
    agent["spec"]["hostNetwork"] = json!(true);
    agent["spec"]["nodeName"] = json!("n1");
    objects.push(agent);
    objects.push(node("n2", "172.18.0.3", "10.244.1.0/24"));
    let mut town = Town::of(&objects);
    let agent = uid("Pod", "shop/agent").parse().unwrap();
    let server = "10.244.0.6:8080";
    town.process_connects(NODE, agent, server)
        .connects(NODE, server)
        // The bridge to the pods, which only the node knows.
        .process_connects("10.244.0.1", agent, server)
        // Neither another node's address nor a pod's can be its.
        .process_connects("172.18.0.3", agent, server)
        .process_connects("10.244.0.21", agent, server)
        .finish();
    assert_eq!(
        town.edges(),
        ["shop/agent (Pod) → shop/cart (Deployment) :8080 [tcp]"]
    );
    assert_eq!(town.refused(Refusal::HostNetworkSource), 3);
}

#[test]
fn who_calls_itself_is_counted_apart() {
    let mut town = Town::new();
    town.connects("127.0.0.1", "127.0.0.1:8080")
        .connects("::1", "10.244.0.6:8080")
        .connects("::ffff:127.0.0.53", "10.244.0.6:8080")
        .finish();
    assert_eq!(town.edges(), [""; 0]);
    assert_eq!(town.refused(Refusal::LoopbackSource), 3);
    assert_eq!(town.refused(Refusal::UnknownSource), 0);
}

/// Two pods say that they hold the address, and nothing tells which.
#[test]
fn two_pods_with_one_address_are_nobody() {
    let mut objects = objects();
    objects.push(pod("shop", "twin", "10.244.0.6", None));
    let mut town = Town::of(&objects);
    town.connects("10.244.0.6", "10.244.0.31:5432")
        .connects("10.244.0.5", "10.244.0.6:8080")
        .finish();
    assert_eq!(town.edges(), [""; 0]);
    assert_eq!(town.refused(Refusal::AmbiguousSource), 1);
    assert_eq!(town.refused(Refusal::AmbiguousDestination), 1);
}

#[test]
fn a_finished_pod_called_while_it_ran() {
    let mut objects = objects();
    let mut job = pod("shop", "job", "10.244.0.77", None);
    job["status"]["phase"] = "Succeeded".into();
    job["status"]["containerStatuses"] = json!([{ "state": { "terminated": {
        "startedAt": "2026-11-24T10:00:00Z", "finishedAt": "2026-11-24T10:01:30Z" } } }]);
    objects.push(job);
    let mut town = Town::of(&objects);
    town.connects("10.244.0.77", "10.244.0.6:8080")
        .waits(120)
        .connects("10.244.0.77", "10.244.0.31:5432")
        .finish();
    assert_eq!(
        town.edges(),
        ["shop/job (Pod) → shop/cart (Deployment) :8080 [tcp]"]
    );
    assert_eq!(town.refused(Refusal::UnknownSource), 1);
}
