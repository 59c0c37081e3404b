//! How much one address may send. Whoever is beyond it is told to wait; everybody else is not held up by it.
//!
//! The buckets are the virtual scheduling of ITU-T I.371, annex A: one point in time says how full one is.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use super::refusal::{Reason, Refusal};
use crate::limits::{
    BYTE_BURST, BYTES_PER_SECOND, MAX_CONNECTIONS_PER_SENDER, MAX_SENDERS, REQUEST_BURST,
    REQUESTS_PER_SECOND, SWEEP_SENDERS_EVERY,
};

/// The addresses that have sent something lately. Their own addresses, which a finished handshake of TCP has proved.
#[derive(Debug)]
pub struct Senders {
    known: HashMap<IpAddr, Sender>,
    /// All that find no room in the table, together.
    others: Sender,
    swept: Duration,
    most: usize,
}

/// A connection's place; to be given back.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Place(Option<IpAddr>);

/// A connection that is refused.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// Its place, if it has one, so that it can be told slowly: whoever tries again and again has a few connections for
    /// that, and no more.
    pub place: Option<Place>,
}

#[derive(Debug, Default)]
struct Sender {
    requests: Bucket,
    bytes: Bucket,
    connections: usize,
}

impl Sender {
    fn is_idle(&self, now: Duration) -> bool {
        self.connections == 0 && self.requests.is_full(now) && self.bytes.is_full(now)
    }
}

impl Default for Senders {
    fn default() -> Self {
        Self::with_room(MAX_SENDERS)
    }
}

impl Senders {
    fn with_room(most: usize) -> Self {
        Self {
            known: HashMap::new(),
            others: Sender::default(),
            swept: Duration::ZERO,
            most,
        }
    }

    /// A new connection, which costs as much as so many requests.
    pub fn connect(&mut self, from: IpAddr, cost: u32, now: Duration) -> Result<Place, Refused> {
        let from = from.to_canonical();
        let (own, sender) = self.sender(from, now);
        if sender.connections >= MAX_CONNECTIONS_PER_SENDER {
            return Err(Refused {
                refusal: Refusal::of(Reason::Connections),
                place: None,
            });
        }
        sender.connections += 1;
        let place = Place(own.then_some(from));
        match sender.requests.take(cost.into(), &REQUESTS, now) {
            Ok(()) => Ok(place),
            Err(wait) => Err(Refused {
                refusal: Refusal::of(Reason::NewConnections).again_after(wait),
                place: Some(place),
            }),
        }
    }

    /// The end of a connection.
    #[allow(clippy::needless_pass_by_value, reason = "a place is given back once")]
    pub fn disconnect(&mut self, place: Place) {
        let sender = match place {
            Place(Some(address)) => self.known.get_mut(&address),
            Place(None) => Some(&mut self.others),
        };
        if let Some(sender) = sender {
            sender.connections = sender.connections.saturating_sub(1);
        }
    }

    /// A request.
    pub fn request(&mut self, from: IpAddr, now: Duration) -> Result<(), Refusal> {
        let (_, sender) = self.sender(from, now);
        let taken = sender.requests.take(1, &REQUESTS, now);
        taken.map_err(|wait| Refusal::of(Reason::Rate).again_after(wait))
    }

    /// What somebody did that costs as much as so many requests. It may leave a debt, so that it costs time at least.
    pub fn charge(&mut self, from: IpAddr, cost: u32, now: Duration) {
        let (_, sender) = self.sender(from, now);
        sender.requests.owe(cost.into(), &REQUESTS, now);
    }

    /// Bytes of a body.
    pub fn bytes(&mut self, from: IpAddr, count: usize, now: Duration) -> Result<(), Refusal> {
        let (_, sender) = self.sender(from, now);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let taken = sender.bytes.take(count, &BYTES, now);
        taken.map_err(|wait| Refusal::of(Reason::Bytes).again_after(wait))
    }

    /// How many addresses are in the table.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn sender(&mut self, from: IpAddr, now: Duration) -> (bool, &mut Sender) {
        let from = from.to_canonical();
        if self.known.len() >= self.most && !self.known.contains_key(&from) {
            // Looking at all of them costs a millisecond: not for each that comes.
            if self.swept + SWEEP_SENDERS_EVERY <= now {
                self.swept = now;
                self.known.retain(|_, sender| !sender.is_idle(now));
            }
            if self.known.len() >= self.most {
                return (false, &mut self.others);
            }
        }
        (true, self.known.entry(from).or_default())
    }
}

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug)]
struct Flow {
    per_second: u64,
    burst: u64,
}

const REQUESTS: Flow = Flow {
    per_second: REQUESTS_PER_SECOND,
    burst: REQUEST_BURST,
};

const BYTES: Flow = Flow {
    per_second: BYTES_PER_SECOND,
    burst: BYTE_BURST,
};

impl Flow {
    /// How long it takes until so much has flown in.
    fn time(&self, count: u64) -> Duration {
        let nanos = u128::from(count) * 1_000_000_000 / u128::from(self.per_second.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// When it is full again; full at the beginning.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket(Duration);

impl Bucket {
    fn is_full(self, now: Duration) -> bool {
        self.0 <= now
    }

    /// Takes so much out of it, or says how long it takes until so much is in it.
    fn take(&mut self, count: u64, flow: &Flow, now: Duration) -> Result<(), Duration> {
        let full = self.0.max(now).saturating_add(flow.time(count));
        let most = now.saturating_add(flow.time(flow.burst));
        if full > most {
            return Err(full.saturating_sub(most));
        }
        self.0 = full;
        Ok(())
    }

    /// Takes so much, even when there is less; the debt is no larger than the bucket.
    fn owe(&mut self, count: u64, flow: &Flow, now: Duration) {
        let most = now.saturating_add(flow.time(2 * flow.burst));
        self.0 = self.0.max(now).saturating_add(flow.time(count)).min(most);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    const NOW: Duration = Duration::from_secs(1_000);

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from(0x0a00_0000 + number).into()
    }

    /// How many of many requests pass at one time.
    fn pass(senders: &mut Senders, from: IpAddr, now: Duration) -> u64 {
        let all = (0..2 * REQUEST_BURST).filter(|_| senders.request(from, now).is_ok());
        all.count() as u64
    }

    #[test]
    fn a_burst_passes_then_the_rate_and_others_do_not_notice() {
        let mut senders = Senders::default();
        assert_eq!(pass(&mut senders, address(1), NOW), REQUEST_BURST);
        let refusal = senders.request(address(1), NOW).unwrap_err();
        assert_eq!(
            (refusal.reason, refusal.retry_after()),
            (Reason::Rate, Some(1))
        );
        assert_eq!(pass(&mut senders, address(2), NOW), REQUEST_BURST);
        let later = NOW + Duration::from_secs(1);
        assert_eq!(pass(&mut senders, address(1), later), REQUESTS_PER_SECOND);
        let mapped = Ipv4Addr::from(0x0a00_0001).to_ipv6_mapped().into();
        assert!(senders.request(mapped, later).is_err(), "the same sender");
    }

    #[test]
    fn connections_are_counted_and_given_back() {
        let mut senders = Senders::default();
        // As a socket that is open for both kinds of address tells it.
        let from = Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped().into();
        let mut places: Vec<_> = (0..MAX_CONNECTIONS_PER_SENDER)
            .map(|_| senders.connect(from, 1, NOW).unwrap())
            .collect();
        let refused = senders.connect(from, 1, NOW).unwrap_err();
        assert_eq!(refused.refusal.reason, Reason::Connections);
        assert_eq!(refused.place, None);
        senders.disconnect(places.pop().unwrap());
        assert!(senders.connect(from, 1, NOW).is_ok());
        assert!(senders.connect(address(2), 1, NOW).is_ok());
    }

    #[test]
    fn new_connections_cost_requests() {
        let mut senders = Senders::default();
        let from = address(1);
        let mut made = 0;
        let refused = loop {
            match senders.connect(from, 10, NOW) {
                Ok(place) => senders.disconnect(place),
                Err(refused) => break refused,
            }
            made += 1;
        };
        assert_eq!(made, REQUEST_BURST / 10);
        assert_eq!(refused.refusal.reason, Reason::NewConnections);
        assert_ne!(refused.place, None, "it is told slowly");
        assert_eq!(senders.request(from, NOW).unwrap_err().reason, Reason::Rate);
    }

    #[test]
    fn a_debt_is_paid_before_the_next_request() {
        let mut senders = Senders::default();
        for _ in 0..10 * REQUEST_BURST {
            senders.charge(address(1), 20, NOW);
        }
        let refusal = senders.request(address(1), NOW).unwrap_err();
        let wait = refusal.again.unwrap();
        assert!(wait <= REQUESTS.time(REQUEST_BURST + 1), "{wait:?}");
        assert!(senders.request(address(1), NOW + wait).is_ok());
    }

    #[test]
    fn a_body_of_any_allowed_length_passes_when_the_sender_was_quiet() {
        let mut senders = Senders::default();
        assert!(
            senders
                .bytes(address(1), wire::limits::MAX_BODY, NOW)
                .is_ok()
        );
        let much = usize::try_from(BYTE_BURST).unwrap();
        let refusal = senders.bytes(address(1), much, NOW).unwrap_err();
        assert_eq!(refusal.reason, Reason::Bytes);
    }

    #[test]
    fn a_full_table_drops_the_idle_and_takes_the_rest_together() {
        let mut senders = Senders::with_room(10);
        let mut places: Vec<_> = (0..10)
            .map(|number| senders.connect(address(number), 1, NOW).unwrap())
            .collect();
        let stranger = senders.connect(address(99), 1, NOW).unwrap();
        assert_eq!((senders.len(), &stranger), (10, &Place(None)));
        senders.disconnect(stranger);
        assert_eq!(pass(&mut senders, address(98), NOW), REQUEST_BURST - 1);
        assert!(senders.request(address(97), NOW).is_err(), "they share");
        assert!(senders.request(address(3), NOW).is_ok(), "it has its own");
        // Some go, and time passes: there is room.
        places
            .drain(..5)
            .for_each(|place| senders.disconnect(place));
        let later = NOW + Duration::from_mins(1);
        assert!(senders.request(address(97), later).is_ok());
        assert_eq!(senders.len(), 6);
    }

    proptest! {
        /// In any time, no more passes than the burst and what flows in during it.
        #[test]
        fn never_more_than_burst_and_rate(steps in prop::collection::vec((1..200_u64, 0..500_u64), 1..300)) {
            let flow = Flow { per_second: 100, burst: 300 };
            let (mut bucket, mut now, mut taken) = (Bucket::default(), NOW, 0);
            for (count, pause) in steps {
                now += Duration::from_millis(pause);
                match bucket.take(count, &flow, now) {
                    Ok(()) => taken += count,
                    Err(wait) => {
                        let mut later = bucket;
                        prop_assert!(later.take(count, &flow, now + wait).is_ok());
                    }
                }
                let most = 300.0 + 100.0 * now.saturating_sub(NOW).as_secs_f64();
                prop_assert!(f64::from(u32::try_from(taken).unwrap()) <= most + 1.0);
            }
        }
    }
}
