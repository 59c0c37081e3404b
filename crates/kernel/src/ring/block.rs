//! One block of the ring (kernel: `include/uapi/linux/if_packet.h`, `struct tpacket_block_desc`): a header, and packets
//! each with a header of its own.

use crate::bytes;

/// How a packet passed the interface on which it was captured (`packet(7)`, `sll_pkttype`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Came in for this host.
    Host,
    /// Came in for another, as on the host's side of a pod's interface below a bridge.
    OtherHost,
    /// Went out.
    Outgoing,
    /// Broadcast, multicast, and what there may be else.
    Other,
}

/// One captured packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Seconds since 1970, by the kernel's clock of the day.
    pub seconds: u32,
    /// And nanoseconds.
    pub nanoseconds: u32,
    /// What the bytes begin with: an IP header, or a VLAN tag.
    pub ethertype: u16,
    /// The number of the interface.
    pub interface: i32,
    /// How it passed the interface.
    pub direction: Direction,
    /// From the network header on, cut off where the filter said.
    pub bytes: &'a [u8],
}

/// The packets of a block.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    block: &'a [u8],
    /// Where the next packet begins.
    next: usize,
    left: u32,
}

/// Places in the header of a block.
mod header {
    /// `hdr.bh1.block_status`.
    pub(super) const STATUS: usize = 8;
    /// `hdr.bh1.num_pkts`.
    pub(super) const PACKETS: usize = 12;
    /// `hdr.bh1.offset_to_first_pkt`.
    pub(super) const FIRST: usize = 16;
}

/// Places in the header of a packet, `struct tpacket3_hdr`, and behind it `struct sockaddr_ll`.
mod packet {
    pub(super) const NEXT: usize = 0;
    pub(super) const SECONDS: usize = 4;
    pub(super) const NANOSECONDS: usize = 8;
    pub(super) const LENGTH: usize = 12;
    pub(super) const NETWORK: usize = 26;
    /// `TPACKET_ALIGN(sizeof(struct tpacket3_hdr))`.
    pub(super) const ADDRESS: usize = 48;
    pub(super) const PROTOCOL: usize = ADDRESS + 2;
    pub(super) const INTERFACE: usize = ADDRESS + 4;
    pub(super) const KIND: usize = ADDRESS + 10;
}

/// Where in a block its status stands, which the kernel and this program both write.
pub(super) const STATUS: usize = header::STATUS;

impl<'a> Frames<'a> {
    /// Of a block's bytes.
    pub fn new(block: &'a [u8]) -> Self {
        let number = |place| ne32(block, place).unwrap_or(0);
        Self {
            block,
            next: number(header::FIRST) as usize,
            left: number(header::PACKETS),
        }
    }

    fn read(&self) -> Option<(Frame<'a>, usize)> {
        let header = self.block.get(self.next..)?;
        let length = ne32(header, packet::LENGTH)? as usize;
        let start = usize::from(ne16(header, packet::NETWORK)?);
        let kind = *header.get(packet::KIND)?;
        let frame = Frame {
            seconds: ne32(header, packet::SECONDS)?,
            nanoseconds: ne32(header, packet::NANOSECONDS)?,
            ethertype: bytes::be16(header, packet::PROTOCOL)?,
            interface: bytes::array(header, packet::INTERFACE).map(i32::from_ne_bytes)?,
            direction: match kind {
                0 => Direction::Host,
                3 => Direction::OtherHost,
                4 => Direction::Outgoing,
                _ => Direction::Other,
            },
            bytes: header.get(start..start.checked_add(length)?)?,
        };
        let step = ne32(header, packet::NEXT)? as usize;
        Some((frame, self.next.checked_add(step)?))
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (frame, next) = self.read()?;
        // The last packet of a block has no next one.
        self.left = if next > self.next { self.left } else { 0 };
        self.next = next;
        Some(frame)
    }
}

fn ne16(bytes: &[u8], place: usize) -> Option<u16> {
    bytes::array(bytes, place).map(u16::from_ne_bytes)
}

fn ne32(bytes: &[u8], place: usize) -> Option<u32> {
    bytes::array(bytes, place).map(u32::from_ne_bytes)
}
