//! A file of the spool folder: batches, under a checksum.
//!
//! ```text
//! portolan-spool 1 <SHA-256 of the rest> <bytes of the rest>\n
//! <mutation> <offered at, nanoseconds> <bytes of JSON>\n<JSON>\n      for each batch
//! ```
//!
//! The JSON is that of the entries, with commas between them. Nothing is flushed to the disk: a file survives the
//! process, and one that does not survive the node is told by its checksum.

use std::fmt::Write;

use bytes::Bytes;
use map::Time;
use ring::digest;

use super::batch::{self, Batch};
use super::limits::MAX_FILE_BYTES;
use crate::ReportKind;

/// The word at the start.
const MAGIC: &str = "portolan-spool";

/// The form that is written, and the only one that is read.
const VERSION: u32 = 1;

/// Why a file cannot be read. It is set aside, and the rest goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Somebody else's.
    #[error("it is no file of reports")]
    Foreign,
    /// Another program has written it, most likely a newer one.
    #[error("its version is {0}, and this program knows {VERSION} only")]
    Version(u32),
    /// It ends too early or was changed: the node went down, or the disk is failing.
    #[error("it is damaged: its checksum is not that of its content")]
    Torn,
    /// Under a good checksum there is something else than batches.
    #[error("its content is not what it should be: {0}")]
    Content(&'static str),
}

/// The file of these batches.
pub fn write(batches: &[Batch]) -> Vec<u8> {
    let mut records = Vec::new();
    for batch in batches {
        let (field, at, length) = (batch.kind.field(), batch.at.as_nanos(), batch.json.len());
        records.extend_from_slice(format!("{field} {at} {length}\n").as_bytes());
        records.extend_from_slice(&batch.json);
        records.push(b'\n');
    }
    seal(&records)
}

/// The file of these records, whatever they are.
pub fn seal(records: &[u8]) -> Vec<u8> {
    let sum = checksum(records);
    let head = format!("{MAGIC} {VERSION} {sum} {}\n", records.len());
    [head.as_bytes(), records].concat()
}

/// Reads a file. Every batch that comes out has been decoded once, and its items were counted.
pub fn read(file: &[u8]) -> Result<Vec<Batch>, FileError> {
    let (head, records) = line(file).ok_or_else(|| cut(file))?;
    let mut words = head.split(' ');
    if words.next() != Some(MAGIC) {
        return Err(FileError::Foreign);
    }
    let version = words.next().and_then(|word| word.parse().ok());
    match version.ok_or(FileError::Torn)? {
        VERSION => {}
        other => return Err(FileError::Version(other)),
    }
    let (sum, length) = (words.next(), words.next());
    let is_whole = length == Some(records.len().to_string().as_str())
        && sum == Some(checksum(records).as_str())
        && words.next().is_none();
    if !is_whole {
        return Err(FileError::Torn);
    }
    let mut batches = Vec::new();
    let mut rest = records;
    while !rest.is_empty() {
        let (batch, behind) = record(rest)?;
        batches.push(batch);
        rest = behind;
    }
    Ok(batches)
}

/// What a file without a whole head is: its start, or something else.
fn cut(file: &[u8]) -> FileError {
    let length = MAGIC.len().min(file.len());
    if file.get(..length) == MAGIC.as_bytes().get(..length) {
        FileError::Torn
    } else {
        FileError::Foreign
    }
}

/// The first line, and what is behind it.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().take(256).position(|byte| *byte == b'\n')?;
    let (line, rest) = bytes.split_at(end);
    Some((std::str::from_utf8(line).ok()?, rest.get(1..)?))
}

fn record(bytes: &[u8]) -> Result<(Batch, &[u8]), FileError> {
    let bad = FileError::Content;
    let (head, rest) = line(bytes).ok_or(bad("a batch has no head"))?;
    let mut words = head.split(' ');
    let mut next = || words.next().unwrap_or_default();
    let (field, at, length) = (next(), next(), next());
    let mut kinds = ReportKind::ALL.into_iter();
    let kind = kinds.find(|kind| kind.field() == field);
    let kind = kind.ok_or(bad("a batch is of no known kind"))?;
    let at: i64 = at.parse().map_err(|_| bad("a batch has no time"))?;
    let length: usize = length.parse().map_err(|_| bad("a batch has no length"))?;
    if words.next().is_some() {
        return Err(bad("the head of a batch is too long"));
    }
    let json = rest.get(..length).ok_or(bad("a batch is cut"))?;
    let rest = rest.get(length..).and_then(|rest| rest.strip_prefix(b"\n"));
    let rest = rest.ok_or(bad("a batch has no end"))?;
    let mut batch = Batch {
        kind,
        items: 0,
        at: Time::from_nanos(at),
        is_suspect: false,
        json: Bytes::copy_from_slice(json),
    };
    let report = batch.report().map_err(|_| bad("a batch is no report"))?;
    batch.items = batch::items(&report);
    if batch.items == 0 {
        return Err(bad("a batch is empty"));
    }
    Ok((batch, rest))
}

fn checksum(bytes: &[u8]) -> String {
    let sum = digest::digest(&digest::SHA256, bytes);
    let mut text = String::with_capacity(64);
    for byte in sum.as_ref() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Whether a file may have so many bytes.
pub(super) const fn may_have(bytes: u64) -> bool {
    bytes <= MAX_FILE_BYTES as u64
}

#[cfg(test)]
mod tests;
