//! Small files of `/proc`: which pod a process belongs to, how many sockets a namespace has, which addresses.

use std::net::Ipv4Addr;

/// The pod of a process, from its `/proc/<pid>/cgroup`: the 32 hexadecimal digits of the UID (of a static pod: of
/// its configuration's hash) as a number.
///
/// The kubelet names a pod's control group `pod<uid>` (driver cgroupfs) or `kubepods-<class>-pod<uid>.slice` with
/// underscores for dashes (driver systemd), version 1 and 2 alike (`pkg/kubelet/cm` of Kubernetes). In a node that
/// is a container itself the path holds two: the last is the pod in which the process sees itself. Relative paths
/// (`/../../pod…`) are read alike, since only the last segment that names a pod counts.
pub fn pod_uid(cgroup: &[u8]) -> Option<u128> {
    let text = std::str::from_utf8(cgroup).ok()?;
    // hierarchy:controllers:path, one line a hierarchy (cgroups(7)); all name the same pod.
    text.lines()
        .filter_map(|line| line.splitn(3, ':').nth(2))
        .find_map(|path| path.rsplit('/').find_map(pod_in))
}

fn pod_in(segment: &str) -> Option<u128> {
    let segment = segment.strip_suffix(".slice").unwrap_or(segment);
    let uid = match segment.strip_prefix("pod") {
        Some(uid) => uid,
        None if segment.starts_with("kubepods") => segment.rsplit_once("-pod")?.1,
        None => return None,
    };
    let mut bits = 0_u128;
    let mut digits = 0_u32;
    for character in uid
        .chars()
        .filter(|character| !matches!(character, '-' | '_'))
    {
        bits = bits << 4 | u128::from(character.to_digit(16)?);
        digits += 1;
        if digits > 32 {
            return None;
        }
    }
    (digits == 32).then_some(bits)
}

/// How many sockets a namespace has, from `sockstat` and `sockstat6`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketCounts {
    /// TCP sockets in use, IPv4 and IPv6.
    pub tcp_in_use: u32,
    /// TCP sockets in the state TIME-WAIT.
    pub tcp_time_wait: u32,
    /// UDP sockets in use, IPv4 and IPv6.
    pub udp_in_use: u32,
}

/// Reads `/proc/<pid>/net/sockstat` and `sockstat6`; what is missing or odd counts as zero.
pub fn socket_counts(sockstat: &[u8], sockstat6: &[u8]) -> SocketCounts {
    let mut counts = SocketCounts::default();
    for file in [sockstat, sockstat6] {
        for line in String::from_utf8_lossy(file).lines() {
            let Some((protocol, values)) = line.split_once(':') else {
                continue;
            };
            let words: Vec<&str> = values.split_ascii_whitespace().collect();
            let value = |name: &str| {
                let pair = words
                    .chunks_exact(2)
                    .find(|pair| pair.first() == Some(&name));
                pair.and_then(|pair| pair.get(1)?.parse::<u32>().ok())
                    .unwrap_or(0)
            };
            match protocol {
                "TCP" | "TCP6" => {
                    counts.tcp_in_use = counts.tcp_in_use.saturating_add(value("inuse"));
                    counts.tcp_time_wait = counts.tcp_time_wait.saturating_add(value("tw"));
                }
                "UDP" | "UDP6" => {
                    counts.udp_in_use = counts.udp_in_use.saturating_add(value("inuse"));
                }
                _ => {}
            }
        }
    }
    counts
}

/// Addresses of one namespace: a node with bridges, tunnels and Service addresses on a dummy device has many.
const MAX_LOCAL_ADDRESSES: usize = 4_096;

/// The addresses of a namespace, from `/proc/<pid>/net/fib_trie`: `|-- a.b.c.d` followed by `/32 host LOCAL`.
/// Without loopback, each once, in the order of the file.
pub fn local_addresses(fib_trie: &[u8]) -> Vec<Ipv4Addr> {
    let mut found = std::collections::BTreeSet::new();
    let mut addresses = Vec::new();
    let mut last: Option<Ipv4Addr> = None;
    for line in fib_trie.split(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line.trim_ascii());
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse().ok();
        } else if line == "/32 host LOCAL"
            && let Some(address) = last
            && !address.is_loopback()
            && addresses.len() < MAX_LOCAL_ADDRESSES
            && found.insert(address)
        {
            addresses.push(address);
        }
    }
    addresses
}
