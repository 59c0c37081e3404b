//! What was reported already is not reported again at once, and nothing is lost on the way.

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::time::Duration;

use map::{
    Answer, Connection, DnsName, Evidence, Observation, Outcome, PodUid, Protocol, Source, Target,
    Time,
};
use proptest::prelude::*;
use sniffer::Known;
use sniffer::limits::{KEEP_KNOWN, MAX_KNOWN, REFRESH, TRIM_KNOWN};

fn at(seconds: i64) -> Time {
    Time::from_secs(1_700_000_000 + seconds)
}

fn observation(source: u8, port: u16, first: i64, last: i64, connections: u64) -> Observation {
    let connection = Connection {
        protocol: Protocol::Tcp,
        meant: ([10, 96, 0, 1], port).into(),
        reached: None,
        server_pod: None,
        outcome: Outcome::Accepted,
    };
    Observation {
        source: Source {
            address: [10, 0, 0, source].into(),
            pod_uid: source
                .is_multiple_of(2)
                .then(|| PodUid::from_u128(source.into())),
        },
        target: Target::Connection(connection),
        evidence: Evidence::Tcp,
        first_seen: at(first),
        last_seen: at(last),
        connections,
        ttl: 0,
    }
}

#[test]
fn what_is_new_leaves_at_once_and_what_is_not_waits_for_the_others() {
    let mut known = Known::new(RandomState::new());
    let first = observation(2, 80, 0, 0, 1);
    assert_eq!(known.see(first.clone()), Some(first));
    assert_eq!(known.see(observation(2, 80, 1, 2, 3)), None);
    assert_eq!(known.see(observation(2, 80, 4, 4, 1)), None);
    assert_eq!((known.len(), known.waiting()), (1, 1));
    let pause = i64::try_from(REFRESH.as_secs()).unwrap();
    assert!(known.due(at(pause - 1)).is_empty());
    // All that was counted, over the time since the last report.
    assert_eq!(known.due(at(pause)), [observation(2, 80, 1, 4, 5)]);
    assert!(known.due(at(10 * pause)).is_empty());
    assert_eq!(known.see(observation(2, 80, 20, 20, 1)), None);
    assert_eq!(known.rest(at(20)), [observation(2, 80, 20, 20, 6)]);
    let counts = known.counts();
    assert_eq!((counts.new, counts.folded, counts.refreshed), (1, 3, 2));
}

#[test]
fn an_answer_with_another_time_to_live_is_the_same_answer() {
    let mut known = Known::new(RandomState::new());
    let answer = |ttl| Observation {
        target: Target::Answer(Answer {
            name: DnsName::new("shop.example"),
            address: Some([192, 0, 2, 1].into()),
        }),
        evidence: Evidence::Dns,
        ttl,
        ..observation(2, 0, 0, 0, 1)
    };
    assert!(known.see(answer(30)).is_some());
    assert!(known.see(answer(60)).is_none());
    assert!(known.see(answer(10)).is_none());
    assert_eq!(known.rest(at(0))[0].ttl, 60);
}

#[test]
fn a_mapper_that_forgot_is_told_everything_over_a_time_that_one_holder_answers_for() {
    let mut known = Known::new(RandomState::new());
    for source in [1, 2] {
        known.see(observation(source, 80, 0, 0, 1));
        known.see(observation(source, 80, 100, 110, 1));
    }
    let mut all = known.all(at(120));
    all.sort_by_key(|one| one.source);
    // Whose address the first is, nobody knows: only the last stretch can be told of one holder.
    assert_eq!(
        all,
        [
            observation(1, 80, 100, 110, 2),
            observation(2, 80, 0, 110, 2)
        ]
    );
    assert_eq!(known.waiting(), 0);
    assert!(known.rest(at(121)).is_empty());
}

#[test]
fn a_full_table_reports_each_time_and_makes_room_by_age() {
    let mut known = Known::new(RandomState::new());
    for n in 0..MAX_KNOWN {
        let (source, port) = (n / 50_000, n % 50_000);
        let (source, port) = (u8::try_from(source).unwrap(), u16::try_from(port).unwrap());
        assert!(known.see(observation(source, port, 0, 0, 1)).is_some());
    }
    let more = observation(200, 1, 1, 1, 1);
    assert!(known.see(more.clone()).is_some());
    assert!(known.see(more.clone()).is_some());
    assert_eq!((known.len(), known.counts().not_remembered), (MAX_KNOWN, 2));
    let later = i64::try_from((KEEP_KNOWN + TRIM_KNOWN).as_secs()).unwrap();
    let later = observation(200, 1, later, later, 1);
    assert!(known.see(later.clone()).is_some());
    assert_eq!(known.len(), 1);
    assert!(known.see(later).is_none());
}

proptest! {
    /// Whatever comes, in whatever steps: what is told adds up to what was seen.
    #[test]
    fn nothing_is_lost_and_nothing_counts_twice(
        steps in prop::collection::vec((0_u8..4, 0_u16..3, 0_i64..8, 1_u64..5, any::<bool>()), 1..80),
    ) {
        let mut known = Known::new(RandomState::new());
        let mut seen: BTreeMap<(Source, Target), (Time, Time, u64)> = BTreeMap::new();
        let mut told: BTreeMap<(Source, Target), (Time, Time, u64)> = BTreeMap::new();
        let mut tell = |observations: Vec<Observation>| for one in observations {
            let entry = told.entry((one.source, one.target)).or_insert((one.first_seen, one.last_seen, 0));
            *entry = (entry.0.min(one.first_seen), entry.1.max(one.last_seen), entry.2.max(one.connections));
        };
        let (mut now, mut came) = (0, 0);
        for (source, port, step, connections, look) in steps {
            now += step;
            came += 1;
            let one = observation(source, port, now - 1, now, connections);
            let entry = seen.entry((one.source, one.target.clone())).or_insert((one.first_seen, one.last_seen, 0));
            *entry = (entry.0.min(one.first_seen), entry.1.max(one.last_seen), entry.2 + connections);
            tell(known.see(one).into_iter().collect());
            if look {
                tell(known.due(at(now)));
            }
        }
        tell(known.rest(at(now)));
        prop_assert_eq!(seen, told);
        let counts = known.counts();
        prop_assert_eq!(counts.new + counts.folded, came);
        prop_assert_eq!(known.waiting(), 0);
        prop_assert!(known.due(at(now).plus(Duration::from_mins(1))).is_empty());
    }
}
