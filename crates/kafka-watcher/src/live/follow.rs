//! One container's log, from a place on, for ever.
//!
//! ```text
//! open, from the last second on ─► lines ─► skip what was taken ─► State
//!   ▲                                │
//!   └── it ended, broke off, is silent, or the container was started again: then first the log of the one before
//! ```

use std::sync::Arc;
use std::time::Duration;

use app::clock;
use cluster::live::{Lines, LogRequest, LogStream, PodLogs, RequestError};
use map::Time;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::backoff::Backoff;
use super::state::{Gap, Inner, Intake, LogName, Read, State};
use crate::accesses::Broker;
use crate::limits::{LAST_LINES, MAX_LINE, PREVIOUS_TRIES, RESTART_IS_TOLD, SILENT_FOR};
use crate::place::{Passage, Place, Take};

/// A log that is followed; ends when it is dropped, at any point.
pub(crate) struct Follow {
    pub(crate) logs: PodLogs,
    pub(crate) name: LogName,
    pub(crate) state: State,
    /// How often the container was started again, as is known at the time.
    pub(crate) restarts: watch::Receiver<u32>,
    /// Where to begin.
    pub(crate) from: Read,
    pub(crate) intake: Intake,
    /// Where the line that was taken last was not found again, and since when. It may be the log of another container,
    /// whose start the pod does not tell yet.
    pub(crate) suspected: Option<(Place, Instant)>,
}

/// Why a way through a log has ended.
enum Ended {
    /// There is no more.
    Sound,
    /// It is silent, and to be opened anew.
    Silent,
    /// The container was started again.
    Restarted,
    /// It broke off.
    Failed(RequestError),
}

/// A way through one log.
struct Way {
    passage: Passage,
    lines: Lines,
    /// Whether the line that was taken last is missing.
    has_gap: bool,
}

impl Follow {
    pub(crate) fn intake(broker: &Arc<Broker>) -> Intake {
        Intake::new(Arc::clone(broker))
    }

    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let now = *self.restarts.borrow_and_update();
            if now > self.from.restarts {
                self.catch_up(now).await;
            }
            let before = self.from.place;
            match self.read(false).await {
                Ended::Restarted | Ended::Silent => {}
                Ended::Sound => {
                    self.trouble(None);
                    if self.from.place != before {
                        backoff.reset();
                    }
                    self.pause(&mut backoff).await;
                }
                Ended::Failed(error) => {
                    self.state.lock().figures.failed += 1;
                    self.trouble(Some(&error));
                    if self.from.place != before {
                        backoff.reset();
                    }
                    self.pause(&mut backoff).await;
                }
            }
        }
    }

    /// The container was started again: reads what the one before has left, then begins with the present one's log.
    async fn catch_up(&mut self, restarts: u32) {
        let missed = restarts - self.from.restarts;
        if missed > 1 {
            let gaps = u64::from(missed - 1);
            self.state.lock().figures.gaps.add(Gap::Restarts, gaps);
        }
        // What was taken since then is of the present container already.
        let present = self.suspected.take();
        let present = present.map(|(old, _)| std::mem::replace(&mut self.from.place, old));
        let (mut backoff, mut tries) = (Backoff::default(), PREVIOUS_TRIES);
        while let Ended::Failed(error) = self.read(true).await {
            tries -= 1;
            if tries > 0 && !error.is_about_the_request() {
                sleep(backoff.wait()).await;
                continue;
            }
            tracing::warn!(
                pod = %self.name.pod, namespace = %self.name.namespace, container = %self.name.container, %error,
                "the log from before the container's restart cannot be read: what was not read of it is lost"
            );
            self.state.lock().figures.gaps.add(Gap::PreviousGone, 1);
            break;
        }
        self.from.restarts = restarts;
        // The line that was taken last is in the other log.
        self.from.place = present.unwrap_or_else(|| Place::from(self.from.place.at));
        self.keep(&mut self.state.lock());
    }

    /// One way through a log, from the place on.
    async fn read(&mut self, previous: bool) -> Ended {
        let name = self.name.clone();
        let request = LogRequest {
            namespace: &name.namespace,
            pod: &name.pod,
            container: &name.container,
            since: self.from.place.at,
            previous,
        };
        self.state.lock().figures.opened += 1;
        let opened = {
            let mut restarts = self.restarts.clone();
            tokio::select! {
                opened = timeout(SILENT_FOR, self.logs.open(&request)) => opened,
                // A log without a line has no head either.
                Ok(()) = restarts.changed(), if !previous => return Ended::Restarted,
            }
        };
        let mut stream = match opened {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Ended::Failed(error),
            Err(_) => return Ended::Silent,
        };
        let before = self.from.place;
        let mut way = Way {
            passage: Passage::resume(self.from.place),
            lines: Lines::new(MAX_LINE),
            has_gap: false,
        };
        loop {
            let ended = self.bytes(&mut stream, &mut way, previous).await;
            if std::mem::take(&mut way.has_gap) {
                if previous {
                    self.state.lock().figures.gaps.add(Gap::Rotated, 1);
                } else {
                    self.suspected = Some((before, Instant::now()));
                }
            }
            self.believe();
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    /// Takes the next bytes; tells if the way has ended.
    async fn bytes(
        &mut self,
        stream: &mut LogStream,
        way: &mut Way,
        previous: bool,
    ) -> Option<Ended> {
        let mut restarts = self.restarts.clone();
        let next = tokio::select! {
            biased;
            next = timeout(SILENT_FOR, stream.next()) => next,
            Ok(()) = restarts.changed(), if !previous => {
                // What is left of it comes now, if the API server does not know yet that it has ended.
                let rest = async {
                    while let Ok(Some(bytes)) = stream.next().await {
                        self.take(&bytes, way);
                    }
                };
                let _ = timeout(LAST_LINES, rest).await;
                return Some(Ended::Restarted);
            }
        };
        match next {
            Ok(Ok(Some(bytes))) => {
                self.trouble(None);
                self.take(&bytes, way);
                None
            }
            Ok(Ok(None)) => Some(Ended::Sound),
            Err(_) => Some(Ended::Silent),
            Ok(Err(error)) => Some(Ended::Failed(error)),
        }
    }

    fn take(&mut self, bytes: &[u8], way: &mut Way) {
        way.lines.push(bytes);
        let mut inner = self.state.lock();
        let inner = &mut *inner;
        while let Some(line) = way.lines.pop() {
            let Ok(line) = line else {
                Intake::too_long(inner);
                continue;
            };
            let (stamp, message) = stamped(line, way.passage.place().at);
            match way.passage.take(stamp) {
                Take::Again => inner.figures.again += 1,
                take => {
                    way.has_gap |= take == Take::NewBehindGap;
                    self.intake.take(inner, message, stamp);
                }
            }
        }
        self.from.place = way.passage.place();
        self.keep(inner);
    }

    /// Nobody told of another container: the line was rotated away.
    fn believe(&mut self) {
        if self
            .suspected
            .is_some_and(|(_, since)| since.elapsed() >= RESTART_IS_TOLD)
        {
            self.suspected = None;
            self.state.lock().figures.gaps.add(Gap::Rotated, 1);
        }
    }

    fn keep(&self, inner: &mut Inner) {
        inner.places.insert(self.name.clone(), self.from.clone());
    }

    fn trouble(&self, error: Option<&RequestError>) {
        let about = format!(
            "the log of {} in {}.{}",
            self.name.container, self.name.pod, self.name.namespace
        );
        super::watch::trouble(&self.state, about, error);
    }

    /// A container that is started again is not waited for.
    async fn pause(&mut self, backoff: &mut Backoff) {
        let wait = backoff.wait();
        tokio::select! {
            () = sleep(wait) => {}
            Ok(()) = self.restarts.changed() => self.restarts.mark_changed(),
        }
    }
}

/// The time stamp that the API writes in front of a line, and the line. One without a stamp is of the time before it.
fn stamped(line: &[u8], before: Time) -> (Time, &[u8]) {
    let found = memchr::memchr(b' ', line).and_then(|at| {
        let text = std::str::from_utf8(line.get(..at)?).ok()?;
        Some((wire::Time::from_text(text)?.0, line.get(at + 1..)?))
    });
    found.unwrap_or((before, line))
}

/// From where a log is read that was read before, or never.
pub(crate) fn beginning(
    known: Option<&Read>,
    uid: &str,
    restarts: u32,
    back: (Duration, Duration),
) -> Read {
    let (start, most) = back;
    let now = clock::now();
    match known {
        Some(read) if read.uid == uid && read.restarts <= restarts => {
            let mut read = read.clone();
            let oldest = now.minus(most);
            if read.place.at < oldest {
                read.place = Place::from(oldest);
            }
            read
        }
        _ => Read {
            uid: uid.into(),
            restarts,
            place: Place::from(now.minus(start)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_cut_off_and_lines_without_one_stay_whole() {
        let before = Time::from_secs(7);
        assert_eq!(
            stamped(b"1970-01-01T00:00:09.5Z [x] y", before),
            (Time::from_nanos(9_500_000_000), &b"[x] y"[..])
        );
        for line in ["no stamp", "", "1970-01-01T00:00:09Z"] {
            assert_eq!(stamped(line.as_bytes(), before), (before, line.as_bytes()));
        }
    }

    #[test]
    fn another_pod_of_the_same_name_begins_anew_and_an_old_cursor_is_cut() {
        let back = (Duration::from_mins(5), Duration::from_hours(1));
        let now = clock::now();
        let recent = Read {
            uid: "a".into(),
            restarts: 1,
            place: Place { at: now, lines: 3 },
        };
        assert_eq!(beginning(Some(&recent), "a", 2, back), recent);
        let other = beginning(Some(&recent), "b", 1, back);
        assert_eq!((other.uid.as_str(), other.place.lines), ("b", 0));
        assert!(other.place.at < now);
        let old = Read {
            place: Place {
                at: Time::from_secs(5),
                lines: 3,
            },
            ..recent
        };
        let cut = beginning(Some(&old), "a", 1, back).place;
        assert!(cut.lines == 0 && cut.at > Time::from_secs(5));
    }
}
