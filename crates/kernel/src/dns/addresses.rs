//! The answer section (RFC 1035 4.1.3), as far as it holds addresses.

use std::net::IpAddr;

use crate::bytes;

/// Records walked in one answer, addresses or not: more than the 64 KiB of a message over TCP hold in practice.
const MAX_RECORDS: u16 = 1_024;

/// Addresses taken from one answer: as many A records as fit into 4 KiB, the usual limit over UDP (RFC 6891 6.2.5).
const MAX_ADDRESSES: u16 = 256;

/// The longest name in a message (RFC 1035 3.1).
const MAX_NAME: usize = 255;

/// The numbers of RFC 1035 3.2 and RFC 3596 2.1.
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_IN: u16 = 1;

/// An address in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// From an A or AAAA record. IPv4-mapped addresses are IPv4.
    pub address: IpAddr,
    /// Seconds for which it may be kept. The top bit set means zero (RFC 2181 8).
    pub ttl: u32,
}

/// A record, as far as it matters here.
enum Record {
    Address(Address),
    Other,
}

/// Iterates over the addresses in an answer section, whatever their owner's name.
///
/// A record that cannot be read ends it, as do 256 addresses and 1 024 records; [`cut`](Self::cut) then says so.
#[derive(Clone, Debug)]
pub struct Addresses<'a> {
    message: &'a [u8],
    place: usize,
    records: u16,
    walked: u16,
    found: u16,
    cut: bool,
}

impl<'a> Addresses<'a> {
    /// The addresses among this many records at this place of a message.
    pub(super) const fn new(message: &'a [u8], place: usize, records: u16) -> Self {
        Self {
            message,
            place,
            records,
            walked: 0,
            found: 0,
            cut: false,
        }
    }

    /// Whether it ended before the last record. Meaningful once it has ended.
    pub const fn cut(&self) -> bool {
        self.cut
    }

    /// Moves on by one record; `None` when it cannot be read.
    fn record(&mut self) -> Option<Record> {
        let fields = behind_name(self.message, self.place)?;
        let record_type = bytes::be16(self.message, fields)?;
        let class = bytes::be16(self.message, fields + 2)?;
        let ttl = bytes::be32(self.message, fields + 4)?;
        let length = usize::from(bytes::be16(self.message, fields + 8)?);
        let data = self.message.get(fields + 10..fields + 10 + length)?;
        self.place = fields + 10 + length;
        let address = match (record_type, class, length) {
            (TYPE_A, CLASS_IN, 4) => bytes::ipv4(data, 0)?.into(),
            (TYPE_AAAA, CLASS_IN, 16) => bytes::ipv6(data, 0)?.to_canonical(),
            (TYPE_A | TYPE_AAAA, CLASS_IN, _) => return None,
            _ => return Some(Record::Other),
        };
        let ttl = if ttl >> 31 == 0 { ttl } else { 0 };
        Some(Record::Address(Address { address, ttl }))
    }
}

impl Iterator for Addresses<'_> {
    type Item = Address;

    fn next(&mut self) -> Option<Address> {
        while self.walked < self.records && !self.cut {
            if self.walked == MAX_RECORDS || self.found == MAX_ADDRESSES {
                self.cut = true;
                return None;
            }
            self.walked += 1;
            match self.record() {
                Some(Record::Other) => {}
                Some(Record::Address(address)) => {
                    self.found += 1;
                    return Some(address);
                }
                None => self.cut = true,
            }
        }
        None
    }
}

/// The place behind the name at `place`. A pointer ends the name; where it leads is not looked at.
#[inline]
fn behind_name(message: &[u8], place: usize) -> Option<usize> {
    let mut at = place;
    while at < place + MAX_NAME {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            0xc0.. => return message.get(at + 1).map(|_| at + 2),
            _ => return None,
        }
    }
    None
}
