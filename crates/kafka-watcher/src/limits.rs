//! The bounds of the watcher, each with its reason.

/// Bytes of a topic's name: Kafka allows no longer ones (`org.apache.kafka.common.internals.Topic`).
pub const MAX_TOPIC: usize = 249;

/// Accesses that are remembered: each is a client's address, a topic, an operation and an outcome, at one broker. A
/// thousand clients that use fifty topics each in two ways; some 20 MB.
pub const MAX_ACCESSES: usize = 100_000;
