//! Who uses which topic, from the logs of Kafka brokers.
//!
//! ```text
//! a pod's log, a file ─► line::Reader ─► Access ─► Accesses ─► reports
//!                            └─ Other, counted
//! ```
//!
//! Nothing here reads a clock, a socket or a file: the time of a line comes with the line. Only `live`, behind the feature
//! of that name, does: it is `portolan-kafka-watcher`.

pub mod limits;
pub mod line;
mod operation;

pub use operation::Operation;
