//! The addresses of a network namespace.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use super::{MAX_LOCAL_ADDRESSES, lines};

/// The IPv4 addresses of a network namespace, from `/proc/<pid>/net/fib_trie` (kernel: `net/ipv4/fib_trie.c`): each
/// `|-- a.b.c.d` that is followed by `/32 host LOCAL`. Without loopback, each once, in the order of the file, at
/// most 4 096.
pub fn local_addresses(fib_trie: &[u8]) -> Vec<Ipv4Addr> {
    let mut found = HashSet::new();
    let mut addresses = Vec::new();
    let mut leaf = None;
    for line in lines(fib_trie) {
        if let Some(address) = line.strip_prefix(b"|-- ") {
            let text = std::str::from_utf8(address).unwrap_or_default();
            leaf = text.parse().ok();
        } else if line == b"/32 host LOCAL"
            && let Some(address) = leaf
            && !Ipv4Addr::is_loopback(&address)
            && found.insert(address)
        {
            addresses.push(address);
            if addresses.len() == MAX_LOCAL_ADDRESSES {
                break;
            }
        }
    }
    addresses
}
