use kernel::socket_table::{BadRow, SocketState, sockets};
use proptest::prelude::*;
use testkit::sockets::{ESTABLISHED, LISTEN, table};

use crate::packets::socket;

proptest! {
    #[test]
    fn every_row_comes_back(rows in prop::collection::vec((socket(), socket(), 1..=12_u8, any::<u64>()), 0..20)) {
        let text = table(&rows);
        let read: Vec<_> = sockets(text.as_bytes()).collect();
        prop_assert_eq!(read.len(), rows.len());
        for (read, (local, remote, state, inode)) in read.iter().zip(&rows) {
            let read = read.unwrap();
            prop_assert_eq!((read.local, read.remote, read.inode), (*local, *remote, *inode));
            prop_assert_eq!(read.state == SocketState::Established, *state == ESTABLISHED);
            prop_assert_eq!(read.state == SocketState::Listen, *state == LISTEN);
        }
    }

    /// One bad row spoils only itself.
    #[test]
    fn a_broken_row_spoils_only_itself(rows in prop::collection::vec((socket(), socket(), 1..=12_u8, any::<u64>()), 1..6), noise in "[^\n]{0,80}") {
        let text = table(&rows) + &noise + "\n" + table(&rows).split_once('\n').unwrap().1;
        let good = sockets(text.as_bytes()).flatten().count();
        prop_assert!(good >= 2 * rows.len());
        let bad = sockets(text.as_bytes()).filter(|row| *row == Err(BadRow)).count();
        prop_assert!(good + bad <= 2 * rows.len() + 1);
    }

    #[test]
    fn noise_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(sockets(&bytes).count() <= bytes.len());
    }
}

/// As a kernel on a little-endian machine printed it.
#[test]
#[cfg(target_endian = "little")]
fn a_line_of_a_real_table() {
    let text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
                   1: 0100007F:1F90 0200000A:D431 01 00000000:00000000 02:000004AC 00000000  1000        0 123456 2 \
                0000000000000000 20 4 30 10 -1\n";
    let socket = sockets(text.as_bytes()).next().unwrap().unwrap();
    assert_eq!(socket.local, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(socket.remote, "10.0.0.2:54321".parse().unwrap());
    assert_eq!(socket.inode, 123_456);
}
