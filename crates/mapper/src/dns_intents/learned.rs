//! What the writer hands over: an address that a pod got for a name outside the cluster.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use map::{DnsName, Time};
use tokio::sync::mpsc;

use crate::limits::{LEAST_LIFETIME, LONGEST_LIFETIME, MAX_IN_LESSON};

/// A name outside the cluster has this address for so long from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Learned {
    pub(crate) name: DnsName,
    pub(crate) address: IpAddr,
    pub(crate) left: Duration,
}

/// An answer that was seen at `seen`, with this time to live in seconds, as it counts at `now`; `None` if it counts no
/// more.
pub(crate) fn lesson(
    name: &DnsName,
    address: IpAddr,
    ttl: u32,
    seen: Time,
    now: Time,
) -> Option<Learned> {
    let lifetime = Duration::from_secs(u64::from(ttl)).clamp(LEAST_LIFETIME, LONGEST_LIFETIME);
    let until = seen.plus(lifetime);
    (until > now).then(|| Learned {
        name: name.clone(),
        address: address.to_canonical(),
        left: until.since(now).min(lifetime),
    })
}

/// The writer's end: it never waits here.
#[derive(Clone, Debug)]
pub(crate) struct Teacher {
    lessons: mpsc::Sender<Vec<Learned>>,
    dropped: Arc<AtomicU64>,
}

impl Teacher {
    /// What finds no room is counted in `dropped`.
    pub(super) const fn new(lessons: mpsc::Sender<Vec<Learned>>, dropped: Arc<AtomicU64>) -> Self {
        Self { lessons, dropped }
    }

    /// Hands over what was learned since the last time.
    pub(crate) fn teach(&self, mut lessons: Vec<Learned>) {
        while !lessons.is_empty() {
            let rest = lessons.split_off(lessons.len().min(MAX_IN_LESSON));
            if let Err(error) = self.lessons.try_send(lessons) {
                let lost = error.into_inner().len() + rest.len();
                self.dropped.fetch_add(lost as u64, Relaxed);
                return;
            }
            lessons = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_for_its_time_to_live_within_bounds_from_when_it_was_seen() {
        let name = DnsName::new("a.org");
        let address: IpAddr = "::ffff:203.0.113.1".parse().unwrap();
        let left = |ttl, seen, now| {
            let (seen, now) = (Time::from_secs(seen), Time::from_secs(now));
            lesson(&name, address, ttl, seen, now).map(|learned| learned.left.as_secs())
        };
        assert_eq!(left(300, 1000, 1000), Some(300));
        assert_eq!(left(300, 1000, 1100), Some(200));
        assert_eq!(left(0, 1000, 1000), Some(120));
        assert_eq!(left(u32::MAX, 1000, 1000), Some(3600));
        assert_eq!(left(300, 1000, 1300), None);
        assert_eq!(left(300, 1005, 1000), Some(300), "a clock ahead of ours");
        let learned = lesson(&name, address, 0, Time::EPOCH, Time::EPOCH).unwrap();
        assert_eq!(learned.address.to_string(), "203.0.113.1");
    }

    #[test]
    fn what_finds_no_room_is_counted_and_nobody_waits() {
        let dropped = Arc::new(AtomicU64::new(0));
        let (lessons, mut taken) = mpsc::channel(1);
        let teacher = Teacher::new(lessons, Arc::clone(&dropped));
        let name = DnsName::new("a.org");
        let one = lesson(
            &name,
            "203.0.113.1".parse().unwrap(),
            0,
            Time::EPOCH,
            Time::EPOCH,
        );
        let one = one.unwrap();
        teacher.teach(vec![one.clone()]);
        teacher.teach(vec![one.clone(), one.clone()]);
        teacher.teach(Vec::new());
        assert_eq!(dropped.load(Relaxed), 2);
        assert_eq!(taken.try_recv().unwrap(), [one]);
    }
}
