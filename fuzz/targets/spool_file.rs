//! A file of a reporter's spool folder, as it is and under a good checksum: what was read reads again as itself, and
//! every report in it can be sent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::Report;
use wire::client::spool_file::{read, seal, write};

fuzz_target!(|bytes: &[u8]| {
    for file in [bytes, &seal(bytes)] {
        let Ok(batches) = read(file) else {
            continue;
        };
        for batch in &batches {
            let report = batch.report().expect("it was decoded once");
            assert_eq!(report.kind(), batch.kind());
            assert!(batch.items() > 0);
            if let Report::Kafka(report) = &report {
                assert_eq!(report.results.len(), batch.items());
            }
        }
        let again = write(&batches);
        assert_eq!(read(&again).as_ref(), Ok(&batches));
        // Its end says how long it is.
        assert!(read(&again[..again.len() - 1]).is_err());
    }
});
