//! One connection: its first byte tells TLS from plain HTTP, then its requests are served.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use app::shutdown::Stop;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::http::Door;
use crate::access::Reason;
use crate::access::way::Connection;
use crate::limits::{HEAD_TIME, HELLO_TIME, LAST_WORDS, MAX_HEAD, REFUSE_SLOWLY};

/// A record of TLS begins with its type; the first is a handshake (RFC 8446, 5.1). No method of HTTP begins with it.
const HANDSHAKE: u8 = 0x16;

/// An alert: fatal, `handshake_failure` (RFC 8446, 6).
const NO_CERTIFICATE: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 40];

/// Serves a connection until it ends, or the stop.
pub(super) async fn serve(stream: TcpStream, door: Arc<Door>, stop: Stop) {
    // Answers are small and written at once.
    let _slower = stream.set_nodelay(true);
    let (Ok(peer), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else {
        return; // it has gone already
    };
    let mut connection = Connection {
        peer,
        local,
        secure: false,
    };
    let entered = door.gate.enter(&connection);
    let _seat = match entered {
        Ok(seat) => seat,
        Err((refusal, held)) => {
            door.gate.count(&connection, refusal.reason);
            if held.is_some() {
                // Whoever tries again and again waits for us, not we for it.
                let _stopped = stop.cancelled_within(REFUSE_SLOWLY).await;
            }
            return;
        }
    };
    let hello = tokio::select! {
        biased;
        () = stop.cancelled() => return,
        hello = timeout(HELLO_TIME, is_tls(&stream)) => hello,
    };
    match hello {
        Err(_) => door.gate.count(&connection, Reason::Slow),
        Ok(Err(_)) => {} // it has gone without a word
        Ok(Ok(false)) => talk(stream, connection, door, stop).await,
        Ok(Ok(true)) => {
            connection.secure = true;
            encrypted(stream, connection, door, stop).await;
        }
    }
}

async fn is_tls(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    match stream.peek(&mut first).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(first == [HANDSHAKE]),
    }
}

async fn encrypted(mut stream: TcpStream, connection: Connection, door: Arc<Door>, stop: Stop) {
    if !door.certificate.is_there() {
        door.gate.count(&connection, Reason::NoCertificate);
        let _gone = stream.write_all(&NO_CERTIFICATE).await;
        return;
    }
    let agreed = tokio::select! {
        biased;
        () = stop.cancelled() => return,
        agreed = timeout(HELLO_TIME, door.tls.accept(stream)) => agreed,
    };
    match agreed {
        Err(_) => door.gate.count(&connection, Reason::Slow),
        Ok(Err(error)) => {
            tracing::debug!(%error, "TLS could not be agreed on");
            door.gate.count(&connection, Reason::Handshake);
        }
        Ok(Ok(stream)) => talk(stream, connection, door, stop).await,
    }
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    connection: Connection,
    door: Arc<Door>,
    stop: Stop,
) {
    let ends = stop.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (door, stop) = (Arc::clone(&door), ends.clone());
        async move { Ok::<_, Infallible>(door.serve(request, &connection, stop).await) }
    });
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut conversation = std::pin::pin!(conversation);
    let ended = tokio::select! {
        biased;
        ended = conversation.as_mut() => ended,
        () = stop.cancelled() => {
            conversation.as_mut().graceful_shutdown();
            match timeout(LAST_WORDS, conversation).await {
                Ok(ended) => ended,
                Err(_) => return, // a stream without an end
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
