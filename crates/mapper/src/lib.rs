//! Observations and the cluster become the map.
//!
//! ```text
//! Observation ─► Ingest ─► resolve (pure: observation, &cluster::Index) ─┬─► Resolved { client, server, facets } ─► Map
//!                  │                                                    └─► Refusal, counted by reason
//!                  └─ Pairs: answers wait for the connection they were asked for
//! ```

mod fate;
mod ingest;
pub mod limits;
mod outside;
mod pairs;
mod resolve;

pub use fate::{Fate, Refusal};
pub use ingest::Ingest;
