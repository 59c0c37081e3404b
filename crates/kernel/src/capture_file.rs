//! Capture files: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng), plain or gzip.
//!
//! One frame is held at a time, whatever the size of the file; a length that no frame can have allocates nothing.

use std::io::{self, BufReader, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use crate::packet::LinkType;

/// The longest frame that is read: the largest snapshot length that capture programs use.
pub const MAX_FRAME: usize = 262_144;

/// The longest block of a pcapng file: a frame with room for options.
const MAX_BLOCK: usize = MAX_FRAME + 65_536;

/// Interfaces described in one pcapng section: more than a node has.
const MAX_INTERFACES: usize = 65_536;

/// Why a capture cannot be read, or not further.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The bytes cannot be had.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Neither pcap nor pcapng.
    #[error("is not a capture file (neither pcap nor pcapng)")]
    NotACapture,
    /// The file ends inside a frame: it was cut off, or is still being written.
    #[error("breaks off after {frames} frames")]
    CutOff {
        /// Frames that were read before.
        frames: u64,
    },
    /// A length or a block that the format does not allow.
    #[error("is damaged after {frames} frames")]
    Damaged {
        /// Frames that were read before.
        frames: u64,
    },
}

/// A captured frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// When, in nanoseconds since the Unix epoch.
    pub time_nanos: i64,
    /// How it begins, or the number of a link type that is not known.
    pub link: Result<LinkType, u32>,
    /// What was kept of it.
    pub bytes: &'a [u8],
    /// How long it was on the wire.
    pub original_length: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, bytes: &[u8], place: usize) -> Option<u16> {
        let pair = *bytes.get(place..)?.first_chunk::<2>()?;
        Some(if self == Self::Little {
            u16::from_le_bytes(pair)
        } else {
            u16::from_be_bytes(pair)
        })
    }

    fn u32(self, bytes: &[u8], place: usize) -> Option<u32> {
        let word = *bytes.get(place..)?.first_chunk::<4>()?;
        Some(if self == Self::Little {
            u32::from_le_bytes(word)
        } else {
            u32::from_be_bytes(word)
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: Result<LinkType, u32>,
    /// Ticks a second.
    resolution: u64,
    /// Seconds added to every time.
    offset: i64,
}

#[derive(Debug)]
enum Format {
    Pcap {
        order: Order,
        interface: Interface,
    },
    Pcapng {
        order: Order,
        interfaces: Vec<Interface>,
    },
}

/// Plain or unpacked on the way.
enum Bytes<R: Read> {
    Plain(Whole<R>),
    Gzip(Box<BufReader<MultiGzDecoder<Whole<R>>>>),
}

/// A file with its first bytes put back.
type Whole<R> = BufReader<Chain<Cursor<Vec<u8>>, R>>;

/// The first two bytes, however few a pipe hands over at a time; fewer at the end.
fn start(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(2);
    reader.take(2).read_to_end(&mut start)?;
    Ok(start)
}

impl<R: Read> Read for Bytes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            Self::Gzip(reader) => reader.read(buffer),
        }
    }
}

/// A frame in the buffer: time, link, where its bytes begin and end, original length.
type Found = (i64, Result<LinkType, u32>, usize, usize, u32);

/// Reads the frames of a capture, one by one.
pub struct CaptureReader<R: Read> {
    bytes: Bytes<R>,
    format: Format,
    buffer: Vec<u8>,
    frames: u64,
}

impl<R: Read> std::fmt::Debug for CaptureReader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CaptureReader")
            .field("format", &self.format)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

impl<R: Read> CaptureReader<R> {
    /// Reads the file's header.
    pub fn open(reader: R) -> Result<Self, CaptureError> {
        let mut reader = reader;
        let start = start(&mut reader)?;
        let gzip = start == [0x1f, 0x8b];
        let reader = BufReader::with_capacity(1 << 16, Cursor::new(start).chain(reader));
        let mut bytes = if gzip {
            Bytes::Gzip(Box::new(BufReader::new(MultiGzDecoder::new(reader))))
        } else {
            Bytes::Plain(reader)
        };
        let mut magic = [0; 4];
        fill(&mut bytes, &mut magic).map_err(|_| CaptureError::NotACapture)?;
        let (order, nanos) = match magic {
            [0xd4, 0xc3, 0xb2, 0xa1] => (Order::Little, false),
            [0xa1, 0xb2, 0xc3, 0xd4] => (Order::Big, false),
            [0x4d, 0x3c, 0xb2, 0xa1] => (Order::Little, true),
            [0xa1, 0xb2, 0x3c, 0x4d] => (Order::Big, true),
            [0x0a, 0x0d, 0x0d, 0x0a] => {
                let mut capture = Self {
                    bytes,
                    format: Format::Pcapng {
                        order: Order::Little,
                        interfaces: Vec::new(),
                    },
                    buffer: Vec::new(),
                    frames: 0,
                };
                capture.section().map_err(|error| match error {
                    CaptureError::Io(error) => CaptureError::Io(error),
                    _ => CaptureError::NotACapture,
                })?;
                return Ok(capture);
            }
            _ => return Err(CaptureError::NotACapture),
        };
        let mut rest = [0; 20];
        fill(&mut bytes, &mut rest).map_err(|_| CaptureError::NotACapture)?;
        // The upper bits may hold the length of a frame check sequence.
        let number = order.u32(&rest, 16).ok_or(CaptureError::NotACapture)? & 0x0fff_ffff;
        let resolution = if nanos { 1_000_000_000 } else { 1_000_000 };
        let interface = Interface {
            link: LinkType::from_pcap(number).ok_or(number),
            resolution,
            offset: 0,
        };
        Ok(Self {
            bytes,
            format: Format::Pcap { order, interface },
            buffer: Vec::new(),
            frames: 0,
        })
    }

    /// The next frame; `None` at the end.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        match self.format {
            Format::Pcap { order, interface } => self.next_pcap(order, interface),
            Format::Pcapng { .. } => self.next_pcapng(),
        }
    }

    fn next_pcap(
        &mut self,
        order: Order,
        interface: Interface,
    ) -> Result<Option<Frame<'_>>, CaptureError> {
        let mut header = [0; 16];
        if !self.fill_or_end(&mut header)? {
            return Ok(None);
        }
        let damaged = CaptureError::Damaged {
            frames: self.frames,
        };
        let field = |place| order.u32(&header, place);
        let (Some(secs), Some(ticks), Some(kept), Some(original_length)) =
            (field(0), field(4), field(8), field(12))
        else {
            return Err(damaged);
        };
        let kept = usize::try_from(kept).unwrap_or(usize::MAX);
        if kept > MAX_FRAME {
            return Err(damaged);
        }
        self.read(kept)?;
        self.frames += 1;
        let fraction = u64::from(ticks).saturating_mul(1_000_000_000 / interface.resolution);
        let time_nanos = i64::from(secs)
            .saturating_mul(1_000_000_000)
            .saturating_add_unsigned(fraction);
        Ok(Some(Frame {
            time_nanos,
            link: interface.link,
            bytes: &self.buffer,
            original_length,
        }))
    }

    fn next_pcapng(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        loop {
            let mut head = [0; 4];
            if !self.fill_or_end(&mut head)? {
                return Ok(None);
            }
            if head == [0x0a, 0x0d, 0x0d, 0x0a] {
                self.section()?;
                continue;
            }
            let Format::Pcapng { order, .. } = self.format else {
                return Ok(None);
            };
            let damaged = CaptureError::Damaged {
                frames: self.frames,
            };
            let Some(kind) = order.u32(&head, 0) else {
                return Err(damaged);
            };
            self.block(order)?;
            let found = match kind {
                1 => {
                    self.interface(order)?;
                    None
                }
                3 => self.simple(order),
                6 => self.enhanced(order),
                _ => None,
            };
            if let Some((time_nanos, link, start, end, original_length)) = found {
                self.frames += 1;
                let bytes = self.buffer.get(start..end).ok_or(CaptureError::Damaged {
                    frames: self.frames,
                })?;
                return Ok(Some(Frame {
                    time_nanos,
                    link,
                    bytes,
                    original_length,
                }));
            }
        }
    }

    /// A section header behind its block type: sets the byte order anew.
    fn section(&mut self) -> Result<(), CaptureError> {
        let mut head = [0; 8];
        self.fill(&mut head)?;
        let damaged = CaptureError::Damaged {
            frames: self.frames,
        };
        let order = match head.last_chunk::<4>() {
            Some([0x4d, 0x3c, 0x2b, 0x1a]) => Order::Little,
            Some([0x1a, 0x2b, 0x3c, 0x4d]) => Order::Big,
            _ => return Err(damaged),
        };
        let length = order
            .u32(&head, 0)
            .and_then(|length| usize::try_from(length).ok())
            .unwrap_or(0);
        if !(28..=MAX_BLOCK).contains(&length) || length % 4 != 0 {
            return Err(damaged);
        }
        self.read(length - 12)?;
        self.format = Format::Pcapng {
            order,
            interfaces: Vec::new(),
        };
        Ok(())
    }

    /// Reads a block behind its type; the body stays in the buffer.
    fn block(&mut self, order: Order) -> Result<(), CaptureError> {
        let mut head = [0; 4];
        self.fill(&mut head)?;
        let length = order
            .u32(&head, 0)
            .and_then(|length| usize::try_from(length).ok())
            .unwrap_or(0);
        if !(12..=MAX_BLOCK).contains(&length) || !length.is_multiple_of(4) {
            return Err(CaptureError::Damaged {
                frames: self.frames,
            });
        }
        self.read(length - 8)?;
        self.buffer.truncate(length - 12);
        Ok(())
    }

    fn interface(&mut self, order: Order) -> Result<(), CaptureError> {
        let damaged = CaptureError::Damaged {
            frames: self.frames,
        };
        let Some(number) = order.u16(&self.buffer, 0).map(u32::from) else {
            return Err(damaged);
        };
        let mut interface = Interface {
            link: LinkType::from_pcap(number).ok_or(number),
            resolution: 1_000_000,
            offset: 0,
        };
        let mut options = self.buffer.get(8..).unwrap_or_default();
        while let (Some(code), Some(length)) = (order.u16(options, 0), order.u16(options, 2)) {
            let length = usize::from(length);
            let value = options.get(4..4 + length).unwrap_or_default();
            match (code, value) {
                (0, _) => break,
                // if_tsresol: a power of ten, or of two with the top bit set.
                (9, [exponent]) => {
                    interface.resolution = resolution(*exponent).unwrap_or(interface.resolution);
                }
                // if_tsoffset
                (14, _) if value.len() == 8 => {
                    let (low, high) = if order == Order::Little {
                        (0, 4)
                    } else {
                        (4, 0)
                    };
                    let word = |place| order.u32(value, place).map_or(0, u64::from);
                    interface.offset = (word(high) << 32 | word(low)).cast_signed();
                }
                _ => {}
            }
            options = options
                .get(4 + length.next_multiple_of(4)..)
                .unwrap_or_default();
        }
        match &mut self.format {
            Format::Pcapng { interfaces, .. } if interfaces.len() < MAX_INTERFACES => {
                interfaces.push(interface);
            }
            _ => return Err(damaged),
        }
        Ok(())
    }

    fn described(&self, number: u32) -> Option<Interface> {
        let Format::Pcapng { interfaces, .. } = &self.format else {
            return None;
        };
        interfaces.get(usize::try_from(number).ok()?).copied()
    }

    /// An enhanced packet block: time, link, where its bytes are, original length.
    fn enhanced(&self, order: Order) -> Option<Found> {
        let field = |place| order.u32(&self.buffer, place);
        let interface = self.described(field(0)?)?;
        let ticks = u64::from(field(4)?) << 32 | u64::from(field(8)?);
        let secs = i64::try_from(ticks / interface.resolution)
            .ok()?
            .saturating_add(interface.offset);
        let fraction = u128::from(ticks % interface.resolution) * 1_000_000_000
            / u128::from(interface.resolution);
        let time = secs
            .saturating_mul(1_000_000_000)
            .saturating_add(i64::try_from(fraction).ok()?);
        let kept = usize::try_from(field(12)?).ok()?;
        Some((
            time,
            interface.link,
            20,
            20_usize.checked_add(kept)?.min(self.buffer.len()),
            field(16)?,
        ))
    }

    /// A simple packet block has no time.
    fn simple(&self, order: Order) -> Option<Found> {
        let interface = self.described(0)?;
        let original = order.u32(&self.buffer, 0)?;
        let kept = usize::try_from(original).ok()?;
        Some((
            0,
            interface.link,
            4,
            4_usize.checked_add(kept)?.min(self.buffer.len()),
            original,
        ))
    }

    /// Fills the buffer with this many bytes; the caller has checked the bound.
    fn read(&mut self, length: usize) -> Result<(), CaptureError> {
        self.buffer.resize(length, 0);
        let frames = self.frames;
        fill(&mut self.bytes, &mut self.buffer).map_err(|error| cut(error, frames))
    }

    fn fill(&mut self, place: &mut [u8]) -> Result<(), CaptureError> {
        let frames = self.frames;
        fill(&mut self.bytes, place).map_err(|error| cut(error, frames))
    }

    /// Like `fill`, but false when the file ends just here.
    fn fill_or_end(&mut self, place: &mut [u8]) -> Result<bool, CaptureError> {
        let frames = self.frames;
        let Some((first, rest)) = place.split_first_mut() else {
            return Ok(true);
        };
        let mut one = [0];
        match self.bytes.read(&mut one) {
            Ok(0) => return Ok(false),
            Ok(_) => *first = one[0],
            Err(error) => return Err(cut(error, frames)),
        }
        fill(&mut self.bytes, rest).map_err(|error| cut(error, frames))?;
        Ok(true)
    }
}

fn fill(bytes: &mut impl Read, place: &mut [u8]) -> io::Result<()> {
    bytes.read_exact(place)
}

fn cut(error: io::Error, frames: u64) -> CaptureError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        CaptureError::CutOff { frames }
    } else {
        CaptureError::Io(error)
    }
}

/// Ticks a second of an `if_tsresol` value, as far as 64 bits reach.
fn resolution(exponent: u8) -> Option<u64> {
    let power = u32::from(exponent & 0x7f);
    if exponent & 0x80 == 0 {
        10_u64.checked_pow(power)
    } else {
        1_u64.checked_shl(power)
    }
}
