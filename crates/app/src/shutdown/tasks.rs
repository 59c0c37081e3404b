//! Tasks and threads that are looked after.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{Id, JoinError, JoinSet};

use super::{GRACE, Stop};

/// Any error.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What was wrong with a task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// It returned before the stop.
    #[error("{0} ended although nothing stopped it")]
    Ended(&'static str),
    /// It returned an error.
    #[error("{name} failed: {why}")]
    Failed {
        /// The task's name.
        name: &'static str,
        /// Its error, with the causes.
        why: String,
    },
    /// It panicked.
    #[error("{name} panicked: {why}")]
    Panicked {
        /// The task's name.
        name: &'static str,
        /// The message of the panic.
        why: String,
    },
    /// It went on after the stop.
    #[error("{name} did not end within {} s of the stop", .grace.as_secs())]
    Late {
        /// The task's name.
        name: &'static str,
        /// How long it had.
        grace: Duration,
    },
}

/// The process did not end as it should: what was wrong, the cause first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclean(pub Vec<TaskError>);

impl fmt::Display for Unclean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join("; "))
    }
}

impl Error for Unclean {}

/// The tasks of the process. Each runs until the stop: one that ends before, or fails, stops all.
#[derive(Debug)]
pub struct Tasks {
    stop: Stop,
    grace: Duration,
    set: JoinSet<Result<(), TaskError>>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    /// None yet; they are told to end by `stop`, and have [`GRACE`] for it.
    pub fn new(stop: Stop) -> Self {
        Self {
            stop,
            grace: GRACE,
            set: JoinSet::new(),
            names: HashMap::new(),
        }
    }

    /// With another time to end in than [`GRACE`].
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// The token that the tasks watch.
    pub const fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Runs a task that cannot fail.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.add(name, async {
            task.await;
            Ok(())
        });
    }

    /// Runs a task that may fail.
    pub fn spawn_fallible<E: Into<BoxError>>(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.add(name, async move { task.await.map_err(|e| failed(name, e)) });
    }

    /// Runs a thread of its own, for what blocks; it watches the token by [`Stop::wait`] or [`Stop::is_cancelled`].
    pub fn spawn_thread<E: Into<BoxError>>(
        &mut self,
        name: &'static str,
        body: impl FnOnce(&Stop) -> Result<(), E> + Send + 'static,
    ) {
        let (tell, told) = oneshot::channel();
        let stop = self.stop.clone();
        let body = move || {
            let ended = body(&stop).map_err(|e| failed(name, e));
            // Nobody listens any more when the process has stopped waiting.
            let _ = tell.send(ended);
        };
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(body);
        self.add(name, async move {
            thread.map_err(|e| failed(name, e))?;
            let panicked = || TaskError::Panicked {
                name,
                why: "the log has the message".to_owned(),
            };
            told.await.unwrap_or_else(|_| Err(panicked()))
        });
    }

    fn add(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), TaskError>> + Send + 'static,
    ) {
        let handle = self.set.spawn(task);
        self.names.insert(handle.id(), name);
    }

    /// Waits for the stop or the end of a task, stops all, and gives them their time to end.
    pub async fn run(mut self) -> Result<(), Unclean> {
        let mut wrong = Vec::new();
        let stop = self.stop.clone();
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            Some(ended) = self.set.join_next_with_id() => {
                let (name, ended) = self.named(ended);
                // A task may see the stop before this one does.
                let early = (!stop.is_cancelled()).then_some(TaskError::Ended(name));
                wrong.extend(ended.err().or(early));
                stop.cancel();
            }
        }
        // A time-out leaves the late ones in the set.
        let _ = tokio::time::timeout(self.grace, self.join_all(&mut wrong)).await;
        let mut late: Vec<_> = self.names.values().copied().collect();
        late.sort_unstable();
        wrong.extend(late.into_iter().map(|name| TaskError::Late {
            name,
            grace: self.grace,
        }));
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(Unclean(wrong))
        }
    }

    async fn join_all(&mut self, wrong: &mut Vec<TaskError>) {
        while let Some(ended) = self.set.join_next_with_id().await {
            wrong.extend(self.named(ended).1.err());
        }
    }

    /// Whose end it is, and how it ended.
    fn named(
        &mut self,
        ended: Result<(Id, Result<(), TaskError>), JoinError>,
    ) -> (&'static str, Result<(), TaskError>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let name = self.names.remove(&id).unwrap_or("a task");
        let ended = match ended {
            Ok((_, ended)) => ended,
            Err(error) => Err(TaskError::Panicked {
                name,
                why: message(error),
            }),
        };
        (name, ended)
    }
}

fn failed(name: &'static str, error: impl Into<BoxError>) -> TaskError {
    let error = error.into();
    let mut why = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Many errors repeat their cause in their own text.
        if !why.contains(&text) {
            why = format!("{why}: {text}");
        }
        cause = error.source();
    }
    TaskError::Failed { name, why }
}

fn message(error: JoinError) -> String {
    let Ok(payload) = error.try_into_panic() else {
        return "cancelled".to_owned();
    };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload
            .downcast_ref::<&str>()
            .map_or("no message", |text| *text)
            .to_owned(),
    }
}
