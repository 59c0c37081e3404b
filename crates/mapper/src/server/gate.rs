//! The rim of [`access`](crate::access): what stands in front of every connection and request.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use app::clock::Stopwatch;
use http::Request;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::reviews::{Ask, Figures, Reviews};
use crate::access::senders::{Place, Senders};
use crate::access::way::{Connection, Way, way};
use crate::access::{Permit, Reason, Refusal, Rules};
use crate::limits::{BAD_TOKEN_COST, CONNECTION_COST, MAX_BODIES};

/// Who is let in; a cheap handle.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rules: Arc<Rules>,
    reviews: Reviews,
    senders: Mutex<Senders>,
    bodies: Arc<Semaphore>,
    watch: Stopwatch,
    refused: [AtomicU64; Reason::ALL.len()],
}

/// A connection that was let in, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    gate: Gate,
    place: Option<Place>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.gate.0.senders.lock().disconnect(place);
        }
    }
}

impl Gate {
    /// A gate with these rules, that asks by `ask` about tokens.
    pub fn new(rules: Rules, ask: Ask) -> Self {
        let rules = Arc::new(rules);
        Self(Arc::new(Inner {
            reviews: Reviews::new(ask, Arc::clone(&rules)),
            rules,
            senders: Mutex::default(),
            bodies: Arc::new(Semaphore::new(MAX_BODIES)),
            watch: Stopwatch::start(),
            refused: [const { AtomicU64::new(0) }; Reason::ALL.len()],
        }))
    }

    /// Lets a connection in, unless its sender has too many.
    pub(crate) fn enter(&self, connection: &Connection) -> Result<Seat, (Refusal, Option<Seat>)> {
        let seat = |place| Seat {
            gate: self.clone(),
            place,
        };
        let Some((from, now)) = self.sender(connection) else {
            return Ok(seat(None));
        };
        let entered = self.0.senders.lock().connect(from, CONNECTION_COST, now);
        match entered {
            Ok(place) => Ok(seat(Some(place))),
            Err(refused) => {
                let held = refused.place.map(|place| seat(Some(place)));
                Err((refused.refusal, held))
            }
        }
    }

    /// Whether a request is within its sender's rate.
    pub(crate) fn pace(&self, connection: &Connection) -> Result<(), Refusal> {
        match self.sender(connection) {
            Some((from, now)) => self.0.senders.lock().request(from, now),
            None => Ok(()),
        }
    }

    /// What a request may do, as far as its head tells. Probes need no token, and none is looked at.
    pub(crate) async fn admit<B>(
        &self,
        connection: &Connection,
        request: &Request<B>,
        is_probe: bool,
    ) -> Result<Permit, Refusal> {
        let (uri, headers) = (request.uri(), request.headers());
        let token = match way(connection, uri, headers, self.0.rules.access) {
            Ok(Way::Permit(permit)) => return Ok(permit),
            Ok(Way::Token(token)) => token,
            Err(refusal) if is_probe && refusal.reason.status() == 401 => {
                return Ok(Permit::least(refusal));
            }
            Err(refusal) => return Err(refusal),
        };
        if is_probe {
            return Ok(Permit::least(Refusal::of(Reason::Role)));
        }
        let permit = self.0.reviews.permit(token).await;
        if matches!(&permit, Err(refusal) if refusal.reason == Reason::BadToken) {
            self.charge(connection);
        }
        permit
    }

    /// Bytes of a body that was begun: within its sender's rate, and with room for them among all that is being read.
    pub(crate) fn bytes(&self, connection: &Connection, count: usize) -> Result<Room, Refusal> {
        let all = u32::try_from(count).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.0.bodies).try_acquire_many_owned(all);
        let room = room.map_err(|_| Refusal::of(Reason::Room))?;
        if let Some((from, now)) = self.sender(connection) {
            self.0.senders.lock().bytes(from, count, now)?;
        }
        Ok(room)
    }

    /// Takes note of a refusal.
    pub(crate) fn count(&self, connection: &Connection, reason: Reason) {
        if let Some(count) = self.0.refused.get(reason as usize) {
            count.fetch_add(1, Relaxed);
        }
        // A few lines a minute for each reason: the log sums up what repeats.
        tracing::warn!(peer = %connection.peer.ip().to_canonical(), "refused: {}", reason.label());
    }

    /// How often something was refused for this reason.
    pub fn refused(&self, reason: Reason) -> u64 {
        let count = self.0.refused.get(reason as usize);
        count.map_or(0, |count| count.load(Relaxed))
    }

    /// Addresses whose use is told apart now.
    pub fn senders(&self) -> usize {
        self.0.senders.lock().len()
    }

    pub(crate) fn tokens(&self) -> Figures {
        self.0.reviews.figures()
    }

    fn charge(&self, connection: &Connection) {
        if let Some((from, now)) = self.sender(connection) {
            self.0.senders.lock().charge(from, BAD_TOKEN_COST, now);
        }
    }

    /// Whose use is limited, and the time by which it is. Not that of port-forwards and of what else runs in this pod:
    /// there are no strangers to hold off.
    fn sender(&self, connection: &Connection) -> Option<(IpAddr, Duration)> {
        let now = || (connection.peer.ip(), self.0.watch.elapsed());
        (!connection.is_loopback()).then(now)
    }
}

/// Room for some bytes of a body, until it is dropped.
pub(crate) type Room = tokio::sync::OwnedSemaphorePermit;
