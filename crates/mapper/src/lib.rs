//! Observations and the cluster become the map.
//!
//! ```text
//! Observation ─► Ingest ─► resolve (pure: observation, &cluster::Index) ─┬─► Resolved { client, server, facets } ─► Map
//!                  │                                                    └─► Refusal, counted by reason
//!                  └─ Pairs: answers wait for the connection they were asked for
//! ```

#[cfg(feature = "access")]
pub mod access;
#[cfg(feature = "server")]
mod dns_intents;
#[cfg(feature = "server")]
mod dns_names;
mod fact;
mod fate;
#[cfg(feature = "access")]
pub mod form;
mod ingest;
mod lesson;
pub mod limits;
#[cfg(feature = "server")]
mod memory;
#[cfg(feature = "server")]
mod metrics;
mod news;
#[cfg(feature = "server")]
pub mod otlp;
mod outside;
mod pairs;
mod parked;
#[cfg(feature = "server")]
pub mod report;
mod resolve;
#[cfg(feature = "server")]
mod run;
#[cfg(feature = "server")]
pub mod server;
pub mod service_graph;
#[cfg(feature = "server")]
mod settings;
#[cfg(feature = "server")]
pub mod store;
mod unsaved;
#[cfg(feature = "server")]
pub mod writer;

pub use fact::{Claim, CloudAccess, CloudClient, Fact, HttpRequest, TopicAccess};
pub use fate::{Fate, Refusal};
pub use ingest::Ingest;
pub use lesson::Learned;
pub use news::News;
#[cfg(feature = "server")]
pub use run::main;
