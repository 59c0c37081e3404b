//! How long it takes from a call to its edge in the list.

use std::time::{Duration, Instant};

use e2e::mapper::Mapper;
use e2e::node::Running;
use serde_json::json;
use testkit::city::{City, REPLICAS, cluster_address};

use super::town::{PORT, Town};
use crate::{Size, part};

const LIST: &str =
    "query($server: ServerFilter) { intents(server: $server) { client { name } server { name } } }";

/// Between two looks at the list.
const LOOK: Duration = Duration::from_millis(2);

pub(crate) fn run(size: &Size) {
    let town = Town::new(211, size.visible_pods);
    let firsts: Vec<usize> = (0..town.city.deployments()).map(|n| n * REPLICAS).collect();
    let servers: Vec<Running> = firsts
        .iter()
        .map(|first| town.load(*first, &["keep", &format!("0.0.0.0:{PORT}")]))
        .collect();
    for (deployment, first) in firsts.iter().enumerate() {
        let address = cluster_address(deployment);
        town.node.service(&address, 80, &[&town.pods[*first]]);
    }
    let (_sniffer, _) = town.sniffer();
    // Every pod's owner is known by then.
    std::thread::sleep(Duration::from_secs(size.settle_seconds));
    let mut times = Vec::new();
    for (client, first) in firsts.iter().enumerate() {
        let mut dialer = town.load(*first, &["dial"]);
        for server in (0..firsts.len()).filter(|server| *server != client) {
            times.push(visible(&town.mapper, &mut dialer, client, server));
        }
    }
    drop(servers);
    times.sort_unstable();
    let at = |hundredths: usize| {
        let place = (times.len() * hundredths / 100).min(times.len() - 1);
        format!("{:.0} ms", times[place].as_secs_f64() * 1e3)
    };
    part("VISIBLE");
    println!("| new edges | p50 | p90 | p99 | longest |");
    println!("|---:|---:|---:|---:|---:|");
    println!(
        "| {} | {} | {} | {} | {} |",
        times.len(),
        at(50),
        at(90),
        at(99),
        at(100)
    );
}

fn visible(mapper: &Mapper, dialer: &mut Running, client: usize, server: usize) -> Duration {
    let (_, caller) = City::deployment(client);
    let (namespace, name) = City::deployment(server);
    let filter = json!({"server": {"name": name, "namespace": namespace}});
    let is_there = || {
        let data = mapper.query(LIST, &filter);
        let intents = data["intents"].as_array().unwrap();
        intents
            .iter()
            .any(|intent| intent["client"]["name"] == *caller && intent["server"]["name"] == *name)
    };
    assert!(!is_there(), "{caller} has called {name} before");
    let begun = Instant::now();
    dialer.tell(&format!("{}:80", cluster_address(server)));
    while !is_there() {
        let waited = begun.elapsed();
        assert!(waited < Duration::from_secs(20), "{caller} and {name}");
        std::thread::sleep(LOOK);
    }
    begun.elapsed()
}
