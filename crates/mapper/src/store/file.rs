//! Opening the file: a lock, a check of all of it, its version; what is damaged is set aside.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use map::Time;
use redb::{Builder, Database, DatabaseError, StorageError};

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
    pub(super) database: Database,
}

impl File {
    /// Opens the file of a data folder, or makes it, and reads all of it. `instance` is its name if it is new.
    pub fn open(
        folder: &Path,
        instance: &str,
        now: Time,
    ) -> Result<(Self, Loaded, Option<Aside>), OpenError> {
        let path = folder.join(FILE);
        let aside = match Self::try_open(&path, instance) {
            Ok((file, loaded)) => return Ok((file, loaded, None)),
            Err(Trouble::Error(error)) => return Err(error),
            Err(Trouble::Damage(damage)) => set_aside(&path, damage, now)?,
        };
        match Self::try_open(&path, instance) {
            Ok((file, loaded)) => Ok((file, loaded, Some(aside))),
            Err(Trouble::Error(error)) => Err(error),
            Err(Trouble::Damage(damage)) => Err(OpenError::Folder {
                path,
                cause: io::Error::other(damage),
            }),
        }
    }

    fn try_open(path: &Path, instance: &str) -> Result<(Self, Loaded), Trouble> {
        // The library checks what it reads; where it meets what it never wrote, it may still panic.
        let opened = catch_unwind(AssertUnwindSafe(|| Self::read(path, instance)));
        opened.unwrap_or_else(|_| Err(Trouble::Damage("it cannot be read at all".into())))
    }

    fn read(path: &Path, instance: &str) -> Result<(Self, Loaded), Trouble> {
        let failed = |error: redb::Error| Trouble::of(path, error);
        let database = open(path, true).map_err(|error| failed(error.into()))?;
        match rows::version(&database).map_err(failed)? {
            Some(found) if found > VERSION => {
                let path = path.into();
                return Err(Trouble::Error(OpenError::Newer { path, found }));
            }
            // An older version is brought up to date here, one step for each.
            Some(_) => {}
            None => {
                let ops = vec![Op::version(VERSION), Op::instance(instance)];
                Batch { ops }.write(&database).map_err(failed)?;
            }
        }
        let loaded = Loaded::read(&database).map_err(failed)?;
        let path = path.into();
        Ok((Self { path, database }, loaded))
    }

    /// Opens it again after a failure: the library wants that, since it cannot know what was written.
    pub(super) fn reopen(path: &Path) -> Result<Database, redb::Error> {
        let opened = catch_unwind(AssertUnwindSafe(|| open(path, false)));
        let opened = opened.unwrap_or_else(|_| {
            let damage = "it cannot be read any more".to_owned();
            Err(StorageError::Corrupted(damage).into())
        });
        opened.map_err(Into::into)
    }
}

/// `checks`: whether every page is looked at, and not only those that the last transaction may have left half-written.
fn open(path: &Path, checks: bool) -> Result<Database, DatabaseError> {
    Builder::new()
        .set_cache_size(CACHE)
        .set_check_integrity_on_open(checks)
        .create(path)
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
