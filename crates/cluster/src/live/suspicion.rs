//! A connection that is dead looks like one on which nothing happens.
//!
//! The watch of pods is short and asks often, so that it finds a dead network within seconds. Then other watches that
//! were silent as long begin anew: each has a connection of its own, and would find out by itself after minutes only.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// A watch to which something came since is alive.
const SILENT: Duration = Duration::from_secs(10);

/// Who finds out.
#[derive(Clone, Debug)]
pub(crate) struct Suspicion {
    raised: watch::Sender<u64>,
    heard: watch::Receiver<u64>,
    /// Whether it raises the suspicion, and has none itself.
    raises: bool,
}

impl Suspicion {
    pub(crate) fn new() -> Self {
        let (raised, heard) = watch::channel(0);
        Self {
            raised,
            heard,
            raises: false,
        }
    }

    /// For who finds out.
    pub(crate) fn raising(&self) -> Self {
        Self {
            raises: true,
            ..self.clone()
        }
    }

    /// An answer did not come in time.
    pub(crate) fn raise(&self) {
        if self.raises {
            self.raised
                .send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Waits until somebody else found the network dead, and nothing has come here for as long.
    pub(crate) async fn silent_since(&mut self, last: Instant) {
        if self.raises {
            return std::future::pending().await;
        }
        // The sender is in our hands, so that waiting cannot fail.
        while self.heard.changed().await.is_ok() {
            if last.elapsed() >= SILENT {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_the_silent_are_suspected_and_never_who_raises_it() {
        let mut other = Suspicion::new();
        let mut pods = other.raising();
        let begun = Instant::now();
        other.raise();
        let moment = Duration::from_millis(1);
        assert!(timeout(moment, other.silent_since(begun)).await.is_err());
        pods.raise();
        assert!(timeout(moment, other.silent_since(begun)).await.is_err());
        advance(SILENT).await;
        pods.raise();
        assert!(timeout(moment, other.silent_since(begun)).await.is_ok());
        assert!(timeout(moment, pods.silent_since(begun)).await.is_err());
    }
}
