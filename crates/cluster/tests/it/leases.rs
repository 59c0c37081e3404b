//! Who held an address, when pods come and go.

use std::collections::HashSet;

use cluster::{Holder, Index, Kind, Present, Settings, Update, document};
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
            Holder::Pod(pod) => assert_eq!(pod.name, name),
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
    assert!(matches!(with(ADDRESS, 50), Holder::Pod(_)));
    assert!(matches!(with("10.244.0.47", 50), Holder::Unknown));
    assert!(matches!(with(ADDRESS, 500), Holder::Unknown));
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
    document::read(&mut event.as_bytes(), &mut |event| index.apply(event));
    assert_eq!(holder(&index, ADDRESS, after_start(50)), "deleted");
    assert_eq!(holder(&index, ADDRESS, after_start(110)), "unknown");
}

/// A live index that was told these pods.
fn live(pods: &[Value]) -> Index {
    let mut index = Index::live(Settings::default());
    for pod in pods {
        tell(&mut index, "ADDED", pod, 0);
    }
    index
}

/// The watch tells of a pod at a second.
fn tell(index: &mut Index, kind: &str, pod: &Value, at: i64) {
    let event = json!({ "type": kind, "object": pod }).to_string();
    let mut events = Vec::new();
    document::read(&mut event.as_bytes(), &mut |event| events.push(event));
    for event in events {
        index.update(Update::Event(event), after_start(at));
    }
}

fn named(index: &Index, name: &str, at: i64) -> bool {
    let uid: PodUid = uid("Pod", &format!("shop/{name}")).parse().unwrap();
    let holder = index.holder(ADDRESS.parse().unwrap(), Some(uid), after_start(at));
    matches!(holder, Holder::Pod(pod) if pod.name == name)
}

/// Who called is told by one node's clock, when the pods began by another's; and what was there in between may never be
/// told: a pod that is deleted before its kubelet told its address, or while the watch is broken.
#[test]
fn in_a_live_cluster_both_ends_of_a_lease_are_in_doubt() {
    let index = live(&[ran("first", 0, Some(100)), ran("second", 120, None)]);
    let at = |second| holder(&index, ADDRESS, after_start(second));
    assert_eq!(at(2), "ambiguous");
    assert_eq!(at(3), "first");
    assert_eq!(at(98), "first");
    assert_eq!(at(99), "ambiguous");
    assert_eq!(at(103), "ambiguous");
    assert_eq!(at(104), "unknown");
    assert_eq!(at(117), "unknown");
    assert_eq!(at(118), "ambiguous");
    assert_eq!(at(122), "ambiguous");
    assert_eq!(at(123), "second");
}

/// The kubelet gives a pod its address some time after it has taken it on; until then, another one may have it.
#[test]
fn a_pod_that_runs_nothing_yet_holds_nothing_for_sure() {
    let mut waiting = ran("waiting", 0, None);
    waiting["status"]["containerStatuses"] = json!([]);
    assert_eq!(
        holder(&live(&[waiting]), ADDRESS, after_start(60)),
        "ambiguous"
    );
}

/// Its last state still says that it runs, and it may run on.
#[test]
fn a_pod_that_was_deleted_by_force_ends_nobody_knows_when() {
    let mut forced = ran("forced", 0, None);
    forced["status"]["initContainerStatuses"] = json!([{
        "name": "init",
        "state": { "terminated": { "startedAt": START, "finishedAt": after_start(1).to_string() } },
    }]);
    let mut index = live(std::slice::from_ref(&forced));
    assert_eq!(holder(&index, ADDRESS, after_start(60)), "forced");
    tell(&mut index, "DELETED", &forced, 100);
    assert_eq!(holder(&index, ADDRESS, after_start(60)), "ambiguous");
    assert_eq!(holder(&index, ADDRESS, after_start(110)), "unknown");
    assert!(named(&index, "forced", 60) && named(&index, "forced", 110));
    // Until another one has its address.
    tell(&mut index, "ADDED", &ran("next", 120, None), 125);
    assert!(named(&index, "forced", 119) && !named(&index, "forced", 130));
    assert_eq!(holder(&index, ADDRESS, after_start(130)), "next");
}

/// An evicted pod has failed, and its containers are told no more.
#[test]
fn a_pod_that_failed_without_a_word_holds_nothing_for_sure() {
    let running = ran("evicted", 0, None);
    let mut evicted = running.clone();
    evicted["status"]["phase"] = "Failed".into();
    evicted["status"]["containerStatuses"] = json!([]);
    let index = live(&[running, evicted, ran("next", 120, None)]);
    assert_eq!(holder(&index, ADDRESS, after_start(60)), "ambiguous");
    assert_eq!(holder(&index, ADDRESS, after_start(130)), "next");
    assert!(named(&index, "evicted", 60));
}

/// The node may be wrong, and its word cannot be checked before the pod's address is told.
#[test]
fn a_uid_is_believed_once_the_pods_address_is_told() {
    let told = ran("told", 0, None);
    let mut pending = told.clone();
    pending["status"] = json!({ "phase": "Pending" });
    let mut index = live(&[pending]);
    assert!(!named(&index, "told", 60));
    tell(&mut index, "MODIFIED", &told, 2);
    assert!(named(&index, "told", 60));
}

/// A pod that vanished while the watch was broken was there when the watch last told all; but its kubelet may have been
/// about to tell that it had ended.
#[test]
fn a_pod_that_vanished_unseen_was_there_a_while_before() {
    let mut index = live(&[ran("vanished", 0, None)]);
    index.update(Update::PodsCurrent(after_start(100)), after_start(101));
    let gone = Update::Listed {
        kind: Kind::Pod,
        present: Present::Pods(HashSet::new()),
        asked: after_start(160),
    };
    index.update(gone, after_start(161));
    assert_eq!(holder(&index, ADDRESS, after_start(96)), "vanished");
    assert_eq!(holder(&index, ADDRESS, after_start(97)), "ambiguous");
    assert_eq!(holder(&index, ADDRESS, after_start(164)), "unknown");
}
