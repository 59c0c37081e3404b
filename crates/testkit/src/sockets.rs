//! Socket tables as the kernel prints them (`Documentation/networking/proc_net_tcp.rst`), and as socket diagnostics tell
//! them (`include/uapi/linux/inet_diag.h`).

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

/// State 1.
pub const ESTABLISHED: u8 = 1;
/// State 6.
pub const TIME_WAIT: u8 = 6;
/// State 7: a UDP socket that is not connected.
pub const CLOSE: u8 = 7;
/// State 10.
pub const LISTEN: u8 = 10;

/// A row: both ends, state, inode.
pub type Row = (SocketAddr, SocketAddr, u8, u64);

/// A table with its header line.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n",
    );
    for (number, (local, remote, state, inode)) in rows.iter().enumerate() {
        let (local, remote) = (endpoint(*local), endpoint(*remote));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{number:4}: {local} {remote} {state:02X} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1 \
             0000000000000000 100 0 0 10 0"
        );
    }
    text
}

/// Words of 32 bits in the machine's own order.
fn endpoint(socket: SocketAddr) -> String {
    let octets = match socket.ip() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let mut text = String::new();
    for word in octets.chunks_exact(4) {
        let word = u32::from_ne_bytes([word[0], word[1], word[2], word[3]]);
        let _ = write!(text, "{word:08X}");
    }
    let _ = write!(text, ":{:04X}", socket.port());
    text
}

/// The end of an answer, `NLMSG_DONE`.
pub const DONE: u16 = 3;
/// A refusal, `NLMSG_ERROR`.
pub const ERROR: u16 = 2;

/// The rows as the messages of an answer to the question of this number, without an end. `attributes` bytes come behind
/// each, as the kernel adds what it likes.
pub fn answer(rows: &[Row], question: u32, attributes: usize) -> Vec<u8> {
    let mut all = Vec::new();
    for (local, remote, state, inode) in rows {
        let family = if local.is_ipv4() && remote.is_ipv4() {
            2
        } else {
            10
        };
        let octets = |ip: IpAddr| match (ip, family) {
            (IpAddr::V4(address), 2) => [address.octets().as_slice(), &[0; 12]].concat(),
            (IpAddr::V4(address), _) => address.to_ipv6_mapped().octets().to_vec(),
            (IpAddr::V6(address), _) => address.octets().to_vec(),
        };
        let mut payload = vec![family, *state, 0, 0];
        payload.extend(local.port().to_be_bytes());
        payload.extend(remote.port().to_be_bytes());
        payload.extend(octets(local.ip()));
        payload.extend(octets(remote.ip()));
        // Interface and cookie; timer, queues and user.
        payload.extend([0; 12 + 16]);
        payload.extend(u32::try_from(*inode).unwrap_or_default().to_ne_bytes());
        payload.resize(payload.len() + attributes, 0xff);
        all.extend(message(20, question, &payload));
    }
    all
}

/// The end of an answer: [`DONE`] or [`ERROR`] with a number, zero or below.
pub fn end(kind: u16, question: u32, number: i32) -> Vec<u8> {
    message(kind, question, &number.to_ne_bytes())
}

/// A message of netlink (`netlink(7)`), padded to four bytes.
pub fn message(kind: u16, question: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + payload.len()).unwrap_or(u32::MAX);
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    // Of several, which is 2.
    message.extend(2_u16.to_ne_bytes());
    message.extend(question.to_ne_bytes());
    message.extend([0; 4]);
    message.extend(payload);
    message.resize(message.len().next_multiple_of(4), 0);
    message
}
