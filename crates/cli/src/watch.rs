//! `portolan watch`: new edges as the mapper tells them (server-sent events, HTML Standard, 9.2).

use std::collections::HashSet;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use map::{EdgeKey, Time};
use serde::Deserialize;
use serde_json::json;
use wire::edge::EdgeChange;
use wire::{ChangeKind, fields};

use crate::args::{Form, MapperArgs, WatchArgs};
use crate::failure::Failure;
use crate::reach::{self, Mapper};
use crate::settings::Settings;
use crate::{edge_text, fetched, output};

const NEW: Style = AnsiColor::Green.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default();

/// Bytes of one event: an edge with the most facets has megabytes.
const MAX_EVENT: usize = 64 << 20;

/// How long to wait before the mapper is looked for again, at first and at most: a new pod of it is there in seconds.
const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_MOST: Duration = Duration::from_secs(30);

/// How many edges that were told are remembered, so that none is told twice when the stream breaks.
const MAX_TOLD: usize = 100_000;

/// `portolan watch`.
pub(crate) fn run(args: &WatchArgs, settings: &Settings) -> Result<(), Failure> {
    let namespaces = settings.typed_or_set("namespaces", &args.namespaces);
    let mut watch = Watch {
        args,
        namespaces,
        left: args.count,
        began: app::clock::now(),
        told: HashSet::new(),
    };
    reach::runtime()?.block_on(async {
        let (mut mapper, mut body) = watch.open().await?;
        while let Some(broken) = watch.follow(&mapper, body).await? {
            output::note(&format!("{broken}; looking for it again\n"));
            (mapper, body) = watch.reopen().await;
            if !watch.catch_up(&args.mapper, &mapper).await? {
                break;
            }
        }
        Ok(())
    })
}

struct Watch<'a> {
    args: &'a WatchArgs,
    namespaces: Vec<String>,
    /// How many more are wanted; no end if `None`.
    left: Option<u64>,
    began: Time,
    /// New edges that were told.
    told: HashSet<EdgeKey>,
}

impl Watch<'_> {
    async fn open(&self) -> Result<(Mapper, Incoming), Failure> {
        let mut mapper = reach::open(&self.args.mapper).await?;
        let response = mapper.open("/events").await?;
        if response.status() != StatusCode::OK {
            return Err(mapper
                .failed(format!("answered {} to /events", response.status()))
                .with_remedy(
                    "is a mapper of this version there, with fewer than 64 who watch it?",
                ));
        }
        Ok((mapper, response.into_body()))
    }

    /// Until there is a mapper again: it was there, and whoever watches can end it.
    async fn reopen(&self) -> (Mapper, Incoming) {
        let mut pause = AGAIN;
        let mut said = String::new();
        loop {
            tokio::time::sleep(pause).await;
            match self.open().await {
                Ok(opened) => return opened,
                Err(failure) => {
                    let what = failure.to_string();
                    if what != said {
                        output::note(&format!("{what}\n"));
                        said = what;
                    }
                    pause = AGAIN_MOST.min(pause * 2);
                }
            }
        }
    }

    /// Tells what has appeared while nobody listened. The new stream is open, so that nothing is between. Whether to go on.
    async fn catch_up(&mut self, way: &MapperArgs, mapper: &Mapper) -> Result<bool, Failure> {
        // The stream has the connection for itself.
        let asked = match reach::open(way).await {
            Ok(mut other) => changes(&mut other, self.began).await,
            Err(failure) => Err(failure),
        };
        let changes = match asked {
            Ok(changes) => changes,
            Err(failure) => {
                output::note(&format!(
                    "{failure}; what came meanwhile: portolan diff --since {}\n",
                    self.began
                ));
                return Ok(true);
            }
        };
        // What else changed was told, or is in no order now.
        let added = { changes.iter() }.filter(|change| change.kind == ChangeKind::Added);
        for change in added {
            let unwritten = |error| mapper.failed(format!("an edge cannot be written: {error}"));
            let json = serde_json::to_string(change).map_err(unwritten)?;
            if !self.tell_change(change, &json)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Why the stream ended, unless as much came as was wanted.
    async fn follow(
        &mut self,
        mapper: &Mapper,
        mut body: Incoming,
    ) -> Result<Option<Failure>, Failure> {
        let mut text = Vec::new();
        loop {
            let frame = match body.frame().await {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    return Ok(Some(mapper.failed(format!("the stream broke: {error}"))));
                }
                None => return Ok(Some(mapper.failed("the stream ended"))),
            };
            if let Ok(bytes) = frame.into_data() {
                text.extend_from_slice(&bytes);
            }
            while let Some(event) = next_event(&mut text) {
                if !self.tell(mapper, &event)? {
                    return Ok(None);
                }
            }
            if text.len() > MAX_EVENT {
                return Err(mapper.failed("one event is larger than 64 MiB"));
            }
        }
    }

    /// Prints an event that is wanted. Whether to go on.
    fn tell(&mut self, mapper: &Mapper, event: &Event) -> Result<bool, Failure> {
        match event.kind.as_str() {
            "missed" => {
                output::note(&format!("{} were missed: they came too fast\n", event.data));
                return Ok(true);
            }
            "edge" => {}
            _ => return Ok(true),
        }
        let unread = |error| mapper.failed(format!("an event cannot be read: {error}"));
        let change: EdgeChange = serde_json::from_str(&event.data).map_err(unread)?;
        self.tell_change(&change, &event.data)
    }

    /// Prints a change that is wanted and was not told. Whether to go on.
    fn tell_change(&mut self, change: &EdgeChange, json: &str) -> Result<bool, Failure> {
        if !self.is_wanted(change) || !self.is_untold(change) {
            return Ok(true);
        }
        let line = match self.args.format {
            Form::Json => format!("{json}\n"),
            Form::Text => match line(change) {
                Some(line) => line,
                None => return Ok(true),
            },
        };
        if !output::print_styled(&line)? {
            return Ok(false);
        }
        self.left = self.left.map(|left| left - 1);
        Ok(self.left != Some(0))
    }

    fn is_untold(&mut self, change: &EdgeChange) -> bool {
        if change.kind != ChangeKind::Added {
            return true;
        }
        if self.told.len() >= MAX_TOLD {
            self.told.clear();
        }
        fetched::key(&change.edge).is_some_and(|key| self.told.insert(key))
    }

    fn is_wanted(&self, change: &EdgeChange) -> bool {
        let edge = &change.edge;
        let is_inside = |peer: &wire::edge::Peer| peer.kind == wire::PeerKind::Workload;
        let own = [&edge.client, &edge.server]
            .into_iter()
            .find_map(|peer| peer.namespace.as_ref());
        let in_namespaces = self.namespaces.is_empty()
            || own.is_some_and(|own| self.namespaces.iter().any(|one| one == own.as_str()));
        (self.args.changes || change.kind == ChangeKind::Added)
            && (self.args.external || is_inside(&edge.client) && is_inside(&edge.server))
            && in_namespaces
    }
}

/// What has changed since this time.
async fn changes(mapper: &mut Mapper, since: Time) -> Result<Vec<EdgeChange>, Failure> {
    #[derive(Deserialize)]
    struct Asked {
        changes: Vec<EdgeChange>,
    }
    let document = [
        "query($since: Time!) { changes(since: $since, external: true) { ...EdgeChangeFields } }",
        fields::EDGE_CHANGE,
        fields::EDGE,
    ]
    .concat();
    let asked: Asked = { mapper.answer(None, &document, json!({ "since": since })) }.await?;
    Ok(asked.changes)
}

/// `2026-11-25T10:00:00Z + web.shop (Deployment) -> cart.shop (Deployment): port 80/tcp`.
fn line(change: &EdgeChange) -> Option<String> {
    let (style, sign) = match change.kind {
        ChangeKind::Added => (NEW, '+'),
        ChangeKind::Changed => (CHANGED, '~'),
        ChangeKind::Removed => return None,
    };
    let ends = edge_text::ends(&fetched::key(&change.edge)?);
    let details = edge_text::details(fetched::facets(&change.edge).iter());
    let colon = if details.is_empty() { "" } else { ": " };
    let at = change.edge.last_seen.0;
    Some(format!(
        "{at} {style}{sign} {ends}{style:#}{colon}{details}\n"
    ))
}

#[derive(Debug, PartialEq, Eq)]
struct Event {
    kind: String,
    data: String,
}

/// Takes the first whole event off the text; comments have no data and are passed over.
fn next_event(text: &mut Vec<u8>) -> Option<Event> {
    loop {
        let end = text.windows(2).position(|pair| pair == b"\n\n")?;
        let rest = text.split_off(end + 2);
        let block = std::mem::replace(text, rest);
        let block = String::from_utf8_lossy(&block);
        let field = |name: &str| {
            let mut lines = block.lines();
            lines.find_map(|line| line.strip_prefix(name).map(str::to_owned))
        };
        if let Some(data) = field("data: ") {
            let kind = field("event: ").unwrap_or_default();
            return Some(Event { kind, data });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_and_comments_say_nothing() {
        let mut text = b": nothing new\n\nevent: edge\ndata: {}\n\nevent: missed\nda".to_vec();
        let event = next_event(&mut text).unwrap();
        assert_eq!((event.kind.as_str(), event.data.as_str()), ("edge", "{}"));
        assert_eq!(next_event(&mut text), None);
        text.extend_from_slice(b"ta: 3\n\n");
        assert_eq!(next_event(&mut text).unwrap().data, "3");
        assert!(text.is_empty());
    }
}
