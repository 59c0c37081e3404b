//! What is wrong, and which brokers are silent: said in the log, once and again after a while, and in health.

use std::time::Duration;

use app::clock::Stopwatch;
use app::health::Condition;
use app::reporter::Losses;
use app::shutdown::Stop;
use cluster::live::RequestError;
use wire::client::Reporter;

use super::state::State;
use crate::limits::SAY_AGAIN;
use crate::silence::{SETTINGS, Silence};

/// How often it is looked.
const CHECK: Duration = Duration::from_secs(1);

/// Remembers what is wrong with something, and says it when it is new; or forgets it.
pub(crate) fn trouble(state: &State, about: String, error: Option<&RequestError>) {
    let mut inner = state.lock();
    let Some(error) = error else {
        if inner.troubles.remove(&about).is_some() {
            tracing::info!(about, "well again");
        }
        return;
    };
    let why = if error.is_forbidden() {
        format!(
            "{error}; grant the service account get and list on pods, and get on pods/log, in that namespace"
        )
    } else if error.is_not_found() {
        "there is none; it is looked for again".to_owned()
    } else {
        error.to_string()
    };
    if inner.troubles.get(&about) != Some(&why) {
        tracing::warn!(about, why, "what is asked of the Kubernetes API fails");
        inner.troubles.insert(about, why);
    }
}

/// The conditions of health. None depends on the mapper: who follows logs goes on without it.
#[derive(Debug)]
pub(crate) struct Conditions {
    /// That logs can be read.
    pub(crate) logs: Condition,
    /// That no report was lost lately.
    pub(crate) reports: Condition,
}

/// Looks after health, and says which brokers are silent, until the stop.
pub(crate) async fn watch(
    conditions: Conditions,
    state: State,
    client: Reporter,
    silence: Duration,
    started: Stopwatch,
    stop: Stop,
) {
    let mut losses = Losses::default();
    while !stop.cancelled_within(CHECK).await {
        say_silent(&state, silence, started.elapsed());
        match wrong(&state) {
            Some(why) => conditions.logs.fails(&why),
            None => conditions.logs.holds(),
        }
        losses.look(&client, &conditions.reports);
    }
}

/// What keeps every log from being read.
fn wrong(state: &State) -> Option<String> {
    let inner = state.lock();
    if !inner.brokers.is_empty() {
        return None;
    }
    let troubles = inner
        .troubles
        .iter()
        .map(|(about, why)| format!("{about}: {why}"));
    let text = troubles.collect::<Vec<_>>().join("; ");
    Some(if text.is_empty() {
        "no broker was found yet".to_owned()
    } else {
        text
    })
}

fn say_silent(state: &State, after: Duration, now: Duration) {
    let mut inner = state.lock();
    for ((namespace, pod), broker) in &mut inner.brokers {
        let is_due = match broker.said {
            None => now.saturating_sub(broker.since) >= after,
            Some(said) => now.saturating_sub(said) >= SAY_AGAIN.max(after),
        };
        let Some(silence) = broker.heard.silence().filter(|_| is_due) else {
            continue;
        };
        broker.said = Some(now);
        say(namespace, pod, silence);
    }
}

fn say(namespace: &str, pod: &str, silence: Silence) {
    if silence.wants_settings() {
        tracing::warn!(
            pod,
            namespace,
            settings = SETTINGS,
            "the topics of this broker are not known: {silence}. Let its authorizer log to standard output"
        );
    } else {
        tracing::info!(
            pod,
            namespace,
            "no topic of this broker is known: {silence}"
        );
    }
}
