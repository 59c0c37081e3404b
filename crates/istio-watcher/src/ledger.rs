//! What is to be told, once each, and what was told already.

use std::borrow::Cow;

use compact_str::CompactString;
use hashbrown::HashMap;
use hashbrown::hash_map::EntryRef;
use map::{HttpMethod, Time};

use crate::limits::{MAX_ENTRIES, MAX_PAIRS, PAIR_IDLE, TOLD_FOR};
use crate::paths::{Folded, Paths, template};
use crate::requests::{End, Outcome, Requests};

/// Paths by pair of workloads, and what of them is still to be told.
#[derive(Debug)]
pub struct Ledger {
    templates: bool,
    pairs: HashMap<(End, End), Pair>,
    entries: HashMap<Key, Entry>,
    counts: LedgerCounts,
}

#[derive(Debug)]
struct Pair {
    paths: Paths,
    last_seen: Time,
}

/// What tells one entry from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Who called.
    pub client: End,
    /// Who was called.
    pub server: End,
    /// By which Service; empty where it is not known.
    pub service: CompactString,
    /// The path, or `/folder/*`.
    pub path: CompactString,
    /// What became of it.
    pub outcome: Outcome,
}

/// What is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The methods.
    pub methods: Methods,
    /// When it was last seen.
    pub last_seen: Time,
    is_told: bool,
}

/// A set of methods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Methods(u16);

impl Methods {
    /// Behind all words of the contract.
    const OTHER: u16 = 1 << HttpMethod::ALL.len();

    /// Adds one; none is one that the contract has no word for.
    pub const fn add(&mut self, method: Option<HttpMethod>) {
        self.0 |= match method {
            Some(method) => 1 << method as u16,
            None => Self::OTHER,
        };
    }

    /// Those that the contract has words for, in its order.
    pub fn named(self) -> impl Iterator<Item = HttpMethod> {
        let all = HttpMethod::ALL.into_iter();
        all.filter(move |method| self.0 & 1 << *method as u16 != 0)
    }

    /// Whether there is one that the contract has no word for.
    pub const fn has_other(self) -> bool {
        self.0 & Self::OTHER != 0
    }
}

/// What came of requests, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerCounts {
    /// Series with requests that were taken.
    pub taken: u64,
    /// Of these, told as a folder because their pair has too many paths.
    pub folded: u64,
    /// Of these, by a method that the contract has no word for.
    pub other_method: u64,
    /// What had to be forgotten before its time because there was no room. It was told.
    pub forgotten: u64,
}

impl Ledger {
    /// An empty one. With `templates`, identifiers in paths become `{id}`.
    pub fn new(templates: bool) -> Self {
        Self {
            templates,
            pairs: HashMap::new(),
            entries: HashMap::new(),
            counts: LedgerCounts::default(),
        }
    }

    /// Takes requests that were seen at this time.
    pub fn take(&mut self, requests: Requests, at: Time) {
        self.counts.taken += 1;
        self.counts.other_method += u64::from(requests.method.is_none());
        let path = if self.templates {
            template(&requests.path)
        } else {
            Cow::Borrowed(requests.path.as_str())
        };
        let path = match self.fold(&requests, &path, at) {
            Folded::No => CompactString::from(path),
            Folded::To(folder) => {
                self.counts.folded += 1;
                folder
            }
        };
        let key = Key {
            client: requests.client,
            server: requests.server,
            service: requests.service,
            path,
            outcome: requests.outcome,
        };
        let entry = self.entries.entry(key).or_insert(Entry {
            methods: Methods::default(),
            last_seen: at,
            is_told: false,
        });
        entry.methods.add(requests.method);
        entry.last_seen = entry.last_seen.max(at);
        entry.is_told = false;
    }

    fn fold(&mut self, requests: &Requests, path: &str, at: Time) -> Folded {
        let pair = (requests.client.clone(), requests.server.clone());
        let has_room = self.pairs.len() < MAX_PAIRS;
        let pair = match self.pairs.entry_ref(&pair) {
            EntryRef::Occupied(pair) => pair.into_mut(),
            EntryRef::Vacant(place) if has_room => {
                let paths = Paths::default();
                place.insert_with_key(
                    pair.clone(),
                    Pair {
                        paths,
                        last_seen: at,
                    },
                )
            }
            EntryRef::Vacant(_) => return Folded::To("/*".into()),
        };
        pair.last_seen = pair.last_seen.max(at);
        pair.paths.take(path)
    }

    /// Whether no more should come before what is there was told.
    pub fn is_full(&self) -> bool {
        self.entries.len() >= MAX_ENTRIES
    }

    /// What was not told yet, in order; it counts as told from now on. What nobody will ask for again is forgotten.
    pub fn due(&mut self, now: Time) -> Vec<(Key, Entry)> {
        let mut due: Vec<_> = self
            .entries
            .iter_mut()
            .filter(|(_, entry)| !entry.is_told)
            .map(|(key, entry)| {
                entry.is_told = true;
                (key.clone(), *entry)
            })
            .collect();
        due.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        self.entries
            .retain(|_, entry| now.since(entry.last_seen) < TOLD_FOR);
        if self.is_full() {
            self.counts.forgotten += self.entries.len() as u64;
            self.entries.clear();
        }
        self.pairs
            .retain(|_, pair| now.since(pair.last_seen) < PAIR_IDLE);
        due
    }

    /// All that is remembered is to be told again: the mapper has lost it.
    pub fn tell_again(&mut self) -> usize {
        for entry in self.entries.values_mut() {
            entry.is_told = false;
        }
        self.entries.len()
    }

    /// How many pairs and entries are remembered.
    pub fn held(&self) -> (usize, usize) {
        (self.pairs.len(), self.entries.len())
    }

    /// What came in so far.
    pub const fn counts(&self) -> LedgerCounts {
        self.counts
    }
}
