//! What is not certain makes no edge: each case was one, in `tests/accuracy`.

use map::Outcome;
use mapper::Refusal;
use serde_json::{Value, json};
use testkit::cluster::{deployment, node, pod, service};

use crate::live::{Live, second};

const CLIENT: (&str, Option<&str>) = ("10.244.0.5", Some("shop/client"));
const ADDRESS: &str = "10.244.0.7";
const PLACE: &str = "10.244.0.7:8080";

/// A pod that ran from one second to another.
fn ran(name: &str, from: u32, to: Option<u32>) -> Value {
    let mut object = pod("shop", name, ADDRESS, None);
    let at = |at: u32| second(f64::from(at)).to_string();
    let state = match to {
        None => json!({ "running": { "startedAt": at(from) } }),
        Some(to) => {
            object["status"]["phase"] = "Succeeded".into();
            json!({ "terminated": { "startedAt": at(from), "finishedAt": at(to) } })
        }
    };
    object["status"]["conditions"] = json!([]);
    object["status"]["containerStatuses"] = json!([{ "name": "main", "state": state }]);
    object
}

fn live(objects: &[Value]) -> Live {
    let mut live = Live::new();
    live.told(&[
        node("n1", "172.18.0.2", "10.244.0.0/24"),
        pod("shop", "client", CLIENT.0, None),
    ]);
    live.told(objects).current(600.0);
    live
}

/// A sniffer tells of calls to one address together.
#[test]
fn calls_to_an_address_that_passed_on_meanwhile_are_nobodys() {
    let mut live = live(&[ran("first", 0, Some(100)), ran("second", 110, None)]);
    live.calls(CLIENT, (PLACE, None), (90.0, 120.0), Outcome::Accepted);
    assert_eq!(
        (
            live.edges().len(),
            live.refused(Refusal::AmbiguousDestination)
        ),
        (0, 1)
    );
    live.calls(CLIENT, (PLACE, None), (120.0, 130.0), Outcome::Accepted);
    assert_eq!(live.edges(), ["shop/client (Pod) → shop/second (Pod)"]);
}

/// Its clock may be behind, so that the pod that it called is told a second later than it seems.
#[test]
fn a_reporters_clock_may_be_behind() {
    let mut live = live(&[ran("first", 0, None)]);
    live.at(610.0).current(609.0);
    live.connects(CLIENT.0, PLACE, 606.0);
    assert_eq!((live.edges().len(), live.ingest.parked()), (0, 1));
    live.current(610.0);
    assert_eq!(live.edges(), ["shop/client (Pod) → shop/first (Pod)"]);
}

fn colours() -> Vec<Value> {
    let mut objects = deployment("shop", "blue", &["10.244.0.21"]);
    objects.extend(deployment("shop", "green", &["10.244.0.22"]));
    let backends = [
        ("blue-5d7677ff9f-00000", "10.244.0.21"),
        ("green-5d7677ff9f-00000", "10.244.0.22"),
    ];
    objects.extend(service(
        "shop",
        "colour",
        Some("10.96.0.30"),
        (80, 8080),
        &backends,
    ));
    objects.extend(service("shop", "each", None, (80, 8080), &backends));
    objects
}

/// A connection says that somebody was called for sure: an assumption would look like that somebody.
#[test]
fn a_connection_to_one_of_several_workloads_is_nobodys() {
    for outcome in [Outcome::Accepted, Outcome::Refused] {
        let mut live = live(&colours());
        live.calls(CLIENT, ("10.96.0.30:80", None), (500.0, 500.0), outcome);
        assert_eq!(live.refused(Refusal::AmbiguousDestination), 1);
        assert_eq!(
            (live.edges().len(), live.ingest.map().attempts().count()),
            (0, 0)
        );
    }
}

/// The cluster's DNS knows of a new pod as late as everybody else.
#[test]
fn an_answer_may_be_older_than_who_holds_its_address() {
    let mut objects = colours();
    objects.push(ran("stranger", 100, None));
    let mut live = live(&objects);
    let client = (CLIENT.0, "shop/client");
    live.learns(client, "each.shop.svc.cluster.local", ADDRESS, 500.0)
        .finish();
    assert_eq!(
        (
            live.edges().len(),
            live.refused(Refusal::AmbiguousDestination)
        ),
        (0, 1)
    );
}

/// What an answer stands for does not change with what later becomes of its address.
#[test]
fn an_answer_is_not_explained_by_a_call_to_the_next_pod() {
    let mut objects = vec![ran("first", 0, Some(500)), ran("second", 510, None)];
    objects.extend(service(
        "shop",
        "alone",
        None,
        (80, 8080),
        &[("first", ADDRESS)],
    ));
    let mut live = live(&objects);
    let client = (CLIENT.0, "shop/client");
    live.learns(client, "alone.shop.svc.cluster.local", ADDRESS, 480.0);
    live.calls(CLIENT, (PLACE, None), (520.0, 520.0), Outcome::Accepted)
        .finish();
    assert_eq!(
        live.edges(),
        [
            "shop/client (Pod) → shop/first (Pod)",
            "shop/client (Pod) → shop/second (Pod)",
        ]
    );
    let spans = live.ingest.map().edges().map(|(_, edge)| edge.seen.first());
    assert_eq!(spans.collect::<Vec<_>>(), [second(480.0), second(520.0)]);
}

/// When in doubt who it was, it may be all the same.
#[test]
fn a_backend_in_doubt_is_of_the_one_workload_behind_its_service() {
    let mut objects = vec![ran("first", 0, Some(500)), ran("second", 501, None)];
    objects.extend(service(
        "shop",
        "alone",
        Some("10.96.0.40"),
        (80, 8080),
        &[("first", ADDRESS)],
    ));
    // One more endpoint, of a pod that came later and is not known yet.
    let more = [("first", ADDRESS), ("unseen", "10.244.0.99")];
    objects.push(service("shop", "alone", Some("10.96.0.40"), (80, 8080), &more).remove(1));
    let mut live = live(&objects);
    let reached = ("10.96.0.40:80", Some(PLACE));
    live.calls(CLIENT, reached, (499.5, 499.5), Outcome::Accepted);
    assert_eq!(live.edges(), ["shop/client (Pod) → shop/first (Pod)"]);
}
