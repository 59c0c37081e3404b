//! Why there is no answer, and whether there may be one later.

use cluster::{Index, Need, OwnerKey};
use map::Time;

use crate::fate::Refusal;

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
        if index.is_settled(at) {
            return Self::Refused(refusal);
        }
        Self::Waits(Box::new(Wait {
            need,
            settled: Some(Index::settles(at)),
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
        if index.is_settled(at) {
            return Ok(());
        }
        let settled = Index::settles(at);
        Err(Self::Waits(Box::new(Wait {
            need: Need::Settled(settled),
            settled: Some(settled),
            refusal: Refusal::Unsettled,
        })))
    }
}
