//! Why there is no answer, and whether there may be one later.

use std::time::Duration;

use cluster::{Index, Need, OwnerKey};
use map::Time;

use crate::fate::Refusal;

/// How far a reporter's clock may be behind ours. The index keeps our time.
const BEHIND: Duration = Duration::from_secs(1);

/// Whether all is known about who held addresses, by the clock of whoever reports it.
pub(crate) fn is_settled(index: &Index, at: Time) -> bool {
    index.is_settled(at.plus(BEHIND))
}

/// When that will be so.
pub(crate) fn settles(at: Time) -> Time {
    Index::settles(at.plus(BEHIND))
}

/// There is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// There never will be.
    Refused(Refusal),
    /// There may be, once the index knows more.
    Waits(Box<Wait>),
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    /// What would answer it at once.
    pub(crate) need: Need,
    /// When all is known of this time, there will be an answer or none.
    pub(crate) settled: Option<Time>,
    /// The reason, should it wait in vain.
    pub(crate) refusal: Refusal,
}

impl From<Refusal> for Doubt {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Doubt {
    /// Refused if the index knows all about this time; else it waits for what is missing.
    pub(crate) fn unless_settled(index: &Index, at: Time, need: Need, refusal: Refusal) -> Self {
        if is_settled(index, at) {
            return Self::Refused(refusal);
        }
        Self::Waits(Box::new(Wait {
            need,
            settled: Some(settles(at)),
            refusal,
        }))
    }

    /// It waits for an owner to be looked up.
    pub(crate) fn owner(owner: OwnerKey) -> Self {
        Self::Waits(Box::new(Wait {
            need: Need::Owner(owner),
            settled: None,
            refusal: Refusal::UnknownOwner,
        }))
    }

    /// Nothing may change any more in who held an address at this time.
    pub(crate) fn settled(index: &Index, at: Time) -> Result<(), Self> {
        if is_settled(index, at) {
            return Ok(());
        }
        let settled = settles(at);
        Err(Self::Waits(Box::new(Wait {
            need: Need::Settled(settled),
            settled: Some(settled),
            refusal: Refusal::Unsettled,
        })))
    }
}
