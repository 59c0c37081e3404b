//! The pcap format (draft-ietf-opsawg-pcap): a header, then a record for each frame.

use std::io::Read;

use super::fields::{Clock, Order, link_type};
use super::source::Source;
use super::{Broken, Found, MAX_FRAME};
use crate::packet::LinkType;

#[derive(Debug)]
pub(super) struct Pcap {
    order: Order,
    clock: Clock,
    link: Result<LinkType, u32>,
}

impl Pcap {
    /// Reads the rest of the file header behind the magic number, which tells byte order and clock.
    pub(super) fn open(magic: [u8; 4], source: &mut Source<impl Read>) -> Result<Self, Broken> {
        let (order, clock) = match magic {
            [0xd4, 0xc3, 0xb2, 0xa1] => (Order::Little, Clock::MICROS),
            [0xa1, 0xb2, 0xc3, 0xd4] => (Order::Big, Clock::MICROS),
            [0x4d, 0x3c, 0xb2, 0xa1] => (Order::Little, Clock::NANOS),
            [0xa1, 0xb2, 0x3c, 0x4d] => (Order::Big, Clock::NANOS),
            _ => return Err(Broken::Damaged),
        };
        let header: [u8; 20] = source.array()?;
        // The upper half says whether frames end with a check sequence, which the IP length cuts off.
        let number = order.u32(&header, 16).ok_or(Broken::Damaged)? & 0xffff;
        Ok(Self {
            order,
            clock,
            link: link_type(number),
        })
    }

    pub(super) fn next(
        &mut self,
        source: &mut Source<impl Read>,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Found>, Broken> {
        let Some(header) = source.array_or_end::<16>()? else {
            return Ok(None);
        };
        let field = |place| self.order.u32(&header, place).ok_or(Broken::Damaged);
        let length = self.order.usize(&header, 8).ok_or(Broken::Damaged)?;
        if length > MAX_FRAME {
            return Err(Broken::Damaged);
        }
        source.fill(buffer, length)?;
        // Both factors of the product and the sum stay within 64 bits: a time of 32 bits, at most 10^9 ticks.
        let ticks = u64::from(field(0)?) * self.clock.resolution + u64::from(field(4)?);
        Ok(Some(Found {
            time_nanos: self.clock.nanos(ticks),
            link: self.link,
            bytes: 0..length,
            original_length: field(12)?,
        }))
    }
}
