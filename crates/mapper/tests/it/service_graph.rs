//! The map as metrics: each connection once.

use std::net::SocketAddr;

use map::{Connection, Evidence, Observation, Outcome, Protocol, Source, Target};
use mapper::service_graph::{ServiceGraph, Snapshot};
use mapper::{Claim, Fact};
use testkit::cluster::{node, pod};

use crate::live::{Live, pod_uid, second};

const PODS: [(&str, &str); 4] = [
    ("client", "10.244.0.5"),
    ("cart", "10.244.0.6"),
    ("ads", "10.244.0.7"),
    ("pay", "10.244.0.8"),
];

/// The process begins at second 600.
fn live(room: usize) -> Live {
    let mut live = Live::new();
    live.told(&[node("n1", "172.18.0.2", "10.244.0.0/24")]);
    for (name, address) in PODS {
        live.told(&[pod("shop", name, address, None)]);
    }
    live.current(600.0);
    live.ingest
        .count_connections(ServiceGraph::new(room, second(600.0)));
    live
}

/// What a sniffer tells of calls to a pod on one port.
#[derive(Clone, Copy)]
struct Told {
    reporter: &'static str,
    /// Whether its node is the client's.
    at_client: bool,
    to: &'static str,
    port: u16,
    count: u64,
    first: f64,
    last: f64,
    outcome: Outcome,
}

const TOLD: Told = Told {
    reporter: "n1",
    at_client: true,
    to: "cart",
    port: 8080,
    count: 1,
    first: 601.0,
    last: 602.0,
    outcome: Outcome::Accepted,
};

fn address(name: &str) -> &'static str {
    PODS.iter().find(|(known, _)| *known == name).unwrap().1
}

fn tell(live: &mut Live, told: Told) {
    let ip = address(told.to).parse().unwrap();
    let observation = Observation {
        source: Source {
            address: address("client").parse().unwrap(),
            pod_uid: told.at_client.then(|| pod_uid("shop/client")),
        },
        target: Target::Connection(Connection {
            protocol: Protocol::Tcp,
            meant: SocketAddr::new(ip, told.port),
            reached: None,
            server_pod: Some(pod_uid(&format!("shop/{}", told.to))),
            outcome: told.outcome,
        }),
        evidence: Evidence::Tcp,
        first_seen: second(told.first),
        last_seen: second(told.last),
        connections: told.count,
        ttl: 30,
    };
    let claim = Claim {
        reporter: told.reporter.into(),
        awaits_outcome: true,
        ..Claim::default()
    };
    live.at(told.last).current(told.last + 10.0);
    live.ingest
        .take(&live.index, Fact::Seen(observation, claim));
    live.current(told.last + 20.0).check();
}

fn snapshot(live: &Live) -> Snapshot {
    live.ingest.service_graph().unwrap().snapshot()
}

/// `client → server: opened, failed`, of those with a number.
fn shown(live: &Live) -> Vec<String> {
    let series = snapshot(live).series;
    let told = series.iter().filter(|series| series.totals.opened > 0);
    told.map(|series| {
        let totals = series.totals;
        format!(
            "{} → {}: {}, {}",
            series.client, series.server, totals.opened, totals.failed
        )
    })
    .collect()
}

#[test]
fn a_counter_is_followed_and_a_report_that_comes_twice_adds_nothing() {
    let mut live = live(10);
    for (count, last) in [(1, 602.0), (1, 602.0), (5, 660.0), (1, 602.0), (9, 720.0)] {
        tell(
            &mut live,
            Told {
                count,
                last,
                ..TOLD
            },
        );
    }
    assert_eq!(shown(&live), ["client → cart: 9, 0"]);
}

#[test]
fn what_one_pod_calls_on_two_ports_adds_up() {
    let mut live = live(10);
    tell(&mut live, Told { count: 4, ..TOLD });
    tell(
        &mut live,
        Told {
            count: 3,
            port: 9090,
            ..TOLD
        },
    );
    assert_eq!(shown(&live), ["client → cart: 7, 0"]);
    let series = &snapshot(&live).series[0];
    assert_eq!(series.values(), ["client", "shop", "cart", "shop", ""]);
}

#[test]
fn only_the_clients_node_counts() {
    let mut live = live(10);
    tell(&mut live, Told { count: 4, ..TOLD });
    tell(
        &mut live,
        Told {
            count: 4,
            reporter: "n2",
            at_client: false,
            ..TOLD
        },
    );
    // A sniffer of the replaced system has no name, and no counter.
    tell(
        &mut live,
        Told {
            count: 4,
            reporter: "",
            port: 1,
            ..TOLD
        },
    );
    assert_eq!(shown(&live), ["client → cart: 4, 0"]);
}

#[test]
fn refused_calls_are_opened_and_failed() {
    let mut live = live(10);
    tell(&mut live, Told { count: 4, ..TOLD });
    tell(
        &mut live,
        Told {
            count: 2,
            outcome: Outcome::Refused,
            ..TOLD
        },
    );
    assert_eq!(shown(&live), ["client → cart: 6, 2"]);
}

#[test]
fn what_was_before_the_process_is_not_counted_again() {
    let mut live = live(10);
    tell(
        &mut live,
        Told {
            count: 100,
            first: 500.0,
            ..TOLD
        },
    );
    assert_eq!(shown(&live), Vec::<String>::new());
    tell(
        &mut live,
        Told {
            count: 103,
            last: 660.0,
            ..TOLD
        },
    );
    assert_eq!(shown(&live), ["client → cart: 3, 0"]);
}

#[test]
fn a_sniffer_of_an_earlier_life_goes_on_and_a_new_one_begins() {
    let mut before = live(10);
    tell(
        &mut before,
        Told {
            count: 100,
            first: 550.0,
            last: 599.0,
            ..TOLD
        },
    );
    let kept = before.ingest.map().clone();
    assert_eq!(kept.len(), 1);

    let mut after = live(10);
    after.ingest.merge(&kept);
    // It tells only of what came since, with a count of all: a refresh.
    tell(&mut after, Told { count: 105, ..TOLD });
    assert_eq!(shown(&after), Vec::<String>::new());
    tell(
        &mut after,
        Told {
            count: 107,
            last: 660.0,
            ..TOLD
        },
    );
    // Another sniffer has taken its place; all that it counts is new.
    tell(
        &mut after,
        Told {
            count: 4,
            reporter: "n1-again",
            last: 661.0,
            ..TOLD
        },
    );
    assert_eq!(shown(&after), ["client → cart: 6, 0"]);
}

#[test]
fn a_sniffer_that_forgot_begins_anew() {
    let mut live = live(10);
    tell(&mut live, Told { count: 9, ..TOLD });
    tell(
        &mut live,
        Told {
            count: 2,
            last: 4_500.0,
            ..TOLD
        },
    );
    assert_eq!(shown(&live), ["client → cart: 11, 0"]);
}

#[test]
fn an_edge_that_is_used_keeps_its_series_and_the_rest_shares_one() {
    let mut live = live(1);
    tell(&mut live, TOLD);
    tell(
        &mut live,
        Told {
            to: "ads",
            count: 3,
            ..TOLD
        },
    );
    tell(
        &mut live,
        Told {
            to: "pay",
            count: 4,
            outcome: Outcome::Unanswered,
            ..TOLD
        },
    );
    assert_eq!(shown(&live), ["client → cart: 1, 0", "other → other: 7, 4"]);
    // Quiet for less than an hour, then for longer.
    tell(
        &mut live,
        Told {
            to: "ads",
            count: 4,
            last: 4_000.0,
            ..TOLD
        },
    );
    assert_eq!(shown(&live), ["client → cart: 1, 0", "other → other: 8, 4"]);
    tell(
        &mut live,
        Told {
            to: "ads",
            count: 9,
            last: 4_300.0,
            ..TOLD
        },
    );
    assert_eq!(shown(&live), ["client → ads: 5, 0", "other → other: 8, 4"]);
    // It may come back, as a series that begins then.
    assert_eq!(snapshot(&live).series[0].since, second(4_300.0));
}

#[test]
fn a_reset_begins_anew() {
    let mut live = live(10);
    tell(&mut live, Told { count: 9, ..TOLD });
    live.ingest.reset(second(700.0));
    assert_eq!(shown(&live), Vec::<String>::new());
    tell(
        &mut live,
        Told {
            count: 9,
            first: 650.0,
            last: 690.0,
            ..TOLD
        },
    );
    tell(
        &mut live,
        Told {
            count: 12,
            first: 710.0,
            last: 720.0,
            ..TOLD
        },
    );
    assert_eq!(shown(&live), ["client → cart: 3, 0"]);
    assert_eq!(snapshot(&live).series[0].since, second(700.0));
}
