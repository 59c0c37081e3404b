//! Socket diagnostics (`sock_diag(7)`): the sockets of a network namespace, from the kernel's own tables to a few bytes
//! each. What is read is the same as in [`socket_table`](crate::socket_table); the kernel leaves out the states that nobody
//! asked for, and prints nothing.
//!
//! A socket for it belongs to the namespace in which it was opened, wherever it is used afterwards. So a thread is inside
//! another namespace for one system call ([`SocketDiag::open_in`]), and whoever gets the socket needs no right to use it.
//! The open socket keeps the namespace alive: it is opened for each scan.
//!
//! System calls beyond those of every program: `openat` and `setns` (by whoever opens it; `CAP_SYS_ADMIN`, and for the
//! file of another user's process `CAP_SYS_PTRACE`), `socket` of `AF_NETLINK`, `setsockopt`, `sendto` and `recvfrom` on it.

mod message;

#[cfg(target_os = "linux")]
mod socket;

pub use message::{BadAnswer, Message, Messages, messages};
#[cfg(target_os = "linux")]
pub use socket::{DiagError, Home, OpenError, SocketDiag};

/// Which sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// TCP: open connections and listeners.
    Tcp,
    /// UDP: connected or not.
    Udp,
}

/// Whose addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// `AF_INET`.
    V4,
    /// `AF_INET6`, IPv4-mapped ones included.
    V6,
}

/// The most sockets of one kind and family that are taken from a namespace: as many as a text table of 96 MiB has.
pub const MAX_SOCKETS: usize = 524_288;

/// `struct nlmsghdr` and `struct inet_diag_req_v2`.
const QUESTION: u8 = 16 + 56;

/// The question for all sockets of this kind and family in the states that matter.
pub fn question(kind: Kind, family: Family, number: u32) -> [u8; QUESTION as usize] {
    // NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
    const DUMP: u16 = 0x301;
    let [v4, v6] = message::FAMILIES;
    let family = match family {
        Family::V4 => v4,
        Family::V6 => v6,
    };
    // Numbers of protocols and of states (`include/net/tcp_states.h`): established 1, closed 7, listening 10. A UDP socket
    // that is connected is established; one that is not is closed.
    let (protocol, states) = match kind {
        Kind::Tcp => (6, 1_u32 << 1 | 1 << 10),
        Kind::Udp => (17, 1 << 1 | 1 << 7),
    };
    let mut question = [0; QUESTION as usize];
    let fields: [(usize, &[u8]); 6] = [
        (0, &u32::from(QUESTION).to_ne_bytes()),
        (4, &message::SOCK_DIAG_BY_FAMILY.to_ne_bytes()),
        (6, &DUMP.to_ne_bytes()),
        (8, &number.to_ne_bytes()),
        (16, &[family, protocol]),
        (20, &states.to_ne_bytes()),
    ];
    for (place, field) in fields {
        if let Some(into) = question.get_mut(place..place + field.len()) {
            into.copy_from_slice(field);
        }
    }
    question
}
