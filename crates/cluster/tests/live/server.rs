//! An API server that does what a scenario says, down to the bytes.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

/// A request as far as anybody looks at it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// Which connection it came on.
    pub(crate) connection: usize,
    /// How many like it came before: of the same path, watch or list or page.
    pub(crate) before: usize,
    pub(crate) path: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) accept: String,
}

impl Ask {
    pub(crate) fn is_watch(&self) -> bool {
        self.query.contains_key("watch")
    }

    /// A question how far the server is, not a list.
    pub(crate) fn is_probe(&self) -> bool {
        !self.is_watch()
            && self.get("limit") == "1"
            && self.accept.contains("PartialObjectMetadataList")
    }

    pub(crate) fn get(&self, key: &str) -> &str {
        self.query.get(key).map_or("", String::as_str)
    }

    pub(crate) fn is_pods(&self) -> bool {
        self.path == "/api/v1/pods"
    }

    /// `list`, `watch`, `probe` or `page`, of pods.
    pub(crate) fn of_pods(&self) -> &'static str {
        match () {
            () if !self.is_pods() => "",
            () if self.is_watch() => "watch",
            () if self.is_probe() => "probe",
            () if self.query.contains_key("continue") => "page",
            () => "list",
        }
    }
}

/// The answer to one request.
pub(crate) struct Reply {
    stream: TcpStream,
    cut: bool,
}

impl Reply {
    /// A whole answer.
    pub(crate) async fn json(&mut self, status: u16, body: &Value) {
        self.json_with(status, "", body).await;
    }

    pub(crate) async fn json_with(&mut self, status: u16, headers: &str, body: &Value) {
        let body = body.to_string();
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n"
        );
        self.raw(head.as_bytes()).await;
        self.raw(body.as_bytes()).await;
    }

    /// The head of an answer that comes in pieces.
    pub(crate) async fn start(&mut self) {
        self.raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
    }

    pub(crate) async fn piece(&mut self, bytes: &[u8]) {
        self.raw(format!("{:x}\r\n", bytes.len()).as_bytes()).await;
        self.raw(bytes).await;
        self.raw(b"\r\n").await;
    }

    /// One event of a watch.
    pub(crate) async fn event(&mut self, word: &str, object: &Value) {
        let line = format!("{}\n", json!({"type": word, "object": object}));
        self.piece(line.as_bytes()).await;
    }

    pub(crate) async fn bookmark(&mut self, version: u64) {
        let object = json!({"kind": "Pod", "metadata": {"resourceVersion": version.to_string()}});
        self.event("BOOKMARK", &object).await;
    }

    /// The answer is through; the connection stays.
    pub(crate) async fn end(&mut self) {
        self.raw(b"0\r\n\r\n").await;
    }

    /// The connection ends here.
    pub(crate) async fn cut(&mut self) {
        let _ = self.stream.shutdown().await;
        self.cut = true;
    }

    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        if self.stream.write_all(bytes).await.is_err() {
            self.cut = true;
        }
    }

    /// What a sound API server without any object answers.
    pub(crate) async fn usual(&mut self, ask: &Ask) {
        if !ask.is_watch() {
            return self.json(200, &list("100", &[])).await;
        }
        self.start().await;
        let seconds = ask.get("timeoutSeconds").parse().unwrap();
        let mut byte = [0];
        // Until its time is over, or the client goes.
        let over = tokio::time::timeout(Duration::from_secs(seconds), self.stream.read(&mut byte));
        match over.await {
            Err(_) => self.end().await,
            Ok(_) => self.cut = true,
        }
    }
}

pub(crate) fn list(version: &str, items: &[Value]) -> Value {
    json!({"kind": "List", "metadata": {"resourceVersion": version}, "items": items})
}

pub(crate) fn status(code: u16, reason: &str) -> Value {
    json!({"kind": "Status", "code": code, "reason": reason, "message": format!("because of {reason}")})
}

/// A pod whose UID is made of this number.
pub(crate) fn pod(name: &str, number: u64, version: u64) -> Value {
    json!({"metadata": {
        "name": name, "namespace": "shop", "uid": uid(number), "resourceVersion": version.to_string(),
        "managedFields": [{"fieldsV1": {"f:metadata": {"f:labels": {}}}}],
    }})
}

pub(crate) fn uid(number: u64) -> String {
    format!("00000000-0000-0000-0000-{number:012}")
}

type Answered = Pin<Box<dyn Future<Output = Reply> + Send>>;
type Scenario = Arc<dyn Fn(Ask, Reply) -> Answered + Send + Sync>;

/// A running server; it ends when it is dropped.
pub(crate) struct Server {
    pub(crate) address: String,
    /// All requests so far.
    pub(crate) asked: Arc<Mutex<Vec<Ask>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start<F>(scenario: impl Fn(Ask, Reply) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        Self::start_at("127.0.0.1:0", scenario).await
    }

    pub(crate) async fn start_at<F>(
        address: &str,
        scenario: impl Fn(Ask, Reply) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        // The one before on this port may not be gone yet.
        let listener = loop {
            match TcpListener::bind(address).await {
                Err(error) if error.kind() == ErrorKind::AddrInUse => {
                    tokio::task::yield_now().await;
                }
                listener => break listener.unwrap(),
            }
        };
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let scenario: Scenario = Arc::new(move |ask, reply| Box::pin(scenario(ask, reply)));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, scenario, Arc::clone(&asked)));
        Self {
            address,
            asked,
            _tasks: tasks,
        }
    }

    /// How many requests of this sort came (see [`Ask::of_pods`]).
    pub(crate) async fn count(&self, sort: &str) -> usize {
        let asked = self.asked.lock().await;
        asked.iter().filter(|ask| ask.of_pods() == sort).count()
    }
}

async fn accept(listener: TcpListener, scenario: Scenario, asked: Arc<Mutex<Vec<Ask>>>) {
    let mut connections = JoinSet::new();
    for number in 0.. {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        stream.set_nodelay(true).unwrap();
        connections.spawn(serve(
            number,
            stream,
            Arc::clone(&scenario),
            Arc::clone(&asked),
        ));
    }
}

async fn serve(number: usize, stream: TcpStream, scenario: Scenario, asked: Arc<Mutex<Vec<Ask>>>) {
    let mut reply = Reply { stream, cut: false };
    while !reply.cut
        && let Some(mut ask) = read(number, &mut reply.stream).await
    {
        {
            let mut asked = asked.lock().await;
            let like = |other: &&Ask| {
                (&other.path, other.is_watch(), other.of_pods())
                    == (&ask.path, ask.is_watch(), ask.of_pods())
            };
            ask.before = asked.iter().filter(like).count();
            asked.push(ask.clone());
        }
        reply = scenario(ask, reply).await;
    }
}

async fn read(connection: usize, stream: &mut TcpStream) -> Option<Ask> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.split(' ').nth(1)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key.to_owned(), value.to_owned())
    };
    let accept = head.lines().find_map(|line| line.strip_prefix("accept: "));
    Some(Ask {
        connection,
        before: 0,
        path: path.to_owned(),
        query: query
            .split('&')
            .filter(|part| !part.is_empty())
            .map(pair)
            .collect(),
        accept: accept.unwrap_or_default().to_owned(),
    })
}
