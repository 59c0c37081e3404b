//! A record of the socket-state tracepoint: addresses are canonical, and a record that was cut tells nothing else.
#![no_main]

use kernel::socket_events::event;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|record: &[u8]| {
    let Ok(told) = event(record) else { return };
    assert!(record.len() >= 72);
    assert_eq!(told.local.ip(), told.local.ip().to_canonical());
    assert_eq!(told.remote.ip(), told.remote.ip().to_canonical());
    // What is behind the last control group counts for nothing.
    let whole = &record[..record.len().min(360)];
    let mut padded = whole.to_vec();
    padded.resize(360, 0);
    assert_eq!(event(&padded), Ok(told));
});
