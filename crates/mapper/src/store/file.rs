//! Opening the file: a lock, a check of all of it, its version; what is damaged is set aside.

use std::fmt::Debug;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use map::Time;
use redb::{Builder, Database, DatabaseError};

use super::rows::{self, Batch, Loaded, Op};

/// The file's name in the data folder.
pub const FILE: &str = "map.redb";

/// The version of the file's contents that this program writes.
///
/// A field that old programs may ignore and new ones may miss needs no new version.
pub const VERSION: u32 = 1;

/// Pages kept in memory: the file is read once, at the start, and written at its edges.
const CACHE: usize = 16 << 20;

/// The store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It was written by a newer program.
    #[error(
        "{path} has version {found}, and this program knows up to {VERSION}: run the newer one again, or move the file away to start with an empty map"
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// Another process has it open.
    #[error("{path} is in use by another mapper: run one at a time on one data folder")]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// The folder or the file cannot be read or written.
    #[error(
        "{path}: {cause}; the data folder must exist and be writable, or leave it out to run in memory"
    )]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Anything else.
    #[error("{path}: {cause}")]
    Store {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: Box<redb::Error>,
    },
}

/// What the file lies on.
pub trait Disk: Debug + Send {
    /// Opens the file, or makes it.
    fn open(&self, builder: &Builder, path: &Path) -> Result<Database, DatabaseError>;
}

/// The file system.
#[derive(Clone, Copy, Debug)]
struct FileSystem;

impl Disk for FileSystem {
    fn open(&self, builder: &Builder, path: &Path) -> Result<Database, DatabaseError> {
        builder.create(path)
    }
}

/// A damaged file that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// Where it is now.
    pub path: PathBuf,
    /// What is wrong with it.
    pub damage: String,
}

/// The open file.
#[derive(Debug)]
pub struct File {
    pub(super) path: PathBuf,
    pub(super) disk: Box<dyn Disk>,
    pub(super) database: Database,
}

/// The file, a look at what it holds, and what was set aside for it.
pub type Opened = (File, Loaded, Option<Aside>);

impl File {
    /// Opens the file of a data folder, or makes it, and reads all of it. `instance` is its name if it is new.
    pub fn open(folder: &Path, instance: &str, now: Time) -> Result<Opened, OpenError> {
        Self::open_on(Box::new(FileSystem), folder, instance, now)
    }

    /// The same on another disk.
    pub fn open_on(
        disk: Box<dyn Disk>,
        folder: &Path,
        instance: &str,
        now: Time,
    ) -> Result<Opened, OpenError> {
        let path = folder.join(FILE);
        let opened = |(database, loaded), aside, disk| {
            let file = Self {
                path: path.clone(),
                disk,
                database,
            };
            Ok((file, loaded, aside))
        };
        let aside = match try_open(&*disk, &path, instance) {
            Ok(found) => return opened(found, None, disk),
            Err(Trouble::Error(error)) => return Err(error),
            Err(Trouble::Damage(damage)) => set_aside(&path, damage, now)?,
        };
        match try_open(&*disk, &path, instance) {
            Ok(found) => opened(found, Some(aside), disk),
            Err(Trouble::Error(error)) => Err(error),
            Err(Trouble::Damage(damage)) => Err(OpenError::Folder {
                path,
                cause: io::Error::other(damage),
            }),
        }
    }

    /// Opens it again after a failure: the library wants that, since it cannot know what was written.
    pub(super) fn reopen(disk: &dyn Disk, path: &Path) -> Result<Database, redb::Error> {
        open(disk, path, false).map_err(Into::into)
    }
}

fn try_open(disk: &dyn Disk, path: &Path, instance: &str) -> Result<(Database, Loaded), Trouble> {
    // The library checks what it reads; where it meets what it never wrote, it may still panic.
    let opened = catch_unwind(AssertUnwindSafe(|| read(disk, path, instance)));
    opened.unwrap_or_else(|_| Err(Trouble::Damage("it cannot be read at all".into())))
}

fn read(disk: &dyn Disk, path: &Path, instance: &str) -> Result<(Database, Loaded), Trouble> {
    let failed = |error: redb::Error| Trouble::of(path, error);
    // A new file is made where there is none. One without contents has lost them.
    if std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0) {
        return Err(Trouble::Damage("it is empty".into()));
    }
    // To open is to write: whoever is refused is refused before.
    refuse_newer(path, look(path))?;
    let database = open(disk, path, true).map_err(|error| failed(error.into()))?;
    let found = rows::version(&database).map_err(failed)?;
    refuse_newer(path, found)?;
    // An older version is brought up to date here, one step for each.
    if found.is_none() {
        let ops = vec![Op::version(VERSION), Op::instance(instance)];
        Batch { ops }.write(&database).map_err(failed)?;
    }
    let mut loaded = Loaded::read(&database).map_err(failed)?;
    if loaded.instance.is_empty() {
        loaded.instance = instance.into();
    }
    Ok((database, loaded))
}

/// The version, without a change to the file; nothing where that cannot tell, such as after a kill.
fn look(path: &Path) -> Option<u32> {
    let version = || {
        let database = Builder::new()
            .set_cache_size(CACHE)
            .open_read_only(path)
            .ok()?;
        rows::version(&database).ok()?
    };
    catch_unwind(version).ok()?
}

fn refuse_newer(path: &Path, found: Option<u32>) -> Result<(), Trouble> {
    match found.filter(|found| *found > VERSION) {
        None => Ok(()),
        Some(found) => {
            let path = path.into();
            Err(Trouble::Error(OpenError::Newer { path, found }))
        }
    }
}

/// `checks`: whether every page is looked at, and not only those that the last transaction may have left half-written.
fn open(disk: &dyn Disk, path: &Path, checks: bool) -> Result<Database, DatabaseError> {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder.set_check_integrity_on_open(checks);
    disk.open(&builder, path)
}

/// Why a file was not opened.
#[derive(Debug)]
enum Trouble {
    Damage(String),
    Error(OpenError),
}

impl Trouble {
    fn of(path: &Path, error: redb::Error) -> Self {
        let path = path.to_path_buf();
        match error {
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
                Self::Error(OpenError::InUse { path })
            }
            redb::Error::Corrupted(damage) => Self::Damage(damage),
            redb::Error::UpgradeRequired(_)
            | redb::Error::RepairAborted
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableIsMultimap(_) => Self::Damage(error.to_string()),
            redb::Error::Io(cause) if is_damage(&cause) => Self::Damage(cause.to_string()),
            redb::Error::Io(cause) => Self::Error(OpenError::Folder { path, cause }),
            cause => Self::Error(OpenError::Store {
                path,
                cause: Box::new(cause),
            }),
        }
    }
}

/// A file that is too short or has other contents; not a disk that fails.
fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

/// Nothing is ever thrown away.
fn set_aside(path: &Path, damage: String, now: Time) -> Result<Aside, OpenError> {
    let mut aside = path.with_extension(format!("redb.damaged-{}", now.as_secs()));
    let mut again = 1;
    while aside.exists() {
        aside = path.with_extension(format!("redb.damaged-{}-{again}", now.as_secs()));
        again += 1;
    }
    match std::fs::rename(path, &aside) {
        Ok(()) => Ok(Aside {
            path: aside,
            damage,
        }),
        Err(cause) => Err(OpenError::Folder {
            path: path.into(),
            cause,
        }),
    }
}
