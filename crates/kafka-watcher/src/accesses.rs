//! Accesses, each once, with the last time.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use hashbrown::{DefaultHashBuilder, Equivalent, HashMap};
use map::Time;

use crate::limits::MAX_ACCESSES;
use crate::line::{Access, Pattern};
use crate::operation::Operation;

/// How long an access is remembered after it was last seen, to tell it again to a mapper that has lost its map. The mapper
/// takes what is older as an hour old, when its address may have been another pod's.
const REMEMBER: Duration = Duration::from_hours(1);

/// A broker, by its pod.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Broker {
    /// The pod's namespace.
    pub namespace: CompactString,
    /// The pod's name.
    pub pod: CompactString,
    /// The pod's addresses: whoever comes from one of them is the broker itself, or a tool beside it.
    pub addresses: Vec<IpAddr>,
}

/// Something that was accessed at a broker, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Accessed {
    /// Where.
    pub broker: Arc<Broker>,
    /// By whom.
    pub host: IpAddr,
    /// What, see [`Access::topic`].
    pub topic: CompactString,
    /// What `topic` is.
    pub pattern: Pattern,
    /// How.
    pub operation: Operation,
    /// Whether it was let.
    pub allowed: bool,
}

/// What became of an access that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is told, or refreshed.
    Kept,
    /// It comes from the broker's own pod: no client.
    Own,
    /// The table is full.
    Full,
}

/// All accesses that are remembered: a bounded table.
#[derive(Debug)]
pub struct Accesses {
    known: HashMap<Accessed, Seen, DefaultHashBuilder>,
    most: usize,
}

#[derive(Debug)]
struct Seen {
    last: Time,
    is_news: bool,
}

/// An access in borrowed parts, so that one that is known takes no memory.
struct Looked<'a>(&'a Arc<Broker>, &'a Access<'a>);

impl Hash for Looked<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As `Accessed` derives it.
        self.0.hash(state);
        self.1.host.hash(state);
        self.1.topic.hash(state);
        self.1.pattern.hash(state);
        self.1.operation.hash(state);
        self.1.allowed.hash(state);
    }
}

impl Equivalent<Accessed> for Looked<'_> {
    fn equivalent(&self, key: &Accessed) -> bool {
        let Access {
            host,
            topic,
            pattern,
            operation,
            allowed,
        } = *self.1;
        (key.host, key.topic.as_str(), key.pattern) == (host, topic, pattern)
            && (key.operation, key.allowed) == (operation, allowed)
            && key.broker == *self.0
    }
}

impl From<&Looked<'_>> for Accessed {
    fn from(Looked(broker, access): &Looked<'_>) -> Self {
        Self {
            broker: Arc::clone(broker),
            host: access.host,
            topic: access.topic.into(),
            pattern: access.pattern,
            operation: access.operation,
            allowed: access.allowed,
        }
    }
}

impl Default for Accesses {
    fn default() -> Self {
        Self::with_room(MAX_ACCESSES)
    }
}

impl Accesses {
    /// None yet, and never more than so many.
    pub fn with_room(most: usize) -> Self {
        Self {
            known: HashMap::default(),
            most,
        }
    }

    /// An access was logged at this time.
    pub fn see(&mut self, broker: &Arc<Broker>, access: &Access<'_>, at: Time) -> Fate {
        if access.host.is_loopback() || broker.addresses.contains(&access.host) {
            return Fate::Own;
        }
        let looked = Looked(broker, access);
        if let Some(seen) = self.known.get_mut(&looked) {
            if at > seen.last {
                seen.last = at;
                seen.is_news = true;
            }
            return Fate::Kept;
        }
        if self.known.len() >= self.most {
            return Fate::Full;
        }
        let seen = Seen {
            last: at,
            is_news: true,
        };
        self.known.insert(Accessed::from(&looked), seen);
        Fate::Kept
    }

    /// What is new since this was last asked, or was seen again, with its last time, sorted. What was not seen for an
    /// hour is forgotten.
    pub fn news(&mut self, now: Time) -> Vec<(Accessed, Time)> {
        let mut news = Vec::new();
        self.known.retain(|accessed, seen| {
            if std::mem::take(&mut seen.is_news) {
                news.push((accessed.clone(), seen.last));
            }
            now.since(seen.last) < REMEMBER
        });
        if self.known.len() * 4 < self.known.capacity() {
            self.known.shrink_to_fit();
        }
        news.sort_unstable();
        news
    }

    /// All that are remembered, likewise.
    pub fn all(&mut self, now: Time) -> Vec<(Accessed, Time)> {
        for seen in self.known.values_mut() {
            seen.is_news = true;
        }
        self.news(now)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}
