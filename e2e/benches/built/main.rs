//! What the built programs take, need and answer: `./dev bench mapper`, `./dev bench sniffer`.
//!
//! `PORTOLAN_BENCH='PART…' cargo bench -p e2e --bench built`, each part with tables of its own, in Markdown. By
//! `cargo test` everything is tiny: it tests the way, and the figures mean nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark may fail loudly, prints, and is the rim where the clock is read"
)]

mod api;
mod mapper;
mod running;
mod sniffer;

/// A part, by its name.
type Part = (&'static str, fn(&Size));

/// All parts; some need the testbed, others root.
const PARTS: [Part; 8] = [
    ("speed", mapper::speed::run),
    ("scale", mapper::scale::run),
    ("sizes", mapper::real::sizes),
    ("burst", mapper::real::burst),
    ("pairs", sniffer::pairs::run),
    ("idle", sniffer::idle::run),
    ("flood", sniffer::flood::run),
    ("visible", sniffer::visible::run),
];
const NEED_TESTBED: [&str; 2] = ["sizes", "burst"];
const NEED_ROOT: [&str; 4] = ["pairs", "idle", "flood", "visible"];

/// How many seconds ago the replaced sniffer saw what it reports. It names no pods, so that it counts once all is known
/// of its time; then there is nothing to wait for.
const OLD_AGO: u64 = 10;

/// How much is measured.
#[derive(Debug)]
struct Size {
    /// Pods of the cluster that is reported of at full speed.
    speed_pods: usize,
    /// For so many seconds.
    speed_seconds: u64,
    /// Pods of the largest cluster.
    scale_pods: usize,
    /// Services that each of its Deployments calls.
    scale_calls: usize,
    /// How often each list is asked for.
    lists: usize,
    /// Pods of the testbed, one after the other.
    real_pods: &'static [usize],
    /// Pods of the burst.
    burst_pods: usize,
    /// Seconds until memory is looked at.
    settle_seconds: u64,
    /// DNS pairs a second, one after the other.
    pairs: &'static [u64],
    /// For so many seconds each.
    pairs_seconds: u64,
    /// Pods of a node, and how many connections each of them holds.
    nodes: &'static [(usize, usize)],
    /// For how long an idle node is watched.
    idle_seconds: u64,
    /// Observations a second of a busy node, and for how long.
    busy: (u64, u64),
    /// Rounds of a flood without and with the sniffer, and seconds of each.
    flood: (usize, u64),
    /// Pods of which each Deployment's first calls all others' Services.
    visible_pods: usize,
}

const FULL: Size = Size {
    speed_pods: 5_000,
    speed_seconds: 10,
    scale_pods: 150_000,
    scale_calls: 134,
    lists: 200,
    real_pods: &[1_000, 5_000, 10_000],
    burst_pods: 5_000,
    settle_seconds: 10,
    pairs: &[20_000, 50_000, 100_000, 150_000],
    pairs_seconds: 10,
    nodes: &[(50, 98), (250, 20)],
    idle_seconds: 60,
    busy: (10_000, 60),
    flood: (3, 5),
    visible_pods: 250,
};

const TINY: Size = Size {
    speed_pods: 100,
    speed_seconds: 1,
    scale_pods: 200,
    scale_calls: 5,
    lists: 3,
    real_pods: &[20, 40],
    burst_pods: 40,
    settle_seconds: 1,
    pairs: &[500],
    pairs_seconds: 1,
    nodes: &[(3, 2)],
    idle_seconds: 2,
    busy: (100, 2),
    flood: (1, 1),
    visible_pods: 60,
};

fn main() {
    let wanted = std::env::var("PORTOLAN_BENCH").unwrap_or_default();
    let has_testbed = std::env::var_os("PORTOLAN_E2E").is_some();
    // Cargo's own word for a benchmark that is none for show.
    let size = if std::env::args().any(|argument| argument == "--bench") {
        FULL
    } else {
        TINY
    };
    for (name, run) in PARTS {
        if !wanted.split_whitespace().any(|part| part == name) {
            continue;
        }
        assert!(
            has_testbed || !NEED_TESTBED.contains(&name),
            "{name} needs a testbed: ./dev bench {name}"
        );
        if NEED_ROOT.contains(&name) && !e2e::node::is_allowed() {
            continue;
        }
        println!("Measuring {name}");
        run(&size);
        println!("Success");
    }
}

/// Begins the lines of a table.
fn part(name: &str) {
    println!("@part {name}");
}
