//! A mapper that is away, says no, hangs and breaks: nothing is lost silently.

use std::time::Duration;

use e2e::node::{self, NetPod};
use e2e::relay::{Deed, Relay};
use e2e::sniffer::Sniffer;
use e2e::time::wait;
use serde_json::{Value, json};

use crate::town::{SOON, Town};

type Rule = Box<dyn FnMut(&str) -> Deed + Send>;

/// Attempts at these ports, where nobody listens: as many observations.
fn calls(client: &NetPod, ip: &str, ports: std::ops::Range<u16>) {
    let addresses: Vec<String> = ports.map(|port| format!("{ip}:{port}")).collect();
    let mut arguments = vec!["connect"];
    arguments.extend(addresses.iter().map(String::as_str));
    let ends = client.does(&arguments);
    assert!(
        ends.iter().all(|end| end == "ConnectionRefused"),
        "{ends:?}"
    );
}

fn attempts(ports: std::ops::Range<u16>) -> String {
    let ports: Vec<String> = ports.map(|port| format!("{port}/tcp")).collect();
    format!(
        "client/Deployment -> server/Deployment :{} [tcp] refused",
        ports.join(",")
    )
}

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn sniffed_calls_survive_a_mapper_that_fails_in_every_way() {
    if !node::is_allowed() {
        return;
    }
    let (mut town, [client, server], ()) =
        Town::new(113, "sniffed-away", ["client", "server"], |_, _| ());
    let relay = Relay::start(town.mapper.address);
    let url = town.url(relay.port);
    let sniffer = Sniffer::ready(&town.node, &url, &["--calls-timeout", "1s"]);
    let refuses = |kind: &str| format!("{{\"data\":{{\"{kind}\":false}}}}");
    let is_report = |body: &str| body.contains("reportTCPCaptureResults");
    // Each for as long as it takes to call at twenty ports; what is then held goes through the next one first.
    let mut turn = 0;
    let mut slow = 0;
    let rules: [(&str, Rule); 6] = [
        (
            "says no",
            Box::new(move |body| {
                if is_report(body) {
                    Deed::Say(200, refuses("reportTCPCaptureResults"))
                } else {
                    Deed::Pass
                }
            }),
        ),
        (
            "fails",
            Box::new(|_| Deed::Say(503, "{\"errors\":[{\"message\":\"busy\"}]}".to_owned())),
        ),
        ("breaks before", Box::new(|_| Deed::BreakBefore)),
        (
            "takes, and breaks",
            Box::new(move |body| {
                turn += u32::from(is_report(body));
                if is_report(body) && turn <= 2 {
                    Deed::BreakAfter
                } else {
                    Deed::Pass
                }
            }),
        ),
        (
            "is somebody else",
            Box::new(|_| Deed::Say(200, "<html>".to_owned())),
        ),
        (
            "takes, and is too slow to say so",
            Box::new(move |body| {
                slow += u32::from(is_report(body));
                if is_report(body) && slow <= 1 {
                    Deed::Slow(Duration::from_secs(3))
                } else {
                    Deed::Pass
                }
            }),
        ),
    ];
    let mut first = 100;
    for (what, rule) in rules {
        println!("the mapper {what}");
        relay.rule(rule);
        calls(&client, &server.ip, first..first + 20);
        std::thread::sleep(Duration::from_secs(2));
        first += 20;
    }
    // And away, for as long.
    relay.is_there(false);
    calls(&client, &server.ip, first..first + 20);
    let held = wait(SOON, || {
        (sniffer.metric("portolan_sniffer_spooled") >= 20.0).then_some(())
    });
    assert!(held.is_some(), "what cannot be told is not held");
    assert!(sniffer.page("9090", "/healthz").starts_with("ok"));
    relay.rule(|_| Deed::Pass);
    relay.is_there(true);
    town.scene.attempts(&[&attempts(100..first + 20)]);
    town.wait(2 * SOON);
    let sent = wait(SOON, || {
        (sniffer.metric("portolan_sniffer_spooled") < 1.0).then_some(())
    });
    assert!(sent.is_some(), "something is still held");
    let lost = sniffer.labelled("portolan_sniffer_dropped_total");
    assert_eq!(lost.values().sum::<u64>(), 0, "{lost:?}");
}

/// How many different calls; at some 250 bytes each, three times the spool.
const CALLS: u16 = 6_000;

/// Of which so many at once, which are one report.
const AT_ONCE: u16 = 500;

#[test]
#[ignore = "needs the testbed and root: ./dev test --only e2e"]
fn sniffed_calls_beyond_the_spool_are_counted() {
    if !node::is_allowed() {
        return;
    }
    let (town, [client, server], ()) =
        Town::new(114, "sniffed-spool", ["client", "server"], |_, _| ());
    let relay = Relay::start(town.mapper.address);
    relay.is_there(false);
    let url = town.url(relay.port);
    let sniffer = Sniffer::ready(&town.node, &url, &["--spool-size", "512Ki"]);
    for part in 0..CALLS / AT_ONCE {
        let first = 1_000 + part * AT_ONCE;
        calls(&client, &server.ip, first..first + AT_ONCE);
    }
    let count = |name: &str| whole(sniffer.metric(&format!("portolan_sniffer_{name}")));
    // The sniffer itself calls as well.
    let seen = wait(SOON, || {
        (count("observations_new_total") >= u64::from(CALLS)).then_some(())
    });
    assert!(
        seen.is_some(),
        "{} were seen",
        count("observations_new_total")
    );
    assert!(
        full(&sniffer) > 0,
        "the spool holds more than this test thinks"
    );
    assert!(count("spool_bytes") <= 512 << 10);
    assert!(
        count("spool_bytes") >= 256 << 10,
        "more was given up than had to be"
    );

    relay.is_there(true);
    let sent = wait(2 * SOON, || (count("spooled") == 0).then_some(()));
    assert!(sent.is_some(), "something is still held");
    // What was offered was delivered or is counted as lost, and what was delivered is what arrived.
    let (offered, lost) = (count("reported_total"), full(&sniffer));
    assert_eq!(offered, count("delivered_total") + lost);
    let (mut of_client, mut others) = (0, 0);
    for body in relay.taken() {
        let body: Value = serde_json::from_str(&body).unwrap();
        let sources = &body["variables"]["results"]["results"];
        for source in sources.as_array().into_iter().flatten() {
            let items = source["destinations"].as_array().unwrap().len() as u64;
            if source["srcIp"] == client.ip.as_str() {
                of_client += items;
            } else {
                others += items;
            }
        }
        others += u64::from(!body["variables"]["coverage"].is_null());
    }
    assert_eq!(of_client + others, count("delivered_total"));
    println!("{offered} offered, {lost} lost, {of_client} of the client arrived");
    let told = count("observations_new_total") + count("refreshes_total");
    // The rest tells of the node.
    assert!((1..10).contains(&(offered - told)), "{offered} {told}");
    // The map has just those.
    let document = "{ attempts { client { name } ports { port } } }";
    let found = wait(SOON, || {
        let answer = town.mapper.query(document, &json!({}));
        let mut attempts = answer["attempts"].as_array()?.iter();
        let attempt = attempts.find(|attempt| attempt["client"]["name"] == "client")?;
        (attempt["ports"].as_array()?.len() as u64 == of_client).then_some(())
    });
    assert!(
        found.is_some(),
        "the map has others than the {of_client} that arrived"
    );
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count"
)]
fn whole(count: f64) -> u64 {
    count as u64
}

/// How many were lost to the full spool, which is the only reason here.
fn full(sniffer: &Sniffer) -> u64 {
    let dropped = sniffer.labelled("portolan_sniffer_dropped_total");
    let full = dropped["spool_full"];
    assert_eq!(dropped.values().sum::<u64>(), full, "{dropped:?}");
    full
}
