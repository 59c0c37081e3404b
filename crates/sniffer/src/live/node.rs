//! The processes of the node, from its `/proc`: which network namespace and which pod each is in.
//!
//! Everything that is read here is readable for any user. A process may end, and its number may be given to another, between
//! any two reads: what belongs together is read between two looks at when the process began.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use kernel::proc::{self, ProcessStat};
use map::PodUid;

/// Processes that are looked at: more than the kubelet lets run on a node with 250 pods by default, and the table keeps
/// within 8 MB. What is beyond is counted as hidden.
pub(crate) const MAX_PROCESSES: usize = 65_536;

/// The longest file that is read: a table with half a million sockets.
pub(crate) const MAX_FILE: u64 = 96 << 20;

/// In how many rounds every process is looked at again: a process moves into its pod after it was started, and a number
/// may be given to another process unseen.
const ROUNDS: u32 = 16;

/// For how many rounds a new process is looked at each time. A container's first process begins outside of its pod.
const YOUNG: u8 = 10;

/// `/proc` of a node.
#[derive(Debug)]
pub(crate) struct Node {
    root: PathBuf,
    /// The namespace of this process, which is the node's when it runs in the host network.
    own: Option<u64>,
    processes: HashMap<u32, Process>,
    round: u32,
    buffer: Vec<u8>,
}

/// One process that was looked at.
#[derive(Clone, Copy, Debug)]
struct Process {
    /// When it began, in ticks since the system started.
    began: u64,
    place: Place,
    /// Rounds for which it is still young.
    young: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A thread of the kernel.
    Kernel,
    /// It could not be looked at.
    Hidden,
    Namespace {
        inode: u64,
        pod: Option<PodUid>,
    },
}

/// One process, told from all others that ever had its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Member {
    /// When it began, in ticks since the system started.
    pub(crate) began: u64,
    pub(crate) pid: u32,
}

/// Whose a network namespace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Tenant {
    /// A single pod.
    Pod(PodUid),
    /// The node itself, with all pods of the host network.
    Node,
    /// Nobody knows: no pod, or several.
    Unknown,
}

/// A network namespace with processes in it.
#[derive(Clone, Debug)]
pub(crate) struct Household {
    pub(crate) inode: u64,
    pub(crate) tenant: Tenant,
    /// Never empty; who began first is first.
    pub(crate) members: Vec<Member>,
}

/// How many processes there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    pub(crate) processes: usize,
    pub(crate) hidden: usize,
    /// Whether anything is other than it was after the last walk.
    pub(crate) changed: bool,
}

impl Node {
    /// Of this folder, seen from the namespace `own`.
    pub(crate) fn new(root: &Path, own: Option<u64>) -> Self {
        Self {
            root: root.to_owned(),
            own,
            processes: HashMap::new(),
            round: 0,
            buffer: Vec::new(),
        }
    }

    /// Goes through all processes: looks at new ones, and at a part of the others.
    pub(crate) fn walk(&mut self) -> io::Result<Walk> {
        let mut found = HashMap::with_capacity(self.processes.len());
        let mut known = std::mem::take(&mut self.processes);
        let mut walk = Walk::default();
        self.round = self.round.wrapping_add(1);
        for entry in fs::read_dir(&self.root)? {
            // Of an entry that cannot be read nobody knows whether it is a process.
            let Ok(entry) = entry else { continue };
            let Some(pid) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            if found.len() >= MAX_PROCESSES {
                walk.hidden += 1;
                continue;
            }
            let before = known.remove(&pid);
            let process = match before {
                Some(process) if !self.is_due(pid, process) => Some(process),
                Some(process) => self.look(pid, process.young.saturating_sub(1)),
                None => self.look(pid, YOUNG),
            };
            let place = |process: Process| (process.began, process.place);
            walk.changed |= process.map(place) != before.map(place);
            if let Some(process) = process {
                walk.processes += 1;
                walk.hidden += usize::from(process.place == Place::Hidden);
                found.insert(pid, process);
            }
        }
        // What is left of the old table has ended.
        walk.changed |= !known.is_empty();
        self.processes = found;
        Ok(walk)
    }

    /// The namespaces, in no order.
    pub(crate) fn households(&self) -> Vec<Household> {
        let mut by_inode: BTreeMap<u64, Vec<(Member, Option<PodUid>)>> = BTreeMap::new();
        for (&pid, process) in &self.processes {
            if let Place::Namespace { inode, pod } = process.place {
                let began = process.began;
                let members = by_inode.entry(inode).or_default();
                members.push((Member { began, pid }, pod));
            }
        }
        let household = |(inode, mut members): (u64, Vec<(Member, Option<PodUid>)>)| {
            members.sort_unstable();
            Household {
                inode,
                tenant: self.tenant(inode, &members),
                members: members.into_iter().map(|(member, _)| member).collect(),
            }
        };
        by_inode.into_iter().map(household).collect()
    }

    /// A pod's first process is there before all that visit it, from the node or to debug.
    fn tenant(&self, inode: u64, members: &[(Member, Option<PodUid>)]) -> Tenant {
        if self.own == Some(inode) || members.iter().any(|(member, _)| member.pid == 1) {
            return Tenant::Node;
        }
        match members.first() {
            Some((_, Some(first))) => {
                let others = members.iter().filter_map(|(_, pod)| *pod);
                if others.into_iter().all(|pod| pod == *first) {
                    Tenant::Pod(*first)
                } else {
                    Tenant::Unknown
                }
            }
            _ => Tenant::Unknown,
        }
    }

    /// Whether this very process still lives, in this namespace.
    pub(crate) fn is_there(&mut self, member: Member, inode: u64) -> bool {
        self.namespace_of(member.pid) == Some(inode)
            && self
                .stat(member.pid)
                .is_some_and(|stat| stat.start_ticks == member.began)
    }

    /// Reads a file of a process into `into`; false when it cannot be read, or has more than [`MAX_FILE`] bytes.
    pub(crate) fn read(&self, pid: u32, file: &str, into: &mut Vec<u8>) -> bool {
        read(&self.path(pid, file), into).is_ok()
    }

    /// The file of the process's network namespace, which only some may open.
    pub(crate) fn namespace_file(&self, pid: u32) -> PathBuf {
        self.path(pid, "ns/net")
    }

    fn is_due(&self, pid: u32, process: Process) -> bool {
        process.young > 0
            || process.place == Place::Hidden
            || pid.wrapping_add(self.round).is_multiple_of(ROUNDS)
    }

    /// Looks at a process; none when it has ended.
    fn look(&mut self, pid: u32, young: u8) -> Option<Process> {
        let before = self.stat(pid)?;
        let place = if before.is_kernel_thread {
            Place::Kernel
        } else {
            self.place(pid)
        };
        let after = self.stat(pid)?;
        (before.start_ticks == after.start_ticks).then_some(Process {
            began: before.start_ticks,
            place,
            young,
        })
    }

    fn place(&mut self, pid: u32) -> Place {
        let Some(inode) = self.namespace_of(pid) else {
            return Place::Hidden;
        };
        let path = self.path(pid, "cgroup");
        if read(&path, &mut self.buffer).is_err() {
            return Place::Hidden;
        }
        let pod = proc::pod_uid(&self.buffer).map(PodUid::from_u128);
        Place::Namespace { inode, pod }
    }

    /// The inode of `/proc/<pid>/net/tcp`, which is one for each network namespace and needs no right to be seen.
    fn namespace_of(&self, pid: u32) -> Option<u64> {
        let file = fs::metadata(self.path(pid, "net/tcp")).ok()?;
        Some(file.ino())
    }

    fn stat(&mut self, pid: u32) -> Option<ProcessStat> {
        let path = self.path(pid, "stat");
        read(&path, &mut self.buffer).ok()?;
        proc::process_stat(&self.buffer)
    }

    fn path(&self, pid: u32, file: &str) -> PathBuf {
        self.root.join(format!("{pid}/{file}"))
    }
}

/// The network namespace of this process, as `/proc` tells it.
pub(crate) fn own_namespace() -> Option<u64> {
    let file = fs::metadata("/proc/self/net/tcp").ok()?;
    Some(file.ino())
}

fn read(path: &Path, into: &mut Vec<u8>) -> io::Result<()> {
    into.clear();
    let file = File::open(path)?;
    file.take(MAX_FILE + 1).read_to_end(into)?;
    if into.len() as u64 > MAX_FILE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
