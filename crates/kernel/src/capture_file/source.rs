//! The bytes of a capture file, unpacked on the way where they are gzip (RFC 1952).

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::ops::Range;

use flate2::bufread::MultiGzDecoder;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Bytes that are read from the file at once.
const READ_SIZE: usize = 65_536;

/// Packed bytes that are unpacked at once. Where they are damaged, the unpacker keeps back what it made of the sound
/// ones before, so that this is the most that damage costs beyond itself.
const PACKED_SIZE: usize = 128;

/// The file, from its first byte again after a look at the magic.
type File<R> = BufReader<Chain<Cursor<Vec<u8>>, R>>;

pub(super) enum Source<R: Read> {
    Plain(File<R>),
    Gzip(Box<BufReader<MultiGzDecoder<Portions<File<R>>>>>),
}

impl<R: Read> Source<R> {
    pub(super) fn open(mut reader: R) -> io::Result<Self> {
        let mut magic = Vec::new();
        reader
            .by_ref()
            .take(GZIP_MAGIC.len() as u64)
            .read_to_end(&mut magic)?;
        let is_gzip = magic == GZIP_MAGIC;
        let file = BufReader::with_capacity(READ_SIZE, Cursor::new(magic).chain(reader));
        Ok(if is_gzip {
            let unpacked = MultiGzDecoder::new(Portions::new(file));
            Self::Gzip(Box::new(BufReader::with_capacity(READ_SIZE, unpacked)))
        } else {
            Self::Plain(file)
        })
    }

    /// The next bytes. An end before them is [`io::ErrorKind::UnexpectedEof`], here and below.
    pub(super) fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut array = [0; N];
        self.read_exact(&mut array)?;
        Ok(array)
    }

    /// The next bytes; `None` when the file ends just here.
    pub(super) fn array_or_end<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        let mut array = [0; N];
        let mut filled = 0;
        while let Some(room) = array.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.read(room) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(array))
    }

    /// The next bytes into the buffer, in place of what it held. The caller has bounded their number.
    pub(super) fn fill(&mut self, buffer: &mut Vec<u8>, length: usize) -> io::Result<()> {
        buffer.resize(length, 0);
        self.read_exact(buffer)
    }

    /// Passes over bytes, however many.
    pub(super) fn skip(&mut self, length: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.take(length), &mut io::sink())?;
        if skipped == length {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Gzip(file) => file.read(buffer),
        }
    }
}

/// Hands over the bytes in portions of [`PACKED_SIZE`] from the file's beginning, however they arrive: what is read of a
/// damaged file is then the same from a pipe as from a disk.
pub(super) struct Portions<R> {
    reader: R,
    portion: [u8; PACKED_SIZE],
    unread: Range<usize>,
}

impl<R: Read> Portions<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            portion: [0; PACKED_SIZE],
            unread: 0..0,
        }
    }

    /// Reads until the portion is full. What came before an error is handed over; a file that has one has it again.
    fn refill(&mut self) -> io::Result<()> {
        self.unread = 0..0;
        while let Some(room) = self
            .portion
            .get_mut(self.unread.end..)
            .filter(|room| !room.is_empty())
        {
            match self.reader.read(room) {
                Ok(0) => break,
                Ok(count) => self.unread.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if !self.unread.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl<R: Read> BufRead for Portions<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.unread.is_empty() {
            self.refill()?;
        }
        Ok(self.portion.get(self.unread.clone()).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.unread.start = self.unread.end.min(self.unread.start + count);
    }
}

impl<R: Read> Read for Portions<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}
