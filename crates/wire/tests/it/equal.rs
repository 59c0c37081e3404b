//! The two routes take the same requests, to the same records.

use proptest::prelude::*;
use wire::{Decoded, decode};

use crate::generate;
use crate::schema::{Said, by_engine};

/// What the fast route says; none if it leaves the request to the engine.
fn by_text(body: &[u8]) -> (Option<Said>, String) {
    match decode(body) {
        Decoded::Recognised(report) => (Some(Said::Taken(report)), String::new()),
        Decoded::Undecodable(error) => (Some(Said::Refused(400)), error),
        Decoded::Invalid(error) => (Some(Said::Refused(422)), error),
        Decoded::NotRecognised(_) => (None, String::new()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn both_routes_say_the_same(body in generate::body()) {
        let (fast, why_fast) = by_text(body.as_bytes());
        if let Some(fast) = fast {
            let (slow, why_slow) = by_engine(body.as_bytes());
            prop_assert_eq!(fast, slow, "{} | {} | {}", body, why_fast, why_slow);
        }
    }

    #[test]
    fn what_is_written_is_read_by_both(body in generate::body()) {
        if let Decoded::Recognised(report) = decode(body.as_bytes()) {
            let body = crate::requests::body(&report);
            prop_assert_eq!(by_text(body.as_bytes()).0, Some(Said::Taken(report.clone())));
            prop_assert_eq!(by_engine(body.as_bytes()).0, Said::Taken(report));
        }
    }

    #[test]
    fn cut_or_changed_bodies_end_in_a_verdict(
        body in generate::body(),
        at: prop::sample::Index,
        byte: u8,
        cut: bool,
    ) {
        let mut body = body.into_bytes();
        let at = at.index(body.len());
        if cut {
            body.truncate(at);
        } else {
            body[at] = byte;
        }
        let (fast, why_fast) = by_text(&body);
        if let Some(fast) = fast {
            let (slow, why_slow) = by_engine(&body);
            let body = String::from_utf8_lossy(&body);
            prop_assert_eq!(fast, slow, "{} | {} | {}", body, why_fast, why_slow);
        }
    }
}

/// Were most bodies refused, or left to the engine, the properties above would say little.
#[test]
fn the_generator_makes_some_of_every_verdict() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut counts = [0_u32; 4];
    for _ in 0..1000 {
        let body = generate::body().new_tree(&mut runner).unwrap().current();
        counts[match decode(body.as_bytes()) {
            Decoded::Recognised(_) => 0,
            Decoded::NotRecognised(_) => 1,
            Decoded::Invalid(_) => 2,
            Decoded::Undecodable(_) => 3,
        }] += 1;
    }
    assert!(
        counts[0] > 300 && counts.iter().all(|count| *count > 30),
        "{counts:?}"
    );
}
