//! An answer about sockets: no more messages than heads have room, and a bad one is the last.
#![no_main]

use kernel::socket_diag::{Message, messages};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|datagram: &[u8]| {
    // The number of the question of the seeds, and none.
    for question in [7, 0] {
        let read: Vec<_> = messages(datagram, question).collect();
        // A head is 16 bytes, and something bad needs none.
        assert!(read.len() <= datagram.len() / 16 + 1);
        let bad = read.iter().position(Result::is_err);
        assert!(bad.is_none_or(|place| place + 1 == read.len()));
        for message in read.iter().flatten() {
            if let Message::Socket(Ok(socket)) = message {
                assert_eq!(socket.local.ip(), socket.local.ip().to_canonical());
                assert_eq!(socket.remote.ip(), socket.remote.ip().to_canonical());
            }
        }
    }
});
