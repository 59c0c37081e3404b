//! The reports of a city's sniffers, made beforehand, and who sends them.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Instant;

use e2e::http::Client;
use e2e::time::from_now;
use testkit::city::{City, Kind, Resident, Sniffer};
use wire::ReportKind;

/// Pods of which a report tells: about half a node's.
const PODS_OF_REPORT: usize = 50;

/// Reports that are on their way at the same time: with one alone, either side would wait for the other.
const CONNECTIONS: usize = 4;

/// All kinds, in the order in which a pod does it: it asks, and then it connects.
pub(crate) const KINDS: [Kind; 3] = [Kind::Dns, Kind::Tcp, Kind::Socket];

/// Stands for a time in a report.
const TIME: &str = "2026-11-24T11:00:00.123456789Z";

/// A report that can be sent again and again, each time with the time of then.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    /// As it is sent.
    pub(crate) bytes: Vec<u8>,
    /// How many observations it has.
    pub(crate) observations: u64,
    times: Vec<usize>,
}

impl Body {
    /// These pods' report.
    pub(crate) fn new(
        city: City,
        sniffer: Sniffer,
        kind: Kind,
        pods: Range<usize>,
        resident: &dyn Fn(usize) -> Resident,
    ) -> Self {
        let report = match kind {
            Kind::Dns => ReportKind::Captures,
            Kind::Tcp => ReportKind::TcpCaptures,
            Kind::Socket => ReportKind::SocketScans,
        };
        let observations = (pods.len() * city.calls) as u64;
        let query = serde_json::to_string(report.document()).unwrap();
        let variables = city.report_of(sniffer, kind, pods, TIME, 17, resident);
        let field = report.field();
        let text =
            format!(r#"{{"query":{query},"variables":{variables},"operationName":"{field}"}}"#);
        let times = text.match_indices(TIME).map(|(at, _)| at).collect();
        Self {
            bytes: text.into_bytes(),
            observations,
            times,
        }
    }

    /// Makes all its times this one.
    pub(crate) fn stamp(&mut self, time: &str) {
        for at in &self.times {
            self.bytes[*at..*at + TIME.len()].copy_from_slice(time.as_bytes());
        }
    }

    /// Sends it once.
    pub(crate) fn send(&self, client: &mut Client) -> Sent {
        let fields = [("content-type", "application/json")];
        let answer = client.send("POST", "/query", &fields, &self.bytes).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let taken = answer.text().contains("true");
        Sent {
            observations: if taken { self.observations } else { 0 },
            bytes: self.bytes.len() as u64,
            refused: u64::from(!taken),
        }
    }
}

/// A time as reports have it, so many seconds from now; always of the same length.
pub(crate) fn stamp(seconds: i64) -> String {
    let time = from_now(seconds);
    assert_eq!(time.len(), TIME.len(), "{time}");
    time
}

/// The reports of all pods, of these kinds.
pub(crate) fn bodies(
    city: City,
    sniffer: Sniffer,
    kinds: &[Kind],
    resident: &dyn Fn(usize) -> Resident,
) -> Vec<Body> {
    let firsts = (0..city.pods).step_by(PODS_OF_REPORT);
    let reports = firsts.flat_map(|first| {
        let pods = first..(first + PODS_OF_REPORT).min(city.pods);
        let of = move |kind: &Kind| Body::new(city, sniffer, *kind, pods.clone(), resident);
        kinds.iter().map(of)
    });
    reports.collect()
}

/// What was sent and taken.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    /// Observations.
    pub(crate) observations: u64,
    /// Bytes of their reports.
    pub(crate) bytes: u64,
    /// Reports of which the mapper said that they should come again.
    pub(crate) refused: u64,
}

impl Sent {
    fn add(&mut self, other: &Self) {
        self.observations += other.observations;
        self.bytes += other.bytes;
        self.refused += other.refused;
    }
}

/// Sends all of them over a few connections at the same time, as seen so many seconds ago; again and again until then,
/// or once.
pub(crate) fn send(
    address: SocketAddr,
    bodies: &mut [Body],
    ago: i64,
    until: Option<Instant>,
) -> Sent {
    let share = bodies.len().div_ceil(CONNECTIONS).max(1);
    let parts: Vec<Sent> = std::thread::scope(|scope| {
        let parts = bodies.chunks_mut(share);
        let senders: Vec<_> = parts
            .map(|part| scope.spawn(move || send_over_one(address, part, ago, until)))
            .collect();
        senders.into_iter().map(|s| s.join().unwrap()).collect()
    });
    let mut all = Sent::default();
    for part in &parts {
        all.add(part);
    }
    all
}

fn send_over_one(
    address: SocketAddr,
    bodies: &mut [Body],
    ago: i64,
    until: Option<Instant>,
) -> Sent {
    let mut client = Client::new(address);
    let mut all = Sent::default();
    loop {
        let time = stamp(-ago);
        for body in &mut *bodies {
            if until.is_some_and(|until| Instant::now() >= until) {
                return all;
            }
            body.stamp(&time);
            all.add(&body.send(&mut client));
        }
        if until.is_none() {
            return all;
        }
    }
}
