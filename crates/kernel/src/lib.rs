//! Bytes from the kernel: packets, DNS messages, capture files, socket tables, `/proc`.
//!
//! Everything here reads bytes that strangers wrote. Nothing panics, nothing allocates on the way of a packet, and
//! every walk is bounded. Each module takes a slice and gives plain values; none knows the others, but for the
//! link type that a capture file names and the packet walk needs.
//!
//! ```text
//! capture_file ─┐
//! filter ─► ring ┴► frame ─► packet ─► UDP payload ─► dns
//!                              └────► TCP payload ─► dns_stream ─► dns
//! /proc/<pid>/net/tcp … ─► socket_table        /proc/<pid>/cgroup … ─► proc
//! netlink ─► socket_diag ─────┘
//! tracepoint ─► socket_events, by btf
//! ```
//!
//! And one module that reads nothing: `confine` says to the kernel what this process will never do.

pub mod btf;
mod bytes;
pub mod capture_file;
#[cfg(target_os = "linux")]
pub mod confine;
pub mod dns;
pub mod dns_stream;
#[cfg(target_os = "linux")]
pub mod filter;
#[cfg(target_os = "linux")]
pub mod heap;
pub mod packet;
pub mod proc;
#[cfg(target_os = "linux")]
pub mod ring;
pub mod socket_diag;
pub mod socket_events;
pub mod socket_table;
