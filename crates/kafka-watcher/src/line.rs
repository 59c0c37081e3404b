//! One line of a broker's log: an access to a topic, or what else it is.
//!
//! Both authorizers write the same sentence with small differences (`SimpleAclAuthorizer` ends it behind the resource;
//! `kafka.security.authorizer.AclAuthorizer` and `org.apache.kafka.metadata.authorizer.StandardAuthorizer` are in Kafka's
//! source, method `buildAuditMessage` and `logAuditMessage`; some vendors add the listener):
//!
//! ```text
//! Principal = User:a is Allowed Operation = Write from host = 10.0.0.1 on resource = Topic:LITERAL:t for request = Produce with resourceRefCount = 1
//! Principal = User:a is Denied operation = WRITE from host = 10.0.0.1 via listener L on resource = Topic:LITERAL:t for request = Produce with resourceRefCount = 1 based on rule DefaultDeny
//! ```
//!
//! What stands in front and behind is the layout's, which may be JSON: nothing that is read here has a character that JSON
//! escapes. Nothing is allocated.
//!
//! Lines also hold what clients choose: names of groups, of transactions, and of topics that do not exist. Each part is
//! therefore looked for from the start of the sentence on, where only the broker writes; a line whose logger is another one,
//! or in which a name plays the end of the sentence, is no access.

use std::net::IpAddr;
use std::str::from_utf8;

use memchr::memmem::Finder;

use crate::limits::MAX_TOPIC;
use crate::operation::Operation;

/// An access to a topic, as a line tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access<'a> {
    /// The client's address as the broker saw it.
    pub host: IpAddr,
    /// The topic, or with [`Pattern::Prefixed`] how its name begins.
    pub topic: &'a str,
    /// What `topic` is.
    pub pattern: Pattern,
    /// What the client wanted to do.
    pub operation: Operation,
    /// Whether it was let.
    pub allowed: bool,
}

/// Whether a resource is one topic or many (KIP-290).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pattern {
    /// The topic of this name.
    Literal,
    /// All topics whose names begin so.
    Prefixed,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading<'a> {
    /// An access to a topic.
    Access(Access<'a>),
    /// Not an access that counts, and why.
    Other(Other),
}

/// Why a line is no access that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Other {
    /// Not an authorizer's.
    Foreign,
    /// Something that the authorizer writes beside the sentence: which rules it found, and who is a super user.
    Helper,
    /// About something else than a topic: the cluster, a group, a transaction.
    Resource,
    /// About topics in general: `Topic:UNKNOWN:NONE`, or the name `*`.
    NoTopic,
    /// Between brokers (`ClusterAction`).
    Brokers,
    /// The sentence is cut off, or goes on otherwise than it should.
    Incomplete,
    /// The client's address is none.
    NoAddress,
    /// An operation that Kafka did not have when this was written.
    UnknownOperation,
    /// The topic's name is none that Kafka allows (`org.apache.kafka.common.internals.Topic`): a client asked for what
    /// cannot be.
    BadTopic,
}

impl Other {
    /// As metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::Helper => "helper",
            Self::Resource => "other_resource",
            Self::NoTopic => "no_topic",
            Self::Brokers => "brokers",
            Self::Incomplete => "incomplete",
            Self::NoAddress => "no_address",
            Self::UnknownOperation => "unknown_operation",
            Self::BadTopic => "bad_topic",
        }
    }

    /// Whether an access may be lost here, because the line looks like one and cannot be used.
    pub const fn is_unusable(self) -> bool {
        matches!(
            self,
            Self::Incomplete | Self::NoAddress | Self::UnknownOperation | Self::BadTopic
        )
    }
}

const BEGIN: &[u8] = b"Principal = ";
const LOGGER: &[u8] = b"kafka.authorizer.logger";

/// Reads lines; holds what is prepared once to search them.
#[derive(Debug)]
pub struct Reader {
    begin: Finder<'static>,
    is: Finder<'static>,
    request: Finder<'static>,
    logger: Finder<'static>,
    class: Finder<'static>,
    pattern: Finder<'static>,
    super_user: Finder<'static>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// Ready for any number of lines.
    pub fn new() -> Self {
        Self {
            begin: Finder::new(BEGIN),
            is: Finder::new(b" is "),
            request: Finder::new(b" for request = "),
            logger: Finder::new(b"logger"),
            class: Finder::new(b"kafka."),
            pattern: Finder::new(b"ResourcePattern("),
            super_user: Finder::new(b" is a super user, allowing operation"),
        }
    }

    /// What this line is; without its line break.
    pub fn read<'a>(&self, line: &'a [u8]) -> Reading<'a> {
        match self.access(line) {
            Ok(access) => Reading::Access(access),
            Err(other) => Reading::Other(other),
        }
    }

    fn access<'a>(&self, line: &'a [u8]) -> Result<Access<'a>, Other> {
        let Some(at) = self.begin.find(line) else {
            return Err(self.without_principal(line));
        };
        let (prefix, sentence) = line.split_at_checked(at).ok_or(Other::Incomplete)?;
        let rest = sentence.get(BEGIN.len()..).unwrap_or_default();
        let (allowed, rest) = self.verdict(rest)?;
        let rest = after(rest, b"peration = ")?;
        let (operation, rest) = until(rest, b' ').ok_or(Other::Incomplete)?;
        let rest = after(rest, b"from host = ")?;
        let (host, rest) = until(rest, b' ').ok_or(Other::Incomplete)?;
        let rest = match rest.strip_prefix(b"via listener ") {
            Some(rest) => until(rest, b' ').ok_or(Other::Incomplete)?.1,
            None => rest,
        };
        let resource = after(rest, b"on resource = ")?;
        if !self.is_the_authorizers(prefix, resource) {
            return Err(Other::Foreign);
        }
        let Some(resource) = resource.strip_prefix(b"Topic:") else {
            let named = resource.iter().take_while(|b| b.is_ascii_alphabetic());
            let is_named = resource.get(named.count()) == Some(&b':');
            return Err(if is_named {
                Other::Resource
            } else {
                Other::Incomplete
            });
        };
        let (topic, pattern) = self.topic(resource)?;
        let operation = Operation::of_word(operation).ok_or(Other::UnknownOperation)?;
        if operation == Operation::ClusterAction {
            return Err(Other::Brokers);
        }
        Ok(Access {
            host: address(host).ok_or(Other::NoAddress)?,
            topic,
            pattern,
            operation,
            allowed,
        })
    }

    /// Names of users may hold anything, ` is ` too.
    fn verdict<'a>(&self, rest: &'a [u8]) -> Result<(bool, &'a [u8]), Other> {
        for at in self.is.find_iter(rest) {
            let behind = rest.get(at + 4..).unwrap_or_default();
            for (word, allowed) in [(&b"Allowed "[..], true), (b"Denied ", false)] {
                // `Operation` or `operation`; its first letter is left out.
                if let Some([b'O' | b'o', rest @ ..]) = behind.strip_prefix(word) {
                    return Ok((allowed, rest));
                }
            }
        }
        Err(Other::Incomplete)
    }

    /// `LITERAL:orders for request = …`, or without its end in the oldest brokers.
    fn topic<'a>(&self, resource: &'a [u8]) -> Result<(&'a str, Pattern), Other> {
        let (pattern, rest) = if let Some(rest) = resource.strip_prefix(b"LITERAL:") {
            (Pattern::Literal, rest)
        } else if let Some(rest) = resource.strip_prefix(b"PREFIXED:") {
            (Pattern::Prefixed, rest)
        } else if resource.starts_with(b"UNKNOWN:") || resource.starts_with(b"ANY:") {
            return Err(Other::NoTopic);
        } else {
            // Before Kafka 2.0 there were no patterns.
            (Pattern::Literal, resource)
        };
        let length = rest.iter().take_while(|byte| is_of_topic(**byte)).count();
        let (name, behind) = rest.split_at_checked(length).ok_or(Other::Incomplete)?;
        if name.is_empty() && behind.starts_with(b"*") {
            return Err(Other::NoTopic);
        }
        let is_name = (1..=MAX_TOPIC).contains(&length) && name != b"." && name != b"..";
        if !is_name || !self.is_the_end(behind) {
            return Err(Other::BadTopic);
        }
        let name = from_utf8(name).map_err(|_| Other::BadTopic)?;
        Ok((name, pattern))
    }

    /// What follows the topic. A client may ask for a topic whose name goes on as the sentence does: then its end is there
    /// twice.
    fn is_the_end(&self, behind: &[u8]) -> bool {
        let Some(request) = behind.strip_prefix(b" for request = ") else {
            // The oldest ones end here. That something follows says that the name is whole.
            return [&b" (kafka.authorizer.logger)"[..], b"\""]
                .iter()
                .any(|end| behind.starts_with(end));
        };
        let word = request.iter().take_while(|b| b.is_ascii_alphanumeric());
        let rest = request.get(word.count()..).unwrap_or_default();
        let Some(count) = rest.strip_prefix(b" with resourceRefCount = ") else {
            return false;
        };
        count.first().is_some_and(u8::is_ascii_digit) && self.request.find(count).is_none()
    }

    /// Not whoever else's text this may be: a layout that names the logger must name this one.
    fn is_the_authorizers(&self, prefix: &[u8], resource: &[u8]) -> bool {
        let end = resource.trim_ascii_end();
        if end.ends_with(b")") && !end.ends_with(b"))") {
            // `(kafka.authorizer.logger)`, as Kafka's own layout has it at the end of the line.
            let named = memchr::memrchr(b'(', end).and_then(|at| end.get(at + 1..end.len() - 1));
            if named.is_some_and(|named| is_logger(named) && named != LOGGER) {
                return false;
            }
        }
        let names_class = |at| {
            let token = prefix.get(at..).unwrap_or_default();
            let end = token.iter().take_while(|byte| is_of_logger(**byte)).count();
            is_class(token.get(..end).unwrap_or_default())
        };
        if self.class.find_iter(prefix).any(names_class) {
            return false;
        }
        [prefix, resource].into_iter().all(|part| {
            self.logger.find_iter(part).all(|at| {
                let behind = part.get(at..).unwrap_or_default();
                value_of_logger(behind).is_none_or(|value| value.starts_with(LOGGER))
            })
        })
    }

    fn without_principal(&self, line: &[u8]) -> Other {
        let helps = self.pattern.find(line).is_some() || self.super_user.find(line).is_some();
        if helps { Other::Helper } else { Other::Foreign }
    }
}

/// The value of `"logger":"…"`, `"loggerName":"…"`, `"logger_name": "…"`, `"log.logger":"…"`. Within texts of JSON, quotes
/// are escaped, so that nobody can write such a field into one.
fn value_of_logger(behind: &[u8]) -> Option<&[u8]> {
    let rest = behind.strip_prefix(b"logger")?;
    let rest = rest
        .strip_prefix(b"Name")
        .or_else(|| rest.strip_prefix(b"_name"))
        .unwrap_or(rest);
    let rest = rest.strip_prefix(b"\"")?.trim_ascii_start();
    let rest = rest.strip_prefix(b":")?.trim_ascii_start();
    rest.strip_prefix(b"\"")
}

/// Such as `kafka.coordinator.group.GroupCoordinator`.
fn is_logger(name: &[u8]) -> bool {
    name.contains(&b'.') && name.iter().all(|byte| is_of_logger(*byte))
}

const fn is_of_logger(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$' | b'-')
}

/// Whether the last part begins as those of Java's classes do: `kafka.server.KafkaApis` is a logger, and
/// `kafka.example.com` may be a host in front of the line.
fn is_class(name: &[u8]) -> bool {
    let last = name.rsplit(|byte| *byte == b'.').next();
    last.and_then(<[u8]>::first)
        .is_some_and(u8::is_ascii_uppercase)
}

fn after<'a>(text: &'a [u8], expected: &[u8]) -> Result<&'a [u8], Other> {
    text.strip_prefix(expected).ok_or(Other::Incomplete)
}

/// What stands before this byte, and behind it.
fn until(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(byte, text)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

const fn is_of_topic(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// Java's text of an address: IPv6 is never shortened and may have a zone; some authorizers write a slash in front.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = text.strip_prefix(b"/").unwrap_or(text);
    let end = memchr::memchr(b'%', text).unwrap_or(text.len());
    let address: IpAddr = from_utf8(text.get(..end)?).ok()?.parse().ok()?;
    Some(address.to_canonical())
}
