//! Owners of kinds that are not watched, such as an Argo Rollout, are looked up in the background, once each.

mod discovery;
mod queue;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep_until};

use self::discovery::Discovery;
use self::queue::{Queue, Turn};
use super::backoff::{Random, wait_after};
use super::counters::{Counters, Verb};
use super::request::{Api, RequestError, encode};
use super::resource::METADATA;
use super::settings::{MAX_ANSWER_BYTES, Settings};
use crate::document::Event;
use crate::objects::Object;
use crate::update::{OwnerKey, Update};

/// Questions that wait for the task to take them.
const WAITING: usize = 1024;

/// Requests at the same time: client-go's share for a controller, of an API server's 400 (kube-apiserver,
/// `--max-requests-inflight`).
const AT_ONCE: usize = 8;

/// From one request to the next: 50 each second, as kube-controller-manager is usually allowed.
const PACE: Duration = Duration::from_millis(20);

/// Where the writer asks for owners that it does not know; a cheap handle.
#[derive(Clone, Debug)]
pub struct Lookups {
    keys: mpsc::Sender<OwnerKey>,
    counters: Arc<Counters>,
}

impl Lookups {
    /// Asks for an owner, without waiting. The answer comes as an update: an [`Event::Applied`] with its metadata, or
    /// [`Update::OwnerUnknowable`]. Asking again meanwhile asks the API server once only. `false` when too many wait:
    /// ask again later.
    pub fn ask(&self, key: OwnerKey) -> bool {
        let taken = self.keys.try_send(key).is_ok();
        if !taken {
            self.counters.refused_lookup();
        }
        taken
    }
}

/// The task behind the handle.
pub(crate) struct Finder {
    api: Api,
    settings: Settings,
    keys: mpsc::Receiver<OwnerKey>,
    updates: mpsc::Sender<Update>,
    queue: Queue,
    random: Random,
}

pub(crate) fn pair(
    api: Api,
    settings: &Settings,
    updates: mpsc::Sender<Update>,
) -> (Lookups, Finder) {
    let (sender, keys) = mpsc::channel(WAITING);
    let lookups = Lookups {
        keys: sender,
        counters: Arc::clone(&api.counters),
    };
    let finder = Finder {
        api,
        settings: settings.clone(),
        keys,
        updates,
        queue: Queue::default(),
        random: Random::new(settings.seed, "lookups"),
    };
    (lookups, finder)
}

/// What became of one attempt.
enum Answer {
    Found(Box<Object>),
    Unknowable,
    /// Nobody knows yet.
    Again(RequestError),
}

impl Finder {
    /// Ends when nobody takes updates any more, or nobody can ask.
    pub(crate) async fn run(mut self) {
        let asker = Asker {
            api: self.api.clone(),
            within: self.settings.answer,
            discovery: Mutex::new(Discovery::default()),
            next: Mutex::new(Instant::now()),
        };
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < AT_ONCE
                && let Some(turn) = self.queue.due(Instant::now())
            {
                running.push(async {
                    let answer = asker.ask(&turn.key).await;
                    (turn, answer)
                });
            }
            let wake = self.queue.next_due().filter(|_| running.len() < AT_ONCE);
            let update = tokio::select! {
                key = self.keys.recv(), if self.queue.has_room() => match key {
                    Some(key) => self.queue.push(key, Instant::now()).map(Update::OwnerUnknowable),
                    None => return,
                },
                Some((turn, answer)) = running.next() => self.answered(turn, answer),
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => None,
            };
            if let Some(update) = update
                && self.updates.send(update).await.is_err()
            {
                return;
            }
        }
    }

    fn answered(&mut self, turn: Turn, answer: Answer) -> Option<Update> {
        let now = Instant::now();
        match answer {
            Answer::Found(object) => {
                self.queue.found(&turn.key);
                Some(Update::Event(Event::Applied(object)))
            }
            Answer::Unknowable => {
                self.queue.unknowable(turn.key.clone(), now);
                Some(Update::OwnerUnknowable(turn.key))
            }
            Answer::Again(error) => {
                tracing::warn!(
                    kind = turn.key.kind.as_str(),
                    api_version = turn.key.api_version.as_str(),
                    error = %error,
                    "owners cannot be looked up; it is tried again"
                );
                let wait = wait_after(turn.failures, &mut self.random);
                self.queue.again(
                    turn,
                    now + wait.max(error.retry_after().unwrap_or_default()),
                );
                None
            }
        }
    }
}

/// What attempts share.
struct Asker {
    api: Api,
    within: Duration,
    discovery: Mutex<Discovery>,
    next: Mutex<Instant>,
}

impl Asker {
    async fn ask(&self, key: &OwnerKey) -> Answer {
        match self.look_up(key).await {
            Ok(Some(object)) => Answer::Found(object),
            Ok(None) => Answer::Unknowable,
            Err(error) if is_final(&error) => Answer::Unknowable,
            Err(error) => Answer::Again(error),
        }
    }

    async fn look_up(&self, key: &OwnerKey) -> Result<Option<Box<Object>>, RequestError> {
        let Some(place) = self.place(&key.api_version, &key.kind).await? else {
            return Ok(None);
        };
        let Some(path) = place.path(&key.namespace, &key.name) else {
            return Ok(None);
        };
        let bytes = self.get(Verb::Owner, &path, METADATA).await?;
        let mut object: Object = serde_json::from_slice(&bytes)
            .map_err(|error| RequestError::Unreadable(error.to_string()))?;
        object.kind.clone_from(&key.kind);
        object.api_version = place.api_version();
        Ok(Some(Box::new(object)))
    }

    async fn get(&self, verb: Verb, path: &str, accept: &str) -> Result<Vec<u8>, RequestError> {
        let turn = {
            let mut next = self.next.lock().await;
            let turn = (*next).max(Instant::now());
            *next = turn + PACE;
            turn
        };
        sleep_until(turn).await;
        let get = self
            .api
            .get(verb, path, accept, self.within, MAX_ANSWER_BYTES);
        get.await
    }
}

/// It does not exist, or we may not see it: asking again changes nothing. 400, 405 and 406 are for names and resources
/// that cannot be asked for.
const fn is_final(error: &RequestError) -> bool {
    matches!(
        error,
        RequestError::Refused {
            code: 400 | 403 | 404 | 405 | 406 | 410,
            ..
        }
    )
}

/// A path segment, encoded; `None` for what is no name: it comes from whoever may create a pod.
fn segment(text: &str) -> Option<String> {
    let sound = !matches!(text, "" | "." | "..") && text.len() <= 253;
    sound.then(|| encode(text))
}
