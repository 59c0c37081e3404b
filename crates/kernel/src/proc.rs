//! Small files of `/proc`: which pod a process belongs to, how many sockets a namespace has, which addresses.

mod cgroup;
mod fib_trie;
mod sockstat;

pub use cgroup::pod_uid;
pub use fib_trie::local_addresses;
pub use sockstat::{SocketCounts, socket_counts};

/// The lines of a file, without the spaces around them.
fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii)
}
