//! Answers become slim objects: pages of lists and lines of watches.

use compact_str::CompactString;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::request::{RequestError, Status};
use super::resource::Resource;
use crate::document::Event;
use crate::objects::Object;

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

/// An object, with the kind that items of lists and metadata do not carry themselves. All have a name (Kubernetes
/// documentation, "API conventions", metadata): what has none is no object.
pub(crate) fn object(raw: &RawValue, resource: &Resource) -> Result<Box<Object>, Named> {
    match serde_json::from_str::<Object>(raw.get()) {
        Ok(mut object) if !object.metadata.name.is_empty() => {
            object.kind = resource.kind.as_str().into();
            object.api_version = resource.api_version.into();
            Ok(Box::new(object))
        }
        _ => Err(serde_json::from_str(raw.get()).unwrap_or_default()),
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

/// One line of a watch.
#[derive(Deserialize)]
pub(crate) struct Line<'a> {
    /// What happened to it.
    #[serde(rename = "type")]
    pub(crate) word: CompactString,
    #[serde(borrow)]
    pub(crate) object: &'a RawValue,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::live::resource::{POD, WATCHED};

    const PAGE: &[u8] = br#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"12","continue":"x=="},
        "items":[{"metadata":{"name":"a","namespace":"shop","uid":"00000000-0000-0000-0000-000000000001",
        "resourceVersion":"11","managedFields":[{"fieldsV1":{"f:x":{}}}]},"status":{"podIP":"10.0.0.1"}}]}"#;
    const LINE: &[u8] =
        br#"{"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a",
        "namespace":"shop","resourceVersion":"13"},"spec":{"nodeName":"n1"}}}"#;

    #[test]
    fn a_page_says_where_it_goes_on_and_its_items_get_their_kind() {
        let page = page(PAGE).unwrap();
        assert_eq!(
            (
                page.metadata.resource_version.as_str(),
                page.metadata.next.as_deref()
            ),
            ("12", Some("x=="))
        );
        let items = page.items.unwrap();
        for resource in WATCHED {
            let object = object(items[0], resource).unwrap();
            assert_eq!(
                (object.kind.as_str(), object.api_version.as_str()),
                (resource.kind.as_str(), resource.api_version)
            );
        }
    }

    #[test]
    fn an_empty_page_may_lack_everything() {
        for text in [
            "{}",
            r#"{"items":null}"#,
            r#"{"metadata":{"continue":null},"items":[]}"#,
        ] {
            let page = page(text.as_bytes()).unwrap();
            assert!(
                page.items.is_none_or(|items| items.is_empty()) && page.metadata.next.is_none(),
                "{text}"
            );
        }
    }

    #[test]
    fn lines_say_what_they_are() {
        let word = |line: &str| match super::line(line.as_bytes(), &POD) {
            Some(Told::Event(Event::Applied(_), at)) => format!("applied {at}"),
            Some(Told::Event(Event::Deleted(_), at)) => format!("deleted {at}"),
            Some(Told::Bookmark(at)) => format!("bookmark {at}"),
            Some(Told::LeftOut(at)) => format!("left out {at}"),
            Some(Told::Error(error)) => format!("expired {}", error.is_expired()),
            None => "lost".to_owned(),
        };
        let object = |word: &str, rest: &str| {
            format!(
                r#"{{"type":"{word}","object":{{"metadata":{{"name":"a","resourceVersion":"7"}}{rest}}}}}"#
            )
        };
        assert_eq!(word(&object("ADDED", "")), "applied 7");
        assert_eq!(word(&object("MODIFIED", "")), "applied 7");
        assert_eq!(word(&object("DELETED", "")), "deleted 7");
        assert_eq!(word(&object("BOOKMARK", "")), "bookmark 7");
        assert_eq!(word(&object("ADDED", r#","spec":7"#)), "left out 7");
        assert_eq!(word(r#"{"type":"ADDED","object":[]}"#), "left out ");
        assert_eq!(
            word(r#"{"type":"ERROR","object":{"kind":"Status","code":410}}"#),
            "expired true"
        );
        assert_eq!(
            word(r#"{"type":"ERROR","object":{"kind":"Status","code":500}}"#),
            "expired false"
        );
        for lost in [
            r#"{"type":"ADDED"}"#,
            r#"{"type":"","object":{}}"#,
            "null",
            "{",
            r#"{"type":"BOOKMARK","object":7}"#,
        ] {
            assert_eq!(word(lost), "lost", "{lost}");
        }
    }

    #[test]
    fn deep_nesting_is_no_trouble() {
        let deep = format!(
            r#"{{"type":"ADDED","object":{{"metadata":{}1{}}}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert!(!matches!(
            line(deep.as_bytes(), &POD),
            Some(Told::Event(..))
        ));
    }

    proptest! {
        /// What is cut or changed anywhere is refused, or read as what it says; nothing panics.
        #[test]
        fn hostile_bytes(cut in 0..LINE.len(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
            prop_assert!(line(&LINE[..cut], &POD).is_none());
            prop_assert!(page(&PAGE[..cut]).is_err());
            for bytes in [LINE, PAGE] {
                let mut bytes = bytes.to_vec();
                let place = place.index(bytes.len());
                bytes[place] = byte;
                let _ = line(&bytes, &POD);
                for item in page(&bytes).ok().and_then(|page| page.items).iter().flatten() {
                    let _ = object(item, &POD);
                }
            }
        }
    }
}
