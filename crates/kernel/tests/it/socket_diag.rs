use kernel::socket_diag::{BadAnswer, Family, Kind, Message, messages, question};
use kernel::socket_table::{Socket, SocketState, sockets};
use proptest::prelude::*;
use testkit::sockets::{DONE, ERROR, Row, answer, end, message, table};

use crate::packets::socket;

/// Diagnostics hold the inode in 32 bits.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (socket(), socket(), 1..=12_u8, any::<u32>());
    let row = row.prop_map(|(local, remote, state, inode)| (local, remote, state, inode.into()));
    prop::collection::vec(row, 0..20)
}

fn read(datagram: &[u8], question: u32) -> Vec<Result<Message, BadAnswer>> {
    messages(datagram, question).collect()
}

proptest! {
    /// What diagnostics tell is what the table of the same sockets tells.
    #[test]
    fn every_socket_is_as_in_its_table(rows in rows(), number: u32, attributes in 0..40_usize) {
        let mut datagram = answer(&rows, number, attributes);
        datagram.extend(end(DONE, number, 0));
        let text = table(&rows);
        let mut expected: Vec<_> = sockets(text.as_bytes()).map(|row| Ok(Message::Socket(row))).collect();
        expected.push(Ok(Message::Done));
        prop_assert_eq!(read(&datagram, number), expected);
    }

    /// An answer to another question, and what is no answer, are skipped.
    #[test]
    fn only_what_was_asked_for_counts(rows in rows(), number: u32, kind in 21..1_000_u16, payload in prop::collection::vec(any::<u8>(), 0..50)) {
        let mut datagram = answer(&rows, number.wrapping_add(1), 0);
        datagram.extend(message(kind, number, &payload));
        prop_assert_eq!(read(&datagram, number), []);
    }

    #[test]
    fn a_short_socket_spoils_only_itself(rows in rows(), number: u32, length in 0..72_usize) {
        let mut datagram = message(20, number, &vec![2; length]);
        datagram.extend(answer(&rows, number, 0));
        let read = read(&datagram, number);
        prop_assert!(matches!(read[0], Ok(Message::Socket(Err(_)))));
        prop_assert_eq!(read.len(), rows.len() + 1);
        prop_assert!(read[1..].iter().all(|one| matches!(one, Ok(Message::Socket(Ok(_))))));
    }

    /// A message that ends beyond the datagram ends the reading, wherever it was cut.
    #[test]
    fn a_cut_datagram_is_told(rows in rows(), number: u32, cut: prop::sample::Index) {
        let whole = answer(&rows, number, 0);
        let cut = cut.index(whole.len().max(1)).min(whole.len());
        let read = read(&whole[..cut], number);
        let bad = read.iter().filter(|one| one.is_err()).count();
        prop_assert_eq!(bad, usize::from(!cut.is_multiple_of(88)));
        prop_assert_eq!(read.len() - bad, cut / 88);
    }

    #[test]
    fn noise_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..400), number in 0..3_u32) {
        prop_assert!(read(&bytes, number).len() <= bytes.len());
    }
}

#[test]
fn the_end_says_why() {
    assert_eq!(read(&end(DONE, 7, 0), 7), [Ok(Message::Done)]);
    // ENOENT: the kernel has no module for it.
    assert_eq!(read(&end(DONE, 7, -2), 7), [Ok(Message::Refused(2))]);
    assert_eq!(read(&end(ERROR, 7, -2), 7), [Ok(Message::Refused(2))]);
    assert_eq!(read(&end(ERROR, 7, i32::MIN), 7), [Err(BadAnswer)]);
    assert_eq!(read(&end(ERROR, 7, 0), 7), [Err(BadAnswer)]);
}

/// The layouts of `include/uapi/linux/inet_diag.h`, byte by byte, on a little-endian machine.
#[test]
#[cfg(target_endian = "little")]
fn the_layout_is_the_kernels() {
    let asked = question(Kind::Tcp, Family::V4, 0x0001_e240);
    assert_eq!(asked.len(), 72);
    let head = [72, 0, 0, 0, 20, 0, 1, 3, 0x40, 0xe2, 1, 0, 0, 0, 0, 0];
    assert_eq!(asked[..16], head);
    assert_eq!(asked[16..24], [2, 6, 0, 0, 0x02, 0x04, 0, 0]);
    assert_eq!(asked[24..], [0; 48]);

    let mut told = vec![88, 0, 0, 0, 20, 0, 2, 0, 0x40, 0xe2, 1, 0, 9, 9, 0, 0];
    told.extend([2, 1, 0, 0, 0x9c, 0x40, 0x1f, 0x90]);
    told.extend([10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    told.extend([10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    told.extend([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    told.extend([0; 16]);
    told.extend([0x40, 0xe2, 1, 0]);
    let socket = Socket {
        local: "10.0.0.2:40000".parse().unwrap(),
        remote: "10.0.0.9:8080".parse().unwrap(),
        state: SocketState::Established,
        inode: 123_456,
    };
    assert_eq!(read(&told, 123_456), [Ok(Message::Socket(Ok(socket)))]);
}
