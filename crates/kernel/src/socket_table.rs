//! The socket tables `/proc/<pid>/net/{tcp,tcp6,udp,udp6}` (kernel: `Documentation/networking/proc_net_tcp.rst`),
//! read in place.
//!
//! Addresses are printed as words of 32 bits in the machine's own byte order, ports and states as plain numbers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// This end. IPv4-mapped addresses are IPv4.
    pub local: SocketAddr,
    /// The other end; all zero where there is none.
    pub remote: SocketAddr,
    /// Where it stands.
    pub state: SocketState,
    /// The socket's inode; zero when no process holds it any more.
    pub inode: u64,
}

/// States of a socket (kernel: `include/net/tcp_states.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SocketState {
    /// Open; also a connected UDP socket.
    Established,
    /// Waits for a SYN-ACK.
    SynSent,
    /// Waits for the last ACK of the handshake.
    SynReceived,
    /// Closed by this end, not acknowledged.
    FinWait1,
    /// Closed by this end.
    FinWait2,
    /// Closed by both, kept for stray packets.
    TimeWait,
    /// Closed; also a UDP socket that is not connected.
    Close,
    /// Closed by the other end.
    CloseWait,
    /// Closed by both, last FIN not acknowledged.
    LastAck,
    /// Listens.
    Listen,
    /// Closed by both at once.
    Closing,
    /// A request socket.
    NewSynReceived,
    /// A number that this program does not know.
    Unknown(u8),
}

impl SocketState {
    pub(crate) const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Established,
            2 => Self::SynSent,
            3 => Self::SynReceived,
            4 => Self::FinWait1,
            5 => Self::FinWait2,
            6 => Self::TimeWait,
            7 => Self::Close,
            8 => Self::CloseWait,
            9 => Self::LastAck,
            10 => Self::Listen,
            11 => Self::Closing,
            12 => Self::NewSynReceived,
            other => Self::Unknown(other),
        }
    }
}

/// A row that cannot be read; it spoils only itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row of a socket table cannot be read")]
pub struct BadRow;

/// The rows of a table. The header line is skipped.
pub fn sockets(table: &[u8]) -> Sockets<'_> {
    Sockets {
        rest: after_line(table).1,
    }
}

/// Iterates over the rows of a table.
#[derive(Clone, Debug)]
pub struct Sockets<'a> {
    rest: &'a [u8],
}

impl Iterator for Sockets<'_> {
    type Item = Result<Socket, BadRow>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let (line, rest) = after_line(self.rest);
            self.rest = rest;
            if !line.trim_ascii().is_empty() {
                return Some(row(line).ok_or(BadRow));
            }
        }
        None
    }
}

/// The line at the front, and what is behind it.
fn after_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'\n', bytes) {
        Some(end) => (
            bytes.get(..end).unwrap_or_default(),
            bytes.get(end + 1..).unwrap_or_default(),
        ),
        None => (bytes, &[]),
    }
}

/// `sl local remote st tx:rx tr:when retransmits uid timeout inode …`
fn row(line: &[u8]) -> Option<Socket> {
    let mut fields = Fields(line);
    fields.next()?.strip_suffix(b":")?;
    let local = endpoint(fields.next()?)?;
    let remote = endpoint(fields.next()?)?;
    let state = SocketState::from_number(u8::try_from(hex(fields.next()?, 2)?).ok()?);
    // tx:rx, tr:when, retransmits, uid, timeout
    for _ in 0..5 {
        fields.next()?;
    }
    let inode = decimal(fields.next()?)?;
    Some(Socket {
        local,
        remote,
        state,
        inode,
    })
}

/// Fields between spaces.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.0.iter().position(|byte| *byte != b' ')?;
        let rest = self.0.get(start..)?;
        let end = rest
            .iter()
            .position(|byte| *byte == b' ')
            .unwrap_or(rest.len());
        let (field, behind) = rest.split_at_checked(end)?;
        self.0 = behind;
        Some(field)
    }
}

/// `0100007F:1F90`, or four such words for IPv6.
fn endpoint(field: &[u8]) -> Option<SocketAddr> {
    let colon = field.len().checked_sub(5)?;
    let (address, port) = field.split_at_checked(colon)?;
    let port = u16::try_from(hex(port.strip_prefix(b":")?, 4)?).ok()?;
    let address: IpAddr = match address.len() {
        8 => Ipv4Addr::from(hex(address, 8)?.to_ne_bytes()).into(),
        32 => {
            let mut octets = [0; 16];
            for (word, place) in address.chunks_exact(8).zip(octets.chunks_exact_mut(4)) {
                place.copy_from_slice(&hex(word, 8)?.to_ne_bytes());
            }
            Ipv6Addr::from(octets).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, port))
}

/// Exactly this many hexadecimal digits, at most eight.
fn hex(digits: &[u8], count: usize) -> Option<u32> {
    if digits.len() != count {
        return None;
    }
    let mut value = 0_u32;
    for digit in digits {
        let nibble = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'F' => digit - b'A' + 10,
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        value = value << 4 | u32::from(nibble);
    }
    Some(value)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_u64;
    for digit in digits {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}
