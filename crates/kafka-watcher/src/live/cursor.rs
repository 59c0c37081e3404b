//! How far the logs were read, kept in a `ConfigMap`: after a restart of the watcher it goes on from there.
//!
//! What is written never runs ahead of the mapper: only when it has taken everything up to a place, that place is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use app::clock::Stopwatch;
use cluster::live::Note;
use wire::client::Stats;

use super::state::{LogName, Read, State};
use crate::limits::{MAX_CURSOR, WRITE_CURSOR};

/// The key in the `ConfigMap`.
pub(crate) const KEY: &str = "logs";

type Places = BTreeMap<LogName, Read>;

/// The cursor. Without a `ConfigMap` it does nothing.
#[derive(Debug)]
pub(crate) struct Cursor {
    note: Option<Note>,
    /// Places, and how many records had been handed over up to there.
    pending: Option<(Places, u64)>,
    /// Places up to which everything was taken.
    reached: Option<Places>,
    written: Option<(Places, Duration)>,
    is_failing: bool,
}

impl Cursor {
    pub(crate) const fn new(note: Option<Note>) -> Self {
        Self {
            note,
            pending: None,
            reached: None,
            written: None,
            is_failing: false,
        }
    }

    /// Finds what was kept by an earlier run. What cannot be read is none.
    pub(crate) async fn recall(&self, state: &State) {
        let Some(note) = &self.note else {
            return;
        };
        let places = match note.read().await {
            Ok(None) => return,
            Ok(Some(text)) => decode(&text),
            Err(error) => {
                tracing::warn!(
                    %error, ?note,
                    "it is not known how far logs were read before; grant the service account get, create and patch on \
                     configmaps in its namespace. They are read from five minutes ago"
                );
                return;
            }
        };
        tracing::info!(
            logs = places.len(),
            "it is known how far logs were read before"
        );
        state.lock().places = places;
    }

    /// Everything up to these places has been handed over to be reported, and so many records in all.
    pub(crate) fn handed_over(&mut self, places: &Places, offered: u64) {
        if self.note.is_some() && self.pending.is_none() {
            self.pending = Some((places.clone(), offered));
        }
    }

    /// Writes what the mapper has taken, if there is anything new, and it is time; at the end it always is.
    pub(crate) async fn write(
        &mut self,
        state: &State,
        delivery: &Stats,
        started: &Stopwatch,
        is_end: bool,
    ) {
        let Some(note) = &self.note else {
            return;
        };
        let is_taken =
            |(_, offered): &mut (Places, u64)| delivery.offered - delivery.held >= *offered;
        if let Some((places, _)) = self.pending.take_if(is_taken) {
            self.reached = Some(places);
        }
        let now = started.elapsed();
        if let Some((written, at)) = &self.written {
            let is_soon = now.saturating_sub(*at) < WRITE_CURSOR && !is_end;
            if is_soon
                || self
                    .reached
                    .as_ref()
                    .is_none_or(|reached| reached == written)
            {
                return;
            }
        }
        let Some(reached) = self.reached.take() else {
            return;
        };
        match note.write(&encode(&reached)).await {
            Ok(()) => {
                state.lock().figures.cursors += 1;
                self.is_failing = false;
            }
            Err(error) if !self.is_failing => {
                self.is_failing = true;
                tracing::warn!(
                    %error, ?note,
                    "how far logs were read cannot be kept: after a restart, they are read from an earlier place"
                );
            }
            Err(_) => {}
        }
        self.written = Some((reached, now));
    }
}

fn encode(places: &Places) -> String {
    let mut text = String::from("{");
    for (name, read) in places {
        let key = format!("{}/{}/{}", name.namespace, name.pod, name.container);
        let (Ok(key), Ok(read)) = (serde_json::to_string(&key), serde_json::to_string(read)) else {
            continue;
        };
        if text.len() + key.len() + read.len() + 3 > MAX_CURSOR {
            break;
        }
        let comma = if text.len() > 1 { ",\n" } else { "" };
        text.extend([comma, &key, ":", &read]);
    }
    text.push('}');
    text
}

fn decode(text: &str) -> Places {
    let found: BTreeMap<String, Read> = serde_json::from_str(text).unwrap_or_default();
    let named = |(key, read): (String, Read)| {
        let mut parts = key.split('/');
        let name = LogName {
            namespace: parts.next()?.into(),
            pod: parts.next()?.into(),
            container: parts.next()?.into(),
        };
        parts.next().is_none().then_some((name, read))
    };
    found.into_iter().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use map::Time;

    use super::*;
    use crate::place::Place;

    fn places(count: u32) -> Places {
        let each = |number: u32| {
            let name = LogName {
                namespace: "kafka".into(),
                pod: format!("kafka-{number}").into(),
                container: "kafka".into(),
            };
            let read = Read {
                uid: "0a5b2f1e-7c1d-4b8a-9f3e-2d6c5b4a3928".into(),
                restarts: number,
                place: Place {
                    at: Time::from_nanos(1_795_000_000_123_456_789),
                    lines: 2,
                },
            };
            (name, read)
        };
        (0..count).map(each).collect()
    }

    #[test]
    fn what_is_kept_is_found_again() {
        for count in [0, 1, 3] {
            assert_eq!(decode(&encode(&places(count))), places(count));
        }
        let one = encode(&places(1));
        assert_eq!(
            one,
            r#"{"kafka/kafka-0/kafka":{"uid":"0a5b2f1e-7c1d-4b8a-9f3e-2d6c5b4a3928","restarts":0,"at":"2026-11-18T11:06:40.123456789Z","lines":2}}"#
        );
    }

    #[test]
    fn it_fits_into_a_config_map_and_nonsense_is_none() {
        let many = encode(&places(10_000));
        assert!(many.len() <= MAX_CURSOR);
        assert!(decode(&many).len() > crate::limits::MAX_LOGS);
        for text in ["", "null", "[]", r#"{"a/b":{}}"#, r#"{"a/b/c":1}"#] {
            assert!(decode(text).is_empty(), "{text}");
        }
    }
}
