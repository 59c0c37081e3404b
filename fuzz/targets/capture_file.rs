//! A capture file: the frames do not depend on how the bytes arrive, and none is longer than what was read.
#![no_main]

use std::io::Read;

use fuzz::OneByte;
use kernel::capture_file::CaptureReader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let frames = read(file);
    assert_eq!(frames, read(OneByte(file)));
    let is_gzip = file.starts_with(&[0x1f, 0x8b]);
    assert!(is_gzip || frames.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() <= file.len());
});

/// Every frame up to the first error, with its time.
fn read(file: impl Read) -> Vec<(i64, Vec<u8>)> {
    let mut frames = Vec::new();
    if let Ok(mut reader) = CaptureReader::open(file) {
        while let Ok(Some(frame)) = reader.next_frame() {
            frames.push((frame.time_nanos, frame.bytes.to_vec()));
        }
    }
    frames
}
