//! The mapper's GraphQL server and the pages beside it.
//!
//! ```text
//! POST /query ─► wire::decode ─┬─► Report ─────────────────► writer ─► true or false
//!                              └─► engine: queries, other mutations
//! GET  /events ─► new edges as they come, as server-sent events
//! GET  /map ─► the whole map as a file
//! GET  /healthz, /readyz
//! ```

mod backup;
pub mod edges;
mod events;
mod http;
mod intents;
mod mutation;
mod query;
mod schema;

pub use http::{BindError, Server};
pub use schema::{Graph, sdl};
