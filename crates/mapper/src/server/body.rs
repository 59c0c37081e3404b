//! The body of a request, within its bounds of size, rate and time.

use bytes::{Bytes, BytesMut};
use http::{Request, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;
use wire::limits::MAX_BODY;

use super::gate::{Gate, Room};
use super::schema::{Answer, refused};
use crate::access::way::Connection;
use crate::access::{Permit, Refusal};
use crate::limits::{BODY_TIME, MAX_HEALTH_BODY};

/// A whole body, which takes up room among all of them until it is dropped.
pub(super) struct Body {
    pub(super) bytes: Bytes,
    _room: Option<Room>,
}

/// Reads it. Whoever may only ask for `health` needs few bytes for that.
pub(super) async fn body(
    request: Request<Incoming>,
    gate: &Gate,
    from: &Connection,
    permit: &Permit,
) -> Result<Result<Body, Answer>, Refusal> {
    let most = if permit.is_known() {
        MAX_BODY
    } else {
        MAX_HEALTH_BODY
    };
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > most) {
        return too_large(permit);
    }
    match timeout(BODY_TIME, collect(request.into_body(), most, gate, from)).await {
        Ok(Ok(body)) => Ok(Ok(body)),
        Ok(Err(Broken::Long)) => too_large(permit),
        Ok(Err(Broken::Refused(refusal))) => Err(refusal),
        Ok(Err(Broken::Off(error))) => {
            Ok(Err(refused(400, &format!("the body breaks off: {error}"))))
        }
        Err(_) => Ok(Err(refused(408, "the body took too long"))),
    }
}

enum Broken {
    Long,
    Refused(Refusal),
    Off(hyper::Error),
}

async fn collect(
    mut body: Incoming,
    most: usize,
    gate: &Gate,
    from: &Connection,
) -> Result<Body, Broken> {
    let mut bytes = BytesMut::new();
    let mut room: Option<Room> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(Broken::Off)?.into_data() else {
            continue; // trailers
        };
        if bytes.len() + data.len() > most {
            return Err(Broken::Long);
        }
        let more = gate.bytes(from, data.len()).map_err(Broken::Refused)?;
        match &mut room {
            Some(room) => room.merge(more),
            None => room = Some(more),
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Body {
        bytes: bytes.freeze(),
        _room: room,
    })
}

fn too_large(permit: &Permit) -> Result<Result<Body, Answer>, Refusal> {
    permit.check(crate::access::Roles::KNOWN)?;
    let message = format!("the body has more than {MAX_BODY} bytes");
    Ok(Err(refused(413, &message)))
}
