//! Pure rules: who is behind an address or a name, at a time, in this cluster.

mod destination;
mod doubt;
mod source;

pub(crate) use destination::{Place, Server, name, place};
pub(crate) use doubt::{Doubt, Wait};
pub(crate) use source::{Client, client, identified};
