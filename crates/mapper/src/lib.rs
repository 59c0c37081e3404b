//! Observations and the cluster become the map.
//!
//! ```text
//! Observation ─► Ingest ─► resolve (pure: observation, &cluster::Index) ─┬─► Resolved { client, server, facets } ─► Map
//!                  │                                                    └─► Refusal, counted by reason
//!                  └─ Pairs: answers wait for the connection they were asked for
//! ```

mod dns_intents;
mod dns_names;
mod fact;
mod fate;
mod ingest;
pub mod limits;
mod metrics;
mod news;
mod outside;
mod pairs;
mod parked;
pub mod report;
mod resolve;
mod run;
pub mod server;
mod settings;
pub mod writer;

pub use fact::{Claim, CloudAccess, CloudClient, Fact, HttpRequest, TopicAccess};
pub use fate::{Fate, Refusal};
pub use ingest::Ingest;
pub use news::News;
pub use run::main;
