//! The spool folder: files that are written, read, removed, and set aside.
//!
//! `<nanoseconds>-<number>.reports` sorts by age. `.part` is one that is being written, `.unreadable` one that was set
//! aside.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use map::Time;

use super::batch::Batch;
use super::limits::{MAX_FILES, MAX_SET_ASIDE};
use super::spool::Kept;
use super::spool_file::{self, FileError};

const REPORTS: &str = "reports";
const PART: &str = "part";
const UNREADABLE: &str = "unreadable";

/// The folder of one reporter.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    started: Time,
    number: AtomicU64,
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Content(#[from] FileError),
}

/// What an earlier run has left.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The oldest first.
    pub(super) files: Vec<Kept>,
    pub(super) set_aside: u64,
}

impl Folder {
    pub(super) const fn new(path: PathBuf, started: Time) -> Self {
        Self {
            path,
            started,
            number: AtomicU64::new(0),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder, and looks at what is in it. An error says that it cannot be used.
    pub(super) fn open(&self) -> io::Result<Found> {
        fs::create_dir_all(&self.path)?;
        let (mut names, mut unreadable) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&self.path)? {
            let path = PathBuf::from(entry?.file_name());
            let Some(name) = path.to_str() else {
                continue;
            };
            match path.extension().and_then(OsStr::to_str) {
                Some(REPORTS) => names.push(name.to_owned()),
                Some(UNREADABLE) => unreadable.push(name.to_owned()),
                // The process ended while it was written.
                Some(PART) => self.remove(name),
                _ => {}
            }
        }
        let probe = self.path.join(format!("probe.{PART}"));
        File::create(&probe)?;
        fs::remove_file(probe)?;

        names.sort_unstable();
        let mut found = Found::default();
        for name in names.drain(..names.len().saturating_sub(MAX_FILES)) {
            self.remove(&name);
            found.set_aside += 1;
        }
        for name in names {
            match self.read(&name) {
                Ok(batches) => found.files.extend(self.kept(name, &batches)),
                Err(error) => {
                    tracing::warn!(%error, file = name, "a file of the spool folder is set aside");
                    unreadable.extend(self.set_aside(&name));
                    found.set_aside += 1;
                }
            }
        }
        unreadable.sort_unstable();
        for name in unreadable.drain(..unreadable.len().saturating_sub(MAX_SET_ASIDE)) {
            self.remove(&name);
        }
        Ok(found)
    }

    /// None, and no file, where there are no batches in it.
    fn kept(&self, name: String, batches: &[Batch]) -> Option<Kept> {
        let Some(newest) = batches.iter().map(|batch| batch.at).max() else {
            self.remove(&name);
            return None;
        };
        let bytes = fs::metadata(self.path.join(&name)).map_or(0, |data| data.len());
        Some(Kept {
            name,
            bytes,
            items: batches.iter().map(|batch| batch.items).sum(),
            newest,
        })
    }

    /// Writes these batches to a file behind all others.
    pub(super) fn write(&self, batches: &[Batch]) -> io::Result<Option<Kept>> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let name = format!("{:020}-{number:06}", self.started.as_nanos());
        let part = self.path.join(format!("{name}.{PART}"));
        let name = format!("{name}.{REPORTS}");
        let written = fs::write(&part, spool_file::write(batches))
            .and_then(|()| fs::rename(&part, self.path.join(&name)));
        if let Err(error) = written {
            // Half of it would take room.
            let _ = fs::remove_file(&part);
            return Err(error);
        }
        Ok(self.kept(name, batches))
    }

    /// Reads a file.
    pub(super) fn read(&self, name: &str) -> Result<Vec<Batch>, ReadError> {
        let file = File::open(self.path.join(name))?;
        let length = file.metadata()?.len();
        if !spool_file::may_have(length) {
            return Err(FileError::Content("it is too large").into());
        }
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes)?;
        Ok(spool_file::read(&bytes)?)
    }

    /// Removes a file; one that is gone already is as good.
    pub(super) fn remove(&self, name: &str) {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, file = name, "a file of the spool folder cannot be removed");
            }
            _ => {}
        }
    }

    /// Gives a file a name by which it is not read again. The new name.
    pub(super) fn set_aside(&self, name: &str) -> Option<String> {
        let aside = Path::new(name).with_extension(UNREADABLE);
        let aside = aside.to_str()?.to_owned();
        let moved = fs::rename(self.path.join(name), self.path.join(&aside));
        moved.ok().map(|()| aside)
    }
}
