//! The link layer: what stands before the IP header.

use super::{LinkType, Unreadable};
use crate::bytes;

/// VLAN tags in a row: the standards know two, networks of networks add one or two.
const MAX_VLAN_TAGS: usize = 4;

/// IEEE 802 Numbers, as registered with IANA.
mod ethertype {
    pub(super) const IPV4: u16 = 0x0800;
    pub(super) const IPV6: u16 = 0x86dd;
    /// IEEE 802.1Q.
    pub(super) const VLAN: u16 = 0x8100;
    /// IEEE 802.1ad.
    pub(super) const SERVICE_VLAN: u16 = 0x88a8;
    /// Stacked tags before there was 802.1ad.
    pub(super) const OLD_SERVICE_VLAN: u16 = 0x9100;
}

/// The frame without its link header and VLAN tags.
pub(super) fn strip(link: LinkType, frame: &[u8]) -> Result<&[u8], Unreadable> {
    match link {
        LinkType::Ethernet => behind_ethertype(frame, 12, 14),
        LinkType::LinuxSll => behind_ethertype(frame, 14, 16),
        LinkType::LinuxSll2 => behind_ethertype(frame, 0, 20),
        LinkType::RawIp => Ok(frame),
    }
}

/// Skips a header of this length with the ethertype at `place`, and the VLAN tags behind it.
fn behind_ethertype(frame: &[u8], place: usize, length: usize) -> Result<&[u8], Unreadable> {
    let ethertype = bytes::be16(frame, place).ok_or(Unreadable::Truncated)?;
    behind_tags(ethertype, frame.get(length..).ok_or(Unreadable::Truncated)?)
}

/// Skips the VLAN tags, if that is what the ethertype says.
pub(super) fn behind_tags(mut ethertype: u16, mut rest: &[u8]) -> Result<&[u8], Unreadable> {
    for _ in 0..=MAX_VLAN_TAGS {
        match ethertype {
            ethertype::IPV4 | ethertype::IPV6 => return Ok(rest),
            ethertype::VLAN | ethertype::SERVICE_VLAN | ethertype::OLD_SERVICE_VLAN => {
                ethertype = bytes::be16(rest, 2).ok_or(Unreadable::Truncated)?;
                rest = rest.get(4..).ok_or(Unreadable::Truncated)?;
            }
            _ => return Err(Unreadable::NotIp),
        }
    }
    Err(Unreadable::NotIp)
}
