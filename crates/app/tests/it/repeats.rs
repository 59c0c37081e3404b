//! Problems that repeat: printed a few times, then summed up.

use std::time::Duration;

use app::log::Shape;
use app::log::repeats::{MAX_PROBLEMS, PRINTED, WINDOW};
use proptest::prelude::*;
use serde_json::Value;
use tracing::{error, info, warn};

use crate::capture::{Capture, NOW};

/// One place in the code, whatever the message.
fn complain(about: &str) {
    warn!(about, "refused: {about}");
}

/// How many lines these stand for: each for itself, or a sum for many.
fn stands_for(lines: &[Value]) -> u64 {
    lines
        .iter()
        .map(|line| line["repeated"].as_u64().unwrap_or(1))
        .sum()
}

#[test]
fn the_first_few_are_printed_and_the_rest_is_summed_up_after_a_minute() {
    let capture = Capture::new(Shape::Json);
    capture.during(|| (0..1_237).for_each(|_| complain("a")));
    assert_eq!(capture.messages(), vec!["refused: a"; PRINTED as usize]);
    capture.pass(WINDOW.saturating_sub(Duration::from_millis(1)));
    capture.log.tick();
    assert_eq!(capture.text(), "");
    capture.pass(Duration::from_millis(1));
    capture.log.tick();
    let lines = capture.lines();
    assert_eq!(
        lines[0]["msg"],
        "refused: a … 1 234 more like this in the last minute"
    );
    assert_eq!(
        (&lines[0]["level"], &lines[0]["repeated"]),
        (&"warning".into(), &1_234.into())
    );
    capture.log.tick();
    capture.log.flush();
    assert_eq!(capture.text(), "");
}

#[test]
fn a_new_minute_prints_anew() {
    let capture = Capture::new(Shape::Json);
    capture.during(|| {
        (0..5).for_each(|_| complain("a"));
        capture.pass(WINDOW);
        (0..5).for_each(|_| complain("a"));
    });
    let printed = PRINTED as usize;
    let messages = capture.messages();
    assert_eq!(messages.len(), 2 * printed + 1);
    assert_eq!(
        messages[printed],
        "refused: a … 2 more like this in the last minute"
    );
}

#[test]
fn the_end_of_the_process_prints_what_was_counted() {
    let capture = Capture::new(Shape::Json);
    capture.during(|| (0..5).for_each(|_| complain("a")));
    capture.text();
    capture.pass(Duration::from_secs(12));
    capture.log.flush();
    assert_eq!(
        capture.messages(),
        ["refused: a … 2 more like this in the last 12 s"]
    );
}

#[test]
fn few_problems_leave_no_sum() {
    let capture = Capture::new(Shape::Json);
    capture.during(|| (0..PRINTED).for_each(|_| complain("a")));
    assert_eq!(capture.messages().len(), PRINTED as usize);
    capture.log.flush();
    assert_eq!(capture.text(), "");
}

#[test]
fn another_message_or_another_place_is_another_problem() {
    let capture = Capture::new(Shape::Json);
    capture.during(|| {
        for _ in 0..10 {
            complain("a");
            complain("b");
            error!("refused: a");
        }
    });
    assert_eq!(capture.lines().len(), 3 * PRINTED as usize);
}

#[test]
fn what_is_no_problem_is_always_printed() {
    let capture = Capture::new(Shape::Json);
    capture.during(|| (0..100).for_each(|_| info!("fine")));
    assert_eq!(capture.lines().len(), 100);
}

#[test]
fn messages_from_outside_fill_no_memory_and_hide_no_other_problem() {
    let capture = Capture::new(Shape::Json);
    capture.during(|| {
        (0..10_000).for_each(|n| complain(&n.to_string()));
        error!("the disk is full");
    });
    let lines = capture.lines();
    assert_eq!(lines.len(), MAX_PROBLEMS + PRINTED as usize + 1);
    assert_eq!(lines.last().unwrap()["msg"], "the disk is full");
    capture.log.flush();
    let sums = capture.lines();
    assert_eq!(sums.len(), 1);
    assert_eq!(stands_for(&lines) + stands_for(&sums), 10_001);
}

#[test]
fn a_clock_that_steps_back_ends_the_minute() {
    let capture = Capture::new(Shape::Json);
    capture.during(|| (0..5).for_each(|_| complain("a")));
    capture.text();
    capture.set(NOW.minus(Duration::from_hours(1)));
    capture.log.tick();
    assert_eq!(
        capture.messages(),
        ["refused: a … 2 more like this in the last second"]
    );
}

proptest! {
    #[test]
    fn every_line_is_printed_or_counted(steps in prop::collection::vec((0..600_u32, 0..20_000_u64), 1..400)) {
        let capture = Capture::new(Shape::Json);
        capture.during(|| {
            for (message, millis) in &steps {
                capture.pass(Duration::from_millis(*millis));
                complain(&message.to_string());
            }
        });
        capture.log.flush();
        prop_assert_eq!(stands_for(&capture.lines()), steps.len() as u64);
    }
}
