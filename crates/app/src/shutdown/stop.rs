//! The token that says: end now.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

/// Says once and for all that the process stops; a cheap handle, for tasks and for threads.
#[derive(Clone, Debug)]
pub struct Stop(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tasks: watch::Sender<bool>,
    threads: Mutex<bool>,
    wake: Condvar,
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop {
    /// Not yet.
    pub fn new() -> Self {
        let (tasks, _) = watch::channel(false);
        Self(Arc::new(Inner {
            tasks,
            threads: Mutex::new(false),
            wake: Condvar::new(),
        }))
    }

    /// Says it. Again is the same as once.
    pub fn cancel(&self) {
        // First what `is_cancelled` reads: a thread that ends at once must not look as if nothing had stopped it.
        self.0.tasks.send_replace(true);
        *self.0.threads.lock() = true;
        self.0.wake.notify_all();
    }

    /// Whether it was said.
    pub fn is_cancelled(&self) -> bool {
        *self.0.tasks.borrow()
    }

    /// Waits until it is said.
    pub async fn cancelled(&self) {
        // The sender is in our hands, so that waiting cannot fail.
        let _ = self.0.tasks.subscribe().wait_for(|said| *said).await;
    }

    /// Waits for this long, or until it is said; whether it was.
    pub async fn cancelled_within(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.cancelled()).await.is_ok()
    }

    /// Blocks the thread for this long, or until it is said; whether it was.
    pub fn wait(&self, time: Duration) -> bool {
        let mut said = self.0.threads.lock();
        self.0.wake.wait_while_for(&mut said, |said| !*said, time);
        *said
    }
}
