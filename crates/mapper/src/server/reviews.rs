//! Tokens are looked up, and the API server is asked about those that are not known: once for each at a time, a few at
//! the same time, and apart from those that are known.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use app::clock::{self, Stopwatch};
use cluster::live::{RequestError, Review, TokenReviewer};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::access::tokens::{Key, Look, Tokens, Verdict, key};
use crate::access::{Permit, Reason, Refusal, Rules};
use crate::limits::{MAX_REVIEWS, MAX_WAITING_REVIEWS, REVIEW_PATIENCE};

/// For whom tokens must be.
pub const AUDIENCE: &str = "portolan";

/// What the API server answers, when it does.
pub type Reviewed = Pin<Box<dyn Future<Output = Result<Review, RequestError>> + Send>>;

/// Asks the API server about a token.
pub type Ask = Box<dyn Fn(String) -> Reviewed + Send + Sync>;

/// By this reviewer.
pub fn ask(reviewer: TokenReviewer) -> Ask {
    Box::new(move |token| {
        let reviewer = reviewer.clone();
        Box::pin(async move { reviewer.review(&token, AUDIENCE).await })
    })
}

/// What is known of tokens; a cheap handle.
#[derive(Clone)]
pub(crate) struct Reviews(Arc<Inner>);

struct Inner {
    ask: Ask,
    rules: Arc<Rules>,
    watch: Stopwatch,
    state: Mutex<State>,
    unknown: Semaphore,
    known: Semaphore,
    failures: AtomicU64,
}

#[derive(Default)]
struct State {
    tokens: Tokens,
    /// The tokens that the API server is being asked about, with where its answer will be.
    flights: HashMap<Key, watch::Receiver<Option<Landed>>>,
}

/// What became of a review: nothing, when the API server did not answer and the token is not known.
#[derive(Clone, Debug)]
struct Landed(Option<Look>);

/// Figures for metrics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) known: usize,
    pub(crate) bad: usize,
    pub(crate) waiting: usize,
    pub(crate) failures: u64,
}

impl Reviews {
    pub(crate) fn new(ask: Ask, rules: Arc<Rules>) -> Self {
        Self(Arc::new(Inner {
            ask,
            rules,
            watch: Stopwatch::start(),
            state: Mutex::default(),
            unknown: Semaphore::new(MAX_REVIEWS),
            known: Semaphore::new(MAX_REVIEWS),
            failures: AtomicU64::new(0),
        }))
    }

    /// What somebody with this token may do.
    pub(crate) async fn permit(&self, token: &str) -> Result<Permit, Refusal> {
        let key = key(token);
        let mut flight = {
            let mut state = self.0.state.lock();
            match state.tokens.look(&key, self.0.watch.elapsed()) {
                Look::Pass(permit) => return Ok(permit),
                Look::Bad(why) => return Err(Refusal::because(Reason::BadToken, &why)),
                Look::Refresh(permit) => {
                    // Without room it is asked later, or by the next request.
                    let _later = self.fly(&mut state, key, token, true);
                    return Ok(permit);
                }
                Look::Ask { known } => self.fly(&mut state, key, token, known)?,
            }
        };
        let landed = timeout(REVIEW_PATIENCE, flight.wait_for(Option::is_some)).await;
        // Too late, or the process ends.
        let landed = landed.ok().and_then(Result::ok);
        let landed = landed.and_then(|landed| landed.clone());
        match landed.and_then(|Landed(look)| look) {
            Some(Look::Pass(permit)) => Ok(permit),
            Some(Look::Bad(why)) => Err(Refusal::because(Reason::BadToken, &why)),
            _ => Err(Refusal::of(Reason::Unconfirmed).again_after(Duration::from_secs(5))),
        }
    }

    pub(crate) fn figures(&self) -> Figures {
        let state = self.0.state.lock();
        Figures {
            known: state.tokens.known(),
            bad: state.tokens.bad(),
            waiting: state.flights.len(),
            failures: self.0.failures.load(Relaxed),
        }
    }

    /// Asks about this token, unless it is being asked about. Whoever waits may go away: the answer serves others.
    fn fly(
        &self,
        state: &mut State,
        key: Key,
        token: &str,
        known: bool,
    ) -> Result<watch::Receiver<Option<Landed>>, Refusal> {
        if let Some(flight) = state.flights.get(&key) {
            return Ok(flight.clone());
        }
        // Known tokens are bounded by their table, and come before those that nobody knows.
        if !known && state.flights.len() >= MAX_WAITING_REVIEWS {
            return Err(Refusal::of(Reason::Busy));
        }
        let (landed, flight) = watch::channel(None);
        state.flights.insert(key, flight.clone());
        let (reviews, token) = (self.clone(), token.to_owned());
        tokio::spawn(async move {
            let look = reviews.review(key, token, known).await;
            landed.send_replace(Some(Landed(look)));
        });
        Ok(flight)
    }

    async fn review(&self, key: Key, token: String, known: bool) -> Option<Look> {
        let inner = &self.0;
        let places = if known { &inner.known } else { &inner.unknown };
        // They are never closed.
        let place = places.acquire().await;
        let answer = (inner.ask)(token).await;
        drop(place);
        let now = inner.watch.elapsed();
        let verdict = self.verdict(answer, now);
        let mut state = inner.state.lock();
        state.flights.remove(&key);
        state.tokens.learn(key, verdict, now)
    }

    fn verdict(&self, answer: Result<Review, RequestError>, now: Duration) -> Verdict {
        match answer {
            Ok(Review::Good(user)) => {
                let roles = self.0.rules.roles(&user);
                // From the wall clock to ours, which does not step.
                let left = user.expires.map(|at| now + at.since(clock::now()));
                Verdict::Good(Permit::of(user.name, user.node, roles), left)
            }
            Ok(Review::Bad(why)) => Verdict::Bad(why),
            Err(error) => {
                self.0.failures.fetch_add(1, Relaxed);
                if error.is_forbidden() {
                    tracing::error!(%error, "the API server does not let the mapper check tokens: give its service account the right to create tokenreviews, such as by the ClusterRole system:auth-delegator");
                } else {
                    tracing::warn!(%error, "a token could not be checked; those that are known go on");
                }
                Verdict::Silent
            }
        }
    }
}

impl std::fmt::Debug for Reviews {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reviews").finish_non_exhaustive()
    }
}
