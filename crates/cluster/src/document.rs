//! What `kubectl get … -o json` (or yaml) printed: lists, single objects, watch events, several of them in a row.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use serde_json::Value;

use crate::objects::Object;

/// The most that is read of one file, packed and unpacked: a cluster of 10 000 pods prints 100 MB.
const MAX_BYTES: u64 = 1 << 30;

/// RFC 1952.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Packed bytes that are unpacked at once. Where they are damaged, the unpacker keeps back what it made of the sound
/// ones before, so that this is the most that damage costs beyond itself.
const PACKED_SIZE: usize = 128;

/// Bad objects that are named; the rest is only counted.
const MAX_NAMED: usize = 16;

/// A change of the cluster.
#[derive(Clone, Debug)]
pub enum Event {
    /// It is there, in this state.
    Applied(Box<Object>),
    /// It is gone; this was its last state.
    Deleted(Box<Object>),
}

/// Why a file cannot be read, or not further.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The bytes cannot be had.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// Neither JSON nor YAML, or it breaks off.
    #[error("breaks off or is no JSON or YAML: {0}")]
    Syntax(String),
}

/// What a file held.
#[derive(Debug, Default)]
pub struct Summary {
    /// Objects by kind.
    pub objects: BTreeMap<String, u64>,
    /// Objects that could not be read, the first few.
    pub bad: Vec<String>,
    /// How many could not be read.
    pub bad_count: u64,
    /// Where reading ended early.
    pub error: Option<DocumentError>,
}

/// Reads a file and hands every object to `each`. One bad object loses nothing else.
pub fn read(reader: impl Read, each: &mut dyn FnMut(Event)) -> Summary {
    let mut summary = Summary::default();
    let mut bytes = Vec::new();
    if let Err(error) = unpack(reader, &mut bytes) {
        summary.error = Some(error.into());
    }
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first.is_none_or(|byte| matches!(byte, b'{' | b'[')) {
        json(&bytes, &mut summary, each);
    } else {
        yaml(&String::from_utf8_lossy(&bytes), &mut summary, each);
    }
    summary
}

/// JSON documents in a row.
fn json(bytes: &[u8], summary: &mut Summary, each: &mut dyn FnMut(Event)) {
    let mut documents = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    let mut read = 0;
    while let Some(value) = documents.next() {
        match value {
            Ok(value) => {
                document(value, summary, each);
                read = documents.byte_offset();
            }
            Err(error) => {
                summary
                    .error
                    .get_or_insert(DocumentError::Syntax(error.to_string()));
                salvage(bytes.get(read..).unwrap_or_default(), summary, each);
                break;
            }
        }
    }
}

/// What a list that breaks off held before: its whole items, one by one.
fn salvage(bytes: &[u8], summary: &mut Summary, each: &mut dyn FnMut(Event)) {
    let Some(place) = memchr::memmem::find(bytes, b"\"items\"") else {
        return;
    };
    let mut rest = bytes
        .get(place + b"\"items\"".len()..)
        .unwrap_or_default()
        .trim_ascii_start();
    for opening in [b":", b"["] {
        let Some(behind) = rest.strip_prefix(opening) else {
            return;
        };
        rest = behind.trim_ascii_start();
    }
    loop {
        let mut items = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
        let Some(Ok(item)) = items.next() else { return };
        let end = items.byte_offset();
        document(item, summary, each);
        rest = rest.get(end..).unwrap_or_default().trim_ascii_start();
        let Some(behind) = rest.strip_prefix(b",") else {
            return;
        };
        rest = behind.trim_ascii_start();
    }
}

/// YAML documents between lines of `---`; one that cannot be read loses only itself.
fn yaml(text: &str, summary: &mut Summary, each: &mut dyn FnMut(Event)) {
    let mut part = String::new();
    for line in text.lines().chain(["---"]) {
        let behind = line
            .strip_prefix("---")
            .filter(|behind| behind.is_empty() || behind.starts_with(' '));
        let Some(behind) = behind else {
            part.push_str(line);
            part.push('\n');
            continue;
        };
        if !part.trim().is_empty() {
            match serde_saphyr::from_str::<Value>(&part) {
                Ok(Value::Null) => {}
                Ok(value) => document(value, summary, each),
                Err(error) => {
                    summary
                        .error
                        .get_or_insert(DocumentError::Syntax(error.to_string()));
                }
            }
        }
        part.clear();
        part.push_str(behind);
        part.push('\n');
    }
}

/// The whole file is read first: what is unpacked of a damaged one is then the same from a pipe as from a disk.
fn unpack(reader: impl Read, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    let read = reader.take(MAX_BYTES).read_to_end(bytes);
    if !bytes.starts_with(&GZIP_MAGIC) {
        return read.map(drop);
    }
    let packed = std::mem::take(bytes);
    let portions = BufReader::with_capacity(PACKED_SIZE, &*packed);
    let mut unpacked = MultiGzDecoder::new(portions).take(MAX_BYTES);
    read.and(unpacked.read_to_end(bytes)).map(drop)
}

/// A list, a watch event or an object.
fn document(mut value: Value, summary: &mut Summary, each: &mut dyn FnMut(Event)) {
    let text = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    if value.get("type").is_some() && value.get("object").is_some() {
        let deleted = text(&value, "type") == "DELETED";
        return object(value["object"].take(), deleted, summary, each);
    }
    let kind = text(&value, "kind");
    let Some(items) = value
        .get_mut("items")
        .and_then(Value::as_array_mut)
        .map(std::mem::take)
    else {
        return object(value, false, summary, each);
    };
    for mut item in items {
        // The items of a typed list carry no kind of their own.
        if let (Some(item), Some(of)) = (item.as_object_mut(), kind.strip_suffix("List"))
            && !of.is_empty()
        {
            item.entry("kind").or_insert_with(|| of.into());
        }
        object(item, false, summary, each);
    }
}

fn object(value: Value, deleted: bool, summary: &mut Summary, each: &mut dyn FnMut(Event)) {
    let named = value
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or("an object")
        .to_owned();
    match serde_json::from_value::<Object>(value) {
        Ok(object) if !object.kind.is_empty() => {
            *summary.objects.entry(object.kind.to_string()).or_default() += 1;
            let object = Box::new(object);
            each(if deleted {
                Event::Deleted(object)
            } else {
                Event::Applied(object)
            });
        }
        Ok(_) => bad(summary, format!("{named} has no kind")),
        Err(error) => bad(summary, format!("{named}: {error}")),
    }
}

fn bad(summary: &mut Summary, text: String) {
    summary.bad_count += 1;
    if summary.bad.len() < MAX_NAMED {
        summary.bad.push(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(bytes: &[u8]) -> (Vec<String>, bool) {
        let mut names = Vec::new();
        let summary = read(bytes, &mut |event| {
            let (Event::Applied(object) | Event::Deleted(object)) = event;
            names.push(object.metadata.name.to_string());
        });
        (names, summary.error.is_some())
    }

    fn both() -> (Vec<String>, bool) {
        (vec!["a".to_owned(), "b".to_owned()], false)
    }

    #[test]
    fn lists_rows_of_documents_and_watch_events_are_read() {
        let list =
            br#"{"kind":"PodList","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}"#;
        assert_eq!(names(list), both());
        let row =
            br#"{"kind":"Pod","metadata":{"name":"a"}} {"kind":"Node","metadata":{"name":"b"}}"#;
        assert_eq!(names(row), both());
        let watch = br#"{"type":"DELETED","object":{"kind":"Pod","metadata":{"name":"a"}}}
                        {"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"b"}}}"#;
        assert_eq!(names(watch), both());
        let yaml = b"kind: Pod\nmetadata: {name: a}\n---\nkind: Pod\nmetadata:\n  name: b\n";
        assert_eq!(names(yaml), both());
    }

    #[test]
    fn one_bad_object_loses_nothing_else() {
        let list = br#"{"kind":"List","items":[{"kind":"Pod","metadata":{"name":"a"}},
                        {"kind":"Pod","metadata":7},{"kind":"Pod","metadata":{"name":"b"}}]}"#;
        assert_eq!(names(list), both());
    }

    /// A pipe that hands over one byte at a time.
    struct OneByte<'a>(&'a [u8]);

    impl Read for OneByte<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let room = buffer.len().min(1);
            self.0.read(&mut buffer[..room])
        }
    }

    fn unpacked(reader: impl Read) -> (Vec<u8>, bool) {
        let mut bytes = Vec::new();
        let failed = unpack(reader, &mut bytes).is_err();
        (bytes, failed)
    }

    #[test]
    fn damaged_gzip_is_the_same_from_a_pipe_as_from_a_disk() {
        // An optional field of the head, an empty member, one that breaks off.
        let damaged = b"\x1f\x8b\x08\0\0\xff\x09\0\0\x22\xcb\xed\x18\x03\x02n\x80\0{typebj\xdbe8";
        let (bytes, failed) = unpacked(&damaged[..]);
        assert!(failed);
        assert_eq!(unpacked(OneByte(damaged)), (bytes, failed));
    }

    #[test]
    fn what_stands_before_damage_in_gzip_is_read() {
        let text =
            "sound ".repeat(10_000) + &(0..10_000).map(|n| n.to_string()).collect::<String>();
        let mut packed = Vec::new();
        let level = flate2::Compression::default();
        flate2::read::GzEncoder::new(text.as_bytes(), level)
            .read_to_end(&mut packed)
            .unwrap();
        assert_eq!(unpacked(&*packed), (text.clone().into_bytes(), false));
        packed.truncate(packed.len() / 2);
        let (bytes, failed) = unpacked(&*packed);
        assert!(failed && bytes.len() > 60_000 && text.as_bytes().starts_with(&bytes));
        assert_eq!(unpacked(OneByte(&packed)), (bytes, failed));
    }

    #[test]
    fn what_stands_before_a_break_counts() {
        let list = br#"{"apiVersion":"v1","items": [ {"kind":"Pod","metadata":{"name":"a"}},
                        {"kind":"Pod","metadata":{"name":"b"}}, {"kind":"Pod","meta"#;
        assert_eq!(names(list), (both().0, true));
        let yaml = b"kind: Pod\nmetadata: {name: a}\n---\nkind: Pod\nmetadata: {name: b}\n---\nkind: [Pod\n";
        assert_eq!(names(yaml), (both().0, true));
    }
}
