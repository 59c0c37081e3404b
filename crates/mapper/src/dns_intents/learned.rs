//! How the writer hands over what it learned.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::sync::mpsc;

use crate::lesson::Learned;
use crate::limits::MAX_IN_LESSON;

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
    use map::{DnsName, Time};

    use super::*;
    use crate::lesson::lesson;

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
