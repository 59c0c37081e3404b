//! Who held an address, when pods come and go.

use map::PodUid;
use serde_json::{Value, json};
use testkit::cluster::{START, node, pod, uid};

use crate::{after_start, holder, index};

const ADDRESS: &str = "10.244.0.46";

/// A pod that ran from one second to another behind the start.
fn ran(name: &str, from: i64, to: Option<i64>) -> Value {
    let mut object = pod("shop", name, ADDRESS, None);
    let from = after_start(from).to_string();
    object["status"]["conditions"] = json!([]);
    object["status"]["startTime"] = from.clone().into();
    object["status"]["containerStatuses"] = match to {
        None => json!([{ "name": "main", "state": { "running": { "startedAt": from } } }]),
        Some(to) => {
            object["status"]["phase"] = "Succeeded".into();
            let to = after_start(to).to_string();
            json!([{ "name": "main", "state": { "terminated": { "startedAt": from, "finishedAt": to } } }])
        }
    };
    object
}

#[test]
fn an_address_passes_from_one_pod_to_the_next() {
    let index = index(&[ran("first", 0, Some(100)), ran("second", 120, None)]);
    let at = |second| holder(&index, ADDRESS, after_start(second));
    assert_eq!(at(50), "first");
    assert_eq!(at(100), "first");
    // Times are cut to whole seconds, and clocks differ.
    assert_eq!(at(102), "ambiguous");
    assert_eq!(at(110), "unknown");
    assert_eq!(at(119), "ambiguous");
    assert_eq!(at(121), "second");
    assert_eq!(at(10_000), "second");
}

#[test]
fn where_two_leases_meet_only_the_uid_decides() {
    let index = index(&[ran("first", 0, Some(100)), ran("second", 101, None)]);
    assert_eq!(holder(&index, ADDRESS, after_start(101)), "ambiguous");
    for name in ["first", "second"] {
        let uid: PodUid = uid("Pod", &format!("shop/{name}")).parse().unwrap();
        match index.holder(ADDRESS.parse().unwrap(), Some(uid), after_start(101)) {
            cluster::Holder::Pod(pod) => assert_eq!(pod.name, name),
            other => panic!("{other:?}"),
        }
    }
}

/// A UID does not help when the pod never had the address, or was long gone.
#[test]
fn a_uid_must_fit_the_lease() {
    let index = index(&[ran("first", 0, Some(100))]);
    let uid: PodUid = uid("Pod", "shop/first").parse().unwrap();
    let with = |address: &str, second| {
        index.holder(address.parse().unwrap(), Some(uid), after_start(second))
    };
    assert!(matches!(with(ADDRESS, 50), cluster::Holder::Pod(_)));
    assert!(matches!(with("10.244.0.47", 50), cluster::Holder::Unknown));
    assert!(matches!(with(ADDRESS, 500), cluster::Holder::Unknown));
}

/// The snapshot was taken while the first still ran; the second tells that it had gone.
#[test]
fn an_open_lease_ends_where_the_next_starts() {
    let index = index(&[ran("first", 0, None), ran("second", 100, None)]);
    assert_eq!(holder(&index, ADDRESS, after_start(90)), "first");
    assert_eq!(holder(&index, ADDRESS, after_start(110)), "second");
}

/// `deletionTimestamp` lies in the future: the pod serves until its containers end.
#[test]
fn a_terminating_pod_still_holds_its_address() {
    let mut leaving = ran("leaving", 0, None);
    leaving["metadata"]["deletionTimestamp"] = after_start(10).to_string().into();
    let index = index(&[leaving]);
    assert_eq!(holder(&index, ADDRESS, after_start(30)), "leaving");
}

#[test]
fn a_container_that_was_restarted_started_before() {
    let mut restarted = ran("restarted", 200, None);
    restarted["status"]["containerStatuses"][0]["lastState"] =
        json!({ "terminated": { "startedAt": START, "finishedAt": after_start(190).to_string() } });
    assert_eq!(
        holder(&index(&[restarted]), ADDRESS, after_start(60)),
        "restarted"
    );
}

#[test]
fn an_init_container_already_holds_the_address() {
    let mut starting = ran("starting", 60, None);
    starting["status"]["initContainerStatuses"] = json!([{
        "name": "init",
        "state": { "terminated": { "startedAt": START, "finishedAt": after_start(59).to_string() } },
    }]);
    assert_eq!(
        holder(&index(&[starting]), ADDRESS, after_start(30)),
        "starting"
    );
}

#[test]
fn the_host_network_is_nobodys_own() {
    let mut agent = pod("kube-system", "agent", "172.18.0.2", None);
    agent["spec"]["hostNetwork"] = true.into();
    let index = index(&[node("n1", "172.18.0.2", "10.244.0.0/24"), agent]);
    assert_eq!(holder(&index, "172.18.0.2", after_start(60)), "node n1");
}

#[test]
fn a_deleted_pod_holds_its_address_no_longer() {
    let mut index = index(&[ran("deleted", 0, None)]);
    let mut last = ran("deleted", 0, Some(100));
    last["status"]["phase"] = "Running".into();
    let event = json!({ "type": "DELETED", "object": last }).to_string();
    cluster::document::read(&mut event.as_bytes(), &mut |event| index.apply(event));
    assert_eq!(holder(&index, ADDRESS, after_start(50)), "deleted");
    assert_eq!(holder(&index, ADDRESS, after_start(110)), "unknown");
}
