//! The map as OpenTelemetry metrics, sent to a collector by OTLP.
//!
//! ```text
//! service_graph::Latest ─► export (what to send, cumulative or delta) ─► message (protobuf) ─► send (gRPC or HTTP)
//! ```
//!
//! A task of its own, which reads snapshots: however slow or dead the collector is, nobody waits for it. Nothing is
//! queued either: counters are cumulative, so the next message says what the lost one would have said.

mod export;
mod figures;
mod message;
mod send;
mod settings;

pub use export::Exporter;
pub use figures::Figures;
pub use send::Failure;
pub use settings::{Protocol, Settings, SettingsError, Temporality};
