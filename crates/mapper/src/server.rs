//! The mapper's GraphQL server and the pages beside it.
//!
//! ```text
//! connection ─► first byte ─► TLS or plain ─► gate: who is it, what may it do ─► a page
//! POST /query ─► wire::decode ─┬─► Report ─────────────────► writer ─► true or false
//!                              └─► engine: queries, other mutations
//! GET  /events ─► new edges as they come, as server-sent events
//! GET  /map ─► the whole map as a file
//! GET  /healthz, /readyz
//! ```

mod backup;
mod body;
mod connection;
pub mod edges;
mod events;
mod gate;
mod http;
mod intents;
mod mutation;
mod query;
mod refusal;
mod reviews;
mod schema;
mod status;
pub mod tls;

pub use gate::Gate;
pub use http::{BindError, Server};
pub use reviews::{AUDIENCE, Ask, Reviewed, ask};
pub use schema::{Graph, sdl};
