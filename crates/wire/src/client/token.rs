//! The token: read from its file, and read again.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use http::HeaderValue;
use tokio::time::Instant;

use super::failure::Failure;
use super::limits::{MAX_TOKEN, TOKEN_EVERY};

/// A token that is shown to mappers over TLS.
#[derive(Debug)]
pub(super) struct Token {
    path: PathBuf,
    read: Option<(HeaderValue, Instant)>,
}

impl Token {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, read: None }
    }

    /// The value of `Authorization`.
    pub(super) async fn header(&mut self) -> Result<HeaderValue, Failure> {
        if let Some((header, at)) = &self.read
            && at.elapsed() < TOKEN_EVERY
        {
            return Ok(header.clone());
        }
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || read(&path)).await;
        let header = match (read.map_err(|_| Failure::Ends)?, self.read.take()) {
            (Ok(header), _) => header,
            // It is being replaced: the one before may be good for a while.
            (Err(error), Some((before, _))) => {
                tracing::warn!(%error, "the token is not renewed; the one before is used");
                before
            }
            (Err(error), None) => return Err(error),
        };
        self.read = Some((header.clone(), Instant::now()));
        Ok(header)
    }

    /// It was not good: the next one is read from the file.
    pub(super) fn refused(&mut self) {
        self.read = None;
    }
}

fn read(path: &Path) -> Result<HeaderValue, Failure> {
    let bytes = read_bounded(path, MAX_TOKEN).map_err(|cause| Failure::File {
        path: path.to_owned(),
        cause,
    })?;
    let bad = |why: &str| Failure::Content {
        path: path.to_owned(),
        why: format!("{why}; a service account token is expected"),
    };
    let token = bytes.trim_ascii();
    if token.is_empty() {
        return Err(bad("it is empty"));
    }
    if !token.iter().all(u8::is_ascii_graphic) {
        return Err(bad("a token has no such bytes"));
    }
    let header = [b"Bearer ", token].concat();
    let mut header = HeaderValue::try_from(header).map_err(|_| bad("it is no token"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// Reads a file; one that is longer is an error.
pub(super) fn read_bounded(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(most as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > most {
        let long = format!("it has more than {most} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, long));
    }
    Ok(bytes)
}
