//! Capture files: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng), plain or gzip.
//!
//! One frame is held at a time, whatever the size of the file; a length that no frame can have allocates nothing.

mod fields;
mod pcap;
mod pcapng;
mod source;

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;

use self::pcap::Pcap;
use self::pcapng::Pcapng;
use self::source::Source;
use crate::packet::LinkType;

/// The longest frame that is read: the largest snapshot length that capture programs use (libpcap's
/// `MAXIMUM_SNAPLEN`).
pub const MAX_FRAME: usize = 262_144;

/// Why a capture cannot be read, or not further. The frames before it have been handed out and count.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The bytes cannot be had. Check that the file is there and may be read.
    #[error("cannot be read: {0}")]
    Io(#[source] io::Error),
    /// Neither pcap nor pcapng, or nothing at all. Record with a program that writes one of them, such as tcpdump.
    #[error("is not a capture file (neither pcap nor pcapng)")]
    NotACapture,
    /// The file ends inside a frame: it was cut off, or is still being written. Wait, or copy it again.
    #[error("breaks off after {frames} frames")]
    CutOff {
        /// Frames that were read before.
        frames: u64,
    },
    /// A length or a block that the format does not allow. Copy the file again; what follows cannot be found.
    #[error("is damaged after {frames} frames")]
    Damaged {
        /// Frames that were read before.
        frames: u64,
    },
}

/// A captured frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When, in nanoseconds since the Unix epoch; zero where the file does not say.
    pub time_nanos: i64,
    /// How it begins, or the number of a link type that is not known.
    pub link: Result<LinkType, u32>,
    /// What was kept of it.
    pub bytes: &'a [u8],
    /// How long it was on the wire, in bytes.
    pub original_length: u32,
}

/// A frame whose bytes are in the buffer.
struct Found {
    time_nanos: i64,
    link: Result<LinkType, u32>,
    bytes: Range<usize>,
    original_length: u32,
}

/// Why there is no next frame, before it is known how many there were.
enum Broken {
    Io(io::Error),
    CutOff,
    Damaged,
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::CutOff,
            // What the unpacker says of damaged gzip.
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Self::Damaged,
            _ => Self::Io(error),
        }
    }
}

#[derive(Debug)]
enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// Reads the frames of a capture, one by one.
pub struct CaptureReader<R: Read> {
    source: Source<R>,
    format: Format,
    buffer: Vec<u8>,
    frames: u64,
    ended: bool,
}

impl<R: Read> CaptureReader<R> {
    /// Reads the file's header.
    pub fn open(reader: R) -> Result<Self, CaptureError> {
        let open = || {
            let mut source = Source::open(reader)?;
            let format = Format::read(&mut source)?;
            Ok((source, format))
        };
        let (source, format) = open().map_err(|broken| match broken {
            Broken::Io(error) => CaptureError::Io(error),
            Broken::CutOff | Broken::Damaged => CaptureError::NotACapture,
        })?;
        Ok(Self {
            source,
            format,
            buffer: Vec::new(),
            frames: 0,
            ended: false,
        })
    }

    /// The next frame; `None` at the end, and after an error.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        if self.ended {
            return Ok(None);
        }
        let found = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.source, &mut self.buffer),
            Format::Pcapng(pcapng) => pcapng.next(&mut self.source, &mut self.buffer),
        };
        let frames = self.frames;
        self.ended = !matches!(found, Ok(Some(_)));
        let found = found.map_err(|broken| match broken {
            Broken::Io(error) => CaptureError::Io(error),
            Broken::CutOff => CaptureError::CutOff { frames },
            Broken::Damaged => CaptureError::Damaged { frames },
        })?;
        self.frames += u64::from(found.is_some());
        Ok(found.map(|found| Frame {
            time_nanos: found.time_nanos,
            link: found.link,
            bytes: self.buffer.get(found.bytes).unwrap_or_default(),
            original_length: found.original_length,
        }))
    }
}

impl Format {
    fn read(source: &mut Source<impl Read>) -> Result<Self, Broken> {
        let magic = source.array()?;
        if magic == pcapng::SECTION_HEADER {
            return Pcapng::open(source).map(Self::Pcapng);
        }
        Pcap::open(magic, source).map(Self::Pcap)
    }
}

impl<R: Read> fmt::Debug for CaptureReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaptureReader")
            .field("format", &self.format)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}
