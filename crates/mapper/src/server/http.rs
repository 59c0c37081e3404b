//! HTTP in front of it all.

use std::convert::Infallible;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use app::health::Health;
use app::metrics::{Histogram, LabelledCounter};
use app::shutdown::Stop;
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, BodyStream, Full, Limited, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use wire::limits::MAX_BODY;

use super::schema::{Answer, Graph, refused};
use super::{backup, events};
use crate::limits::{BODY_TIME, FINISH_TIME, HEAD_TIME, MAX_BACKUPS, MAX_CONNECTIONS, MAX_HEAD};
use crate::writer::Mapper;

/// Which map answered: where it differs from the last one, a reporter tells everything again.
const MAP_ID: HeaderName = HeaderName::from_static("portolan-map");

/// The body of a response.
pub(crate) type Body = BoxBody<Bytes, Infallible>;

/// What a connection's requests need.
#[derive(Debug)]
struct Door {
    graph: Graph,
    mapper: Mapper,
    health: Health,
    requests: LabelledCounter,
    time: Histogram,
    /// Places for readers of the whole map.
    backups: Arc<Semaphore>,
}

/// The port could not be had.
#[derive(Debug, thiserror::Error)]
#[error("port {port} cannot be listened on: {cause}; is another mapper running?")]
pub struct BindError {
    /// Which.
    pub port: u16,
    /// Why.
    pub cause: std::io::Error,
}

/// The server, bound and not yet serving.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    door: Arc<Door>,
}

impl Server {
    /// Binds to all addresses, or to loopback for tests. Port 0 is any.
    pub async fn bind(
        address: SocketAddr,
        graph: Graph,
        mapper: Mapper,
        health: Health,
        (requests, time): (LabelledCounter, Histogram),
    ) -> Result<Self, BindError> {
        let failed = |cause| BindError {
            port: address.port(),
            cause,
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let door = Arc::new(Door {
            graph,
            mapper,
            health,
            requests,
            time,
            backups: Arc::new(Semaphore::new(MAX_BACKUPS)),
        });
        Ok(Self { listener, door })
    }

    /// IPv6 and IPv4, as Kubernetes probes and Services use either.
    pub fn everywhere(port: u16) -> SocketAddr {
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))
    }

    /// Where it listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Serves until the stop; then finishes the requests under way, as far as they get in their time.
    pub async fn serve(self, stop: Stop) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = tokio::task::JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = accept(&self.listener, &places) => {
                    let (stream, place) = accepted;
                    let (door, stop) = (Arc::clone(&self.door), stop.clone());
                    connections.spawn(async move {
                        converse(stream, door, stop).await;
                        drop(place);
                    });
                }
            }
        }
        let finished = async { while connections.join_next().await.is_some() {} };
        // What is late ends with its connection.
        let _late = tokio::time::timeout(FINISH_TIME, finished).await;
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, Option<tokio::sync::OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) => {
                // Out of descriptors, or a client that has gone: the next may do better.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, door: Arc<Door>, stop: Stop) {
    // Answers are small and written at once.
    let _slower = stream.set_nodelay(true);
    let ends = stop.clone();
    let service = service_fn(move |request| {
        let (door, stop) = (Arc::clone(&door), ends.clone());
        async move { Ok::<_, Infallible>(door.serve(request, stop).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

impl Door {
    async fn serve(&self, request: Request<Incoming>, stop: Stop) -> Response<Body> {
        let watch = app::clock::Stopwatch::start();
        let (page, mut response) = self.page(request, stop).await;
        if let Ok(id) = HeaderValue::from_str(&self.mapper.id()) {
            response.headers_mut().insert(MAP_ID, id);
        }
        let status = response.status();
        self.requests.with(&[page, status.as_str()]).add(1);
        if page == "query" {
            self.time.observe_duration(watch.elapsed());
        }
        response
    }

    async fn page(&self, request: Request<Incoming>, stop: Stop) -> (&'static str, Response<Body>) {
        match request.uri().path() {
            "/query" => ("query", self.query(request).await),
            "/healthz" => ("healthz", page(request.method(), self.health.alive())),
            "/readyz" => ("readyz", page(request.method(), self.health.ready())),
            "/events" => ("events", self.events(request.method(), stop)),
            "/map" => ("map", self.map(request.method()).await),
            _ => ("other", text(StatusCode::NOT_FOUND, "not found\n")),
        }
    }

    fn events(&self, method: &Method, stop: Stop) -> Response<Body> {
        if method != Method::GET {
            return text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
        }
        match events::stream(&self.mapper) {
            Some(body) => with(StatusCode::OK, "text/event-stream", until(stop, body)),
            None => text(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many readers of new edges; try again later\n",
            ),
        }
    }

    async fn map(&self, method: &Method) -> Response<Body> {
        if method != Method::GET {
            return text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
        }
        let Ok(place) = Arc::clone(&self.backups).try_acquire_owned() else {
            return text(
                StatusCode::SERVICE_UNAVAILABLE,
                "others read the whole map; try again later\n",
            );
        };
        match self.mapper.view().await {
            Ok(view) => with(
                StatusCode::OK,
                "application/json",
                backup::stream(view, place),
            ),
            Err(_) => text(StatusCode::SERVICE_UNAVAILABLE, "the mapper stops\n"),
        }
    }

    async fn query(&self, request: Request<Incoming>) -> Response<Body> {
        let answer = match *request.method() {
            Method::POST if is_json(request.headers()) => match body(request).await {
                Ok(body) => self.graph.answer(&body).await,
                Err(refused) => refused,
            },
            Method::GET => self.asked_by_address(&request).await,
            Method::POST => refused(400, "transport not supported"),
            _ => refused(405, "POST or GET only"),
        };
        json(answer)
    }

    async fn asked_by_address(&self, request: &Request<Incoming>) -> Answer {
        let asked = request.uri().query().unwrap_or_default();
        let value = |wanted: &str| {
            let mut pairs = form(asked);
            pairs.find(|(key, _)| key == wanted).map(|(_, value)| value)
        };
        let Some(query) = value("query") else {
            return refused(400, "transport not supported");
        };
        let variables = value("variables").filter(|text| !text.is_empty());
        let variables = variables.unwrap_or_else(|| "{}".to_owned());
        let request = wire::decode::Request {
            query: query.into(),
            operation_name: value("operationName")
                .filter(|name| !name.is_empty())
                .map(Into::into),
            variables: &variables,
        };
        self.graph.answer_get(&request).await
    }
}

/// The pairs of a query string (URL Standard, application/x-www-form-urlencoded).
fn form(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (unescape(key), unescape(value))
    })
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                let digits = [ahead.next(), ahead.next()];
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                match digits.map(digit) {
                    [Some(high), Some(low)] => {
                        bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                        rest = ahead;
                    }
                    _ => bytes.push(b'%'),
                }
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let media = kind.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/json")
}

/// The whole body, within its bounds of size and time.
async fn body(request: Request<Incoming>) -> Result<Bytes, Answer> {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(too_large());
    }
    let limited = Limited::new(request.into_body(), MAX_BODY);
    match tokio::time::timeout(BODY_TIME, limited.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err(refused(400, &format!("the body breaks off: {error}"))),
        Err(_) => Err(refused(408, "the body took too long")),
    }
}

fn too_large() -> Answer {
    refused(413, &format!("the body has more than {MAX_BODY} bytes"))
}

fn page(method: &Method, answer: app::health::Answer) -> Response<Body> {
    if method != Method::GET && method != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
    }
    let status = if answer.ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    with(status, "text/plain; charset=utf-8", full(answer.text))
}

fn json(Answer { status, json }: Answer) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    with(status, "application/json", full(json))
}

fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    with(status, "text/plain; charset=utf-8", full(text))
}

/// A body without an end of its own ends with the stop.
fn until(stop: Stop, body: Body) -> Body {
    let stopped = async move { stop.cancelled().await };
    let parts = BodyStream::new(body).take_until(stopped);
    BodyExt::boxed(StreamBody::new(parts))
}

fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed()
}

fn with(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_strings_are_read_as_browsers_write_them() {
        let pairs: Vec<_> = form("query=%7Bhealth%7D&a=b+c&d&e=%zz%4").collect();
        let expected = [
            ("query", "{health}"),
            ("a", "b c"),
            ("d", ""),
            ("e", "%zz%4"),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(pairs, expected);
    }
}
