//! Fields of fixed length at a place in a slice; `None` when the slice ends before them.

use std::net::{Ipv4Addr, Ipv6Addr};

#[inline]
pub(crate) fn array<const N: usize>(bytes: &[u8], place: usize) -> Option<[u8; N]> {
    bytes.get(place..)?.first_chunk().copied()
}

/// A number of 16 bits in network order.
#[inline]
pub(crate) fn be16(bytes: &[u8], place: usize) -> Option<u16> {
    array(bytes, place).map(u16::from_be_bytes)
}

/// A number of 32 bits in network order.
#[inline]
pub(crate) fn be32(bytes: &[u8], place: usize) -> Option<u32> {
    array(bytes, place).map(u32::from_be_bytes)
}

#[inline]
pub(crate) fn ipv4(bytes: &[u8], place: usize) -> Option<Ipv4Addr> {
    array::<4>(bytes, place).map(Ipv4Addr::from)
}

#[inline]
pub(crate) fn ipv6(bytes: &[u8], place: usize) -> Option<Ipv6Addr> {
    array::<16>(bytes, place).map(Ipv6Addr::from)
}
