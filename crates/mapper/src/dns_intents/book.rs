//! Which ClientIntents there are, which of them are to be looked at again, and which names are to be looked up.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use cluster::live::{ClientIntents, IntentsKey, IntentsUpdate, Resolved};
use compact_str::CompactString;
use map::Time;

use super::desired::{Domain, desired, may_be_allowed};
use crate::dns_names::DnsNames;
use crate::limits::{LEAST_LIFETIME, MAX_INTENTS, MAX_PATCHES};

/// The first wait after a failure, and the longest one: a name that does not exist is asked for every five minutes.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// How often what counts no more is forgotten; that looks at every pair.
const FORGET_EVERY: Duration = Duration::from_mins(1);

/// A status that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Patch {
    pub(super) version: &'static str,
    pub(super) key: IntentsKey,
    pub(super) resolved: Resolved,
}

/// How writing a status ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It says it.
    Done,
    /// There is no such ClientIntents any more: the watch will tell.
    Gone,
    /// It is tried again.
    Failed,
}

/// All that is known. Time only goes forward here.
#[derive(Debug)]
pub(super) struct Book {
    names: DnsNames,
    intents: HashMap<IntentsKey, Entry>,
    /// Who has this domain.
    holders: HashMap<Domain, Held>,
    wildcards: usize,
    /// To look at again.
    dirty: BTreeSet<IntentsKey>,
    /// To look at again at that time, after a failure.
    waiting: BTreeSet<(Time, IntentsKey)>,
    /// Names to look up at that time.
    due: BTreeSet<(Time, CompactString)>,
    writing: usize,
    /// Of the API; known once all were listed.
    version: Option<&'static str>,
    forgotten: Time,
    refused: u64,
}

#[derive(Debug)]
struct Entry {
    intents: ClientIntents,
    failures: u32,
    /// Its status is being written.
    writing: bool,
    /// When it may be written again, after a failure.
    not_before: Time,
}

#[derive(Debug, Default)]
struct Held {
    by: HashSet<IntentsKey>,
    failures: u32,
    /// When it is looked up next, if it is; not while it is looked up.
    due: Option<Time>,
}

impl Book {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            names: DnsNames::new(capacity),
            intents: HashMap::new(),
            holders: HashMap::new(),
            wildcards: 0,
            dirty: BTreeSet::new(),
            waiting: BTreeSet::new(),
            due: BTreeSet::new(),
            writing: 0,
            version: None,
            forgotten: Time::MIN,
            refused: 0,
        }
    }

    /// ClientIntents with internet targets, or with addresses of former ones.
    pub(super) fn intents(&self) -> usize {
        self.intents.len()
    }

    /// Pairs of a name and an address.
    pub(super) fn names(&self) -> usize {
        self.names.len()
    }

    /// ClientIntents that found no room.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }

    pub(super) fn update(&mut self, update: IntentsUpdate, now: Time) {
        match update {
            IntentsUpdate::Applied(intents) => self.apply(intents, now),
            IntentsUpdate::Deleted(key) => self.delete(&key),
            IntentsUpdate::Listed { version, present } => {
                self.version = Some(version);
                let known = self.intents.keys();
                let gone: Vec<_> = known.filter(|k| !present.contains(*k)).cloned().collect();
                for key in gone {
                    self.delete(&key);
                }
            }
            IntentsUpdate::Absent => {
                self.version = None;
                let all: Vec<_> = self.intents.keys().cloned().collect();
                for key in all {
                    self.delete(&key);
                }
            }
        }
    }

    #[allow(clippy::needless_pass_by_value, reason = "the book keeps it")]
    fn apply(&mut self, intents: ClientIntents, now: Time) {
        if intents.domains.is_empty() && intents.resolved.is_empty() {
            self.delete(&intents.key);
            return;
        }
        let key = intents.key.clone();
        let full = self.intents.len() >= MAX_INTENTS;
        let old = match self.intents.get_mut(&key) {
            Some(entry) => {
                if entry.intents == intents {
                    return;
                }
                let domains = std::mem::take(&mut entry.intents.domains);
                entry.intents = intents.clone();
                domains
            }
            None if full => {
                self.refused += 1;
                return;
            }
            None => {
                let entry = Entry {
                    intents: intents.clone(),
                    failures: 0,
                    writing: false,
                    not_before: Time::MIN,
                };
                self.intents.insert(key.clone(), entry);
                BTreeSet::new()
            }
        };
        let domains = |texts: &BTreeSet<CompactString>| -> BTreeSet<Domain> {
            texts.iter().map(|text| Domain::new(text)).collect()
        };
        let (old, new) = (domains(&old), domains(&intents.domains));
        for domain in old.difference(&new) {
            self.release(domain, &key);
        }
        for domain in new.difference(&old) {
            self.hold(domain, &key, now);
        }
        self.dirty.insert(key);
    }

    fn delete(&mut self, key: &IntentsKey) {
        let Some(entry) = self.intents.remove(key) else {
            return;
        };
        if entry.writing {
            self.writing -= 1;
        }
        self.dirty.remove(key);
        self.waiting.remove(&(entry.not_before, key.clone()));
        for domain in entry.intents.domains {
            self.release(&Domain::new(&domain), key);
        }
    }

    fn hold(&mut self, domain: &Domain, key: &IntentsKey, now: Time) {
        let is_new = !self.holders.contains_key(domain);
        let held = self.holders.entry(domain.clone()).or_default();
        held.by.insert(key.clone());
        if !is_new {
            return;
        }
        match domain {
            Domain::Wild(_) => self.wildcards += 1,
            Domain::Exact(name) if can_be_looked_up(name) => {
                held.due = Some(now);
                self.due.insert((now, name.clone()));
            }
            Domain::Exact(_) => {}
        }
    }

    fn release(&mut self, domain: &Domain, key: &IntentsKey) {
        let Some(held) = self.holders.get_mut(domain) else {
            return;
        };
        held.by.remove(key);
        if !held.by.is_empty() {
            return;
        }
        match (domain, held.due) {
            (Domain::Wild(_), _) => self.wildcards -= 1,
            (Domain::Exact(name), Some(due)) => {
                self.due.remove(&(due, name.clone()));
            }
            (Domain::Exact(_), None) => {}
        }
        self.holders.remove(domain);
    }

    /// A name has an address until then.
    pub(super) fn learn(&mut self, name: &str, address: IpAddr, until: Time, now: Time) {
        if !may_be_allowed(address) || !self.names.learn(name, address, until, now) {
            return;
        }
        let exact = Domain::Exact(name.into());
        if let Some(held) = self.holders.get(&exact) {
            self.dirty.extend(held.by.iter().cloned());
        }
        if self.wildcards == 0 {
            return;
        }
        let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
        for end in ends.filter_map(|at| name.get(at..)) {
            if let Some(held) = self.holders.get(&Domain::Wild(end.into())) {
                self.dirty.extend(held.by.iter().cloned());
            }
        }
    }

    /// The statuses to write now, as many as may be written at the same time.
    pub(super) fn patches(&mut self, now: Time) -> Vec<Patch> {
        let mut patches = Vec::new();
        let Some(version) = self.version else {
            return patches;
        };
        while let Some((_, key)) = self.waiting.pop_first_if(now) {
            self.dirty.insert(key);
        }
        while self.writing < MAX_PATCHES
            && let Some(key) = self.dirty.pop_first()
        {
            let Some(entry) = self.intents.get_mut(&key) else {
                continue;
            };
            // One that is written now is looked at again when that is done.
            if entry.writing {
                continue;
            }
            if now < entry.not_before {
                self.waiting.insert((entry.not_before, key));
                continue;
            }
            let ClientIntents {
                domains, resolved, ..
            } = &entry.intents;
            if let Some(resolved) = desired(domains, resolved, &self.names, now) {
                entry.writing = true;
                self.writing += 1;
                patches.push(Patch {
                    version,
                    key,
                    resolved,
                });
            }
        }
        patches
    }

    /// What became of a patch.
    pub(super) fn written(&mut self, patch: Patch, written: Written, now: Time) {
        let Some(entry) = self.intents.get_mut(&patch.key) else {
            return;
        };
        if !std::mem::take(&mut entry.writing) {
            return;
        }
        self.writing -= 1;
        match written {
            Written::Done => {
                entry.failures = 0;
                // The watch tells the same a moment later; until then it must not be written again.
                entry.intents.resolved = patch.resolved;
            }
            Written::Gone | Written::Failed => {
                entry.not_before = now.plus(wait(entry.failures));
                entry.failures += 1;
            }
        }
        // Something may have changed meanwhile.
        self.dirty.insert(patch.key);
    }

    /// Names to look up now, at most so many: those of the targets of which the table has no address.
    pub(super) fn lookups(&mut self, most: usize, now: Time) -> Vec<CompactString> {
        let mut lookups = Vec::new();
        while lookups.len() < most
            && self.version.is_some()
            && let Some((_, name)) = self.due.pop_first_if(now)
        {
            let Some(held) = self.holders.get_mut(&Domain::Exact(name.clone())) else {
                continue;
            };
            let until = self.names.until(&name).filter(|until| now <= *until);
            held.due = until.map(|until| until.plus(Duration::from_nanos(1)));
            match held.due {
                Some(due) => {
                    self.due.insert((due, name));
                }
                None => lookups.push(name),
            }
        }
        lookups
    }

    /// What a lookup found; nothing, when it failed.
    pub(super) fn found(&mut self, name: &CompactString, addresses: &[IpAddr], now: Time) {
        let until = now.plus(LEAST_LIFETIME);
        for address in addresses {
            self.learn(name, address.to_canonical(), until, now);
        }
        let Some(held) = self.holders.get_mut(&Domain::Exact(name.clone())) else {
            return;
        };
        if held.due.is_some() {
            return;
        }
        let due = if addresses.is_empty() {
            held.failures += 1;
            now.plus(wait(held.failures - 1))
        } else {
            held.failures = 0;
            until.plus(Duration::from_nanos(1))
        };
        held.due = Some(due);
        self.due.insert((due, name.clone()));
    }

    /// Forgets addresses that count no more, from time to time.
    pub(super) fn forget(&mut self, now: Time) {
        if now.since(self.forgotten) >= FORGET_EVERY {
            self.forgotten = now;
            self.names.forget(now);
        }
    }

    /// When something is to be done, if nothing else happens.
    pub(super) fn next(&self, may_look_up: bool) -> Option<Time> {
        self.version?;
        let may_write = self.writing < MAX_PATCHES;
        let now = (may_write && !self.dirty.is_empty()).then_some(Time::MIN);
        let waiting = self.waiting.first().filter(|_| may_write);
        let due = self.due.first().filter(|_| may_look_up);
        let later = waiting.map(|(at, _)| *at).into_iter();
        now.into_iter()
            .chain(later)
            .chain(due.map(|(at, _)| *at))
            .min()
    }
}

/// What is due is taken out of its order.
trait PopDue<T> {
    fn pop_first_if(&mut self, now: Time) -> Option<(Time, T)>;
}

impl<T: Ord> PopDue<T> for BTreeSet<(Time, T)> {
    fn pop_first_if(&mut self, now: Time) -> Option<(Time, T)> {
        self.first().filter(|(at, _)| *at <= now)?;
        self.pop_first()
    }
}

/// Doubles with each failure.
fn wait(failures: u32) -> Duration {
    FIRST_WAIT
        .saturating_mul(1 << failures.min(16))
        .min(LONGEST_WAIT)
}

/// Whether a text can be a host's name (RFC 1123 2.1; the underscore is for those that do not keep to it): nothing else
/// is handed to the system's resolver.
fn can_be_looked_up(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !name.is_empty() && name.len() <= 253 && !name.starts_with('.') && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests;
