//! One sidecar's statistics: over HTTP, or by a command in its container.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cluster::live::{Command, CommandError, Commands, SIDECAR_CONTAINER, Sidecar};
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
    /// Neither its port answers nor a command.
    #[error("its port fails ({port}), and {command}")]
    Command {
        /// What the port said.
        port: String,
        /// What came of the command.
        command: RunError,
    },
}

/// What came of a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// It did not run, or not to a good end.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// It took too long.
    #[error("a command does not end within {} ms", .0.as_millis())]
    Late(Duration),
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
            Self::Command { .. } => "exec",
        }
    }

    /// Whether this says that the service account lacks a right.
    pub(crate) const fn is_forbidden(&self) -> bool {
        matches!(
            self,
            Self::Command {
                command: RunError::Command(CommandError::Forbidden(_)),
                ..
            }
        )
    }

    /// Whether another way to the same statistics may succeed.
    const fn is_of_the_way(&self) -> bool {
        matches!(
            self,
            Self::Connect(_) | Self::Late(_) | Self::Status(_) | Self::Broken(_)
        )
    }

    /// All names, in the order of their declaration.
    pub(crate) const LABELS: [&'static str; 7] = [
        "connect", "late", "status", "broken", "too_long", "request", "exec",
    ];
}

/// What is asked, and how.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// Where sidecars tell their statistics.
    pub(crate) port: u16,
    /// What is asked for there.
    pub(crate) path: Arc<str>,
    /// How long an answer may take, to its last byte.
    pub(crate) within: Duration,
    /// Where it was told that commands may be run.
    pub(crate) commands: Option<Commands>,
}

/// How a sidecar answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Over its port.
    Port,
    /// By a command in its container.
    Command,
}

/// What an answer is given to.
pub(crate) trait Taker: Send {
    /// The next bytes.
    fn piece(&mut self, bytes: &[u8]);
    /// What came so far is the beginning of nothing: it comes from the start.
    fn again(&mut self);
}

/// Asks a sidecar for its statistics, and gives them piece by piece as they come: by a command only when its port fails, or
/// has failed before and a command did not.
pub(crate) async fn fetch(
    ask: &Ask,
    of: &Sidecar,
    before: Way,
    taker: &mut impl Taker,
) -> Result<Way, FetchError> {
    let (commands, port) = match (&ask.commands, before) {
        (Some(commands), Way::Command) => (commands, "as before".to_owned()),
        (commands, _) => match (by_port(ask, of, taker).await, commands) {
            (Err(error), Some(commands)) if error.is_of_the_way() => {
                taker.again();
                (commands, error.to_string())
            }
            (result, _) => return result.map(|()| Way::Port),
        },
    };
    by_command(ask, commands, of, port, taker).await?;
    Ok(Way::Command)
}

async fn by_command(
    ask: &Ask,
    commands: &Commands,
    of: &Sidecar,
    port: String,
    taker: &mut impl Taker,
) -> Result<(), FetchError> {
    // Istio's agent takes paths of Envoy's own port without the slash in front.
    let path = ask.path.trim_start_matches('/');
    let command = Command {
        namespace: &of.namespace,
        pod: &of.name,
        container: SIDECAR_CONTAINER,
        words: &["pilot-agent", "request", "GET", path],
    };
    let mut length = 0;
    let mut piece = |bytes: &[u8]| {
        length += bytes.len() as u64;
        let goes_on = length <= MAX_ANSWER;
        if goes_on {
            taker.piece(bytes);
        }
        goes_on
    };
    let ran = timeout(ask.within, commands.run(&command, &mut piece)).await;
    let command = match ran {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(CommandError::Left)) => return Err(FetchError::TooLong),
        Ok(Err(error)) => error.into(),
        Err(_) => RunError::Late(ask.within),
    };
    Err(FetchError::Command { port, command })
}

async fn by_port(ask: &Ask, of: &Sidecar, taker: &mut impl Taker) -> Result<(), FetchError> {
    let from = SocketAddr::new(of.address, ask.port);
    timeout(ask.within, over_http(from, &ask.path, taker))
        .await
        .unwrap_or(Err(FetchError::Late(ask.within)))
}

async fn over_http(from: SocketAddr, path: &str, taker: &mut impl Taker) -> Result<(), FetchError> {
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
        taker.piece(&data);
    }
    Ok(())
}
