//! How much memory an edge takes, with a bar. In a process of its own, because it measures the whole process.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    reason = "a test may fail loudly, in its helpers too"
)]

use map::{EdgeKey, Evidence, Facet, Map, Peer, Protocol, Sighting, Time, Workload};

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;

/// The start of a bucket of activity.
const BASE: i64 = 20_000 * DAY;

const WORKLOADS: usize = 10_000;
const SERVERS_EACH: usize = 20;
const EDGES: usize = WORKLOADS * SERVERS_EACH;

/// Bytes of memory of this process that are in use: `VmRSS` of `/proc/self/status` (proc(5)).
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: usize = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn workload(i: usize) -> Peer {
    Peer::Workload(Workload::new(
        &format!("team-{}", i / 50),
        &format!("checkout-service-{i}"),
        "Deployment",
    ))
}

/// Every edge with a port, an evidence and a service, seen at these times.
fn map(times: &[i64]) -> Map {
    let mut map = Map::new();
    let facets = [
        Facet::Port {
            protocol: Protocol::Tcp,
            port: 8080,
        },
        Facet::Evidence(Evidence::Tcp),
        Facet::Service("checkout-service".into()),
    ];
    for client in 0..WORKLOADS {
        for server in 0..SERVERS_EACH {
            let server = workload((client * 7 + server * 331) % WORKLOADS);
            let key = EdgeKey {
                cluster: "production".into(),
                client: workload(client),
                server,
            };
            for time in times {
                let at = Time::from_secs(BASE + time);
                let (key, reporter) = (key.clone(), Some("node-1"));
                map.record(&Sighting {
                    key,
                    facets: &facets,
                    first: at,
                    last: at,
                    reporter,
                    connections: 9,
                });
            }
        }
    }
    assert_eq!(map.len(), EDGES);
    map
}

#[test]
fn a_million_edges_fit_into_a_gibibyte() {
    let cases = [
        ("active without a gap", [0, 5 * MINUTE, 10 * MINUTE], 800),
        ("gaps of minutes", [0, 20 * MINUTE, 40 * MINUTE], 1_000),
        ("gaps of days too", [0, 2 * DAY, 3 * DAY], 1_500),
    ];
    let mut maps = Vec::new(); // kept, so that no memory is used twice
    for (case, times, bar) in cases {
        let before = resident().unwrap();
        maps.push(map(&times));
        let bytes = (resident().unwrap() - before) / EDGES;
        println!("{bytes} bytes an edge, {case}");
        assert!(bytes < bar, "{case}: {bytes}");
    }
}
