//! The built sniffer against the built mapper, on a node of network namespaces: whatever happens, the map is the truth.

mod away;
mod calls;
mod dns;
mod hostile;
mod old;
