//! The live watch against an API server that does what it should not.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test may fail loudly, in its helpers too, and is the rim where the clock is read"
)]

mod client_intents;
mod ends;
mod faults;
mod lookups;
mod progress;
mod server;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cluster::live::{Clock, Counters, Live, Lookups, Settings, client};
use cluster::{Event, Present, Update};
use map::Time;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

fn now() -> Time {
    Time::EPOCH.plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap())
}

/// Short waits; otherwise as usual.
fn quick() -> Settings {
    Settings {
        seed: 1,
        pod_watch: Duration::from_secs(1),
        silence: Duration::from_millis(300),
        answer: Duration::from_millis(500),
        list: Duration::from_millis(500),
        progress_interval: Duration::from_millis(50),
        ..Settings::new(Clock::new(now))
    }
}

/// A running watch; it ends when it is dropped.
struct Watch {
    updates: mpsc::Receiver<Update>,
    lookups: Lookups,
    counters: Arc<Counters>,
    tasks: JoinSet<()>,
}

/// Must be called in a runtime.
fn watch(address: &str, settings: &Settings) -> Watch {
    let config = kube::Config::new(format!("http://{address}").parse().unwrap());
    let (sender, updates) = mpsc::channel(16);
    let live = Live::new(client(config).unwrap(), settings, &sender);
    let mut tasks = JoinSet::new();
    for task in live.tasks {
        tasks.spawn(task.until(std::future::pending()));
    }
    Watch {
        updates,
        lookups: live.lookups,
        counters: live.counters,
        tasks,
    }
}

impl Watch {
    /// The next update of which `pick` makes something.
    async fn wait<T>(&mut self, what: &str, mut pick: impl FnMut(&Update) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(found) = pick(&self.updates.recv().await.unwrap()) {
                    return found;
                }
            }
        };
        let found = timeout(Duration::from_secs(10), found).await;
        found.unwrap_or_else(|_| panic!("no {what}"))
    }

    /// The next that is told of pods, in words.
    async fn next(&mut self) -> String {
        self.wait("word of pods", words).await
    }
}

/// `+name`, `-name`, `=N` for a list of N; of pods only.
fn words(update: &Update) -> Option<String> {
    let name = |object: &cluster::Object| {
        let text = format!("{object:?}");
        let name = text.split("name: \"").nth(1)?.split('"').next()?;
        (object.kind == "Pod").then(|| name.to_owned())
    };
    match update {
        Update::Event(Event::Applied(object)) => name(object).map(|name| format!("+{name}")),
        Update::Event(Event::Deleted(object)) => name(object).map(|name| format!("-{name}")),
        Update::Listed {
            present: Present::Pods(pods),
            ..
        } => Some(format!("={}", pods.len())),
        _ => None,
    }
}
