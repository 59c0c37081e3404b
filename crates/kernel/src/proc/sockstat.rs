//! How many sockets a network namespace has.

use super::lines;

/// How many sockets a network namespace has, of both IP versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketCounts {
    /// TCP sockets in use, without those in TIME-WAIT.
    pub tcp_in_use: u32,
    /// TCP sockets in TIME-WAIT, of both IP versions in one number of the kernel's.
    pub tcp_time_wait: u32,
    /// UDP sockets in use.
    pub udp_in_use: u32,
}

/// Reads `/proc/<pid>/net/sockstat` and `sockstat6` (kernel: `net/ipv4/proc.c`, `net/ipv6/proc.c`), whose lines are
/// a protocol with pairs of a name and a number. What is missing or odd counts as zero.
pub fn socket_counts(sockstat: &[u8], sockstat6: &[u8]) -> SocketCounts {
    let mut counts = SocketCounts::default();
    for line in lines(sockstat).chain(lines(sockstat6)) {
        let mut words = line.split(u8::is_ascii_whitespace);
        let protocol = words.next().unwrap_or_default();
        while let (Some(name), Some(value)) = (words.next(), words.next()) {
            let count = match (protocol, name) {
                (b"TCP:" | b"TCP6:", b"inuse") => &mut counts.tcp_in_use,
                (b"TCP:", b"tw") => &mut counts.tcp_time_wait,
                (b"UDP:" | b"UDP6:", b"inuse") => &mut counts.udp_in_use,
                _ => continue,
            };
            *count = count.saturating_add(number(value));
        }
    }
    counts
}

fn number(digits: &[u8]) -> u32 {
    let text = std::str::from_utf8(digits).unwrap_or_default();
    text.parse().unwrap_or(0)
}
