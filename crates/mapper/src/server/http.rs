//! HTTP in front of it all.

use std::convert::Infallible;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use app::health::Health;
use app::metrics::{Histogram, LabelledCounter};
use app::shutdown::Stop;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::body::body;
use super::gate::Gate;
use super::schema::{Answer, Graph, refused};
use super::tls::Certificate;
use super::{backup, connection, events};
use crate::access::way::Connection;
use crate::access::{Permit, Reason, Refusal, Roles};
use crate::form;
use crate::limits::{MAX_BACKUPS, MAX_CONNECTIONS, MAX_READING, REFUSE_SLOWLY};
use crate::writer::Mapper;

/// Which map answered: where it differs from the last one, a reporter tells everything again.
const MAP_ID: HeaderName = HeaderName::from_static(wire::MAP_FIELD);

/// The body of a response.
pub(crate) type Body = BoxBody<Bytes, Infallible>;

/// What a connection's requests need.
pub(super) struct Door {
    graph: Graph,
    mapper: Mapper,
    health: Health,
    pub(super) gate: Gate,
    pub(super) certificate: Certificate,
    pub(super) tls: TlsAcceptor,
    requests: LabelledCounter,
    time: Histogram,
    /// Places for readers of the whole map.
    backups: Arc<Semaphore>,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

/// The server cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The port could not be had.
    #[error("port {port} cannot be listened on: {cause}; is another mapper running?")]
    Port {
        /// Which.
        port: u16,
        /// Why.
        cause: std::io::Error,
    },
    /// A fault of this program.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
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
        (gate, certificate): (Gate, Certificate),
        (requests, time): (LabelledCounter, Histogram),
    ) -> Result<Self, BindError> {
        let failed = |cause| BindError::Port {
            port: address.port(),
            cause,
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let tls = TlsAcceptor::from(Arc::new(certificate.server()?));
        let door = Arc::new(Door {
            graph,
            mapper,
            health,
            gate,
            certificate,
            tls,
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

    /// Serves until the stop; then finishes the requests under way.
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
                        connection::serve(stream, door, stop).await;
                        drop(place);
                    });
                }
            }
        }
        while connections.join_next().await.is_some() {}
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

impl Door {
    pub(super) async fn serve(
        &self,
        request: Request<Incoming>,
        from: &Connection,
        stop: Stop,
    ) -> Response<Body> {
        let watch = app::clock::Stopwatch::start();
        let page = name(request.uri().path());
        // A probe that is held off ends the process.
        let is_probe = matches!(page, "healthz" | "readyz");
        let answered = match self.gate.pace(from) {
            Err(refusal) if !is_probe => Err(refusal),
            _ => self.page(page, request, from, stop).await,
        };
        let mut response = match answered {
            Ok(response) => response,
            Err(refusal) => self.refuse(page, from, refusal).await,
        };
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

    async fn page(
        &self,
        page: &'static str,
        request: Request<Incoming>,
        from: &Connection,
        stop: Stop,
    ) -> Result<Response<Body>, Refusal> {
        let is_probe = matches!(page, "healthz" | "readyz");
        let permit = self.gate.admit(from, &request, is_probe).await?;
        match page {
            "healthz" => Ok(probe(request.method(), self.health.alive())),
            "readyz" => Ok(probe(request.method(), self.health.ready())),
            "query" => self.query(request, from, &permit).await,
            "events" => {
                permit.check(Roles::KNOWN | Roles::READ)?;
                let most = permit.is_of_user().then_some(MAX_READING);
                Ok(self.events(request.method(), most, stop))
            }
            "map" => {
                permit.check(Roles::KNOWN | Roles::READ)?;
                Ok(self.map(request.method()).await)
            }
            _ => {
                permit.check(Roles::KNOWN)?;
                Ok(text(StatusCode::NOT_FOUND, "not found\n"))
            }
        }
    }

    /// Says why, in the form that is expected there, and counts it.
    async fn refuse(
        &self,
        page: &'static str,
        from: &Connection,
        refusal: Refusal,
    ) -> Response<Body> {
        self.gate.count(from, refusal.reason);
        if refusal.reason == Reason::Rate {
            // It has a few connections, on each of which it asks one thing after the other: waiting costs us nothing.
            tokio::time::sleep(REFUSE_SLOWLY).await;
        }
        super::refusal::response(page, &refusal)
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

    fn events(&self, method: &Method, most: Option<Duration>, stop: Stop) -> Response<Body> {
        if method != Method::GET {
            return text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
        }
        match events::stream(&self.mapper, most, stop) {
            Some(body) => with(StatusCode::OK, "text/event-stream", body),
            None => text(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many readers of new edges; try again later\n",
            ),
        }
    }

    async fn query(
        &self,
        request: Request<Incoming>,
        from: &Connection,
        permit: &Permit,
    ) -> Result<Response<Body>, Refusal> {
        let answer = match *request.method() {
            Method::POST if is_json(request.headers()) => {
                match body(request, &self.gate, from, permit).await? {
                    Ok(body) => self.graph.answer(&body.bytes, permit).await?,
                    Err(refused) => refused,
                }
            }
            Method::GET => self.asked_by_address(&request, permit).await?,
            Method::POST => refused(400, "transport not supported"),
            _ => refused(405, "POST or GET only"),
        };
        Ok(json(answer))
    }

    async fn asked_by_address(
        &self,
        request: &Request<Incoming>,
        permit: &Permit,
    ) -> Result<Answer, Refusal> {
        let asked = request.uri().query().unwrap_or_default();
        let value = |wanted: &str| {
            let mut pairs = form::pairs(asked);
            pairs.find(|(key, _)| key == wanted).map(|(_, value)| value)
        };
        let Some(query) = value("query") else {
            return Ok(refused(400, "transport not supported"));
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
        self.graph.answer_get(&request, permit).await
    }
}

/// A page as metrics name it.
fn name(path: &str) -> &'static str {
    match path {
        "/query" => "query",
        "/healthz" => "healthz",
        "/readyz" => "readyz",
        "/events" => "events",
        "/map" => "map",
        _ => "other",
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let media = kind.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/json")
}

fn probe(method: &Method, answer: app::health::Answer) -> Response<Body> {
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

pub(super) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed()
}

pub(super) fn with(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
