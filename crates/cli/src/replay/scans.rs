//! Socket tables that were copied from a node's `/proc`: a folder, or a tar, plain or gzip.
//!
//! Expected are `<pid>/net/tcp`, `tcp6`, `udp`, `udp6`, `fib_trie`, `tcp.inode` (what `stat -L -c %i` printed for
//! `net/tcp`) and `<pid>/cgroup`, in any folder. Anything else is passed over.

use std::collections::BTreeMap;
use std::fs::{DirEntry, File};
use std::io::{self, BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use std::path::{Component, Path};
use std::time::UNIX_EPOCH;

use flate2::bufread::MultiGzDecoder;
use kernel::proc;
use map::{PodUid, Time};
use sniffer::sockets::{Namespace, Table};

use super::summary::Problem;
use crate::failure::{Failure, shown};

/// The largest file that is read from a copy of `/proc`: half a million sockets.
const MAX_FILE: u64 = 96 << 20;

/// Processes in one copy: the default `pid_max`.
const MAX_PROCESSES: usize = 32_768;

const REMEDY: &str = "copy /proc/<pid>/cgroup and /proc/<pid>/net/{tcp,tcp6,udp,udp6,fib_trie} of the containers' \
                      processes, and the inode number of net/tcp as net/tcp.inode";

/// What is said of a file that begins like no tar; the unpacker's own words quote its bytes.
const NO_TAR: &str = "is neither a folder nor a tar, or is damaged from the beginning";

/// The socket tables of one node at one time.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) at: Time,
    pub(crate) namespaces: Vec<Namespace>,
    /// The addresses inside each namespace, in the order of `namespaces`.
    pub(crate) addresses: Vec<Vec<Ipv4Addr>>,
}

/// What was copied of one process.
#[derive(Debug, Default)]
struct Process {
    files: BTreeMap<Kind, Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Tcp,
    Tcp6,
    Udp,
    Udp6,
    FibTrie,
    Inode,
    Cgroup,
}

impl Kind {
    fn of(path: &str) -> Option<Self> {
        Some(match path {
            "net/tcp" => Self::Tcp,
            "net/tcp6" => Self::Tcp6,
            "net/udp" => Self::Udp,
            "net/udp6" => Self::Udp6,
            "net/fib_trie" => Self::FibTrie,
            "net/tcp.inode" => Self::Inode,
            "cgroup" => Self::Cgroup,
            _ => return None,
        })
    }
}

/// Reads a copy.
pub(crate) fn read(path: &Path, problems: &mut Vec<Problem>) -> Result<Scan, Failure> {
    let fail = |error: io::Error| super::unreadable(path, &error);
    let mut copy = Copy::default();
    if std::fs::metadata(path).map_err(fail)?.is_dir() {
        copy.folder(path, &mut Vec::new(), problems).map_err(fail)?;
    } else {
        let file = BufReader::new(File::open(path).map_err(fail)?);
        copy.tar(file, path, problems)
            .map_err(|_| Failure::input(path, NO_TAR).with_remedy(REMEDY))?;
    }
    if copy.processes.is_empty() {
        return Err(Failure::input(path, "holds no socket tables").with_remedy(REMEDY));
    }
    if copy.left_out > 0 {
        problems.push(Problem::new(format!(
            "{}: {} files are left out: of more than {MAX_PROCESSES} processes, or longer than {} MiB",
            shown(path),
            copy.left_out,
            MAX_FILE >> 20
        )));
    }
    Ok(copy.scan())
}

/// A scan from a tar in memory.
pub(crate) fn read_tar(
    bytes: &[u8],
    name: &Path,
    problems: &mut Vec<Problem>,
) -> Result<Scan, Failure> {
    let mut copy = Copy::default();
    copy.tar(bytes, name, problems)
        .map_err(|error| Failure::input(name, error))?;
    Ok(copy.scan())
}

#[derive(Debug, Default)]
struct Copy {
    at: Time,
    processes: BTreeMap<u32, Process>,
    /// Files beyond the bounds.
    left_out: u64,
}

impl Copy {
    fn tar(
        &mut self,
        mut reader: impl BufRead,
        name: &Path,
        problems: &mut Vec<Problem>,
    ) -> io::Result<()> {
        let gzip = reader.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        let result = if gzip {
            self.entries(MultiGzDecoder::new(reader))
        } else {
            self.entries(reader)
        };
        match result {
            Err(error) if !self.processes.is_empty() => {
                problems.push(Problem::new(format!(
                    "{}: {error}; what came before counts",
                    shown(name)
                )));
                Ok(())
            }
            other => other,
        }
    }

    fn entries(&mut self, reader: impl Read) -> io::Result<()> {
        for entry in tar::Archive::new(reader).entries()? {
            let mut entry = entry?;
            let path = entry.path()?.into_owned();
            let parts: Vec<&str> = path.components().filter_map(text).collect();
            let at = entry
                .header()
                .mtime()
                .ok()
                .and_then(|secs| i64::try_from(secs).ok())
                .map(Time::from_secs);
            self.file(&parts, at, &mut entry)?;
        }
        Ok(())
    }

    /// Reads a folder. What cannot be read inside is told, and loses nothing else.
    fn folder(
        &mut self,
        folder: &Path,
        parts: &mut Vec<String>,
        problems: &mut Vec<Problem>,
    ) -> io::Result<()> {
        // <pid>/net/<file> in any folder; deeper is something else.
        if parts.len() > 4 {
            return Ok(());
        }
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            parts.push(entry.file_name().to_string_lossy().into_owned());
            if let Err(error) = self.entry(&entry, parts, problems) {
                problems.push(Problem::new(format!(
                    "{}: {}; the other files count",
                    entry.path().display(),
                    super::why(&error)
                )));
            }
            parts.pop();
        }
        Ok(())
    }

    fn entry(
        &mut self,
        entry: &DirEntry,
        parts: &mut Vec<String>,
        problems: &mut Vec<Problem>,
    ) -> io::Result<()> {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            return self.folder(&entry.path(), parts, problems);
        }
        if !kind.is_file() {
            return Ok(());
        }
        let modified = entry.metadata()?.modified().ok();
        let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let at = since.map(|since| Time::EPOCH.plus(since));
        let names: Vec<&str> = parts.iter().map(String::as_str).collect();
        self.file(&names, at, &mut File::open(entry.path())?)
    }

    /// Takes a file, if it is one of a process. The latest table tells the time of the scan.
    fn file(&mut self, parts: &[&str], at: Option<Time>, reader: &mut dyn Read) -> io::Result<()> {
        let Some((place, pid)) = parts
            .iter()
            .enumerate()
            .find_map(|(n, part)| Some((n, part.parse::<u32>().ok()?)))
        else {
            return Ok(());
        };
        let Some(kind) = parts
            .get(place + 1..)
            .and_then(|rest| Kind::of(&rest.join("/")))
        else {
            return Ok(());
        };
        if self.processes.len() >= MAX_PROCESSES && !self.processes.contains_key(&pid) {
            self.left_out += 1;
            return Ok(());
        }
        let mut bytes = Vec::new();
        reader.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            self.left_out += 1;
            return Ok(());
        }
        if matches!(kind, Kind::Tcp | Kind::Tcp6) {
            self.at = self.at.max(at.unwrap_or_default());
        }
        self.processes
            .entry(pid)
            .or_default()
            .files
            .insert(kind, bytes);
        Ok(())
    }

    /// One table per namespace: its processes all show the same.
    fn scan(self) -> Scan {
        let mut namespaces: BTreeMap<u64, (Namespace, Vec<Ipv4Addr>)> = BTreeMap::new();
        for (pid, mut process) in self.processes {
            let mut take = |kind| process.files.remove(&kind).unwrap_or_default();
            let inode = String::from_utf8_lossy(&take(Kind::Inode))
                .trim()
                .parse()
                .ok();
            let pod = proc::pod_uid(&take(Kind::Cgroup)).map(PodUid::from_u128);
            // Without the inode every process is a namespace by itself; its number then cannot clash with an inode.
            let inode = inode.unwrap_or(u64::MAX - u64::from(pid));
            let (namespace, _) = namespaces.entry(inode).or_insert_with(|| {
                let addresses = proc::local_addresses(&take(Kind::FibTrie));
                let tcp = [take(Kind::Tcp), take(Kind::Tcp6)].map(Table::Text);
                let udp = [take(Kind::Udp), take(Kind::Udp6)].map(Table::Text);
                (
                    Namespace {
                        inode,
                        pods: Vec::new(),
                        tcp,
                        udp,
                    },
                    addresses,
                )
            });
            if let Some(pod) = pod
                && !namespace.pods.contains(&pod)
            {
                namespace.pods.push(pod);
            }
        }
        let (namespaces, addresses) = namespaces.into_values().unzip();
        Scan {
            at: self.at,
            namespaces,
            addresses,
        }
    }
}

fn text(component: Component<'_>) -> Option<&str> {
    match component {
        Component::Normal(part) => part.to_str(),
        _ => None,
    }
}
