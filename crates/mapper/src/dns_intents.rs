//! The addresses of internet targets go into the status of ClientIntents: the intents operator builds egress policies
//! from them.
//!
//! ```text
//! accepted DNS answers ──► Learned (bounded) ──┐
//! a watch of ClientIntents ────────────────────┼─► Book (pure) ─┬─► Patch ──► status.resolvedIPs
//! a name never seen ──► the system's resolver ─┘                └─► lookups
//! ```
//!
//! Only answers of clients that are known pods teach an address, and only names and addresses outside the cluster are
//! learned; what is refused or waits for the index teaches nothing.

mod book;
mod desired;
mod learned;
mod publish;

pub(crate) use learned::Teacher;
pub(crate) use publish::{Figures, Publisher};
