use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::Report;
use crate::client::batch::encode_offered;
use crate::client::limits::MAX_BATCH_BYTES;
use crate::input::AwsOperation;

const AT: Time = Time::from_secs(1_795_000_000);

/// A report of so many items, of which each has a number of its own.
fn report(first: usize, items: usize) -> Encoded {
    encode_offered(numbered(first, items), AT)
}

fn numbered(first: usize, items: usize) -> Report {
    let numbers = first..first + items;
    Report::Aws(
        numbers
            .map(|number| AwsOperation {
                resource: number.to_string().into(),
                ..AwsOperation::default()
            })
            .collect(),
    )
}

/// The numbers of a batch.
fn numbers(batch: &Batch) -> Vec<usize> {
    let Report::Aws(operations) = batch.report().unwrap() else {
        panic!("another kind");
    };
    let numbers = operations.iter();
    numbers.map(|of| of.resource.parse().unwrap()).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Offer(usize),
    Take,
    Delivered(usize),
    Again(bool),
    Halve,
    GiveUp,
    Leave,
    LeaveAtEnd,
    Left,
    Stay,
    Load,
    Read,
    Damaged,
    Wait(u64),
    End,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0_usize..30).prop_map(Step::Offer),
        8 => Just(Step::Take),
        4 => (0_usize..4).prop_map(Step::Delivered),
        3 => any::<bool>().prop_map(Step::Again),
        2 => Just(Step::Halve),
        1 => Just(Step::GiveUp),
        5 => Just(Step::Leave),
        1 => Just(Step::LeaveAtEnd),
        5 => Just(Step::Left),
        1 => Just(Step::Stay),
        5 => Just(Step::Load),
        5 => Just(Step::Read),
        1 => Just(Step::Damaged),
        1 => (0_u64..40).prop_map(Step::Wait),
    ];
    let end = prop::option::weighted(0.3, Just(Step::End));
    (prop::collection::vec(step, 0..120), end, 0_usize..20).prop_map(|(mut steps, end, at)| {
        if let Some(end) = end {
            let at = steps.len().saturating_sub(at);
            steps.insert(at, end);
        }
        steps
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever is done in whatever order: each item is delivered, dropped or held, and what is delivered comes once,
    /// the oldest first but for what had to go to the end of nothing.
    #[test]
    fn offered_is_delivered_dropped_or_held(steps in steps(), memory in 0_usize..8_000, folder in 0_u64..8_000) {
        let mut spool = Spool::new(Bounds { memory, folder });
        let mut files = BTreeMap::new();
        let (mut next, mut now, mut number) = (0, AT, 0);
        let (mut flight, mut leaving, mut delivered) = (None, None, Vec::new());
        for step in steps {
            match step {
                Step::Offer(items) => {
                    let before = spool.stats();
                    let lost = spool.offer(encode_offered(numbered(next, items), now));
                    next += items;
                    let after = spool.stats();
                    prop_assert_eq!(after.offered - before.offered, items as u64);
                    prop_assert_eq!(after.dropped_in_all() - before.dropped_in_all(), lost);
                }
                Step::Take => {
                    spool.expire(now);
                    flight = spool.take(MAX_BATCH_BYTES);
                }
                Step::Delivered(unknown) => {
                    spool.delivered(unknown, now);
                    if let Some(batch) = flight.take() {
                        delivered.extend(numbers(&batch));
                    }
                }
                Step::Again(is_suspect) => {
                    spool.again(is_suspect);
                    flight = None;
                }
                Step::Halve => {
                    if spool.halve() {
                        flight = None;
                    }
                }
                Step::GiveUp => {
                    spool.give_up(Reason::Refused);
                    flight = None;
                }
                Step::Leave => leaving = spool.leave_now(),
                Step::LeaveAtEnd => {
                    leaving = spool.leave_at_end();
                    flight = None;
                }
                Step::Left => if let Some(batches) = leaving.take() {
                    number += 1;
                    let name = format!("{number:06}");
                    let kept = Kept {
                        name: name.clone(),
                        bytes: batches.iter().map(|batch: &Batch| batch.json.len() as u64).sum(),
                        items: batches.iter().map(|batch| batch.items).sum(),
                        newest: batches.iter().map(|batch| batch.at).max().unwrap(),
                    };
                    files.insert(name, batches);
                    spool.left(kept);
                }
                Step::Stay => {
                    spool.stay();
                    leaving = None;
                }
                Step::Load => {
                    spool.next_file();
                }
                Step::Read => if let Some(name) = spool.next_file() {
                    spool.loaded(&name, files[&name].clone());
                }
                Step::Damaged => if let Some(name) = spool.next_file() {
                    spool.damaged(&name);
                }
                Step::Wait(minutes) => now = now.plus(Duration::from_mins(minutes)),
                Step::End => {
                    spool.end();
                    (flight, leaving) = (None, None);
                }
            }
            for name in std::mem::take(&mut spool.spent) {
                prop_assert!(files.remove(&name).is_some(), "{} is removed twice", name);
            }
            let stats = spool.stats();
            prop_assert_eq!(stats.offered, next as u64);
            prop_assert_eq!(stats.delivered + stats.dropped_in_all() + stats.held, stats.offered, "{:?}", stats);
            prop_assert!(stats.held_in_folder <= stats.held);
            prop_assert!(stats.folder <= folder, "{:?}", stats);
            prop_assert_eq!(spool.is_empty(), stats.held == 0 && spool.loaded.is_none());
            // What is being sent or written is not dropped in the meantime.
            let busy = spool.flight.iter().map(|(batch, _)| batch.cost());
            let busy: usize = busy.chain(spool.leaving.iter().map(Batch::cost)).sum();
            prop_assert!(stats.memory <= memory.max(busy), "{:?}", stats);
        }
        let mut sorted = delivered.clone();
        sorted.sort_unstable();
        sorted.dedup();
        prop_assert_eq!(sorted.len(), delivered.len(), "delivered twice");
        let stats = spool.stats();
        prop_assert_eq!(stats.delivered + stats.dropped(Reason::Unknown), delivered.len() as u64);
    }
}

#[test]
fn what_comes_first_goes_first_through_the_folder_too() {
    let mut spool = Spool::new(Bounds {
        memory: 1 << 20,
        folder: 1 << 20,
    });
    let mut kept = Vec::new();
    for first in [0, 10, 20] {
        spool.offer(report(first, 10));
        if first < 20 {
            let batches = spool.leave_now().unwrap();
            kept.push(batches.clone());
            spool.left(Kept {
                name: first.to_string(),
                bytes: 100,
                items: 10,
                newest: AT,
            });
        }
    }
    let mut delivered = Vec::new();
    loop {
        if let Some(name) = spool.next_file() {
            spool.loaded(&name, kept.remove(0));
        }
        let Some(batch) = spool.take(MAX_BATCH_BYTES) else {
            break;
        };
        delivered.extend(numbers(&batch));
        spool.delivered(0, AT);
    }
    assert_eq!(delivered, (0..30).collect::<Vec<_>>());
    assert_eq!(spool.spent, ["0", "10"]);
    assert!(spool.is_empty());
}

#[test]
fn what_comes_back_stays_in_front_of_what_has_gone_to_a_file_meanwhile() {
    let mut spool = Spool::new(Bounds {
        memory: 1 << 20,
        folder: 1 << 20,
    });
    spool.offer(report(0, 2));
    spool.take(MAX_BATCH_BYTES);
    spool.offer(report(2, 1));
    let leaving = spool.leave_now().unwrap();
    assert!(spool.halve());
    spool.left(Kept {
        name: "file".to_owned(),
        bytes: 100,
        items: 1,
        newest: AT,
    });
    spool.offer(report(3, 1));
    let mut order = Vec::new();
    loop {
        let batch = spool.take(MAX_BATCH_BYTES);
        if let Some(batch) = batch {
            order.extend(numbers(&batch));
            spool.delivered(0, AT);
        } else if let Some(name) = spool.next_file() {
            spool.loaded(&name, leaving.clone());
        } else if spool.is_empty() {
            break;
        }
    }
    assert_eq!(order, [0, 1, 2, 3]);
}

#[test]
fn what_came_back_makes_room_before_what_is_younger() {
    let cost = report(10, 10).batches[0].cost();
    let mut spool = Spool::new(Bounds {
        memory: 4 * cost,
        folder: 1 << 20,
    });
    spool.offer(report(10, 10));
    spool.take(MAX_BATCH_BYTES);
    spool.offer(report(20, 10));
    assert!(spool.leave_now().is_some());
    spool.again(false);
    for first in [30, 40] {
        assert_eq!(spool.offer(report(first, 10)), 0);
    }
    assert_eq!(spool.offer(report(50, 10)), 10);
    spool.stay();
    let mut left = Vec::new();
    while let Some(batch) = spool.take(MAX_BATCH_BYTES) {
        left.extend(numbers(&batch));
        spool.delivered(0, AT);
    }
    assert_eq!(left, (20..60).collect::<Vec<_>>());
}

#[test]
fn the_oldest_makes_room_and_is_counted_exactly() {
    let cost = report(0, 10).batches[0].cost();
    let mut spool = Spool::new(Bounds {
        memory: 3 * cost + cost / 2,
        folder: 0,
    });
    let lost: Vec<u64> = [1, 11, 21, 31, 41]
        .into_iter()
        .map(|first| spool.offer(report(first * 10, 10)))
        .collect();
    assert_eq!(lost, [0, 0, 0, 10, 10]);
    let stats = spool.stats();
    assert_eq!((stats.held, stats.dropped(Reason::Full)), (30, 20));
    let batch = spool.take(MAX_BATCH_BYTES).unwrap();
    assert_eq!((batch.items, numbers(&batch)[0]), (10, 210));
}

#[test]
fn small_reports_go_together_in_a_quarter_of_the_memory_at_the_most() {
    let bytes = report(10, 10).batches[0].json.len();
    for (memory, together) in [(1 << 20, 30), (4 * (2 * bytes + 2), 20), (4 * bytes, 10)] {
        let mut spool = Spool::new(Bounds { memory, folder: 0 });
        for first in [10, 20, 30] {
            spool.offer(report(first, 10));
        }
        assert_eq!(
            spool.take(MAX_BATCH_BYTES).map(|batch| batch.items),
            Some(together)
        );
    }
}

#[test]
fn what_is_too_old_goes_and_so_do_its_files() {
    let mut spool = Spool::new(Bounds {
        memory: 1 << 20,
        folder: 1 << 20,
    });
    spool.offer(report(0, 10));
    assert!(spool.leave_now().is_some());
    spool.left(Kept {
        name: "old".to_owned(),
        bytes: 100,
        items: 10,
        newest: AT,
    });
    spool.offer(report(10, 5));
    spool.expire(AT.plus(MAX_HELD_FOR));
    assert_eq!(spool.stats().held, 15);
    spool.expire(AT.plus(MAX_HELD_FOR + Duration::from_secs(1)));
    assert_eq!(
        (spool.stats().held, spool.stats().dropped(Reason::Old)),
        (0, 15)
    );
    assert_eq!(spool.spent, ["old"]);
}

#[test]
fn what_an_earlier_run_has_left_counts_as_offered() {
    let mut spool = Spool::new(Bounds {
        memory: 1 << 20,
        folder: 250,
    });
    let file = |name: &str| Kept {
        name: name.to_owned(),
        bytes: 100,
        items: 7,
        newest: AT,
    };
    spool.recover(vec![file("1"), file("2"), file("3")], 2);
    let stats = spool.stats();
    assert_eq!((stats.offered, stats.recovered, stats.held), (21, 21, 14));
    assert_eq!((stats.dropped(Reason::Full), stats.set_aside), (7, 2));
    assert_eq!(spool.spent, ["1"]);
}
