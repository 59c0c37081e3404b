//! What is told, and told once.

use istio_watcher::{Ledger, MAX_PATHS, Outcome, Requests, TOLD_FOR};
use map::{HttpMethod, Time};

use crate::text::{each, requests};

fn at(seconds: i64) -> Time {
    Time::from_secs(10_000 + seconds)
}

fn take(ledger: &mut Ledger, changes: &[(&str, &str)], seconds: i64) {
    each(requests(changes, 1).as_bytes(), usize::MAX, |series, _| {
        ledger.take(Requests::read(series).unwrap(), at(seconds));
    });
}

/// `client server path methods`, a line for each that is due.
fn due(ledger: &mut Ledger, seconds: i64) -> Vec<String> {
    let due = ledger.due(at(seconds)).into_iter();
    due.map(|(key, entry)| {
        let mut methods: Vec<_> = entry.methods.named().map(HttpMethod::as_str).collect();
        methods.extend(entry.methods.has_other().then_some("other"));
        format!(
            "{}/{} {}/{} {} {}",
            key.client.namespace,
            key.client.workload,
            key.server.namespace,
            key.server.workload,
            key.path,
            methods.join(",")
        )
    })
    .collect()
}

#[test]
fn many_series_of_one_path_are_one_and_namespaces_tell_pairs_apart() {
    let mut ledger = Ledger::new(false);
    take(
        &mut ledger,
        &[("reporter", "source"), ("request_method", "POST")],
        0,
    );
    take(&mut ledger, &[("response_code", "404")], 1);
    take(&mut ledger, &[("request_method", "HEAD")], 2);
    take(&mut ledger, &[("source_workload_namespace", "other")], 3);
    assert_eq!(
        due(&mut ledger, 5),
        [
            "other/web shop/api / GET",
            "shop/web shop/api / GET,POST,other"
        ]
    );
    assert_eq!(
        (ledger.counts().taken, ledger.counts().other_method),
        (4, 1)
    );
}

#[test]
fn it_is_told_once_and_again_when_it_is_seen_again_or_the_mapper_lost_it() {
    let mut ledger = Ledger::new(false);
    take(&mut ledger, &[], 0);
    assert_eq!(due(&mut ledger, 1).len(), 1);
    assert!(due(&mut ledger, 2).is_empty());
    take(&mut ledger, &[], 3);
    assert_eq!(ledger.due(at(4))[0].1.last_seen, at(3));
    assert_eq!(ledger.tell_again(), 1);
    assert_eq!(ledger.due(at(5))[0].1.last_seen, at(3));
    let later = 3 + i64::try_from(TOLD_FOR.as_secs()).unwrap();
    assert!(due(&mut ledger, later).is_empty());
    assert_eq!((ledger.tell_again(), ledger.held().0), (0, 0));
}

#[test]
fn attempts_are_apart_from_what_was_answered() {
    let mut ledger = Ledger::new(false);
    take(&mut ledger, &[], 0);
    take(
        &mut ledger,
        &[("response_code", "503"), ("response_flags", "UH")],
        0,
    );
    let outcomes: Vec<_> = ledger
        .due(at(1))
        .into_iter()
        .map(|(key, _)| key.outcome)
        .collect();
    assert_eq!(outcomes, [Outcome::Answered, Outcome::Unanswered]);
}

#[test]
fn paths_beyond_a_hundred_of_one_pair_are_folded_and_counted_and_other_pairs_are_not() {
    let mut ledger = Ledger::new(false);
    for user in 0..1_000 {
        take(
            &mut ledger,
            &[("request_path", &format!("/users/{user}"))],
            0,
        );
    }
    take(
        &mut ledger,
        &[
            ("destination_workload", "other"),
            ("request_path", "/users/1"),
        ],
        0,
    );
    let due = due(&mut ledger, 1);
    assert_eq!(due.len(), MAX_PATHS + 2);
    assert!(due.contains(&"shop/web shop/api /users/* GET".to_owned()));
    assert!(due.contains(&"shop/web shop/other /users/1 GET".to_owned()));
    assert_eq!(ledger.counts().folded, 900);
}

#[test]
fn with_templates_identifiers_are_one_path() {
    let mut ledger = Ledger::new(true);
    for user in 0..1_000 {
        take(
            &mut ledger,
            &[("request_path", &format!("/users/{user}/orders"))],
            0,
        );
    }
    assert_eq!(
        due(&mut ledger, 1),
        ["shop/web shop/api /users/{id}/orders GET"]
    );
}
