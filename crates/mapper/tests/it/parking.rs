//! What the index does not know yet is waited for, at most 30 s, and then refused with its reason.

use cluster::OwnerKey;
use map::Outcome;
use mapper::Refusal;
use mapper::limits::MAX_PARKED;
use proptest::prelude::*;
use serde_json::Value;
use testkit::cluster::{deployment, node, owner, pod, service};

use crate::live::Live;

const CLIENT: (&str, Option<&str>) = ("10.244.0.5", Some("shop/client"));
const SERVER: &str = "10.244.0.6:8080";
const EDGE: &str = "shop/client (Pod) → shop/cart (Deployment)";

fn client() -> Value {
    pod("shop", "client", CLIENT.0, None)
}

fn cart() -> Vec<Value> {
    deployment("shop", "cart", &["10.244.0.6"])
}

fn cart_service() -> Vec<Value> {
    let backend = ("cart-5d7677ff9f-00000", "10.244.0.6");
    service("shop", "cart", Some("10.96.0.20"), (80, 8080), &[backend])
}

/// All that is needed for an answer but what `without` leaves out.
fn all(without: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut objects = vec![node("n1", "172.18.0.2", "10.244.0.0/24"), client()];
    objects.extend(cart());
    objects.extend(cart_service());
    objects.retain(|object| !without(object));
    objects
}

fn is(kind: &'static str, name: &'static str) -> impl Fn(&Value) -> bool {
    move |object| object["kind"] == kind && object["metadata"]["name"] == name
}

/// What is missing, what is called, why it is refused if that never comes, and what brings it.
type Case = (fn(&Value) -> bool, &'static str, Refusal, fn(&mut Live));

fn cases() -> Vec<Case> {
    vec![
        (
            |object| is("Pod", "client")(object),
            SERVER,
            Refusal::UnknownPod,
            |live| {
                live.told(&[client()]);
            },
        ),
        (
            |object| is("Pod", "cart-5d7677ff9f-00000")(object),
            SERVER,
            Refusal::UnknownDestination,
            |live| {
                live.told(&cart()[2..]);
            },
        ),
        (
            |object| is("ReplicaSet", "cart-5d7677ff9f")(object),
            SERVER,
            Refusal::UnknownOwner,
            |live| {
                live.told(&cart()[1..2]);
            },
        ),
        (
            |object| is("Service", "cart")(object),
            "10.96.0.20:80",
            Refusal::UnknownDestination,
            |live| {
                live.told(&cart_service()[..1]);
            },
        ),
    ]
}

fn call(live: &mut Live, meant: &str) {
    live.calls(CLIENT, (meant, None), (600.0, 600.0), Outcome::Accepted);
}

#[test]
fn what_comes_later_resolves_what_waits_for_it() {
    for (without, meant, refusal, arrives) in cases() {
        let mut live = Live::new();
        live.told(&all(without));
        // Who holds an address is settled; the watch of pods is ahead of what is missing in no case but pods.
        if refusal != Refusal::UnknownPod && refusal != Refusal::UnknownDestination {
            live.current(604.0);
        }
        call(&mut live, meant);
        assert_eq!(live.ingest.parked(), 1, "{refusal:?}");
        live.at(615.0);
        arrives(&mut live);
        live.current(615.0);
        if refusal == Refusal::UnknownOwner {
            live.at(630.0); // owners need not wake anybody, but nobody is refused for want of one that is there
        }
        assert_eq!(
            (live.edges(), live.ingest.parked()),
            (vec![EDGE.to_owned()], 0),
            "{refusal:?}"
        );
    }
}

#[test]
fn what_never_comes_is_refused_with_its_reason_at_thirty_seconds() {
    for (without, meant, refusal, _) in cases() {
        let mut live = Live::new();
        live.told(&all(without));
        if refusal == Refusal::UnknownOwner {
            live.current(604.0);
        }
        call(&mut live, meant);
        live.at(629.9);
        assert_eq!(
            (live.refused(refusal), live.ingest.parked()),
            (0, 1),
            "{refusal:?}"
        );
        live.at(630.0);
        assert_eq!(
            (live.refused(refusal), live.ingest.parked()),
            (1, 0),
            "{refusal:?}"
        );
        assert_eq!(live.edges(), [""; 0]);
    }
}

/// Once the watch has told everything up to then, what is unknown stays unknown.
#[test]
fn what_is_known_to_be_missing_is_refused_at_once() {
    for (without, meant, refusal, _) in cases() {
        if refusal == Refusal::UnknownOwner {
            continue; // which is not for the watch of pods to tell
        }
        let mut live = Live::new();
        live.told(&all(without)).current(604.0);
        call(&mut live, meant);
        assert_eq!(
            (live.refused(refusal), live.ingest.parked()),
            (1, 0),
            "{refusal:?}"
        );
    }
}

/// Nothing is missing but that the watch has told everything up to then.
#[test]
fn an_address_alone_waits_until_its_time_is_settled() {
    let mut live = Live::new();
    live.told(&all(|_| false))
        .connects("10.244.0.5", SERVER, 600.0);
    assert_eq!(live.ingest.parked(), 1);
    // 3 s for kubelets that are late, and 1 s for a reporter's clock that is behind.
    live.current(603.9);
    assert_eq!(live.ingest.parked(), 1);
    live.current(604.0);
    assert_eq!(
        (live.edges(), live.ingest.parked()),
        (vec![EDGE.to_owned()], 0)
    );

    let mut live = Live::new();
    live.told(&all(|_| false))
        .connects("10.244.0.5", SERVER, 600.0)
        .at(630.0);
    assert_eq!(live.refused(Refusal::Unsettled), 1);
}

#[test]
fn an_owner_that_cannot_be_known_is_the_root() {
    let mut live = Live::new();
    live.told(&all(is("ReplicaSet", "cart-5d7677ff9f")))
        .current(604.0);
    call(&mut live, SERVER);
    let wanted = live.ingest.take_wanted();
    let replica_set = OwnerKey {
        api_version: "apps/v1".into(),
        kind: "ReplicaSet".into(),
        namespace: "shop".into(),
        name: "cart-5d7677ff9f".into(),
    };
    assert_eq!(wanted, std::slice::from_ref(&replica_set));
    live.unknowable(replica_set);
    assert_eq!(
        live.edges(),
        ["shop/client (Pod) → shop/cart-5d7677ff9f (ReplicaSet)"]
    );
}

#[test]
fn what_finds_no_room_is_counted() {
    let mut live = Live::new();
    for _ in 0..MAX_PARKED {
        live.ingest.take(&live.index, unknown());
    }
    assert_eq!(
        (live.ingest.parked(), live.refused(Refusal::ParkingFull)),
        (MAX_PARKED, 0)
    );
    live.connects("10.244.0.7", SERVER, 600.0);
    assert_eq!(
        (live.ingest.parked(), live.refused(Refusal::ParkingFull)),
        (MAX_PARKED, 1)
    );
    // Everybody gives up in time, and makes room.
    live.at(630.0).check();
    assert_eq!(live.ingest.parked(), 0);
    assert_eq!(live.refused(Refusal::UnknownSource), MAX_PARKED as u64);
}

fn unknown() -> mapper::Fact {
    mapper::Fact::Topic(mapper::TopicAccess {
        client: "10.244.0.7".parse().unwrap(),
        broker: ("shop".into(), "broker".into()),
        topic: "orders".into(),
        operation: map::KafkaOperation::Consume,
        at: crate::live::second(600.0),
        outcome: Outcome::Accepted,
    })
}

/// One thing that happens to the mapper.
#[derive(Clone, Debug)]
enum Step {
    Told(usize),
    Deleted(usize),
    Current,
    Listed(bool),
    Connects(usize, usize, bool),
    Learns(usize),
    Waits(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..8_usize).prop_map(Step::Told),
        (0..8_usize).prop_map(Step::Deleted),
        Just(Step::Current),
        any::<bool>().prop_map(Step::Listed),
        (0..3_usize, 0..4_usize, any::<bool>()).prop_map(|(a, b, c)| Step::Connects(a, b, c)),
        (0..3_usize).prop_map(Step::Learns),
        (0..40_u8).prop_map(Step::Waits),
    ]
}

fn take(live: &mut Live, step: &Step, objects: &[Value], now: &mut f64) {
    const PODS: [(&str, &str); 3] = [
        ("10.244.0.5", "shop/client"),
        ("10.244.0.6", "shop/cart-5d7677ff9f-00000"),
        ("10.244.0.9", "shop/nobody"),
    ];
    const PLACES: [&str; 4] = [
        SERVER,
        "10.96.0.20:80",
        "10.244.0.9:80",
        "93.184.216.34:443",
    ];
    match *step {
        Step::Told(object) => live.told(&objects[object % objects.len()..][..1]),
        Step::Deleted(object) => live.deleted(&objects[object % objects.len()]),
        Step::Current => live.current(*now),
        Step::Listed(empty) if empty => live.listed(&[], *now),
        Step::Listed(_) => live.listed(&[PODS[0].1, PODS[1].1], *now),
        Step::Connects(from, to, named) => {
            let (address, name) = PODS[from];
            let client = (address, named.then_some(name));
            live.calls(
                client,
                (PLACES[to], None),
                (*now - 1.0, *now),
                Outcome::Accepted,
            )
        }
        Step::Learns(from) => live.learns(
            PODS[from],
            "cart.shop.svc.cluster.local",
            "10.96.0.20",
            *now,
        ),
        Step::Waits(seconds) => {
            *now += f64::from(seconds);
            live.at(*now)
        }
    };
}

proptest! {
    /// [`Live::check`] holds after each step; in the end, nothing waits any more.
    #[test]
    fn nothing_is_lost_whatever_comes(steps in prop::collection::vec(step(), 0..60)) {
        let objects = all(|_| false);
        let (mut live, mut now) = (Live::new(), 600.0);
        for step in &steps {
            take(&mut live, step, &objects, &mut now);
        }
        live.at(now + 30.0).check();
        prop_assert_eq!(live.ingest.parked(), 0);
        live.at(now + 100.0).finish();
        prop_assert_eq!(live.ingest.held(), 0);
    }
}

/// The chain of owners of a pod that is called comes piece by piece.
#[test]
fn each_owner_is_waited_for() {
    let mut live = Live::new();
    let no_owner = |object: &Value| {
        is("ReplicaSet", "cart-5d7677ff9f")(object) || is("Deployment", "cart")(object)
    };
    live.told(&all(no_owner)).current(604.0);
    call(&mut live, SERVER);
    live.told(&cart()[1..2]);
    assert_eq!(live.ingest.parked(), 1);
    live.told(&[owner("apps/v1", "Deployment", "shop", "cart", None)]);
    live.at(630.0);
    assert_eq!(live.edges(), [EDGE]);
}
