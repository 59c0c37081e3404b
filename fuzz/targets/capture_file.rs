//! A capture file: the frames do not depend on how the bytes arrive, and none is longer than what was read.
#![no_main]

use std::io::Read;

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

/// A pipe that hands over one byte at a time.
struct OneByte<'a>(&'a [u8]);

impl Read for OneByte<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let room = buffer.len().min(1);
        self.0.read(&mut buffer[..room])
    }
}
