//! Socket tables as the kernel prints them (`Documentation/networking/proc_net_tcp.rst`).

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

/// State 1.
pub const ESTABLISHED: u8 = 1;
/// State 6.
pub const TIME_WAIT: u8 = 6;
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
