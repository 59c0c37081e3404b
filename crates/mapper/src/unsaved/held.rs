//! What the mapper has taken and not yet resolved.

use std::net::IpAddr;

use map::Workload;
use serde::{Deserialize, Serialize};

use crate::fact::Fact;
use crate::pairs::Waiting;

/// One of them. After a restart it is taken again, which is harmless if it had come to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Held {
    /// Waits for what the index does not know yet.
    Fact(Fact),
    /// A DNS answer whose ends are known, and which waits for its connection.
    Answer(HeldAnswer),
}

/// See [`Held::Answer`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldAnswer {
    /// Who asked.
    pub(crate) client: Workload,
    /// The address that it got.
    pub(crate) address: IpAddr,
    /// For what.
    pub(crate) waiting: Waiting,
}
