//! What several targets need.

use std::io::{self, Read};

/// A pipe that hands over one byte at a time.
#[derive(Debug)]
pub struct OneByte<'a>(pub &'a [u8]);

impl Read for OneByte<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(1);
        self.0.read(&mut buffer[..room])
    }
}
