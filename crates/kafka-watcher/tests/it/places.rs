//! Reading goes on where it had stopped: nothing twice, nothing lost, and what is missing is known.

use kafka_watcher::place::{Passage, Place, Take};
use map::Time;
use proptest::prelude::*;

fn at(nanos: i64) -> Time {
    Time::from_nanos(nanos)
}

#[test]
fn nothing_before_the_first_time_is_wanted_and_all_after_it_is() {
    let mut passage = Passage::resume(Place::from(at(10)));
    let takes = [9, 10, 10, 8, 11].map(|stamp| passage.take(at(stamp)));
    // A clock that steps back within the log takes nothing away.
    assert_eq!(
        takes,
        [Take::Again, Take::New, Take::New, Take::New, Take::New]
    );
    assert_eq!(
        passage.place(),
        Place {
            at: at(11),
            lines: 1
        }
    );
}

#[test]
fn a_line_that_was_taken_and_is_gone_is_a_gap() {
    let place = Place {
        at: at(10),
        lines: 2,
    };
    let mut passage = Passage::resume(place);
    let takes = [9, 10, 10, 10, 12].map(|stamp| passage.take(at(stamp)));
    let again = Take::Again;
    assert_eq!(takes, [again, again, again, Take::New, Take::New]);
    for stamps in [vec![11], vec![10, 11]] {
        let mut passage = Passage::resume(place);
        let takes: Vec<Take> = stamps
            .iter()
            .map(|stamp| passage.take(at(*stamp)))
            .collect();
        assert_eq!(takes.last(), Some(&Take::NewBehindGap));
    }
}

proptest! {
    /// A log that breaks off anywhere, any number of times, and is given again from the beginning of the second.
    #[test]
    fn each_line_is_taken_once_however_often_the_log_breaks_off(
        steps in prop::collection::vec(0_i64..3, 1..60),
        breaks in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let second = 4;
        let mut stamp = 100;
        let stamps: Vec<i64> = steps.iter().map(|step| { stamp += step; stamp }).collect();
        let mut place = Place::from(at(0));
        let mut taken = Vec::new();
        let ends = breaks.iter().map(|index| index.index(stamps.len()) + 1).chain([stamps.len()]);
        for end in ends {
            let mut passage = Passage::resume(place);
            let since = place.at.as_nanos() / second * second;
            for (line, stamp) in stamps.iter().enumerate().take(end) {
                if *stamp >= since {
                    match passage.take(at(*stamp)) {
                        Take::New => taken.push(line),
                        Take::Again => {}
                        Take::NewBehindGap => prop_assert!(false, "nothing was rotated away"),
                    }
                }
            }
            place = passage.place();
        }
        prop_assert_eq!(taken, (0..stamps.len()).collect::<Vec<_>>());
    }
}
