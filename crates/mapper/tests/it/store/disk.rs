//! A disk that is full, fails, is slow, or remembers all that was done to it.

use std::fs::OpenOptions;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use mapper::store::Disk;
use parking_lot::{Condvar, Mutex};
use redb::backends::FileBackend;
use redb::{BackendError, Builder, Database, DatabaseError, StorageBackend};

/// What is wrong with the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fault {
    #[default]
    None,
    /// The file cannot grow.
    Full,
    /// Nothing can be written.
    ReadOnly,
    /// What is to be on disk for sure waits until the fault is another.
    Slow,
}

/// Something that was done to the file.
#[derive(Clone, Debug)]
pub(super) enum Done {
    Length(u64),
    Write(u64, Vec<u8>),
    /// All before it is on disk for sure.
    Sync,
}

#[derive(Debug, Default)]
struct State {
    fault: Mutex<Fault>,
    changed: Condvar,
    done: Mutex<Vec<Done>>,
}

/// The disk; a clone is the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Faulty(Arc<State>);

impl Faulty {
    pub(super) fn set(&self, fault: Fault) {
        *self.0.fault.lock() = fault;
        self.0.changed.notify_all();
    }

    /// How much was done so far.
    pub(super) fn done(&self) -> usize {
        self.0.done.lock().len()
    }

    /// All of it.
    pub(super) fn take(&self) -> Vec<Done> {
        std::mem::take(&mut self.0.done.lock())
    }

    fn note(&self, done: Done) {
        self.0.done.lock().push(done);
    }

    fn fails(&self, grows: bool) -> io::Result<()> {
        match *self.0.fault.lock() {
            Fault::Full if grows => Err(io::ErrorKind::StorageFull.into()),
            Fault::ReadOnly => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            _ => Ok(()),
        }
    }
}

impl Disk for Faulty {
    fn open(&self, builder: &Builder, path: &Path) -> Result<Database, DatabaseError> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).open(path)?;
        builder.create_with_backend(OnDisk {
            file: FileBackend::new(file)?,
            disk: self.clone(),
        })
    }
}

#[derive(Debug)]
struct OnDisk {
    file: FileBackend,
    disk: Faulty,
}

impl StorageBackend for OnDisk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.fails(len > self.file.len()?)?;
        self.file.set_len(len)?;
        self.disk.note(Done::Length(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut fault = self.disk.0.fault.lock();
        while *fault == Fault::Slow {
            self.disk.0.changed.wait(&mut fault);
        }
        drop(fault);
        self.disk.fails(false)?;
        self.disk.note(Done::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk
            .fails(offset + data.len() as u64 > self.file.len()?)?;
        self.file.write(offset, data)?;
        self.disk.note(Done::Write(offset, data.to_vec()));
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}
