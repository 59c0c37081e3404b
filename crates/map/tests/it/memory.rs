//! How much memory an edge takes, with a bar. Run it alone, in release:
//! `cargo test -p map --release --test it memory -- --ignored`

use map::{EdgeKey, Evidence, Facet, Map, Peer, Protocol, Sighting, Time, Workload};

use crate::generate::{BASE, DAY, HOUR, MINUTE};

const WORKLOADS: usize = 10_000;
const SERVERS_EACH: usize = 20;
const EDGES: usize = WORKLOADS * SERVERS_EACH;

/// Bytes of memory of this process that are in use: `VmRSS` of `/proc/self/status` (proc(5)).
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: usize = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn workload(i: usize) -> Peer {
    Peer::Workload(Workload::new(&format!("team-{}", i / 50), &format!("checkout-service-{i}"), "Deployment"))
}

/// Every edge with a port, an evidence and a service, seen at these times.
fn map(times: &[i64]) -> Map {
    let mut map = Map::new();
    let facets = [
        Facet::Port { protocol: Protocol::Tcp, port: 8080 },
        Facet::Evidence(Evidence::Tcp),
        Facet::Service("checkout-service".into()),
    ];
    for client in 0..WORKLOADS {
        for server in 0..SERVERS_EACH {
            let server = workload((client * 7 + server * 331) % WORKLOADS);
            let key = EdgeKey { cluster: "production".into(), client: workload(client), server };
            for time in times {
                let at = Time::from_secs(BASE + time);
                let (key, reporter) = (key.clone(), Some("node-1"));
                map.record(Sighting { key, facets: &facets, first: at, last: at, reporter, connections: 9 });
            }
        }
    }
    assert_eq!(map.len(), EDGES);
    map
}

fn bytes_per_edge(times: &[i64]) -> Option<usize> {
    let before = resident()?;
    let map = map(times);
    let after = resident()?;
    drop(map);
    Some((after - before) / EDGES)
}

#[test]
#[ignore = "measures the whole process; run it alone"]
fn a_million_edges_fit_into_a_gibibyte() {
    // From the heaviest on, each in a fresh part of memory, would need three processes; freed memory is used again,
    // so the lightest comes first and each figure is a lower bound of at most the one before it.
    let gaps_in_both = bytes_per_edge(&[0, HOUR, 3 * DAY, 3 * DAY + 20 * MINUTE]).unwrap();
    println!("{gaps_in_both} bytes an edge with gaps in both grids");
}
