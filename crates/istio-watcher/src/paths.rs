//! Paths of requests: what of them is told, and how many of one pair of workloads.

use std::borrow::Cow;
use std::collections::BTreeSet;

use compact_str::{CompactString, format_compact};

use crate::limits::MAX_PATHS;

/// What stands for an identifier in a template.
const IDENTIFIER: &str = "{id}";

/// The path alone: without the query and the fragment (RFC 3986, section 3), which hold what is said and not where. Of an
/// address in full, without what stands before its path. `None` if nothing is left, or only the `*` of a request to the
/// server as a whole (RFC 9110, section 9.3.7).
pub fn cut(target: &str) -> Option<&str> {
    let end = target.find(['?', '#']).unwrap_or(target.len());
    let target = target.get(..end)?;
    let path = match target.find("://") {
        Some(at) if !target.starts_with('/') => {
            let authority = target.get(at + 3..)?;
            authority
                .find('/')
                .map_or("/", |start| authority.get(start..).unwrap_or("/"))
        }
        _ => target,
    };
    (!path.is_empty() && path != "*").then_some(path)
}

/// The path with `{id}` for each segment that is an identifier: a number, a UUID, or at least eight hexadecimal digits of
/// which one is a number.
pub fn template(path: &str) -> Cow<'_, str> {
    if !path.split('/').any(is_identifier) {
        return Cow::Borrowed(path);
    }
    let segments = path.split('/');
    let segments = segments.map(|segment| {
        if is_identifier(segment) {
            IDENTIFIER
        } else {
            segment
        }
    });
    Cow::Owned(segments.collect::<Vec<_>>().join("/"))
}

fn is_identifier(segment: &str) -> bool {
    let has_digit = segment.bytes().any(|byte| byte.is_ascii_digit());
    let is_hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !has_digit {
        return false;
    }
    segment.bytes().all(|byte| byte.is_ascii_digit())
        || (segment.len() >= 8 && is_hexadecimal(segment))
        || segment.split('-').map(str::len).eq([8, 4, 4, 4, 12])
            && segment.split('-').all(is_hexadecimal)
}

/// The paths of one pair of workloads: at most [`MAX_PATHS`], some of them for all below a folder.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    exact: BTreeSet<CompactString>,
    /// Each ends with `/`: `/a/` stands for `/a/*`.
    folders: BTreeSet<CompactString>,
}

/// As what a path is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Folded {
    /// As itself.
    No,
    /// As this one, `/folder/*`, in place of many.
    To(CompactString),
}

impl Paths {
    /// Takes a path. One that finds no room makes it: a folder that holds many of the paths stands for them from then on.
    pub fn take(&mut self, path: &str) -> Folded {
        if let Some(folder) = self.folder_of(path) {
            return Folded::To(format_compact!("{folder}*"));
        }
        if self.exact.contains(path) {
            return Folded::No;
        }
        if self.len() < MAX_PATHS {
            self.exact.insert(path.into());
            return Folded::No;
        }
        self.fold();
        self.take(path)
    }

    /// How many there are, a folder for one.
    pub fn len(&self) -> usize {
        self.exact.len() + self.folders.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn folder_of(&self, path: &str) -> Option<&CompactString> {
        let mut above = folders(path).filter_map(|folder| self.folders.get(folder));
        // What does not begin with a slash is in no folder but the root.
        above.next().or_else(|| self.folders.get("/"))
    }

    /// Puts a folder in the place of what it holds. There are at least two paths, so that there is one.
    fn fold(&mut self) {
        let folder = self.fullest().unwrap_or_else(|| "/".into());
        let holds = |path: &CompactString| path.starts_with(folder.as_str()) || folder == "/";
        self.exact.retain(|path| !holds(path));
        self.folders.retain(|path| !holds(path));
        self.folders.insert(folder);
    }

    /// Of the folders below the root, the lowest that holds at least half of what the fullest does: what is beside it stays
    /// as it is. None if none holds two.
    fn fullest(&self) -> Option<CompactString> {
        let all: Vec<&CompactString> = self.exact.iter().chain(&self.folders).collect();
        let candidates: BTreeSet<&str> = all.iter().flat_map(|path| folders(path)).collect();
        let held = candidates
            .into_iter()
            .filter(|folder| *folder != "/")
            .map(|folder| {
                let held = all.iter().filter(|path| path.starts_with(folder));
                (held.count(), folder)
            })
            .filter(|(held, _)| *held >= 2);
        let held: Vec<(usize, &str)> = held.collect();
        let (most, _) = held.iter().max()?;
        let depth = |folder: &str| folder.matches('/').count();
        held.iter()
            .filter(|(held, _)| held * 2 >= *most)
            .max_by_key(|(held, folder)| (depth(folder), *held))
            .map(|(_, folder)| (*folder).into())
    }
}

/// The folders above a path, each with its slash at the end, the highest first.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    let slashes = path.char_indices().filter(|(_, letter)| *letter == '/');
    slashes
        .filter_map(|(at, _)| path.get(..=at))
        .filter(|folder| folder.starts_with('/'))
}
