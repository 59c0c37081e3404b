//! A client of HTTP/1.1 (RFC 9112) on loopback: a connection that stays, and requests one after the other.

use std::fmt::Debug;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::tls::Certificate;

/// How long a test waits for an answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its header fields, lower case, without the last line break.
    pub head: String,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }
}

/// A client. It connects when it must.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    from: Ipv4Addr,
    certificate: Option<Arc<Certificate>>,
    connection: Option<BufReader<Box<dyn Stream>>>,
}

/// Plain or TLS.
trait Stream: Read + Write + Debug + Send {}

impl<S: Read + Write + Debug + Send> Stream for S {}

impl Client {
    /// Of the server at this address.
    pub const fn new(address: SocketAddr) -> Self {
        Self {
            address,
            from: Ipv4Addr::LOCALHOST,
            certificate: None,
            connection: None,
        }
    }

    /// The same from another address of 127/8: for the mapper, anybody in the cluster.
    #[must_use]
    pub const fn from(mut self, last: u8) -> Self {
        self.from = Ipv4Addr::new(127, 0, 0, last);
        self
    }

    /// The same over TLS.
    #[must_use]
    pub fn over(mut self, certificate: &Arc<Certificate>) -> Self {
        self.certificate = Some(Arc::clone(certificate));
        self
    }

    fn connect(&self) -> io::Result<BufReader<Box<dyn Stream>>> {
        let stream = connect_from(self.from, self.address)?;
        Ok(BufReader::new(match &self.certificate {
            Some(certificate) => Box::new(certificate.over(stream)?),
            None => Box::new(stream),
        }))
    }

    /// One request. A connection that the server has closed meanwhile is made anew, once.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let was_open = self.connection.is_some();
        match self.try_send(method, path, fields, body) {
            Err(_) if was_open => {
                self.connection = None;
                self.try_send(method, path, fields, body)
            }
            other => other,
        }
    }

    fn try_send(
        &mut self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !fields.iter().any(|(name, _)| *name == "host") {
            head.extend(["host: ", &self.address.to_string(), "\r\n"]);
        }
        for (name, value) in fields {
            head.extend([name, ": ", value, "\r\n"]);
        }
        let has_body = method != "GET" && method != "HEAD";
        if has_body {
            let length = body.len().to_string();
            head.extend([
                "content-length: ",
                &length,
                "
",
            ]);
        }
        head.push_str("\r\n");
        let mut request = head.into_bytes();
        if has_body {
            request.extend_from_slice(body);
        }
        connection.get_mut().write_all(&request)?;
        connection.get_mut().flush()?;
        let answer = read(&mut connection, method == "HEAD")?;
        if !answer.head.contains("connection: close") {
            self.connection = Some(connection);
        }
        Ok(answer)
    }
}

/// A connection as tests need it.
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    connect_from(Ipv4Addr::LOCALHOST, address)
}

/// The same from this address.
pub fn connect_from(from: Ipv4Addr, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect_timeout(&address.into(), Duration::from_secs(5))?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The head of an answer: its status, and its fields in lower case.
pub fn read_head(connection: &mut impl BufRead) -> io::Result<(u16, String)> {
    let mut head = String::new();
    loop {
        let start = head.len();
        if connection.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if head[start..].trim_end().is_empty() {
            break;
        }
    }
    let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no HTTP: {head}")))?;
    Ok((status, head.to_lowercase()))
}

/// A whole answer.
pub fn read(connection: &mut impl BufRead, without_body: bool) -> io::Result<Answer> {
    let (status, head) = read_head(connection)?;
    let field = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim_start_matches(':').trim().to_owned())
    };
    let mut body = Vec::new();
    if without_body || status == 204 || status == 304 {
    } else if field("transfer-encoding").is_some() {
        read_chunks(connection, &mut body)?;
    } else if let Some(length) = field("content-length") {
        body.resize(length.parse().map_err(io::Error::other)?, 0);
        connection.read_exact(&mut body)?;
    } else {
        connection.read_to_end(&mut body)?;
    }
    Ok(Answer { status, head, body })
}

fn read_chunks(connection: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let mut line = String::new();
        connection.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        let start = body.len();
        body.resize(start + length, 0);
        connection.read_exact(&mut body[start..])?;
        line.clear();
        connection.read_line(&mut line)?;
        if length == 0 {
            return Ok(());
        }
    }
}
