//! New edges as they come, as server-sent events (HTML Standard, 9.2).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use wire::edge::EdgeChange;

use super::http::Body;
use crate::limits::MAX_READERS;
use crate::writer::Mapper;

/// A line that says nothing keeps proxies from closing the connection, and finds readers that have gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The events from now on, unless too many read already. A reader that falls behind is told how many it missed, and goes
/// on; it holds up nobody.
pub(crate) fn stream(mapper: &Mapper) -> Option<Body> {
    if mapper.readers() >= MAX_READERS {
        return None;
    }
    let events = stream::unfold(mapper.news(), next);
    Some(BodyExt::boxed(StreamBody::new(events)))
}

type Event = Result<Frame<Bytes>, Infallible>;

async fn next(mut news: Receiver<Arc<EdgeChange>>) -> Option<(Event, Receiver<Arc<EdgeChange>>)> {
    let text = match tokio::time::timeout(KEEP_ALIVE, news.recv()).await {
        Ok(Ok(change)) => {
            let json = serde_json::to_string(&*change).unwrap_or_default();
            format!("event: edge\ndata: {json}\n\n")
        }
        Ok(Err(RecvError::Lagged(missed))) => format!("event: missed\ndata: {missed}\n\n"),
        Ok(Err(RecvError::Closed)) => return None,
        Err(_) => ": nothing new\n\n".to_owned(),
    };
    Some((Ok(Frame::data(Bytes::from(text))), news))
}
