//! Small files of `/proc`: which pod a process belongs to, when it began and what it may do, how many sockets a namespace
//! has, and which addresses; what is mounted.

mod cgroup;
mod fib_trie;
mod if_inet6;
mod mountinfo;
mod sockstat;
mod stat;
mod status;

pub(crate) use cgroup::pod_of_group;
pub use cgroup::pod_uid;
pub use fib_trie::local_addresses;
pub use if_inet6::local_addresses_v6;
pub use mountinfo::{Mount, mount_of};
pub use sockstat::{SocketCounts, socket_counts};
pub use stat::{ProcessStat, process_stat};
pub use status::{Capabilities, ProcessStatus, file_capabilities, process_status};

/// Addresses of one namespace and family: a node with bridges, tunnels, and a Service address each on a dummy device has
/// thousands.
const MAX_LOCAL_ADDRESSES: usize = 4_096;

/// The lines of a file, without the spaces around them.
fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii)
}
