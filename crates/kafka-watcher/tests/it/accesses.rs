//! Each access once, with its last time.

use std::sync::Arc;
use std::time::Duration;

use kafka_watcher::line::{Access, Pattern};
use kafka_watcher::{Accesses, Broker, Fate, Operation};
use map::Time;

fn broker(pod: &str) -> Arc<Broker> {
    Arc::new(Broker {
        namespace: "kafka".into(),
        pod: pod.into(),
        addresses: vec!["10.0.0.1".parse().unwrap()],
    })
}

fn access(topic: &str) -> Access<'_> {
    Access {
        host: "10.0.0.9".parse().unwrap(),
        topic,
        pattern: Pattern::Literal,
        operation: Operation::Read,
        allowed: true,
    }
}

fn at(seconds: i64) -> Time {
    Time::from_secs(seconds)
}

#[test]
fn what_was_seen_is_told_once_with_its_last_time_and_again_when_it_is_seen_later() {
    let mut all = Accesses::default();
    let broker = broker("kafka-0");
    for second in [5, 9, 7] {
        assert_eq!(all.see(&broker, &access("a"), at(second)), Fate::Kept);
    }
    let told = all.news(at(10));
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].0.topic.as_str(), told[0].1), ("a", at(9)));
    assert_eq!(all.news(at(10)), []);
    // An earlier one, such as comes again after a break, is no news.
    all.see(&broker, &access("a"), at(8));
    assert_eq!(all.news(at(10)), []);
    all.see(&broker, &access("a"), at(11));
    assert_eq!(all.news(at(12)), [(told[0].0.clone(), at(11))]);
    // To a mapper with another map.
    assert_eq!(all.all(at(12)), [(told[0].0.clone(), at(11))]);
}

#[test]
fn everything_that_makes_a_difference_is_told_apart() {
    let mut all = Accesses::default();
    let base = access("a");
    let different = [
        base,
        access("b"),
        Access {
            host: "10.0.0.8".parse().unwrap(),
            ..base
        },
        Access {
            pattern: Pattern::Prefixed,
            ..base
        },
        Access {
            operation: Operation::Write,
            ..base
        },
        Access {
            allowed: false,
            ..base
        },
    ];
    for pod in ["kafka-0", "kafka-1"] {
        for access in &different {
            all.see(&broker(pod), access, at(1));
        }
    }
    assert_eq!(all.news(at(2)).len(), 2 * different.len());
}

#[test]
fn the_brokers_own_pod_is_no_client() {
    let mut all = Accesses::default();
    for host in ["127.0.0.1", "::1", "10.0.0.1"] {
        let own = Access {
            host: host.parse().unwrap(),
            ..access("a")
        };
        assert_eq!(all.see(&broker("kafka-0"), &own, at(1)), Fate::Own);
    }
    assert!(all.is_empty());
}

#[test]
fn a_full_table_takes_what_it_knows_and_has_room_again_after_an_hour() {
    let mut all = Accesses::with_room(2);
    let broker = broker("kafka-0");
    for topic in ["a", "b"] {
        assert_eq!(all.see(&broker, &access(topic), at(1)), Fate::Kept);
    }
    assert_eq!(all.see(&broker, &access("c"), at(2)), Fate::Full);
    assert_eq!(all.see(&broker, &access("a"), at(1000)), Fate::Kept);
    let hour = Duration::from_hours(1);
    assert_eq!(all.news(at(2).plus(hour)).len(), 2);
    assert_eq!(all.len(), 1);
    assert_eq!(all.see(&broker, &access("c"), at(3)), Fate::Kept);
}
