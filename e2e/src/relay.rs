//! What stands between a sniffer and its mapper, and does as it is told: it passes on, answers by itself, hangs, breaks.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use socket2::{Domain, Socket, Type};

use crate::http::Client;

/// What it does with a request.
#[derive(Clone, Debug)]
pub enum Deed {
    /// The mapper answers.
    Pass,
    /// It answers itself, with this status and body.
    Say(u16, String),
    /// The mapper answers, so much later.
    Slow(Duration),
    /// The connection breaks before the mapper has the request.
    BreakBefore,
    /// The connection breaks when the mapper has taken it, before it says so.
    BreakAfter,
}

type Rule = Box<dyn FnMut(&str) -> Deed + Send>;

/// A running relay; it ends with the test.
pub struct Relay {
    /// Its port, on all addresses.
    pub port: u16,
    shared: Arc<Shared>,
    /// While nobody listens there, the port is still ours: another mapper would take what this one is sent.
    _held: Socket,
}

struct Shared {
    mapper: SocketAddr,
    is_there: AtomicBool,
    has_ended: AtomicBool,
    rule: Mutex<Rule>,
    /// Bodies that the mapper took, or that were answered here with status 200.
    taken: Mutex<Vec<String>>,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Relay {
    /// One that passes on.
    pub fn start(mapper: SocketAddr) -> Self {
        let held = hold_port();
        let port = held.local_addr().unwrap().as_socket().unwrap().port();
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap();
        let shared = Arc::new(Shared {
            mapper,
            is_there: AtomicBool::new(true),
            has_ended: AtomicBool::new(false),
            rule: Mutex::new(Box::new(|_| Deed::Pass)),
            taken: Mutex::default(),
        });
        let of_thread = Arc::clone(&shared);
        std::thread::spawn(move || listen(&of_thread, listener, port));
        Self {
            port,
            shared,
            _held: held,
        }
    }

    /// From now on, by the body of the request.
    pub fn rule(&self, rule: impl FnMut(&str) -> Deed + Send + 'static) {
        *self.shared.rule.lock() = Box::new(rule);
    }

    /// Whether it takes connections; those that are open break with their next request.
    pub fn is_there(&self, is_there: bool) {
        self.shared.is_there.store(is_there, Ordering::SeqCst);
    }

    /// The bodies of all requests that were taken so far.
    pub fn taken(&self) -> Vec<String> {
        self.shared.taken.lock().clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.has_ended.store(true, Ordering::SeqCst);
    }
}

/// A port that nobody else gets. Who has `SO_REUSEADDR` as well can bind to it, as long as this one does not listen: the
/// standard library's listeners have it.
fn hold_port() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    socket.bind(&any.into()).unwrap();
    socket
}

fn listen(shared: &Arc<Shared>, listener: TcpListener, port: u16) {
    let mut listener = Some(listener);
    while !shared.has_ended.load(Ordering::SeqCst) {
        if !shared.is_there.load(Ordering::SeqCst) {
            listener = None;
        }
        let Some(open) = &listener else {
            std::thread::sleep(Duration::from_millis(10));
            if shared.is_there.load(Ordering::SeqCst) {
                listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).ok();
            }
            continue;
        };
        open.set_nonblocking(true).unwrap();
        match open.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).unwrap();
                let shared = Arc::clone(shared);
                // How it ends is no matter here: breaking is what it is for.
                std::thread::spawn(move || drop(serve(&shared, stream)));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn serve(shared: &Shared, stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_mins(2)))?;
    let mut stream = BufReader::new(stream);
    loop {
        let body = read(&mut stream)?;
        if !shared.is_there.load(Ordering::SeqCst) {
            return Ok(());
        }
        let deed = (shared.rule.lock())(&body);
        let answer = match deed {
            Deed::BreakBefore => return Ok(()),
            Deed::Say(status, answer) => {
                if status == 200 && answer.contains("true") {
                    shared.taken.lock().push(body);
                }
                write(status, "", answer.as_bytes())
            }
            Deed::Pass | Deed::Slow(_) | Deed::BreakAfter => {
                let answer = pass(shared, &body)?;
                match deed {
                    Deed::BreakAfter => return Ok(()),
                    Deed::Slow(time) => std::thread::sleep(time),
                    _ => {}
                }
                answer
            }
        };
        stream.get_mut().write_all(&answer)?;
    }
}

fn pass(shared: &Shared, body: &str) -> io::Result<Vec<u8>> {
    let fields = [("content-type", "application/json")];
    let answer = Client::new(shared.mapper).send("POST", "/query", &fields, body.as_bytes())?;
    if answer.status == 200 && answer.text().contains("true") {
        shared.taken.lock().push(body.to_owned());
    }
    let is_map = |line: &&str| line.starts_with(wire::MAP_FIELD);
    let map = answer.head.lines().find(is_map).unwrap_or_default();
    Ok(write(answer.status, map, &answer.body))
}

fn write(status: u16, field: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut head = format!(
        "HTTP/1.1 {status} status\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n"
    );
    if !field.is_empty() {
        head.push_str(field.trim_end());
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

/// The body of the next request.
fn read(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    String::from_utf8(body).map_err(io::Error::other)
}
