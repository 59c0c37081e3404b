//! The bytes of a capture file, unpacked on the way where they are gzip (RFC 1952).

use std::io::{self, BufReader, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Bytes that are read from the file at once.
const READ_SIZE: usize = 65_536;

/// The file, from its first byte again after a look at the magic.
type File<R> = BufReader<Chain<Cursor<Vec<u8>>, R>>;

pub(super) enum Source<R: Read> {
    Plain(File<R>),
    Gzip(Box<BufReader<MultiGzDecoder<File<R>>>>),
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
            let unpacked = MultiGzDecoder::new(file);
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
