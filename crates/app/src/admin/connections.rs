//! The open connections, the oldest first.

use std::collections::VecDeque;

use tokio::task::{AbortHandle, JoinSet};

/// As many connections as are allowed.
#[derive(Debug)]
pub(super) struct Connections {
    tasks: JoinSet<()>,
    oldest_first: VecDeque<AbortHandle>,
    most: usize,
}

impl Connections {
    pub(super) fn new(most: usize) -> Self {
        Self {
            tasks: JoinSet::new(),
            oldest_first: VecDeque::new(),
            most: most.max(1),
        }
    }

    /// Serves one more; the oldest makes room for it.
    pub(super) fn admit(&mut self, connection: impl Future<Output = ()> + Send + 'static) {
        self.oldest_first.retain(|task| !task.is_finished());
        while self.oldest_first.len() >= self.most {
            if let Some(oldest) = self.oldest_first.pop_front() {
                oldest.abort();
            }
        }
        self.oldest_first.push_back(self.tasks.spawn(connection));
    }

    /// Waits until one has ended; for ever while there are none.
    pub(super) async fn ended(&mut self) {
        if self.tasks.join_next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}
