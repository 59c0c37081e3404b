//! Connections as their sockets tell of them: who opened each, and what came of it (the tracepoint
//! `sock:inet_sock_set_state`).
//!
//! A small program in the kernel (`program.rs`) writes a record for each connection that a process of the system opens or
//! accepts; the records come through a ring in shared memory. Loading the program needs `CAP_BPF` and `CAP_PERFMON`;
//! reading the ring needs nothing.
//!
//! System calls beyond those of every program: `bpf`, `openat` of `/sys/kernel/btf/vmlinux` and `mmap` to begin; none to read.

mod event;
#[cfg(target_os = "linux")]
mod program;
#[cfg(target_os = "linux")]
mod ring;

pub use event::{BadRecord, Opened, SocketEvent, What, event};
#[cfg(target_os = "linux")]
pub use ring::{EventCounts, EventsError, SocketEvents};
