//! One connection to the collector, and requests on it.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, TE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::message::rejected;
use super::{Protocol, Settings};
use crate::limits::{MAX_CERTIFICATE_FILE, MAX_EXPORT_ANSWER};

/// The service and method of gRPC.
const GRPC_PATH: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// Why the map could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody is there, or the connection broke.
    #[error("the collector cannot be reached: {0}")]
    Connection(String),
    /// Certificates do not fit, or the collector speaks no TLS.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// It does not answer in time.
    #[error("the collector did not answer within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// It answers, and does not take it.
    #[error("the collector refused: {0}")]
    Refused(String),
}

impl Failure {
    /// How they are called in metrics.
    pub(super) const REASONS: [&'static str; 4] = ["connection", "tls", "timeout", "refused"];

    /// The place in [`Self::REASONS`].
    pub(super) const fn place(&self) -> usize {
        match self {
            Self::Connection(_) => 0,
            Self::Tls(_) => 1,
            Self::Timeout(_) => 2,
            Self::Refused(_) => 3,
        }
    }
}

/// A connection to the collector. It is used for one export: at one in a minute, a new one costs nothing, and finds a
/// collector that was replaced, and certificates that were exchanged.
pub(super) enum Connection {
    Grpc(http2::SendRequest<Full<Bytes>>),
    Http(http1::SendRequest<Full<Bytes>>),
}

impl Connection {
    pub(super) async fn open(settings: &Settings) -> Result<Self, Failure> {
        let uri = &settings.endpoint;
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = match (uri.port_u16(), settings.protocol) {
            (Some(port), _) => port,
            (None, Protocol::Grpc) => 4317,
            (None, Protocol::Http) if settings.is_secure() => 443,
            (None, Protocol::Http) => 80,
        };
        let stream = TcpStream::connect((host, port)).await.map_err(broken)?;
        if !settings.is_secure() {
            return Self::over(settings.protocol, stream).await;
        }
        let name = ServerName::try_from(host.to_owned()).map_err(tls)?;
        let connector = connector(settings)?;
        let stream = connector.connect(name, stream).await.map_err(tls)?;
        Self::over(settings.protocol, stream).await
    }

    async fn over<S>(protocol: Protocol, stream: S) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(stream);
        // The tasks end with the connection, which ends when its sender is dropped.
        match protocol {
            Protocol::Grpc => {
                let handshake = http2::handshake(TokioExecutor::new(), io);
                let (sender, connection) = handshake.await.map_err(broken)?;
                tokio::spawn(connection);
                Ok(Self::Grpc(sender))
            }
            Protocol::Http => {
                let (sender, connection) = http1::handshake(io).await.map_err(broken)?;
                tokio::spawn(connection);
                Ok(Self::Http(sender))
            }
        }
    }

    /// Sends one message. How many of its numbers were not wanted.
    pub(super) async fn send(
        &mut self,
        settings: &Settings,
        message: Vec<u8>,
    ) -> Result<u64, Failure> {
        let message = if settings.gzip {
            pack(&message)?
        } else {
            message
        };
        match self {
            Self::Grpc(sender) => {
                sender.ready().await.map_err(broken)?;
                let request = grpc_request(settings, &message)?;
                let response = sender.send_request(request).await.map_err(broken)?;
                grpc_answer(response).await
            }
            Self::Http(sender) => {
                sender.ready().await.map_err(broken)?;
                let request = http_request(settings, message)?;
                let response = sender.send_request(request).await.map_err(broken)?;
                http_answer(response).await
            }
        }
    }
}

fn grpc_request(settings: &Settings, message: &[u8]) -> Result<Request<Full<Bytes>>, Failure> {
    let mut body = Vec::with_capacity(message.len() + 5);
    body.push(u8::from(settings.gzip));
    let length = u32::try_from(message.len()).map_err(broken)?;
    body.extend_from_slice(&length.to_be_bytes());
    body.extend_from_slice(message);
    let uri = Uri::builder()
        .scheme(settings.endpoint.scheme_str().unwrap_or("http"))
        .authority(authority(settings))
        .path_and_query(GRPC_PATH)
        .build()
        .map_err(broken)?;
    let mut request = request(settings, uri, body);
    *request.version_mut() = Version::HTTP_2;
    let timeout = format!("{}m", settings.timeout.as_millis());
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(
        "grpc-timeout",
        HeaderValue::from_str(&timeout).map_err(broken)?,
    );
    if settings.gzip {
        headers.insert("grpc-encoding", HeaderValue::from_static("gzip"));
    }
    Ok(request)
}

fn http_request(settings: &Settings, message: Vec<u8>) -> Result<Request<Full<Bytes>>, Failure> {
    let path = settings.endpoint.path_and_query();
    let uri = path.map_or("/", |path| path.as_str());
    let mut request = request(settings, uri.parse().map_err(broken)?, message);
    let host = HeaderValue::from_str(authority(settings)).map_err(broken)?;
    let headers = request.headers_mut();
    headers.insert(HOST, host);
    let protobuf = HeaderValue::from_static("application/x-protobuf");
    headers.insert(CONTENT_TYPE, protobuf);
    if settings.gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(request)
}

fn request(settings: &Settings, uri: Uri, body: Vec<u8>) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(Bytes::from(body)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    let agent = HeaderValue::from_static("portolan-mapper");
    request.headers_mut().insert(USER_AGENT, agent);
    for (name, value) in &settings.headers {
        request.headers_mut().insert(name, value.clone());
    }
    request
}

fn authority(settings: &Settings) -> &str {
    let authority = settings.endpoint.authority();
    authority.map_or("", |authority| authority.as_str())
}

/// The status is in the trailers, or in the headers where nothing else comes.
async fn grpc_answer(response: Response<Incoming>) -> Result<u64, Failure> {
    let (head, body) = response.into_parts();
    if head.status != StatusCode::OK {
        return Err(refused(format!("status {}", head.status)));
    }
    let body = collect(body).await?;
    let trailers = body.trailers().cloned().unwrap_or_default();
    let status = |headers: &HeaderMap, key| {
        let value = headers
            .get(key)
            .and_then(|value: &HeaderValue| value.to_str().ok());
        value.map(str::to_owned)
    };
    let of = |key| status(&trailers, key).or_else(|| status(&head.headers, key));
    match of("grpc-status").as_deref() {
        Some("0") => {}
        Some(code) => {
            let why = of("grpc-message").unwrap_or_default();
            return Err(refused(format!("gRPC status {code}, {why}")));
        }
        None => return Err(refused("an answer without a gRPC status".to_owned())),
    }
    // Behind one byte and the length. Nobody packs an answer that was not asked for packed.
    Ok(body.to_bytes().get(5..).map_or(0, rejected))
}

async fn http_answer(response: Response<Incoming>) -> Result<u64, Failure> {
    let status = response.status();
    if !status.is_success() {
        return Err(refused(format!("status {status}")));
    }
    Ok(rejected(&collect(response.into_body()).await?.to_bytes()))
}

async fn collect(body: Incoming) -> Result<http_body_util::Collected<Bytes>, Failure> {
    let body = Limited::new(body, MAX_EXPORT_ANSWER).collect().await;
    body.map_err(|error| Failure::Connection(error.to_string()))
}

fn pack(message: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(message).map_err(broken)?;
    packed.finish().map_err(broken)
}

fn connector(settings: &Settings) -> Result<TlsConnector, Failure> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = &settings.certificate {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(tls)?;
        }
    } else {
        let (_added, _ignored) =
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        let why = "no authority is trusted: give a file with OTEL_EXPORTER_OTLP_CERTIFICATE";
        return Err(Failure::Tls(why.to_owned()));
    }
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(tls)?
        .with_root_certificates(roots);
    let mut config = match &settings.identity {
        Some((certificate, key)) => {
            let key = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(tls)?;
            builder
                .with_client_auth_cert(certificates(certificate)?, key)
                .map_err(tls)?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = match settings.protocol {
        Protocol::Grpc => vec![b"h2".to_vec()],
        Protocol::Http => vec![b"http/1.1".to_vec()],
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    all.map_err(|error| Failure::Tls(format!("{}: {error}", path.display())))
}

/// Small files, read once in an export: what waits is only the exporter's task and one thread of several.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read;
    let failed = |error| Failure::Tls(format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MAX_CERTIFICATE_FILE)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}

fn broken(error: impl Error) -> Failure {
    Failure::Connection(whole(&error))
}

fn tls(error: impl Error) -> Failure {
    Failure::Tls(whole(&error))
}

/// With what is behind it: hyper's own words say little.
fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn refused(why: String) -> Failure {
    Failure::Refused(why)
}
