//! Reports become facts: one pure file for each kind.
//!
//! One bad item never spoils a report: it is told as a refusal, and the rest counts.

mod capture;
mod cloud;
mod istio;
mod kafka;

use std::net::{IpAddr, Ipv4Addr};

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
    if let Some(v4) = dotted(text.as_bytes()) {
        return Some(v4.into());
    }
    let address: IpAddr = text.parse().ok()?;
    Some(address.to_canonical())
}

/// Four numbers as the standard library takes them, which nearly all addresses are; a report has several for each
/// observation, and this takes a fraction of the time.
fn dotted(text: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut rest = text;
    for (place, octet) in octets.iter_mut().enumerate() {
        if place > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let value = |digit: u8| u16::from(digit - b'0');
        let (number, after) = match rest {
            [
                a @ b'1'..=b'9',
                b @ b'0'..=b'9',
                c @ b'0'..=b'9',
                after @ ..,
            ] => (value(*a) * 100 + value(*b) * 10 + value(*c), after),
            [a @ b'1'..=b'9', b @ b'0'..=b'9', after @ ..] => (value(*a) * 10 + value(*b), after),
            [a @ b'0'..=b'9', after @ ..] => (value(*a), after),
            _ => return None,
        };
        *octet = u8::try_from(number).ok()?;
        rest = after;
    }
    rest.is_empty().then(|| octets.into())
}

fn outcome(attempt: Option<AttemptOutcome>) -> Outcome {
    match attempt {
        None => Outcome::Accepted,
        Some(AttemptOutcome::Refused) => Outcome::Refused,
        Some(AttemptOutcome::Unanswered) => Outcome::Unanswered,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn four_numbers_are_read_as_the_standard_library_reads_them(text in "[0-9]{0,4}(\\.[0-9a]{0,4}){0,5}") {
            prop_assert_eq!(dotted(text.as_bytes()), text.parse().ok());
        }

        #[test]
        fn every_address_is_read(octets: [u8; 4]) {
            let address = Ipv4Addr::from(octets);
            prop_assert_eq!(dotted(address.to_string().as_bytes()), Some(address));
        }
    }
}
