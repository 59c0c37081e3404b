//! What the built sniffer sees and costs, on a node of network namespaces.

pub(crate) mod flood;
pub(crate) mod idle;
pub(crate) mod pairs;
mod town;
pub(crate) mod visible;
