//! What both formats share: the byte order of the machine that wrote the file, and time in ticks.

use crate::bytes;
use crate::packet::LinkType;

const NANOS_PER_SEC: u64 = 1_000_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) fn u16(self, bytes: &[u8], place: usize) -> Option<u16> {
        let array = bytes::array(bytes, place)?;
        Some(match self {
            Self::Little => u16::from_le_bytes(array),
            Self::Big => u16::from_be_bytes(array),
        })
    }

    pub(super) fn u32(self, bytes: &[u8], place: usize) -> Option<u32> {
        let array = bytes::array(bytes, place)?;
        Some(match self {
            Self::Little => u32::from_le_bytes(array),
            Self::Big => u32::from_be_bytes(array),
        })
    }

    pub(super) fn i64(self, bytes: &[u8], place: usize) -> Option<i64> {
        let array = bytes::array(bytes, place)?;
        Some(match self {
            Self::Little => i64::from_le_bytes(array),
            Self::Big => i64::from_be_bytes(array),
        })
    }

    /// A length or count.
    pub(super) fn usize(self, bytes: &[u8], place: usize) -> Option<usize> {
        usize::try_from(self.u32(bytes, place)?).ok()
    }
}

/// The link type with this number, or the number.
pub(super) fn link_type(number: u32) -> Result<LinkType, u32> {
    LinkType::from_pcap(number).ok_or(number)
}

/// How a file counts time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// Ticks a second, at least one.
    pub(super) resolution: u64,
    /// Seconds that are added.
    pub(super) offset: i64,
}

impl Clock {
    pub(super) const MICROS: Self = Self {
        resolution: 1_000_000,
        offset: 0,
    };

    pub(super) const NANOS: Self = Self {
        resolution: NANOS_PER_SEC,
        offset: 0,
    };

    /// Nanoseconds since the epoch, as near as 64 bits come.
    pub(super) fn nanos(self, ticks: u64) -> i64 {
        let per_sec = i128::from(NANOS_PER_SEC);
        let since_offset = i128::from(ticks) * per_sec / i128::from(self.resolution.max(1));
        let nanos = i128::from(self.offset) * per_sec + since_offset;
        let limit = if nanos < 0 { i64::MIN } else { i64::MAX };
        i64::try_from(nanos).unwrap_or(limit)
    }
}
