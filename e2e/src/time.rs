//! The clock, and waiting.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// So many seconds from now, as Kubernetes and reports write it, with nanoseconds.
pub fn from_now(seconds: i64) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    format!("{at:.9}")
}

/// The same in whole seconds, as objects have it.
pub fn whole_from_now(seconds: i64) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    format!("{at:.0}")
}

/// Milliseconds since 1970.
pub fn unix_millis() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis()
}

/// Asks ten times a second until there is an answer.
pub fn wait<T>(most: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if begun.elapsed() > most {
            return None;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
