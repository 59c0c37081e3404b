//! The spool's traffic with its folder: files are read, written and removed off the task's thread, so that a disk that
//! hangs holds up nobody.

use std::io;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::batch::Batch;
use super::folder::{Folder, Found, ReadError};
use super::limits::{FOLDER_AGAIN, FOLDER_TIME};
use super::shared::Shared;

/// The folder, and the spool that it belongs to.
#[derive(Clone, Debug)]
pub(super) struct Keeping {
    shared: Arc<Shared>,
    folder: Arc<Folder>,
    /// Whose turn it is at the folder.
    one: Arc<Semaphore>,
}

impl Keeping {
    pub(super) fn new(shared: Arc<Shared>, folder: Folder) -> Self {
        Self {
            shared,
            folder: Arc::new(folder),
            one: Arc::new(Semaphore::new(1)),
        }
    }

    /// Takes what an earlier run has left.
    pub(super) async fn recover(&self) {
        match self.off_thread(Folder::open).await.flatten() {
            Ok(Found { files, set_aside }) => {
                self.shared.spool.lock().recover(files, set_aside);
                self.works();
            }
            Err(error) => self.fails(&error),
        }
        self.clear().await;
    }

    /// Writes what the memory has too much of, whenever it has.
    pub(super) async fn write(&self) {
        loop {
            let leaving = self.shared.spool.lock().leave();
            let Some(leaving) = leaving else {
                self.shared.is_filling.notified().await;
                continue;
            };
            if !self.leave(leaving).await {
                tokio::time::sleep(FOLDER_AGAIN).await;
            }
        }
    }

    /// Writes all of the memory, and removes what nobody needs any more.
    pub(super) async fn write_all(&self) {
        self.clear().await;
        loop {
            let leaving = self.shared.spool.lock().leave_at_end();
            let Some(leaving) = leaving else { return };
            if !self.leave(leaving).await {
                return;
            }
        }
    }

    /// Whether it could be written.
    async fn leave(&self, batches: Vec<Batch>) -> bool {
        let written = self.off_thread(move |folder| folder.write(&batches));
        let is_written = match written.await.flatten() {
            Ok(Some(file)) => {
                self.shared.spool.lock().left(file);
                self.works();
                true
            }
            Ok(None) => false,
            Err(error) => {
                self.shared.spool.lock().stay();
                self.fails(&error);
                false
            }
        };
        // There may be something to send now that was not there a moment ago.
        self.shared.more.notify_one();
        self.clear().await;
        is_written
    }

    /// Reads the next file, if it is its turn.
    pub(super) async fn load(&self) {
        let next = self.shared.spool.lock().next_file();
        self.clear().await;
        let Some(name) = next else { return };
        let read = name.clone();
        let read = self.off_thread(move |folder| folder.read(&read)).await;
        match read.map_err(ReadError::Io).flatten() {
            Ok(batches) => self.shared.spool.lock().loaded(&name, batches),
            Err(error) => {
                tracing::warn!(%error, file = name, "a file of the spool folder is lost");
                self.shared.spool.lock().damaged(&name);
                let aside = self.off_thread(move |folder| folder.set_aside(&name));
                self.note(aside.await);
            }
        }
    }

    /// Removes the files that nobody needs any more.
    pub(super) async fn clear(&self) {
        let spent = std::mem::take(&mut self.shared.spool.lock().spent);
        if spent.is_empty() {
            return;
        }
        let remove = move |folder: &Folder| spent.iter().for_each(|name| folder.remove(name));
        let removed = self.off_thread(remove).await;
        self.note(removed);
    }

    /// Does one thing after the other, each within a bound: a disk that hangs takes one thread, and no more time.
    async fn off_thread<T, F>(&self, work: F) -> io::Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Folder) -> T + Send + 'static,
    {
        let folder = Arc::clone(&self.folder);
        let one = Arc::clone(&self.one);
        let work = async move {
            let turn = one.acquire_owned().await.map_err(io::Error::other)?;
            let work = move || {
                let done = work(&folder);
                drop(turn);
                done
            };
            let done = tokio::task::spawn_blocking(work).await;
            done.map_err(io::Error::other)
        };
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "it takes too long");
        timeout(FOLDER_TIME, work).await.map_err(late)?
    }

    fn note<T>(&self, done: io::Result<T>) {
        if let Err(error) = done {
            self.fails(&error);
        }
    }

    fn works(&self) {
        let trouble = self.shared.spool.lock().stats_mut().folder_trouble.take();
        if trouble.is_some() {
            tracing::info!("the spool folder can be written again");
        }
    }

    fn fails(&self, error: &io::Error) {
        let path = self.folder.path().display();
        let why = format!("the spool folder {path} cannot be used: {error}");
        tracing::warn!("{why}; reports are held in memory only");
        self.shared.spool.lock().stats_mut().folder_trouble = Some(why);
    }
}
