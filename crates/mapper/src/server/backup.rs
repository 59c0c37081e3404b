//! The whole map as a file, as `portolan export -o json` writes it and a mapper imports it.

use std::convert::Infallible;
use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::http::Body;
use crate::limits::BACKUP_TIME;
use crate::writer::View;

/// Bytes that are handed on together.
const CHUNK: usize = 64 << 10;

/// Chunks that wait for the network.
const AHEAD: usize = 4;

/// The map, piece by piece: it is never in memory as text. A reader that takes nothing for [`BACKUP_TIME`] gets no more.
pub(crate) fn stream(view: Arc<View>, place: OwnedSemaphorePermit) -> Body {
    let (out, chunks) = mpsc::channel(AHEAD);
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let mut pieces = Pieces {
            buffer: Vec::with_capacity(CHUNK),
            out,
            runtime,
        };
        let written = serde_json::to_writer(&mut pieces, &view.map);
        let written = written.map_err(io::Error::from);
        if let Err(error) = written.and_then(|()| pieces.flush()) {
            tracing::warn!(%error, "a reader of the whole map went away");
        }
    });
    let frames = stream::unfold(chunks, async |mut chunks: mpsc::Receiver<Bytes>| {
        let frame = chunks.recv().await.map(Frame::data);
        frame.map(|frame| (Ok::<_, Infallible>(frame), chunks))
    });
    BodyExt::boxed(StreamBody::new(frames))
}

/// Collects what is written into chunks.
struct Pieces {
    buffer: Vec<u8>,
    out: mpsc::Sender<Bytes>,
    runtime: Handle,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        let sent = self.out.send_timeout(chunk.into(), BACKUP_TIME);
        self.runtime
            .block_on(sent)
            .map_err(|error| io::Error::new(io::ErrorKind::TimedOut, error.to_string()))
    }
}
