//! The pcapng format (draft-ietf-opsawg-pcapng): sections of blocks, among them interfaces and packets.

use std::io::Read;

use super::fields::{Clock, Order, link_type};
use super::source::Source;
use super::{Broken, Found, MAX_FRAME};
use crate::packet::LinkType;

/// The type of the section header block, the same in both byte orders.
pub(super) const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

const INTERFACE_DESCRIPTION: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Options of an interface description.
mod option {
    pub(super) const END: u16 = 0;
    pub(super) const TIME_RESOLUTION: u16 = 9;
    pub(super) const TIME_OFFSET: u16 = 14;
}

/// The longest block that is read: a frame with room for options. Blocks that are only skipped may be longer.
const MAX_BLOCK: usize = MAX_FRAME + 65_536;

/// Interfaces in one section: a node has some per pod, a few hundred.
const MAX_INTERFACES: usize = 65_536;

/// Type and the two lengths around a block's body.
const BLOCK_FRAME: usize = 12;

#[derive(Debug)]
pub(super) struct Pcapng {
    order: Order,
    interfaces: Vec<Interface>,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: Result<LinkType, u32>,
    snap_length: usize,
    clock: Clock,
}

impl Pcapng {
    /// Reads the first section header behind its block type.
    pub(super) fn open(source: &mut Source<impl Read>) -> Result<Self, Broken> {
        let (length, magic) = (source.array::<4>()?, source.array::<4>()?);
        let order = match magic {
            [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
            [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
            _ => return Err(Broken::Damaged),
        };
        let length = block_length(order, length)?;
        // Behind the magic number: version, section length, options, none of which matters here.
        let rest = length.checked_sub(BLOCK_FRAME + 4 + 12);
        source.skip(rest.ok_or(Broken::Damaged)? as u64 + 12)?;
        end_of_block(order, length, source)?;
        Ok(Self {
            order,
            interfaces: Vec::new(),
        })
    }

    pub(super) fn next(
        &mut self,
        source: &mut Source<impl Read>,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Found>, Broken> {
        while let Some(block_type) = source.array_or_end::<4>()? {
            if block_type == SECTION_HEADER {
                *self = Self::open(source)?;
                continue;
            }
            let order = self.order;
            let length = block_length(order, source.array()?)?;
            let body = length - BLOCK_FRAME;
            let block_type = order.u32(&block_type, 0).ok_or(Broken::Damaged)?;
            if !matches!(
                block_type,
                INTERFACE_DESCRIPTION | OLD_PACKET | SIMPLE_PACKET | ENHANCED_PACKET
            ) {
                source.skip(body as u64)?;
                end_of_block(order, length, source)?;
                continue;
            }
            if length > MAX_BLOCK {
                return Err(Broken::Damaged);
            }
            source.fill(buffer, body)?;
            end_of_block(order, length, source)?;
            if block_type == INTERFACE_DESCRIPTION {
                self.describe(buffer)?;
                continue;
            }
            let found = match block_type {
                SIMPLE_PACKET => self.simple_packet(buffer),
                OLD_PACKET => {
                    let interface = order.u16(buffer, 0).map(usize::from);
                    interface.and_then(|number| self.packet(number, buffer))
                }
                _ => {
                    let interface = order.usize(buffer, 0);
                    interface.and_then(|number| self.packet(number, buffer))
                }
            };
            return found.map(Some).ok_or(Broken::Damaged);
        }
        Ok(None)
    }

    fn describe(&mut self, body: &[u8]) -> Result<(), Broken> {
        if self.interfaces.len() == MAX_INTERFACES {
            return Err(Broken::Damaged);
        }
        let interface = interface(self.order, body).ok_or(Broken::Damaged)?;
        self.interfaces.push(interface);
        Ok(())
    }

    /// An enhanced packet block, or the packet block before it, which differ in how the interface is given.
    fn packet(&self, interface: usize, body: &[u8]) -> Option<Found> {
        let interface = self.interfaces.get(interface)?;
        let field = |place| self.order.u32(body, place);
        let ticks = u64::from(field(4)?) << 32 | u64::from(field(8)?);
        let kept = self.order.usize(body, 12)?;
        let bytes = 20..20_usize.checked_add(kept)?;
        body.get(bytes.clone())?;
        Some(Found {
            time_nanos: interface.clock.nanos(ticks),
            link: interface.link,
            bytes,
            original_length: field(16)?,
        })
    }

    /// A simple packet block: on the first interface, without a time, cut where that interface says.
    fn simple_packet(&self, body: &[u8]) -> Option<Found> {
        let interface = self.interfaces.first()?;
        let original_length = self.order.u32(body, 0)?;
        let kept = usize::try_from(original_length)
            .ok()?
            .min(interface.snap_length);
        let bytes = 4..4_usize.checked_add(kept)?;
        body.get(bytes.clone())?;
        Some(Found {
            time_nanos: 0,
            link: interface.link,
            bytes,
            original_length,
        })
    }
}

/// The total length of a block, which is padded to four bytes.
fn block_length(order: Order, field: [u8; 4]) -> Result<usize, Broken> {
    let length = order.usize(&field, 0).ok_or(Broken::Damaged)?;
    if length >= BLOCK_FRAME && length.is_multiple_of(4) {
        Ok(length)
    } else {
        Err(Broken::Damaged)
    }
}

/// A block ends with its length again.
fn end_of_block(order: Order, length: usize, source: &mut Source<impl Read>) -> Result<(), Broken> {
    if order.usize(&source.array::<4>()?, 0) == Some(length) {
        Ok(())
    } else {
        Err(Broken::Damaged)
    }
}

/// The body of an interface description block.
fn interface(order: Order, body: &[u8]) -> Option<Interface> {
    let mut clock = Clock::MICROS;
    let mut options = body.get(8..)?;
    while !options.is_empty() {
        let code = order.u16(options, 0)?;
        let length = usize::from(order.u16(options, 2)?);
        let value = options.get(4..4 + length)?;
        match code {
            option::END => break,
            option::TIME_RESOLUTION => clock.resolution = resolution(*value.first()?)?,
            option::TIME_OFFSET => clock.offset = order.i64(value, 0)?,
            _ => {}
        }
        options = options.get(4 + length.next_multiple_of(4)..)?;
    }
    Some(Interface {
        link: link_type(order.u16(body, 0)?.into()),
        snap_length: match order.usize(body, 4)? {
            0 => usize::MAX,
            snap_length => snap_length,
        },
        clock,
    })
}

/// Ticks a second: a power of ten or, with the top bit set, of two. `None` beyond 64 bits.
fn resolution(value: u8) -> Option<u64> {
    let exponent = u32::from(value & 0x7f);
    if value & 0x80 == 0 {
        10_u64.checked_pow(exponent)
    } else {
        2_u64.checked_pow(exponent)
    }
}
