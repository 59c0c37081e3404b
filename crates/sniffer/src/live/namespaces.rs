//! What is remembered of each network namespace of the node: its addresses, and when its sockets were looked at.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use kernel::proc::{self, SocketCounts};
use kernel::socket_diag::{Family, Kind};
use map::{PodUid, Time};

use super::door::{Door, DoorError};
use super::node::{Household, Member, Node, Tenant};
use super::owners::{Claim, Owner};
use crate::limits::MAX_NAMESPACES;
use crate::sockets::{Namespace, Table};

/// How often a namespace is asked for its addresses again: some get them late, or get more.
const ADDRESSES_AGAIN: Duration = Duration::from_secs(30);

/// For how long a namespace without addresses is asked each round.
const ADDRESSES_SOON: Duration = Duration::from_secs(30);

/// Processes by which a namespace is tried to be entered, before its tables are read by one of them.
const MAX_TRIES: usize = 4;

/// What tells one namespace from another that got its inode: inodes are used again at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    inode: u64,
    tenant: Tenant,
    oldest: Member,
}

/// One namespace.
#[derive(Debug)]
pub(crate) struct Known {
    key: Key,
    members: Vec<Member>,
    addresses: Vec<IpAddr>,
    found: Duration,
    addresses_read: Option<Duration>,
    /// When its tables were read; before that it is unread.
    pub(crate) read: Option<Duration>,
    /// Sockets at the last look, of IPv4 and IPv6.
    pub(crate) counts: [SocketCounts; 2],
    /// New connections of its addresses since the last look, which packets told.
    pub(crate) explained: u64,
    /// Sockets that came since the tables were read, and that packets did not tell of.
    pub(crate) unexplained: u64,
}

/// All namespaces, by inode.
#[derive(Debug, Default)]
pub(crate) struct Namespaces(HashMap<u64, Known>);

impl Namespaces {
    /// Takes what a walk has found. `gone` is told the inodes that are another namespace's now, or nobody's.
    pub(crate) fn update(
        &mut self,
        households: Vec<Household>,
        now: Duration,
        mut gone: impl FnMut(u64),
    ) {
        let mut before = std::mem::take(&mut self.0);
        for household in households.into_iter().take(MAX_NAMESPACES) {
            let Some(&oldest) = household.members.first() else {
                continue;
            };
            let key = Key {
                inode: household.inode,
                tenant: household.tenant,
                oldest,
            };
            let known = match before.remove(&household.inode) {
                Some(known) if known.key == key => Known {
                    members: household.members,
                    ..known
                },
                was => {
                    if was.is_some() {
                        gone(household.inode);
                    }
                    Known {
                        key,
                        members: household.members,
                        addresses: Vec::new(),
                        found: now,
                        addresses_read: None,
                        read: None,
                        counts: Default::default(),
                        explained: 0,
                        unexplained: 0,
                    }
                }
            };
            self.0.insert(household.inode, known);
        }
        before.into_keys().for_each(gone);
    }

    /// Reads the addresses of those that have none yet, or were not asked for long; whether any has changed.
    pub(crate) fn read_addresses(&mut self, node: &Node, now: Duration) -> bool {
        let mut changed = false;
        let mut file = Vec::new();
        for known in self.0.values_mut() {
            let due = match known.addresses_read {
                None => true,
                Some(_) if known.addresses.is_empty() => {
                    now.saturating_sub(known.found) < ADDRESSES_SOON
                }
                Some(at) => now.saturating_sub(at) >= ADDRESSES_AGAIN,
            };
            if !due {
                continue;
            }
            let mut addresses = Vec::new();
            for member in &known.members {
                if node.read(member.pid, "net/fib_trie", &mut file) {
                    let found = proc::local_addresses(&file);
                    addresses.extend(found.into_iter().map(IpAddr::V4));
                    if node.read(member.pid, "net/if_inet6", &mut file) {
                        let found = proc::local_addresses_v6(&file);
                        addresses.extend(found.into_iter().map(IpAddr::V6));
                    }
                    break;
                }
            }
            known.addresses_read = Some(now);
            changed |= known.addresses != addresses;
            known.addresses = addresses;
        }
        changed
    }

    /// Whose the addresses are. `boot` is when the system was started, by the clock of the day.
    pub(crate) fn owners(&self, boot: Time) -> HashMap<IpAddr, Claim> {
        let mut owners = HashMap::new();
        for known in self.0.values() {
            let claim = match known.key.tenant {
                Tenant::Pod(pod) => Claim::Owner(Owner {
                    pod,
                    since: boot.plus(ticks(known.key.oldest.began)),
                    inode: known.key.inode,
                    witness: known.key.oldest,
                }),
                Tenant::Node | Tenant::Unknown => Claim::Nobodys,
            };
            for address in &known.addresses {
                owners
                    .entry(*address)
                    .and_modify(|claimed| *claimed = Claim::Nobodys)
                    .or_insert(claim);
            }
        }
        owners
    }

    /// Packets told of new connections of these addresses.
    pub(crate) fn explain(&mut self, connections: &HashMap<IpAddr, u64>) {
        if connections.is_empty() {
            return;
        }
        for known in self.0.values_mut() {
            let of = known
                .addresses
                .iter()
                .filter_map(|one| connections.get(one));
            known.explained += of.sum::<u64>();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn unread(&self) -> usize {
        self.0.values().filter(|known| known.read.is_none()).count()
    }

    pub(crate) fn inodes(&self) -> Vec<u64> {
        self.0.keys().copied().collect()
    }

    pub(crate) fn get_mut(&mut self, inode: u64) -> Option<&mut Known> {
        self.0.get_mut(&inode)
    }

    /// When the tables were read that were not read for longest; nothing is said of unread ones.
    pub(crate) fn oldest_read(&self) -> Option<Duration> {
        self.0.values().filter_map(|known| known.read).min()
    }
}

impl Known {
    /// How many sockets there are now; none when it has ended.
    pub(crate) fn count(&self, node: &Node, file: &mut Vec<u8>) -> Option<[SocketCounts; 2]> {
        let member = self.members.first()?;
        let mut counts = [SocketCounts::default(); 2];
        for (count, name) in counts.iter_mut().zip(["net/sockstat", "net/sockstat6"]) {
            if node.read(member.pid, name, file) {
                *count = proc::socket_counts(file, &[]);
            } else if name == "net/sockstat" {
                return None;
            }
        }
        Some(counts)
    }

    /// Reads the tables of the namespace by the first of its processes that is still there; none when there is none.
    /// Tables in which there can be nothing are not read: each read costs the kernel a walk through all sockets of the
    /// system.
    pub(crate) fn tables(&self, node: &mut Node, counts: [SocketCounts; 2]) -> Option<Namespace> {
        for member in &self.members {
            let mut read = self.empty();
            let mut all = true;
            for (file, _, in_use, table) in parts(&mut read, counts) {
                let mut text = Vec::new();
                all &= in_use == 0 || node.read(member.pid, file, &mut text);
                *table = Table::Text(text);
            }
            // Only then all was read from this namespace.
            if all && node.is_there(*member, self.key.inode) {
                return Some(read);
            }
        }
        None
    }

    /// The same from socket diagnostics, and how long another thread was kept busy for it; none when there is no process.
    pub(crate) fn diagnosed(
        &self,
        node: &mut Node,
        counts: [SocketCounts; 2],
        door: &Door,
    ) -> (Result<Option<Namespace>, DoorError>, Duration) {
        let mut busy = Duration::ZERO;
        let mut refused = None;
        for member in self.members.iter().take(MAX_TRIES) {
            let (opened, took) = door.open(node.namespace_file(member.pid));
            busy += took;
            let told = opened.and_then(|mut diag| {
                let mut told = self.empty();
                for (_, question, in_use, table) in parts(&mut told, counts) {
                    let mut rows = Vec::new();
                    if in_use > 0 {
                        diag.sockets(question.0, question.1, &mut rows)?;
                    }
                    *table = Table::Rows(rows);
                }
                Ok(told)
            });
            match told {
                Ok(told) if node.is_there(*member, self.key.inode) => {
                    return (Ok(Some(told)), busy);
                }
                Ok(_) => {}
                Err(error) if error.is_of_process() => refused = Some(error),
                Err(error) => return (Err(error), busy),
            }
        }
        (refused.map_or(Ok(None), Err), busy)
    }

    fn empty(&self) -> Namespace {
        Namespace {
            inode: self.key.inode,
            pods: self.pods(),
            ..Namespace::default()
        }
    }

    fn pods(&self) -> Vec<PodUid> {
        match self.key.tenant {
            Tenant::Pod(pod) => vec![pod],
            Tenant::Node | Tenant::Unknown => Vec::new(),
        }
    }
}

/// Each table: its file, the same as a question, how many sockets it should have, and where it belongs.
fn parts(
    of: &mut Namespace,
    [v4, v6]: [SocketCounts; 2],
) -> [(&'static str, (Kind, Family), u32, &mut Table); 4] {
    let ([tcp, tcp6], [udp, udp6]) = (&mut of.tcp, &mut of.udp);
    [
        ("net/tcp", (Kind::Tcp, Family::V4), v4.tcp_in_use, tcp),
        ("net/tcp6", (Kind::Tcp, Family::V6), v6.tcp_in_use, tcp6),
        ("net/udp", (Kind::Udp, Family::V4), v4.udp_in_use, udp),
        ("net/udp6", (Kind::Udp, Family::V6), v6.udp_in_use, udp6),
    ]
}

/// Times of processes are told in hundredths of a second (`USER_HZ`).
fn ticks(ticks: u64) -> Duration {
    Duration::from_millis(ticks.saturating_mul(10))
}
