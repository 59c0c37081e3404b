//! A socket table: at most one socket a line, and a bad row spoils only itself.
#![no_main]

use kernel::socket_table::sockets;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|table: &[u8]| {
    let rows: Vec<_> = sockets(table).collect();
    let mut lines = table.split(|byte| *byte == b'\n');
    let header = lines.next().unwrap_or_default();
    let lines: Vec<&[u8]> = lines.filter(|line| !line.trim_ascii().is_empty()).collect();
    assert_eq!(rows.len(), lines.len());

    for (row, line) in rows.iter().zip(lines) {
        let alone = [header, b"\n", line].concat();
        assert_eq!(sockets(&alone).collect::<Vec<_>>(), [*row]);
    }
    for socket in rows.into_iter().flatten() {
        assert_eq!(socket.local.ip(), socket.local.ip().to_canonical());
        assert_eq!(socket.remote.ip(), socket.remote.ip().to_canonical());
    }
});
