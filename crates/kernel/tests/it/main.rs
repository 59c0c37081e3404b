//! The parsers at their public surface, on what `testkit` builds and on what it breaks.
#![allow(
    clippy::unwrap_used,
    reason = "a test may fail loudly, in its helpers too"
)]

mod btf;
mod captures;
mod dns;
mod packets;
mod proc;
mod socket_diag;
mod socket_events;
mod socket_tables;
mod streams;
