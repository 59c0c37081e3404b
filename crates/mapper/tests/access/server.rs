//! A server, and those who ask it.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use app::metrics::Metrics;
use app::shutdown::Stop;
use cluster::TokenUser;
use cluster::live::{RequestError, Review};
use cluster::{Index, Settings};
use map::Time;
use mapper::Ingest;
use mapper::access::{Access, Reason, Rules};
use mapper::report::Switches;
use mapper::server::tls::{Files, Loader};
use mapper::server::{Ask, Gate, Graph, Server};
use mapper::writer::Writer;
use parking_lot::Mutex;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The name in the certificates.
pub(crate) const NAME: &str = "portolan-mapper.portolan.svc";

/// An address in the certificates that is this machine's, and not loopback as the mapper means it.
pub(crate) const ADDRESS: &str = "127.0.0.2";

/// A certificate with its key.
pub(crate) struct Pair {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

pub(crate) fn pair() -> Pair {
    let params = CertificateParams::new([NAME.to_owned(), ADDRESS.to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let pem = |tag: &str, der: &[u8]| pem::encode(&pem::Pem::new(tag, der));
    Pair {
        der: certificate.der().clone(),
        certificate: pem("CERTIFICATE", certificate.der()),
        key: pem("PRIVATE KEY", &key.serialize_der()),
    }
}

/// An API server: users by their tokens, how often it was asked, and how many may be answered.
pub(crate) struct Api {
    users: Mutex<HashMap<String, TokenUser>>,
    pub(crate) asked: AtomicUsize,
    pub(crate) at_once: AtomicUsize,
    pub(crate) most_at_once: AtomicUsize,
    answers: Semaphore,
    pub(crate) away: Mutex<bool>,
}

impl Api {
    pub(crate) fn knows(&self, token: &str, user: TokenUser) {
        self.users.lock().insert(token.to_owned(), user);
    }

    pub(crate) fn forgets(&self, token: &str) {
        self.users.lock().remove(token);
    }

    /// Nothing is answered, until so many answers are given.
    pub(crate) fn holds_back(&self) {
        self.answers.forget_permits(usize::MAX >> 4);
    }

    pub(crate) fn answers(&self, count: usize) {
        self.answers.add_permits(count);
    }

    async fn review(&self, token: String) -> Result<Review, RequestError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        self.answers.acquire().await.unwrap().forget();
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        if *self.away.lock() {
            return Err(RequestError::Silent);
        }
        let user = self.users.lock().get(&token).cloned();
        Ok(user.map_or_else(
            || Review::Bad("[invalid bearer token]".to_owned()),
            Review::Good,
        ))
    }
}

pub(crate) fn user(name: &str) -> TokenUser {
    TokenUser {
        name: name.into(),
        ..TokenUser::default()
    }
}

/// A running server.
pub(crate) struct Bed {
    pub(crate) address: SocketAddr,
    pub(crate) gate: Gate,
    pub(crate) api: Arc<Api>,
    pub(crate) pair: Pair,
    pub(crate) folder: tempfile::TempDir,
    stop: Stop,
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn now() -> Time {
    Time::EPOCH.plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap())
}

impl Bed {
    /// With a certificate, and the roles that the tests use.
    pub(crate) async fn new(access: Access) -> Self {
        let rules = Rules {
            access,
            report: "portolan:sniffer".parse().unwrap(),
            read: "portolan:reader group:readers".parse().unwrap(),
            reset: "admin".parse().unwrap(),
        };
        Self::with(rules, true).await
    }

    pub(crate) async fn with(rules: Rules, has_certificate: bool) -> Self {
        let (folder, pair) = (tempfile::tempdir().unwrap(), pair());
        let files = Files {
            certificate: folder.path().join("tls.crt"),
            key: folder.path().join("tls.key"),
        };
        let stop = Stop::new();
        let mut loader = Loader::new(files);
        if has_certificate {
            write(&folder, &pair.certificate, &pair.key);
            assert!(loader.look().unwrap());
        }
        let certificate = loader.certificate();
        tokio::spawn(loader.watch(stop.clone()));

        let api = Arc::new(Api {
            users: Mutex::default(),
            asked: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            answers: Semaphore::new(1 << 20),
            away: Mutex::new(false),
        });
        let of = Arc::clone(&api);
        let ask: Ask = Box::new(move |token| {
            let api = Arc::clone(&of);
            Box::pin(async move { api.review(token).await })
        });
        let gate = Gate::new(rules, ask);

        let (writer, mapper, queue) = Writer::new(
            Index::live(Settings::default()),
            Ingest::live("", BTreeSet::new()),
            Switches::default(),
            None,
            now,
        );
        let (keep, updates) = mpsc::channel(1);
        let ended = stop.clone();
        tokio::spawn(async move {
            let _keep = keep;
            writer
                .run(updates, queue, async move { ended.cancelled().await })
                .await;
        });
        let metrics = Metrics::empty();
        let requests = metrics.labelled_counter("requests", "x", &["page", "status"]);
        let time = metrics.histogram("time", "x", &[1.0]);
        let server = Server::bind(
            Server::everywhere(0),
            Graph::new(mapper.clone()).unwrap(),
            mapper,
            app::health::Health::new(),
            (gate.clone(), certificate),
            (requests.unwrap(), time.unwrap()),
        );
        let server = server.await.unwrap();
        let port = server.address().unwrap().port();
        tokio::spawn(server.serve(stop.clone()));
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            gate,
            api,
            pair,
            folder,
            stop,
        }
    }

    /// A client at this address of 127/8.
    pub(crate) fn from(&self, last: u8) -> Client<'_> {
        Client {
            bed: self,
            from: Ipv4Addr::new(127, 0, 0, last),
        }
    }

    pub(crate) fn refused(&self, reason: Reason) -> u64 {
        self.gate.refused(reason)
    }

    /// Exchanges both files, as kubelet does: one after the other, but at one time.
    pub(crate) fn write(&self, certificate: &str, key: &str) {
        write(&self.folder, certificate, key);
    }
}

fn write(folder: &tempfile::TempDir, certificate: &str, key: &str) {
    for (name, text) in [("tls.crt", certificate), ("tls.key", key)] {
        let path: PathBuf = folder.path().join(name);
        std::fs::write(path, text).unwrap();
    }
}

/// Somebody at an address.
#[derive(Clone, Copy)]
pub(crate) struct Client<'b> {
    bed: &'b Bed,
    from: Ipv4Addr,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Client<'_> {
    pub(crate) async fn connect(self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket
            .bind(SocketAddr::new(IpAddr::V4(self.from), 0))
            .unwrap();
        socket.connect(self.bed.address).await.unwrap()
    }

    /// TLS, with this certificate as the only one that is trusted.
    pub(crate) async fn tls(
        self,
        trusted: &CertificateDer<'static>,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(NAME).unwrap();
        let stream = self.connect().await;
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    /// A request over plain HTTP, byte for byte but for the end of its connection.
    pub(crate) async fn plain(self, head: &str, body: &str) -> Answer {
        ask(self.connect().await, head, body).await
    }

    /// A document over TLS with this token.
    pub(crate) async fn query(self, token: &str, document: &str) -> Answer {
        let stream = self.tls(&self.bed.pair.der).await.unwrap();
        let body = serde_json::json!({ "query": document }).to_string();
        ask(
            stream,
            &format!("{POST}authorization: Bearer {token}\r\n"),
            &body,
        )
        .await
    }

    /// A report over TLS with this token.
    pub(crate) async fn report(
        self,
        token: &str,
        document: &str,
        results: &serde_json::Value,
    ) -> Answer {
        let stream = self.tls(&self.bed.pair.der).await.unwrap();
        let variables = serde_json::json!({ "results": { "results": results } });
        let body = serde_json::json!({ "query": document, "variables": variables }).to_string();
        ask(
            stream,
            &format!("{POST}authorization: Bearer {token}\r\n"),
            &body,
        )
        .await
    }
}

/// The head of a request for the service's name.
pub(crate) const POST: &str =
    "POST /query HTTP/1.1\r\nhost: portolan-mapper:9090\r\ncontent-type: application/json\r\n";

/// The same through a port-forward.
pub(crate) const POST_LOCAL: &str =
    "POST /query HTTP/1.1\r\nhost: localhost:9090\r\ncontent-type: application/json\r\n";

pub(crate) async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    head: &str,
    body: &str,
) -> Answer {
    let length = body.len();
    let request = format!("{head}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
    // It may be refused before it is through.
    let _cut = stream.write_all(request.as_bytes()).await;
    // TLS keeps the end of it where the socket had no room.
    let _cut = stream.flush().await;
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes));
    let _cut = read.await.unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Answer {
        status: status.unwrap_or(0),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}
