//! The GraphQL contract of the mapper, both directions, written once.
//!
//! ```text
//! reporters ── input ──► document + variables ──► decode ─┬─► Report      known documents, straight to records
//!                                                         └─► engine      every other document (feature `server`)
//! clients ◄─ response ◄─ output · edge ◄───────────────────────┘
//! ```
//!
//! [`input`] holds what reporters send, [`output`] what the replaced mapper answers, [`edge`] what this one answers
//! beyond it. [`document`] are the texts that our own clients send. Without the features `server` and `client` there is
//! only serde.

#[cfg(feature = "client")]
pub mod client;
pub mod decode;
pub mod document;
pub mod edge;
#[cfg(feature = "server")]
pub mod engine;
pub mod fields;
pub mod input;
pub mod known;
pub mod limits;
pub mod output;
pub mod response;
#[cfg(feature = "server")]
pub mod sdl;

/// The field of an answer's head that tells which map the mapper has: `<instance>.<epoch>`. Another one than before means
/// that the mapper has forgotten what it was told.
pub const MAP_FIELD: &str = "portolan-map";

mod direct;
mod list;
mod numbers;
mod quick;
mod recognise;
mod rfc3339;
mod scalar;
mod word;

pub use decode::{Decoded, Report, decode};
pub use document::ReportKind;
pub use known::Known;
pub use scalar::{Int, Text, Time};
pub use word::{
    AttemptOutcome, ChangeKind, CloudProvider, Evidence, HttpMethod, IntentType, KafkaOperation,
    PeerKind, Protocol,
};
