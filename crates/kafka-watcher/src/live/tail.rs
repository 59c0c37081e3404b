//! A file that grows, and is rotated: renamed and made anew, or copied and emptied.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::limits::{FINGERPRINT, READ_BYTES};

/// The end of a file, as it moves.
#[derive(Debug)]
pub(crate) struct Tail {
    path: PathBuf,
    open: Option<Opened>,
    /// Whether nobody has looked yet: what is in the file then is of the past.
    is_first: bool,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Opened {
    file: File,
    identity: (u64, u64),
    /// Bytes that were read.
    read: u64,
    /// How it begins.
    beginning: Vec<u8>,
}

/// What a look at the file has shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Looked {
    /// Whether there is such a file.
    pub(crate) is_there: bool,
    /// How often it was replaced or emptied since the last look.
    pub(crate) rotations: u64,
}

impl Tail {
    /// Of this file, which need not be there yet: then it is read from its beginning.
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            open: None,
            is_first: true,
            buffer: vec![0; READ_BYTES],
        }
    }

    /// Hands over what has come since the last look. A line that a rotation has cut off is ended by a line break.
    pub(crate) fn look(&mut self, take: &mut dyn FnMut(&[u8])) -> io::Result<Looked> {
        let mut looked = Looked::default();
        let there = std::fs::metadata(&self.path);
        if let Some(open) = &mut self.open {
            if open.is_emptied()? {
                looked.rotations += 1;
                take(b"\n");
                open.begin_anew()?;
            }
            open.read(&mut self.buffer, take)?;
            let is_other = |there: &std::fs::Metadata| (there.dev(), there.ino()) != open.identity;
            if there.as_ref().is_ok_and(is_other) {
                looked.rotations += 1;
                take(b"\n");
                self.open = None;
            }
        }
        let is_first = std::mem::take(&mut self.is_first);
        if self.open.is_none()
            && let Some(mut open) = Opened::find(&self.path)?
        {
            if is_first {
                open.skip_to_last_line(&mut self.buffer)?;
            }
            open.read(&mut self.buffer, take)?;
            self.open = Some(open);
        }
        looked.is_there = there.is_ok();
        Ok(looked)
    }
}

impl Opened {
    fn find(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let metadata = file.metadata()?;
        let mut open = Self {
            file,
            identity: (metadata.dev(), metadata.ino()),
            read: 0,
            beginning: Vec::new(),
        };
        open.know_beginning()?;
        Ok(Some(open))
    }

    /// As much of the beginning as there is, by which the file is known again.
    fn know_beginning(&mut self) -> io::Result<()> {
        let known = self.beginning.len();
        if known < FINGERPRINT {
            let mut more = [0; FINGERPRINT];
            let room = more.get_mut(known..).unwrap_or_default();
            let count = self.file.read_at(room, known as u64)?;
            let new = room.get(..count).unwrap_or_default();
            self.beginning.extend_from_slice(new);
        }
        Ok(())
    }

    /// To the beginning of the line that is last now, should it be unfinished.
    fn skip_to_last_line(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let end = self.file.metadata()?.len();
        let start = end.saturating_sub(buffer.len() as u64);
        let count = self.file.read_at(buffer, start)?;
        let last = memchr::memrchr(b'\n', buffer.get(..count).unwrap_or_default());
        self.read = match last {
            Some(at) => start + at as u64 + 1,
            None => start,
        };
        self.file.seek(SeekFrom::Start(self.read))?;
        Ok(())
    }

    /// It is shorter than what was read of it, or begins otherwise.
    fn is_emptied(&self) -> io::Result<bool> {
        if self.file.metadata()?.len() < self.read {
            return Ok(true);
        }
        let mut now = [0; FINGERPRINT];
        let room = now.get_mut(..self.beginning.len()).unwrap_or_default();
        let count = self.file.read_at(room, 0)?;
        Ok(room.get(..count) != Some(&*self.beginning))
    }

    fn begin_anew(&mut self) -> io::Result<()> {
        self.read = 0;
        self.beginning.clear();
        self.file.seek(SeekFrom::Start(0))?;
        self.know_beginning()
    }

    fn read(&mut self, buffer: &mut [u8], take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        self.know_beginning()?;
        loop {
            let count = match self.file.read(buffer) {
                Ok(0) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read?,
            };
            self.read += count as u64;
            take(buffer.get(..count).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests;
