//! Answers become slim objects: pages of lists and lines of watches.

use compact_str::CompactString;
use map::PodUid;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::request::{RequestError, Status};
use super::resource::Resource;
use crate::document::Event;
use crate::objects::Object;
use crate::update::Kind;

/// A page of a list, its items not yet read: one that cannot be read spoils no other, and only one is held at a time.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<'a> {
    #[serde(default)]
    pub(crate) metadata: ListMetadata,
    #[serde(default, borrow)]
    pub(crate) items: Option<Vec<&'a RawValue>>,
}

/// Of a list (Kubernetes documentation, "Kubernetes API Concepts", retrieving large results sets in chunks).
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListMetadata {
    pub(crate) resource_version: CompactString,
    /// Where the next page begins; empty on the last.
    #[serde(rename = "continue")]
    pub(crate) next: Option<String>,
}

pub(crate) fn page(bytes: &[u8]) -> Result<Page<'_>, RequestError> {
    serde_json::from_slice(bytes).map_err(|error| RequestError::Unreadable(error.to_string()))
}

/// What tells one object from others, and its version, where nothing else of it can be read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Named {
    pub(crate) metadata: NamedMetadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct NamedMetadata {
    pub(crate) namespace: CompactString,
    pub(crate) name: CompactString,
    pub(crate) uid: CompactString,
    pub(crate) resource_version: CompactString,
}

/// An object, with the kind that items of lists and metadata do not carry themselves.
pub(crate) fn object(raw: &RawValue, resource: &Resource) -> Result<Box<Object>, Named> {
    match serde_json::from_str::<Object>(raw.get()) {
        Ok(mut object) => {
            object.kind = resource.kind.as_str().into();
            object.api_version = resource.api_version.into();
            Ok(Box::new(object))
        }
        Err(_) => Err(serde_json::from_str(raw.get()).unwrap_or_default()),
    }
}

/// What one line of a watch tells (Kubernetes documentation, "Kubernetes API Concepts", efficient detection of
/// changes).
#[derive(Debug)]
pub(crate) enum Told {
    /// An object changed; the version is that of the change.
    Event(Event, CompactString),
    /// All up to this version has been told.
    Bookmark(CompactString),
    /// An object changed that cannot be read; its version, if at least that can be.
    LeftOut(CompactString),
    /// The watch cannot go on.
    Error(RequestError),
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    word: CompactString,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// `None` where the line is no event: what it told is lost.
pub(crate) fn line(bytes: &[u8], resource: &Resource) -> Option<Told> {
    let line: Line<'_> = serde_json::from_slice(bytes).ok()?;
    let told = |event: fn(Box<Object>) -> Event| {
        let named: Named = serde_json::from_str(line.object.get()).unwrap_or_default();
        let version = named.metadata.resource_version;
        match object(line.object, resource) {
            Ok(object) => Told::Event(event(object), version),
            Err(_) => Told::LeftOut(version),
        }
    };
    Some(match line.word.as_str() {
        "ADDED" | "MODIFIED" => told(Event::Applied),
        "DELETED" => told(Event::Deleted),
        "BOOKMARK" => {
            let named: Named = serde_json::from_str(line.object.get()).ok()?;
            Told::Bookmark(named.metadata.resource_version)
        }
        "ERROR" => {
            let status: Status = serde_json::from_str(line.object.get()).ok()?;
            Told::Error(status.into_error(None))
        }
        _ => return None,
    })
}

/// A pod's UID as the index knows it, in a list of what there is.
pub(crate) fn pod_uid(object: &Object) -> Option<PodUid> {
    let hash = object.metadata.annotations.get("kubernetes.io/config.hash");
    let mut texts = hash.into_iter().chain([&object.metadata.uid]);
    texts.find_map(|text| text.parse().ok())
}

/// Whether a resource has objects with names in a list of what there is.
pub(crate) const fn is_pod(resource: &Resource) -> bool {
    matches!(resource.kind, Kind::Pod)
}
