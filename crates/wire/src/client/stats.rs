//! What became of everything that was offered.

use map::Time;

/// Why something was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// There was no room, and something newer came.
    Full,
    /// It was held for [`MAX_HELD_FOR`](super::MAX_HELD_FOR).
    Old,
    /// The mapper refused it by status 400 or 422, alone.
    Refused,
    /// It is too large for a request, or for the mapper (status 413), alone.
    Large,
    /// The mapper has no place for it, such as the replaced one for attempts.
    Unknown,
    /// Its file in the spool folder could not be read any more.
    Damaged,
    /// The reporter ended, without a folder to leave it in.
    Ended,
}

impl Reason {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 7] = [
        Self::Full,
        Self::Old,
        Self::Refused,
        Self::Large,
        Self::Unknown,
        Self::Damaged,
        Self::Ended,
    ];

    /// As metrics name it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Full => "spool_full",
            Self::Old => "too_old",
            Self::Refused => "refused",
            Self::Large => "too_large",
            Self::Unknown => "unknown_to_mapper",
            Self::Damaged => "spool_damaged",
            Self::Ended => "ended",
        }
    }
}

/// Counts of items (observations, accesses, operations), since the start. At every time what was offered has been
/// delivered, was dropped, or is held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Offered by the owner, or found in the spool folder at the start.
    pub offered: u64,
    /// Of these, found in the spool folder.
    pub recovered: u64,
    /// Taken by the mapper.
    pub delivered: u64,
    /// By [`Reason`], see [`dropped`](Self::dropped).
    pub(super) dropped: [u64; Reason::ALL.len()],
    /// Wait in memory or in the folder, or are on their way.
    pub held: u64,
    /// Of these, in the folder.
    pub held_in_folder: u64,
    /// Bytes of memory of what is held.
    pub memory: usize,
    /// Bytes in the folder.
    pub folder: u64,
    /// Files of the folder that could not be read, and were set aside. Nobody knows how much was in them.
    pub set_aside: u64,
    /// When the mapper last took something.
    pub last_success: Option<Time>,
    /// What last went wrong, and none if all is well since.
    pub trouble: Option<Failed>,
    /// What the mapper said of the last item that it refused alone.
    pub last_refusal: Option<Failed>,
    /// What is wrong with the folder; meanwhile there is only memory.
    pub folder_trouble: Option<String>,
}

/// A failure in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// When.
    pub at: Time,
    /// What, and on what.
    pub why: String,
}

impl Stats {
    /// How many were dropped for this reason.
    pub const fn dropped(&self, reason: Reason) -> u64 {
        self.dropped[reason as usize]
    }

    /// How many were dropped.
    pub fn dropped_in_all(&self) -> u64 {
        self.dropped.iter().sum()
    }

    pub(super) const fn drop_items(&mut self, reason: Reason, items: usize) {
        self.dropped[reason as usize] += items as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_place_and_a_label_of_its_own() {
        let labels: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.label()).collect();
        assert_eq!(labels.len(), Reason::ALL.len());
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place);
        }
    }
}
