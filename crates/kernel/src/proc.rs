//! Small files of `/proc`: which pod a process belongs to and when it began, how many sockets a namespace has,
//! and which addresses.

mod cgroup;
mod fib_trie;
mod if_inet6;
mod sockstat;
mod stat;

pub(crate) use cgroup::pod_of_group;
pub use cgroup::pod_uid;
pub use fib_trie::local_addresses;
pub use if_inet6::local_addresses_v6;
pub use sockstat::{SocketCounts, socket_counts};
pub use stat::{ProcessStat, process_stat};

/// Addresses of one namespace and family: a node with bridges, tunnels, and a Service address each on a dummy device has
/// thousands.
const MAX_LOCAL_ADDRESSES: usize = 4_096;

/// The lines of a file, without the spaces around them.
fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii)
}
