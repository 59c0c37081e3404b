//! Small files of `/proc`: a pod UID that was read is found again, and the lists are bounded.
#![no_main]

use std::collections::BTreeSet;

use kernel::proc;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    if let Some(uid) = proc::pod_uid(file) {
        assert_eq!(
            proc::pod_uid(format!("0::/kubepods/pod{uid:032x}").as_bytes()),
            Some(uid)
        );
    }

    let both = proc::socket_counts(file, file);
    let one = proc::socket_counts(file, &[]);
    assert_eq!(one, proc::socket_counts(&[], file));
    assert_eq!(both.tcp_in_use, one.tcp_in_use.saturating_mul(2));

    let addresses = proc::local_addresses(file);
    let distinct: BTreeSet<_> = addresses.iter().collect();
    assert_eq!(distinct.len(), addresses.len());
    assert!(addresses.iter().all(|address| !address.is_loopback()));

    let addresses = proc::local_addresses_v6(file);
    assert!(addresses.len() <= file.len() / 32);
    if let Some(process) = proc::process_stat(file) {
        // What the process calls itself is no matter.
        let named = [b"1 (", file].concat();
        assert_eq!(proc::process_stat(&named), Some(process));
    }
});
