//! Collectors that turn packets and socket tables into observations.
//!
//! ```text
//! kernel::packet::Packet ──► Collector ─┬─ Dns         questions, answers, recursion ─┐
//!   (time, frame)                       └─ Handshakes  SYN, SYN-ACK, RST, NAT copies ─┼─► Aggregate ─► Vec<Observation>
//! socket events ───────────► Collector ─── SocketEvents, joined with handshakes ──────┤
//! socket tables, per namespace ──────────► sockets::scan ────────────────────────────┘
//! ```
//!
//! Nothing here reads a clock, a socket or a file: the time of a packet comes with the packet. Only `live`, behind the
//! feature of that name, does: it is `portolan-sniffer`.

mod aggregate;
mod collector;
mod dns;
mod endpoint;
mod handshakes;
mod known;
pub mod limits;
#[cfg(all(feature = "live", target_os = "linux"))]
mod live;
mod opened;
mod recent;
pub mod sockets;

pub use aggregate::{Aggregate, AggregateCounts, Aggregated};
pub use collector::{Collector, PacketFate};
pub use dns::{DnsFate, QuestionCounts};
pub use handshakes::{HandshakeCounts, HandshakeFate};
pub use known::{Known, KnownCounts};
#[cfg(all(feature = "live", target_os = "linux"))]
pub use live::main;
pub use opened::SocketEventFate;

/// There are no packet sockets and no `/proc` here.
#[cfg(all(feature = "live", not(target_os = "linux")))]
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}
