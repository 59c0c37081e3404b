//! Who uses which topic, from the logs of Kafka brokers.
//!
//! ```text
//! a pod's log, a file ─► line::Reader ─► Access ─► Accesses ─► reports
//!                            └─ Other, counted
//! ```
//!
//! Nothing here reads a clock, a socket or a file: the time of a line comes with the line. Only `live`, behind the feature
//! of that name, does: it is `portolan-kafka-watcher`.

mod accesses;
pub mod limits;
pub mod line;
#[cfg(feature = "live")]
mod live;
mod operation;
pub mod place;
mod silence;

pub use accesses::{Accessed, Accesses, Broker, Fate};
#[cfg(feature = "live")]
pub use live::main;
pub use operation::Operation;
pub use silence::{Heard, SETTINGS, Silence};
