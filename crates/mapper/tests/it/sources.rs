//! Who calls.

use mapper::Refusal;
use serde_json::json;
use testkit::cluster::pod;

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
