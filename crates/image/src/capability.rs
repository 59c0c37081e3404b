//! Capabilities that a program's file carries.

use std::str::FromStr;

/// The extended attribute that holds them, as a key of PAX headers (tar of GNU and libarchive: `SCHILY.xattr`).
pub(crate) const PAX_KEY: &str = "SCHILY.xattr.security.capability";

/// `VFS_CAP_REVISION_2` (`linux/capability.h`): of no user namespace but the first. Without `VFS_CAP_FLAGS_EFFECTIVE`: the
/// program raises what it needs itself, and says what is missing when it cannot.
const REVISION_2: u32 = 0x0200_0000;

/// One that a file gives to whoever runs it, as permitted (capabilities(7), "File capabilities").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// `CAP_NET_RAW`.
    NetRaw,
}

/// The text names no capability that a program of ours carries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no capability that programs of ours carry; there is net_raw")]
pub struct CapabilityError(String);

impl Capability {
    /// Its number (`linux/capability.h`).
    const fn bit(self) -> u32 {
        match self {
            Self::NetRaw => 13,
        }
    }

    /// The attribute's bytes: `struct vfs_cap_data`, with the permitted and the inheritable half of each 32 numbers.
    pub fn attribute(self) -> [u8; 20] {
        let words = [REVISION_2, 1 << self.bit(), 0, 0, 0];
        let mut bytes = [0; 20];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

impl FromStr for Capability {
    type Err = CapabilityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "net_raw" => Ok(Self::NetRaw),
            other => Err(CapabilityError(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn net_raw_is_what_setcap_writes() {
        // `setcap cap_net_raw+p FILE`, then `getfattr -n security.capability -e hex FILE`.
        let expected = [
            0, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!(Capability::NetRaw.attribute(), expected);
        assert_eq!("net_raw".parse(), Ok(Capability::NetRaw));
        assert!("sys_admin".parse::<Capability>().is_err());
    }
}
