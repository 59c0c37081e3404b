//! What has happened since the last round.

use std::collections::BTreeMap;

use istio_watcher::{MAX_SERIES, Moved, Rounds, Sidecar};
use map::{PodUid, Time};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::text::{each, requests};

const BEGAN: u64 = 1_000;

fn at(seconds: u64) -> Time {
    Time::from_secs(i64::try_from(seconds).unwrap())
}

fn sidecar(pod: u128, started: u64) -> Sidecar {
    Sidecar {
        pod: PodUid::from_u128(pod),
        started: Some(at(started)),
    }
}

fn rounds() -> Rounds {
    Rounds::new(at(BEGAN), false)
}

/// A round in which a sidecar answers with these counters by path; the paths that had requests.
fn round(rounds: &mut Rounds, sidecar: Sidecar, counters: &[(&str, u64)]) -> Vec<String> {
    part(rounds, sidecar, counters, true)
}

fn part(
    rounds: &mut Rounds,
    sidecar: Sidecar,
    counters: &[(&str, u64)],
    is_whole: bool,
) -> Vec<String> {
    let text: String = counters
        .iter()
        .map(|(path, value)| requests(&[("request_path", path)], *value))
        .collect();
    let mut known = rounds.begin(sidecar);
    let mut moved = Vec::new();
    each(text.as_bytes(), 999, |series, value| {
        if known.see(series, value) == Moved::Yes {
            moved.push(
                istio_watcher::Requests::read(series)
                    .unwrap()
                    .path
                    .to_string(),
            );
        }
    });
    rounds.end(sidecar.pod, known, is_whole);
    moved
}

#[test]
fn an_older_sidecar_begins_with_a_baseline_and_then_only_what_moves_counts() {
    let mut rounds = rounds();
    let old = sidecar(1, BEGAN - 500);
    assert!(round(&mut rounds, old, &[("/a", 5), ("/b", 7)]).is_empty());
    assert!(round(&mut rounds, old, &[("/a", 5), ("/b", 7)]).is_empty());
    assert_eq!(round(&mut rounds, old, &[("/a", 6), ("/b", 7)]), ["/a"]);
    // A path that was not there before is new.
    assert_eq!(
        round(
            &mut rounds,
            old,
            &[("/a", 6), ("/b", 7), ("/c", 1), ("/d", 0)]
        ),
        ["/c"]
    );
    let counts = rounds.counts();
    assert_eq!((counts.baseline, counts.moved, counts.restarts), (2, 2, 0));
}

#[test]
fn a_later_sidecar_counts_in_full_and_so_does_one_of_the_same_second() {
    let mut rounds = rounds();
    assert_eq!(
        round(&mut rounds, sidecar(1, BEGAN + 60), &[("/a", 5)]),
        ["/a"]
    );
    assert_eq!(round(&mut rounds, sidecar(2, BEGAN), &[("/a", 5)]), ["/a"]);
    assert!(round(&mut rounds, sidecar(3, BEGAN - 1), &[("/a", 5)]).is_empty());
    let unknown = Sidecar {
        started: None,
        ..sidecar(4, 0)
    };
    assert!(round(&mut rounds, unknown, &[("/a", 5)]).is_empty());
}

#[test]
fn with_history_everything_counts_once() {
    let mut rounds = Rounds::new(at(BEGAN), true);
    let old = sidecar(1, 1);
    assert_eq!(round(&mut rounds, old, &[("/a", 5)]), ["/a"]);
    assert!(round(&mut rounds, old, &[("/a", 5)]).is_empty());
}

#[test]
fn a_restart_is_known_by_its_start_even_when_counters_are_as_before() {
    let mut rounds = rounds();
    round(&mut rounds, sidecar(1, 10), &[("/a", 5), ("/b", 3)]);
    assert_eq!(
        round(&mut rounds, sidecar(1, BEGAN + 30), &[("/a", 5), ("/b", 2)]),
        ["/a", "/b"]
    );
    assert_eq!(rounds.counts().restarts, 1);
    assert!(round(&mut rounds, sidecar(1, BEGAN + 30), &[("/a", 5), ("/b", 2)]).is_empty());
}

#[test]
fn a_restart_is_known_by_a_counter_that_falls() {
    let mut rounds = rounds();
    let old = sidecar(1, 10);
    round(&mut rounds, old, &[("/a", 5), ("/b", 3), ("/c", 9)]);
    // `/a` was read before `/b` told it: it counts in the next round.
    assert_eq!(
        round(&mut rounds, old, &[("/a", 5), ("/b", 1), ("/c", 9)]),
        ["/b", "/c"]
    );
    assert_eq!(
        round(&mut rounds, old, &[("/a", 5), ("/b", 1), ("/c", 9)]),
        ["/a"]
    );
    assert!(round(&mut rounds, old, &[("/a", 5), ("/b", 1), ("/c", 9)]).is_empty());
    assert_eq!(rounds.counts().restarts, 1);
}

#[test]
fn replicas_are_counted_apart() {
    let mut rounds = rounds();
    for pod in [1, 2] {
        round(
            &mut rounds,
            sidecar(pod, 10),
            &[("/a", 10 * u64::try_from(pod).unwrap())],
        );
    }
    for pod in [1, 2, 1, 2] {
        assert!(
            round(
                &mut rounds,
                sidecar(pod, 10),
                &[("/a", 10 * u64::try_from(pod).unwrap())]
            )
            .is_empty()
        );
    }
}

#[test]
fn a_broken_answer_takes_nothing_away_and_a_baseline_ends_with_the_first_whole_one() {
    let mut rounds = rounds();
    let old = sidecar(1, 10);
    assert!(part(&mut rounds, old, &[("/a", 5)], false).is_empty());
    // `/b` was not reached then: nobody knows when it was requested.
    assert!(part(&mut rounds, old, &[("/a", 5), ("/b", 3)], true).is_empty());
    assert!(part(&mut rounds, old, &[("/b", 3)], false).is_empty());
    assert!(round(&mut rounds, old, &[("/a", 5), ("/b", 3)]).is_empty());
    assert_eq!(
        round(&mut rounds, old, &[("/a", 6), ("/b", 3), ("/c", 1)]),
        ["/a", "/c"]
    );
}

#[test]
fn what_is_gone_is_forgotten_series_and_sidecars() {
    let mut rounds = rounds();
    let later = sidecar(1, BEGAN + 5);
    round(&mut rounds, later, &[("/a", 1), ("/b", 1)]);
    round(&mut rounds, sidecar(2, 10), &[("/a", 1)]);
    assert_eq!(
        (
            rounds.held().sidecars,
            rounds.held().series,
            rounds.held().with_path
        ),
        (2, 3, 3)
    );
    round(&mut rounds, later, &[("/a", 1)]);
    assert_eq!(rounds.held().series, 2);
    // Envoy drops counters that are not used; when one is back, it begins at zero.
    assert_eq!(round(&mut rounds, later, &[("/a", 1), ("/b", 1)]), ["/b"]);
    rounds.retain(|pod| pod == later.pod);
    assert_eq!((rounds.held().sidecars, rounds.held().series), (1, 2));
}

#[test]
fn series_beyond_the_bound_tell_nothing_and_are_counted() {
    let mut rounds = rounds();
    let later = sidecar(1, BEGAN + 5);
    let mut known = rounds.begin(later);
    for number in 0..MAX_SERIES + 10 {
        let line = format!("istio_requests_total{{n=\"{number}\"}} 1\n");
        each(line.as_bytes(), usize::MAX, |series, value| {
            let expected = if number < MAX_SERIES {
                Moved::Yes
            } else {
                Moved::NoRoom
            };
            assert_eq!(known.see(series, value), expected);
        });
    }
    rounds.end(later.pod, known, true);
    assert_eq!(
        (rounds.held().series, rounds.counts().no_room),
        (MAX_SERIES, 10)
    );
}

proptest! {
    /// Of a sidecar that never starts anew: a path is told in a round exactly when its counter is another than in the round
    /// before, or new after the baseline.
    #[test]
    fn exactly_what_was_added_is_told(steps in vec(vec((0..5_u8, 0..3_u64), 0..6), 1..12), is_old: bool) {
        let mut rounds = rounds();
        let one = sidecar(1, if is_old { 10 } else { BEGAN + 10 });
        let mut counters: BTreeMap<String, u64> = BTreeMap::new();
        for (number, step) in steps.into_iter().enumerate() {
            let before = counters.clone();
            for (path, more) in step {
                *counters.entry(format!("/{path}")).or_default() += more;
            }
            let now: Vec<_> = counters.iter().map(|(path, value)| (path.as_str(), *value)).collect();
            let told = round(&mut rounds, one, &now);
            let added = counters.iter().filter(|(path, value)| **value > before.get(*path).copied().unwrap_or_default());
            let added: Vec<String> = added.map(|(path, _)| path.clone()).collect();
            if is_old && number == 0 {
                prop_assert!(told.is_empty());
            } else {
                prop_assert_eq!(told, added);
            }
        }
    }
}
