//! A mapper that answers as it is told, and remembers what it was asked.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use wire::input::KafkaMapperResults;
use wire::{Decoded, Report, ReportKind, decode, response};

/// What is answered to a report.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Take,
    False,
    /// Status and body.
    Status(u16, String),
    /// Status, and seconds of `Retry-After`.
    RetryAfter(u16, u64),
    /// Taken, but the connection ends before it is said.
    TakeAndClose,
    /// The connection ends before the body is read.
    Close,
    /// After this time.
    Slow(Duration),
}

/// What is answered to the question for known fields.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Knows {
    All,
    /// As the replaced mapper.
    Old,
    /// Refused with this status.
    Refuses(u16),
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) connection: usize,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn is_report(&self) -> bool {
        !self.body.contains("KnownFields") && !self.is_health()
    }

    fn is_health(&self) -> bool {
        self.body.ends_with("\"operationName\":\"Health\"}")
    }

    /// The report in it.
    pub(crate) fn report(&self) -> Report {
        match decode(self.body.as_bytes()) {
            Decoded::Recognised(report) => report,
            other => panic!("{other:?}: {}", self.body),
        }
    }

    /// The topics in it, which are numbers.
    pub(crate) fn numbers(&self) -> Vec<usize> {
        let Report::Kafka(KafkaMapperResults { results }) = self.report() else {
            panic!("another kind: {}", self.body);
        };
        let results = results.iter();
        results
            .map(|result| result.topic.parse().unwrap())
            .collect()
    }
}

type Rule = Box<dyn FnMut(&Seen) -> Reply + Send>;

/// What all connections have in common.
pub(crate) struct Script {
    rule: Mutex<Rule>,
    knows: Mutex<Knows>,
    map: Mutex<Option<String>>,
    seen: Mutex<Vec<Seen>>,
    taken: Mutex<Vec<usize>>,
    connections: AtomicUsize,
    /// Requests that are answered at this time.
    at_once: AtomicUsize,
}

/// A mapper that answers as it is told.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    script: Arc<Script>,
    tls: Mutex<Option<TlsAcceptor>>,
    running: Mutex<JoinSet<()>>,
}

impl Server {
    /// Takes everything, and knows all fields.
    pub(crate) async fn start() -> Arc<Self> {
        Self::with(None).await
    }

    pub(crate) async fn with(tls: Option<ServerConfig>) -> Arc<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let server = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            script: Arc::new(Script {
                rule: Mutex::new(Box::new(|_| Reply::Take)),
                knows: Mutex::new(Knows::All),
                map: Mutex::new(Some("a.0".to_owned())),
                seen: Mutex::default(),
                taken: Mutex::default(),
                connections: AtomicUsize::new(0),
                at_once: AtomicUsize::new(0),
            }),
            tls: Mutex::new(tls.map(|tls| TlsAcceptor::from(Arc::new(tls)))),
            running: Mutex::default(),
        });
        server.listen(listener);
        server
    }

    fn listen(&self, listener: TcpListener) {
        let (script, tls) = (Arc::clone(&self.script), self.tls.lock().clone());
        self.running.lock().spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, tls) = (Arc::clone(&script), tls.clone());
                connections.spawn(async move {
                    match tls {
                        None => script.serve(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                script.serve(stream).await;
                            }
                        }
                    }
                });
            }
        });
    }

    /// Ends all connections, and takes no new ones.
    pub(crate) async fn stop(&self) {
        let mut running = std::mem::take(&mut *self.running.lock());
        running.shutdown().await;
    }

    /// Takes connections again.
    pub(crate) async fn restart(&self) {
        self.listen(TcpListener::bind(self.address).await.unwrap());
    }

    /// The same with another certificate.
    pub(crate) async fn restart_with(&self, tls: ServerConfig) {
        *self.tls.lock() = Some(TlsAcceptor::from(Arc::new(tls)));
        self.restart().await;
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on.
    pub(crate) fn rule(&self, rule: impl FnMut(&Seen) -> Reply + Send + 'static) {
        *self.script.rule.lock() = Box::new(rule);
    }

    /// These replies in this order, and then everything is taken.
    pub(crate) fn replies<const N: usize>(&self, replies: [Reply; N]) {
        let mut replies = replies.into_iter();
        self.rule(move |_| replies.next().unwrap_or(Reply::Take));
    }

    pub(crate) fn knows(&self, knows: Knows) {
        *self.script.knows.lock() = knows;
    }

    pub(crate) fn map(&self, map: Option<&str>) {
        *self.script.map.lock() = map.map(str::to_owned);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.script.seen.lock().clone()
    }

    pub(crate) fn reports(&self) -> Vec<Seen> {
        let mut seen = self.seen();
        seen.retain(Seen::is_report);
        seen
    }

    /// How often it was asked for its fields.
    pub(crate) fn questions(&self) -> usize {
        self.seen().len() - self.reports().len()
    }

    /// The numbers that were taken, in order.
    pub(crate) fn taken(&self) -> Vec<usize> {
        self.script.taken.lock().clone()
    }
}

struct Busy<'a>(&'a AtomicUsize);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Script {
    async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let connection = self.connections.fetch_add(1, Ordering::SeqCst);
        let service = service_fn(|request| self.answer(connection, request));
        // The test looks at what came, not at how it ended.
        let _ended = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    async fn answer(
        &self,
        connection: usize,
        request: Request<Incoming>,
    ) -> io::Result<Response<Full<Bytes>>> {
        let others = self.at_once.fetch_add(1, Ordering::SeqCst);
        let _busy = Busy(&self.at_once);
        assert_eq!(others, 0, "two requests at once");
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let seen = Seen {
            connection,
            path: head.uri.path().to_owned(),
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        };
        self.seen.lock().push(seen.clone());
        if seen.is_health() {
            return Ok(respond(200, "{\"data\":{\"health\":true}}".to_owned()));
        }
        if !seen.is_report() {
            return Ok(self.known());
        }
        let reply = (self.rule.lock())(&seen);
        let kind = seen.kind();
        let closed = || Err(io::Error::other("the test wants it so"));
        let answer = match reply {
            Reply::Take => {
                self.take(&seen);
                respond(200, response::reported(kind, true))
            }
            Reply::Slow(time) => {
                tokio::time::sleep(time).await;
                self.take(&seen);
                respond(200, response::reported(kind, true))
            }
            Reply::False => respond(200, response::reported(kind, false)),
            Reply::Status(status, body) => respond(status, body),
            Reply::RetryAfter(status, seconds) => {
                let mut answer = respond(status, response::refused("later"));
                answer.headers_mut().insert("retry-after", seconds.into());
                answer
            }
            Reply::TakeAndClose => {
                self.take(&seen);
                return closed();
            }
            Reply::Close => return closed(),
        };
        Ok(self.named(answer))
    }

    fn take(&self, seen: &Seen) {
        if seen.kind() == ReportKind::Kafka {
            self.taken.lock().extend(seen.numbers());
        }
    }

    fn known(&self) -> Response<Full<Bytes>> {
        let fields = |names: &[&str]| {
            let fields = names.iter().map(|name| serde_json::json!({ "name": name }));
            serde_json::json!({ "fields": fields.collect::<Vec<_>>() })
        };
        let answer = match *self.knows.lock() {
            Knows::Refuses(status) => respond(status, response::refused("introspection disabled")),
            Knows::Old => {
                let data = serde_json::json!({
                    "destination": fields(&["destination", "destinationIP", "destinationPort", "TTL", "lastSeen", "srcPorts"]),
                    "source": fields(&["srcIp", "srcHostname", "destinations"]),
                    "kafka": fields(&["srcIp", "serverPodName", "serverNamespace", "topic", "operation", "lastSeen"]),
                    "istio": fields(&["srcWorkload"]), "mutation": fields(&["reportCaptureResults"]),
                });
                respond(200, serde_json::json!({ "data": data }).to_string())
            }
            Knows::All => {
                let data = serde_json::json!({
                    "destination": fields(&["destinationPodUid", "originalDestination", "originalPort", "protocol",
                        "attempt", "firstSeen", "connections"]),
                    "source": fields(&["srcPodUid", "nodeName", "reporterId"]),
                    "kafka": fields(&["reporterId", "attempt"]),
                    "istio": fields(&["reporterId", "attempt", "srcCanonicalService", "dstCanonicalService"]),
                    "mutation": fields(&["reportCoverage"]),
                });
                respond(200, serde_json::json!({ "data": data }).to_string())
            }
        };
        self.named(answer)
    }

    fn named(&self, mut answer: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
        if let Some(map) = &*self.map.lock() {
            let headers = answer.headers_mut();
            headers.insert("portolan-map", map.parse().unwrap());
        }
        answer
    }
}

impl Seen {
    fn kind(&self) -> ReportKind {
        let mut kinds = ReportKind::ALL.into_iter();
        kinds
            .find(|kind| {
                self.body
                    .ends_with(&format!("\"operationName\":\"{}\"}}", kind.field()))
            })
            .unwrap()
    }
}

fn respond(status: u16, body: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status.try_into().unwrap();
    answer
}
