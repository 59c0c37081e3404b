//! Collectors that turn packets and socket tables into observations.
//!
//! ```text
//! kernel::packet::Packet ──► Collector ─┬─ Dns         questions, answers, recursion ─┐
//!   (time, frame)                       └─ Handshakes  SYN, SYN-ACK, RST, NAT copies ─┼─► Aggregate ─► Vec<Observation>
//! socket tables, per namespace ──────────► sockets::scan ────────────────────────────┘
//! ```
//!
//! Nothing here reads a clock, a socket or a file: the time of a packet comes with the packet.

mod aggregate;
mod collector;
mod dns;
mod endpoint;
mod handshakes;
pub mod limits;
mod recent;
pub mod sockets;

pub use aggregate::{Aggregate, Aggregated};
pub use collector::{Collector, PacketFate};
pub use dns::DnsFate;
pub use handshakes::HandshakeFate;
