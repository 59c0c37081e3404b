//! The mapper's own clock steps: nothing is lost, and nothing wrong is added.

use map::Outcome;
use mapper::Refusal;
use testkit::cluster::{deployment, node, pod};

use crate::live::Live;

const CLIENT: (&str, Option<&str>) = ("10.244.0.5", Some("shop/client"));
const SERVER: &str = "10.244.0.6:8080";
const EDGE: &str = "shop/client (Pod) → shop/cart (Deployment)";
const DAY: f64 = 86_400.0;

/// A client and a server, known up to ten minutes after the start.
fn town() -> Live {
    let mut live = Live::new();
    live.told(&[
        node("n1", "172.18.0.2", "10.244.0.0/24"),
        pod("shop", "client", CLIENT.0, None),
    ]);
    live.told(&deployment("shop", "cart", &["10.244.0.6"]));
    live.current(600.0);
    live
}

fn call(live: &mut Live, at: f64) {
    live.calls(CLIENT, (SERVER, None), (at, at), Outcome::Accepted);
}

#[test]
fn a_step_ahead_ends_what_waits_and_what_comes_then_is_taken() {
    let mut live = town();
    call(&mut live, 600.0);
    assert_eq!(live.ingest.parked(), 1);
    live.at(600.0 + DAY);
    assert_eq!(
        (live.ingest.parked(), live.refused(Refusal::Unsettled)),
        (0, 1)
    );
    assert_eq!(live.edges(), [""; 0]);
    call(&mut live, 600.0 + DAY);
    live.at(604.0 + DAY).current(604.0 + DAY);
    assert_eq!(
        (live.edges(), live.ingest.parked()),
        (vec![EDGE.to_owned()], 0)
    );
}

#[test]
fn a_step_back_keeps_what_waits_and_what_comes_then_is_taken() {
    let mut live = town();
    call(&mut live, 600.0);
    live.at(300.0);
    assert_eq!(live.ingest.parked(), 1);
    // Of what is older all is known.
    call(&mut live, 300.0);
    assert_eq!(
        (live.edges(), live.ingest.parked()),
        (vec![EDGE.to_owned()], 1)
    );
    // It waits no longer than it would have, by a clock that was set back.
    live.at(331.0).current(331.0);
    assert_eq!(
        (live.ingest.parked(), live.refused(Refusal::Unsettled)),
        (0, 1)
    );
    // What is not known by that clock is not known, although it was before.
    live.at(390.0);
    call(&mut live, 400.0);
    assert_eq!(live.ingest.parked(), 1);
    live.at(404.0).current(404.0);
    assert_eq!(live.ingest.parked(), 0);
    call(&mut live, 300.0);
    call(&mut live, 10_000.0);
    live.at(10_040.0);
    assert_eq!(
        (live.ingest.parked(), live.refused(Refusal::Unsettled)),
        (0, 2)
    );
}
