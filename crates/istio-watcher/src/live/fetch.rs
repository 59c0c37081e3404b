//! One sidecar's statistics, over HTTP.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::limits::MAX_ANSWER;

/// Why there is no whole answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// Nothing listens there, or a policy is in the way.
    #[error("it cannot be reached: {0}")]
    Connect(io::Error),
    /// It took too long, from the connection to the last byte.
    #[error("it did not answer within {} ms", .0.as_millis())]
    Late(Duration),
    /// It answered something else.
    #[error("it answered {0}")]
    Status(StatusCode),
    /// The connection broke, or what came is no HTTP.
    #[error("its answer breaks off: {0}")]
    Broken(#[from] hyper::Error),
    /// It is longer than any sound one. What came first was taken.
    #[error(
        "its answer is longer than {MAX_ANSWER} bytes: ask it with a filter, or its mesh for fewer labels"
    )]
    TooLong,
    /// A fault of this program, or a path that is none.
    #[error("it cannot be asked: {0}")]
    Request(#[from] http::Error),
}

impl FetchError {
    /// As metrics name it.
    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Late(_) => "late",
            Self::Status(_) => "status",
            Self::Broken(_) => "broken",
            Self::TooLong => "too_long",
            Self::Request(_) => "request",
        }
    }

    /// All names, in the order of their declaration.
    pub(crate) const LABELS: [&'static str; 6] =
        ["connect", "late", "status", "broken", "too_long", "request"];
}

/// Asks for statistics, and gives them piece by piece as they come.
pub(crate) async fn fetch(
    from: SocketAddr,
    path: &str,
    within: Duration,
    piece: &mut (impl FnMut(&[u8]) + Send),
) -> Result<(), FetchError> {
    timeout(within, ask(from, path, piece))
        .await
        .unwrap_or(Err(FetchError::Late(within)))
}

async fn ask(
    from: SocketAddr,
    path: &str,
    piece: &mut (impl FnMut(&[u8]) + Send),
) -> Result<(), FetchError> {
    let stream = TcpStream::connect(from)
        .await
        .map_err(FetchError::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It moves the bytes, and ends with this.
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        // The request says what went wrong.
        let _ = connection.await;
    });
    let request = Request::get(path)
        .header(header::HOST, from.to_string())
        // Not OpenMetrics.
        .header(header::ACCEPT, "text/plain;version=0.0.4")
        .header(header::CONNECTION, "close")
        .header(
            header::USER_AGENT,
            concat!("portolan/", env!("CARGO_PKG_VERSION")),
        )
        .body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    if answer.status() != StatusCode::OK {
        return Err(FetchError::Status(answer.status()));
    }
    let mut body = answer.into_body();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue; // trailers
        };
        length += data.len() as u64;
        if length > MAX_ANSWER {
            return Err(FetchError::TooLong);
        }
        piece(&data);
    }
    Ok(())
}
