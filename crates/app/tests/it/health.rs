//! Conditions and what they say together.

use app::health::{Affects, Health, HealthError, MAX_CONDITIONS, MAX_REASON};

#[test]
fn without_conditions_all_is_well() {
    let health = Health::new();
    assert!(health.alive().ok && health.ready().ok);
    assert_eq!(health.alive().text, "ok\n");
}

#[test]
fn a_condition_fails_until_it_is_said_to_hold() {
    let health = Health::new();
    let synced = health
        .add("synced", Affects::Readiness, "pods are not listed yet")
        .unwrap();
    assert!(!health.ready().ok);
    assert_eq!(
        health.ready().text,
        "failing\nsynced: failing: pods are not listed yet\n"
    );
    synced.holds();
    assert_eq!(health.ready().text, "ok\nsynced: ok\n");
    synced.clone().fails("watch broke");
    assert_eq!(
        health.ready().text,
        "failing\nsynced: failing: watch broke\n"
    );
}

#[test]
fn what_only_hinders_work_does_not_end_life() {
    let health = Health::new();
    let capture = health.add("capture", Affects::Life, "not open").unwrap();
    health.add("synced", Affects::Readiness, "not yet").unwrap();
    assert_eq!(health.alive().text, "failing\ncapture: failing: not open\n");
    capture.holds();
    assert!(health.alive().ok && !health.ready().ok);
    assert_eq!(
        health.ready().text,
        "failing\ncapture: ok\nsynced: failing: not yet\n"
    );
}

#[test]
fn a_reason_is_one_line_and_bounded() {
    let health = Health::new();
    let condition = health
        .add("capture", Affects::Life, "a\nsynced: ok")
        .unwrap();
    assert_eq!(
        health.alive().text,
        "failing\ncapture: failing: a synced: ok\n"
    );
    condition.fails(&"€".repeat(MAX_REASON));
    assert!(health.alive().text.len() < MAX_REASON + 64);
}

#[test]
fn names_are_unique_and_conditions_few() {
    let health = Health::new();
    health.add("a", Affects::Life, "").unwrap();
    let twice = health.add("a", Affects::Readiness, "").unwrap_err();
    assert_eq!(twice.to_string(), "the condition a was added twice");
    for n in 1..MAX_CONDITIONS {
        health
            .add(Box::leak(n.to_string().into_boxed_str()), Affects::Life, "")
            .unwrap();
    }
    assert_eq!(
        health.add("one more", Affects::Life, "").unwrap_err(),
        HealthError::Full("one more")
    );
}
