//! Attribution with known truth: a simulated cluster that reuses addresses at once, watches that lag and break, and
//! reports that come late, twice and out of order. See `docs/accuracy.md`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a test may fail loudly and print its figures; numbers are small"
)]

mod api;
mod judge;
mod objects;
mod plan;
mod pods;
mod random;
mod scene;
mod simulate;
mod table;
mod traffic;
mod truth;
mod world;

use scene::Scene;
use simulate::simulate;

/// What CI has time for: two clusters, all three kinds of reporters.
#[test]
fn no_edge_is_wrong_and_what_uids_decide_is_found() {
    for seed in [1, 2] {
        let scores = simulate(Scene::new(seed, 10_000));
        println!("{}", table::results(&scores));
        table::demand(&scores, 0.99);
    }
}

/// The whole, for `./dev accuracy`.
#[test]
#[ignore = "takes minutes: ./dev accuracy"]
fn whole() {
    table::whole();
}
