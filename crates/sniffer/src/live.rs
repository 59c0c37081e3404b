//! `portolan-sniffer`: the collectors on live packets and socket tables, and what reports them.
//!
//! ```text
//!  thread "packets"   ring ─► Collector ─► Aggregate ─┐                       ┌─► owners: address → pod
//!  thread "sockets"   /proc ─► Node ─► Scanner ─► Aggregate ─┐                │
//!                       │                             └──────┴► Batch ─► Reporting ─► Known ─► wire::client ─► mapper
//!                       └───────────── owners ───────────────────────────────┘
//!  thread "namespaces", where rights allow: opens sockets for diagnostics in other namespaces, for the thread "sockets"
//! ```
//!
//! Both threads keep what they have when the reporting is behind: their tables are bounded, and what finds no room in
//! them is counted. There is no connection to the API server.

#[cfg(test)]
mod balance;
mod batch;
mod budget;
mod capture;
mod check;
mod coverage;
mod door;
mod figures;
mod metrics;
mod namespaces;
mod node;
mod owners;
mod report;
mod reporting;
mod rights;
mod run;
mod scan;
mod settings;
mod sources;

pub use run::main;
