//! The frames of several captures, in the order of time.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::PathBuf;

use kernel::capture_file::{CaptureError, CaptureReader};
use kernel::packet::LinkType;
use map::Time;

use super::summary::Problem;
use crate::failure::{Failure, shown};

/// Bytes with a name.
pub(crate) struct Input<'a> {
    pub(crate) name: PathBuf,
    pub(crate) reader: Box<dyn Read + 'a>,
    /// For progress, where it is known.
    pub(crate) length: Option<u64>,
}

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input")
            .field("name", &self.name)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// One frame; the buffer is used again for the next.
#[derive(Debug, Default)]
struct Next {
    at: Time,
    link: Option<LinkType>,
    bytes: Vec<u8>,
}

struct Source<'a> {
    name: PathBuf,
    reader: CaptureReader<Box<dyn Read + 'a>>,
    next: Next,
    /// The link types that were told to be unknown.
    unknown_links: BTreeSet<u32>,
}

/// How many unknown link types of one capture are named: a capture has one, or one for each interface.
const MAX_NAMED: usize = 8;

/// Several captures as one. Each is read in its own order; among them, the earliest frame comes first.
pub(crate) struct Frames<'a> {
    sources: Vec<Source<'a>>,
    /// The source whose frame was handed out last and must be read on.
    taken: Option<usize>,
}

/// A frame as it is handed out; no link type when the capture's is not known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'f> {
    pub(crate) at: Time,
    pub(crate) link: Option<LinkType>,
    pub(crate) bytes: &'f [u8],
}

const REMEDY: &str = "record with tcpdump, as `portolan replay --help` shows; pcap and pcapng are read, plain or gzip";

impl<'a> Frames<'a> {
    /// Opens the captures. One that is none ends it: the map would miss what the operator meant to show.
    pub(crate) fn open(
        inputs: Vec<Input<'a>>,
        problems: &mut Vec<Problem>,
    ) -> Result<Self, Failure> {
        let mut frames = Self {
            sources: Vec::new(),
            taken: None,
        };
        for Input { name, reader, .. } in inputs {
            let reader = CaptureReader::open(reader)
                .map_err(|error| Failure::input(&name, error).with_remedy(REMEDY))?;
            let mut source = Source {
                name,
                reader,
                next: Next::default(),
                unknown_links: BTreeSet::new(),
            };
            if source.advance(problems) {
                frames.sources.push(source);
            }
        }
        Ok(frames)
    }

    /// The next frame of all.
    pub(crate) fn next(&mut self, problems: &mut Vec<Problem>) -> Option<Frame<'_>> {
        if let Some(taken) = self.taken.take()
            && let Some(source) = self.sources.get_mut(taken)
            && !source.advance(problems)
        {
            self.sources.remove(taken);
        }
        let earliest = self
            .sources
            .iter()
            .enumerate()
            .min_by_key(|(_, source)| source.next.at)?;
        self.taken = Some(earliest.0);
        let Next { at, link, bytes } = &earliest.1.next;
        Some(Frame {
            at: *at,
            link: *link,
            bytes,
        })
    }
}

impl Source<'_> {
    /// Reads on; false at the end. A capture that breaks off has still told what it told.
    fn advance(&mut self, problems: &mut Vec<Problem>) -> bool {
        match self.reader.next_frame() {
            Ok(Some(frame)) => {
                self.next.at = Time::from_nanos(frame.time_nanos);
                self.next.link = frame.link.ok();
                if let Err(number) = frame.link
                    && self.unknown_links.len() < MAX_NAMED
                    && self.unknown_links.insert(number)
                {
                    problems.push(Problem::new(format!(
                        "{}: link type {number} is not known, so its packets are left out; record with `tcpdump -i any`",
                        shown(&self.name)
                    )));
                }
                self.next.bytes.clear();
                self.next.bytes.extend_from_slice(frame.bytes);
                true
            }
            Ok(None) => false,
            Err(error) => {
                problems.push(broken(&self.name, &error));
                false
            }
        }
    }
}

fn broken(name: &std::path::Path, error: &CaptureError) -> Problem {
    Problem::new(format!("{}: {error}; what came before counts", shown(name)))
}
