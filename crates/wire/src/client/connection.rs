//! The one connection to the mapper, and one request on it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::failure::Failure;
use super::limits::{MAX_ANSWER, MAX_MAP_ID};
use super::settings::MapperUrl;
use super::tls::Trust;
use crate::Known;

/// Which map has answered.
const MAP_ID: HeaderName = HeaderName::from_static(crate::MAP_FIELD);

/// A connection, and what is known of the mapper at its other end.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Moves the bytes, and ends with this.
    _driver: JoinSet<()>,
    /// None until it was asked.
    pub(super) known: Option<Arc<Known>>,
    /// Bytes of the items that this mapper takes in one request.
    pub(super) most_bytes: usize,
}

/// An answer, whatever it means.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// `Retry-After` in seconds (RFC 9110, 10.2.3). A date is not looked at: clocks differ.
    pub(super) retry_after: Option<Duration>,
    pub(super) map: Option<String>,
    pub(super) body: Bytes,
}

impl Connection {
    /// Connects, directly: there is no proxy between pods.
    pub(super) async fn open(url: &MapperUrl, trust: Option<&mut Trust>) -> Result<Self, Failure> {
        let failed = |cause| Failure::Connect {
            url: url.clone(),
            cause,
        };
        let stream = TcpStream::connect((url.host.as_str(), url.port));
        let stream = stream.await.map_err(failed)?;
        // Small reports should not wait for each other.
        stream.set_nodelay(true).map_err(failed)?;
        let Some(trust) = trust else {
            return Self::over(url, stream).await;
        };
        let server = trust.server();
        let stream = trust.connector().await?.connect(server, stream).await;
        let stream = stream.map_err(|cause: io::Error| Failure::Tls {
            url: url.clone(),
            cause,
        })?;
        Self::over(url, stream).await
    }

    async fn over<S>(url: &MapperUrl, stream: S) -> Result<Self, Failure>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|cause| broken(url, cause))?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // The request says what went wrong.
            let _ = connection.await;
        });
        Ok(Self {
            sender,
            _driver: driver,
            known: None,
            most_bytes: super::limits::MAX_BATCH_BYTES,
        })
    }

    /// Whether nothing more can be sent on it.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a body, and waits for the whole answer. After an error, the connection cannot be used any more.
    pub(super) async fn post(
        &mut self,
        url: &MapperUrl,
        token: Option<HeaderValue>,
        body: Bytes,
    ) -> Result<Answer, Failure> {
        let mut request = Request::post(&url.path)
            .header(header::HOST, &url.authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(
                header::USER_AGENT,
                concat!("portolan/", env!("CARGO_PKG_VERSION")),
            );
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let request = request.body(Full::new(body))?;
        let failed = |cause| broken(url, cause);
        self.sender.ready().await.map_err(failed)?;
        let response = self.sender.send_request(request).await.map_err(failed)?;
        let (head, body) = response.into_parts();
        Ok(Answer {
            status: head.status.as_u16(),
            retry_after: retry_after(&head.headers),
            map: map_id(&head.headers),
            body: collect(url, body).await?,
        })
    }
}

async fn collect(url: &MapperUrl, mut body: Incoming) -> Result<Bytes, Failure> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|cause| broken(url, cause))?.into_data() else {
            continue; // trailers
        };
        if bytes.len() + data.len() > MAX_ANSWER {
            return Err(Failure::LongAnswer {
                url: url.clone(),
                most: MAX_ANSWER,
            });
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

fn broken(url: &MapperUrl, cause: hyper::Error) -> Failure {
    Failure::Broken {
        url: url.clone(),
        cause,
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

fn map_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(MAP_ID)?.to_str().ok()?;
    (id.len() <= MAX_MAP_ID).then(|| id.to_owned())
}
