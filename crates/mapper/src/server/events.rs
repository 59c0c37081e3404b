//! New edges as they come, as server-sent events (HTML Standard, 9.2).

use std::convert::Infallible;
use std::time::Duration;

use app::shutdown::Stop;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

use super::http::Body;
use crate::limits::MAX_READERS;
use crate::writer::{Event, Mapper, Reader};

/// A line that says nothing keeps proxies from closing the connection, and finds readers that have gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The events from now on until the stop, or for so long if that is bounded, unless too many read already. A reader that
/// falls behind is told how many it missed, and goes on; it holds up nobody.
pub(crate) fn stream(mapper: &Mapper, most: Option<Duration>, stop: Stop) -> Option<Body> {
    if mapper.readers() >= MAX_READERS {
        return None;
    }
    let over = async move {
        match most {
            Some(most) => {
                let _stopped = stop.cancelled_within(most).await;
            }
            None => stop.cancelled().await,
        }
    };
    let events = stream::unfold(mapper.news(), next).take_until(Box::pin(over));
    Some(BodyExt::boxed(StreamBody::new(events)))
}

type Frames = Result<Frame<Bytes>, Infallible>;

async fn next(mut reader: Reader) -> Option<(Frames, Reader)> {
    let text = match tokio::time::timeout(KEEP_ALIVE, reader.next()).await {
        Ok(Event::Edge(json)) => [b"event: edge\ndata: ", &*json, b"\n\n"].concat(),
        Ok(Event::Missed(missed)) => format!("event: missed\ndata: {missed}\n\n").into(),
        Err(_) => b": nothing new\n\n".to_vec(),
    };
    Some((Ok(Frame::data(Bytes::from(text))), reader))
}
