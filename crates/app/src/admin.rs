//! The pages for operators and probes: `/metrics`, `/healthz`, `/readyz`.
//!
//! One request for each connection, GET and HEAD only, everything bounded by [`Limits`]. Whoever can reach the port may
//! be hostile: a full server drops its oldest connection for a new one, so that a probe gets through while others hold
//! theirs open.

mod connections;
mod pages;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::shutdown::Stop;
use connections::Connections;

pub use pages::Pages;

/// Bounds of a server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections; a probe and a scrape now and then need two.
    pub connections: usize,
    /// From accepting a connection to its end. Prometheus gives up after 10 s by default.
    pub time: Duration,
    /// The head of a request, in bytes; the least that hyper can be told.
    pub head: usize,
    /// Headers of a request. A browser sends about 20.
    pub headers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            time: Duration::from_secs(10),
            head: 8192,
            headers: 64,
        }
    }
}

/// How long to wait when no connection can be accepted: the process has too many files open.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The port cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on port {port}: {cause}")]
pub struct BindError {
    /// The port that was asked for.
    pub port: u16,
    /// Why not.
    #[source]
    pub cause: io::Error,
}

/// A server that listens, and answers once it is served.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    pages: Pages,
    limits: Limits,
}

impl Server {
    /// Listens on a port of all addresses, of both families where the node has both.
    pub async fn bind(port: u16, pages: Pages) -> Result<Self, BindError> {
        let listener = match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
            }
            bound => bound,
        };
        Self::new(listener, port, pages)
    }

    /// Listens on one address.
    pub async fn bind_to(address: SocketAddr, pages: Pages) -> Result<Self, BindError> {
        Self::new(TcpListener::bind(address).await, address.port(), pages)
    }

    fn new(listener: io::Result<TcpListener>, port: u16, pages: Pages) -> Result<Self, BindError> {
        let error = |cause| BindError { port, cause };
        let listener = listener.map_err(error)?;
        let address = listener.local_addr().map_err(error)?;
        Ok(Self {
            listener,
            address,
            pages,
            limits: Limits::default(),
        })
    }

    /// With other bounds than the usual ones.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the stop, then drops what is open.
    pub async fn serve(self, stop: Stop) {
        let mut connections = Connections::new(self.limits.connections);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = connections.ended() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => connections.admit(answer(stream, self.pages.clone(), self.limits)),
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_AGAIN).await;
                    }
                }
            }
        }
    }
}

/// One request and its answer.
async fn answer(stream: TcpStream, pages: Pages, limits: Limits) {
    let service = service_fn(move |request| {
        let answer = pages.answer(&request);
        async { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(limits.head)
        .max_headers(limits.headers)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(limits.time, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection to the admin port failed"),
        Err(_) => tracing::debug!("a connection to the admin port took too long"),
    }
}
