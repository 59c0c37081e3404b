//! What the built mapper takes, needs and answers: `./dev bench mapper`.
//!
//! `PORTOLAN_BENCH='PART…' cargo bench -p e2e --bench mapper`, each part with tables of its own, in Markdown. By
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
mod load;
mod real;
mod running;
mod scale;
mod speed;

/// A part, by its name.
type Part = (&'static str, fn(&Size));

/// Parts that need no testbed, and those that do.
const PARTS: [Part; 4] = [
    ("speed", speed::run),
    ("scale", scale::run),
    ("sizes", real::sizes),
    ("burst", real::burst),
];
const NEED_TESTBED: [&str; 2] = ["sizes", "burst"];

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
        println!("Measuring {name}");
        run(&size);
        println!("Success");
    }
}

/// Begins the lines of a table.
fn part(name: &str) {
    println!("@part {name}");
}
