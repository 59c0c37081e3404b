//! Reports become facts: one pure file for each kind.
//!
//! One bad item never spoils a report: it is told as a refusal, and the rest counts.

mod capture;
mod cloud;
mod istio;
mod kafka;

use std::net::IpAddr;

use map::{Evidence, Outcome, Time};
use wire::{AttemptOutcome, Report};

use crate::fact::Fact;
use crate::fate::Refusal;
use crate::limits::{MAX_AHEAD, MAX_LATENESS};

/// What a report held, item by item.
pub type Item = Result<Fact, (Evidence, Refusal)>;

/// Which kinds of report count.
#[derive(Clone, Copy, Debug)]
pub struct Switches {
    /// DNS answers.
    pub dns: bool,
    /// TCP handshakes.
    pub tcp: bool,
    /// Open connections.
    pub sockets: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            dns: true,
            tcp: true,
            sockets: true,
        }
    }
}

/// The time of receipt, which no report may be far from.
#[derive(Debug)]
pub struct Receipt {
    /// When the report came.
    pub at: Time,
    /// Times that had to be moved.
    pub clamped: u64,
}

impl Receipt {
    /// A report that comes now.
    pub const fn new(at: Time) -> Self {
        Self { at, clamped: 0 }
    }

    /// The time as it may be: at most [`MAX_LATENESS`] ago, and [`MAX_AHEAD`].
    fn clamp(&mut self, time: Time) -> Time {
        let clamped = time
            .max(self.at.minus(MAX_LATENESS))
            .min(self.at.plus(MAX_AHEAD));
        self.clamped += u64::from(clamped != time);
        clamped
    }
}

/// Reads a report. Traffic levels and coverage are no facts of the map; they are not told here.
pub fn read(report: Report, switches: Switches, receipt: &mut Receipt, each: &mut dyn FnMut(Item)) {
    match report {
        Report::Captures(report) => {
            capture::read(report.results, Evidence::Dns, switches.dns, receipt, each);
        }
        Report::TcpCaptures(report) => {
            capture::read(report.results, Evidence::Tcp, switches.tcp, receipt, each);
        }
        Report::SocketScans(report) => {
            let (evidence, on) = (Evidence::Socket, switches.sockets);
            capture::read(report.results, evidence, on, receipt, each);
        }
        Report::Kafka(report) => kafka::read(report.results, receipt, each),
        Report::Istio(report) => istio::read(report.results, receipt, each),
        Report::Aws(operations) => cloud::aws(operations, receipt.at, each),
        Report::Azure(operations) => cloud::azure(operations, receipt.at, each),
        Report::Gcp(operations) => cloud::gcp(operations, receipt.at, each),
        Report::Traffic(_) | Report::Coverage(_) => {}
    }
}

/// An address, IPv4 within IPv6 as IPv4.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    Some(address.to_canonical())
}

fn outcome(attempt: Option<AttemptOutcome>) -> Outcome {
    match attempt {
        None => Outcome::Accepted,
        Some(AttemptOutcome::Refused) => Outcome::Refused,
        Some(AttemptOutcome::Unanswered) => Outcome::Unanswered,
    }
}
