//! What `kubectl get … -o json` (or yaml) printed: lists, single objects, watch events, several of them in a row.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use serde_json::Value;

use crate::objects::Object;

/// The most that is read of one file, unpacked: a cluster of 10 000 pods prints 100 MB.
const MAX_BYTES: u64 = 1 << 30;

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
        for value in serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>() {
            match value {
                Ok(value) => document(value, &mut summary, each),
                Err(error) => {
                    summary
                        .error
                        .get_or_insert(DocumentError::Syntax(error.to_string()));
                    break;
                }
            }
        }
    } else {
        let text = String::from_utf8_lossy(&bytes);
        match serde_saphyr::from_multiple::<Value>(&text) {
            Ok(values) => values
                .into_iter()
                .for_each(|value| document(value, &mut summary, each)),
            Err(error) => {
                summary
                    .error
                    .get_or_insert(DocumentError::Syntax(error.to_string()));
            }
        }
    }
    summary
}

fn unpack(reader: impl Read, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    let mut reader = BufReader::new(reader);
    if reader.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        MultiGzDecoder::new(reader)
            .take(MAX_BYTES)
            .read_to_end(bytes)?;
    } else {
        reader.take(MAX_BYTES).read_to_end(bytes)?;
    }
    Ok(())
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
