//! DNS messages (RFC 1035 4): the question, and the addresses in the answer section.
//!
//! The name is the question's, whatever chain of CNAMEs leads to the addresses: it is what the client asked for.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Malformed {
    /// Shorter than its header or its question.
    #[error("the message is cut off")]
    CutOff,
    /// Not exactly one question; no resolver asks two.
    #[error("the message does not hold exactly one question")]
    Questions,
    /// A label type that RFC 1035 does not know, a name above 255 bytes, or a pointer that does not go back.
    #[error("the name in the question is not a name")]
    Name,
}

impl Malformed {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::CutOff, Self::Questions, Self::Name];

    /// The words for it in summaries and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CutOff => "cut off",
            Self::Questions => "not one question",
            Self::Name => "bad name",
        }
    }
}

/// The longest name, with its length bytes and the root (RFC 1035 3.1).
const MAX_NAME: usize = 255;

/// Addresses taken from one answer: what fits into 4 KiB of the largest usual message (RFC 6891 6.2.5).
const MAX_ADDRESSES: u16 = 256;

/// Records walked in one answer section, addresses or not.
const MAX_RECORDS: u16 = 1_024;

const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_IN: u16 = 1;

/// A name in wire form, lower case: length-prefixed labels without the root's zero byte.
#[derive(Clone)]
pub struct Name {
    length: u8,
    bytes: [u8; MAX_NAME],
}

impl Name {
    /// The labels, each behind its length.
    pub fn as_wire(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }

    /// Labels joined by dots, without the root's dot. Bytes outside printable ASCII, and dots and backslashes
    /// inside a label, are written `\DDD` (RFC 4343 2.1).
    pub fn text_of_wire(wire: &[u8]) -> String {
        let mut text = String::with_capacity(wire.len());
        let mut rest = wire;
        while let Some((length, behind)) = rest.split_first() {
            let Some((label, next)) = behind.split_at_checked(usize::from(*length)) else {
                break;
            };
            if !text.is_empty() {
                text.push('.');
            }
            for byte in label {
                match byte {
                    b'.' | b'\\' | 0..=0x20 | 0x7f.. => {
                        text.push('\\');
                        for digit in [byte / 100, byte / 10 % 10, byte % 10] {
                            text.push(char::from(b'0' + digit));
                        }
                    }
                    _ => text.push(char::from(*byte)),
                }
            }
            rest = next;
        }
        text
    }

    /// Reads the name at `place`; returns it with the place behind it.
    fn read(message: &[u8], place: usize) -> Result<(Self, usize), Malformed> {
        let mut name = Self {
            length: 0,
            bytes: [0; MAX_NAME],
        };
        let mut written = 0_usize;
        let mut at = place;
        // Pointers go back only, so each must be before the last: no loop is possible.
        let mut before = place;
        let mut end = None;
        loop {
            let length = *message.get(at).ok_or(Malformed::CutOff)?;
            match length {
                0 => break,
                1..=63 => {
                    let labels = message
                        .get(at..=at + usize::from(length))
                        .ok_or(Malformed::CutOff)?;
                    // One byte is kept for the root.
                    let room = name
                        .bytes
                        .get_mut(written..written + labels.len())
                        .ok_or(Malformed::Name)?;
                    room.copy_from_slice(labels);
                    room.make_ascii_lowercase();
                    // Lengths below 'A' are not letters, and those from 'A' on are above 63.
                    written += labels.len();
                    if written >= MAX_NAME {
                        return Err(Malformed::Name);
                    }
                    at += labels.len();
                }
                0xc0.. => {
                    let low = *message.get(at + 1).ok_or(Malformed::CutOff)?;
                    end = end.or(Some(at + 2));
                    let target = usize::from(length & 0x3f) << 8 | usize::from(low);
                    if target >= before {
                        return Err(Malformed::Name);
                    }
                    before = target;
                    at = target;
                }
                _ => return Err(Malformed::Name),
            }
        }
        name.length = u8::try_from(written).map_err(|_| Malformed::Name)?;
        Ok((name, end.unwrap_or(at + 1)))
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_wire() == other.as_wire()
    }
}

impl Eq for Name {}

impl std::hash::Hash for Name {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_wire().hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Self::text_of_wire(self.as_wire()))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name.
    pub name: Name,
    /// The record type.
    pub record_type: u16,
    /// The class, nearly always 1 (the internet).
    pub class: u16,
}

/// An address in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// From an A or AAAA record.
    pub address: IpAddr,
    /// Seconds for which it may be kept; the top bit set means zero (RFC 2181 8).
    pub ttl: u32,
}

/// A query or its answer.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    header: [u8; 12],
    question: Question,
    /// Where the answer section begins.
    answers: usize,
}

/// Reads the header and the question.
pub fn parse(bytes: &[u8]) -> Result<Message<'_>, Malformed> {
    let header = *bytes.first_chunk::<12>().ok_or(Malformed::CutOff)?;
    if header[4..6] != [0, 1] {
        return Err(Malformed::Questions);
    }
    let (name, place) = Name::read(bytes, 12)?;
    let fixed = bytes
        .get(place..)
        .and_then(|rest| rest.first_chunk::<4>())
        .ok_or(Malformed::CutOff)?;
    let question = Question {
        name,
        record_type: u16::from_be_bytes([fixed[0], fixed[1]]),
        class: u16::from_be_bytes([fixed[2], fixed[3]]),
    };
    Ok(Message {
        bytes,
        header,
        question,
        answers: place + 4,
    })
}

impl<'a> Message<'a> {
    /// The number that joins an answer to its query.
    pub const fn id(&self) -> u16 {
        u16::from_be_bytes([self.header[0], self.header[1]])
    }

    /// Whether it is an answer (the QR bit).
    pub const fn is_answer(&self) -> bool {
        self.header[2] & 0x80 != 0
    }

    /// 0 for a standard query.
    pub const fn opcode(&self) -> u8 {
        self.header[2] >> 3 & 0x0f
    }

    /// Whether the answer did not fit (the TC bit).
    pub const fn is_truncated(&self) -> bool {
        self.header[2] & 0x02 != 0
    }

    /// 0 for success, 3 for no such name.
    pub const fn response_code(&self) -> u8 {
        self.header[3] & 0x0f
    }

    /// What was asked.
    pub const fn question(&self) -> &Question {
        &self.question
    }

    /// The addresses in the answer section.
    pub fn addresses(&self) -> Addresses<'a> {
        let records = u16::from_be_bytes([self.header[6], self.header[7]]).min(MAX_RECORDS);
        Addresses {
            bytes: self.bytes,
            place: self.answers,
            records,
            room: MAX_ADDRESSES,
        }
    }
}

/// The addresses in an answer section; a record that cannot be read ends them.
#[derive(Clone, Debug)]
pub struct Addresses<'a> {
    bytes: &'a [u8],
    place: usize,
    records: u16,
    room: u16,
}

impl Iterator for Addresses<'_> {
    type Item = Address;

    fn next(&mut self) -> Option<Address> {
        while self.records > 0 && self.room > 0 {
            self.records -= 1;
            let place = after_name(self.bytes, self.place)?;
            let fixed = self.bytes.get(place..)?.first_chunk::<10>()?;
            let length = usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
            let data = self.bytes.get(place + 10..place + 10 + length)?;
            self.place = place + 10 + length;
            let record_type = u16::from_be_bytes([fixed[0], fixed[1]]);
            let class = u16::from_be_bytes([fixed[2], fixed[3]]);
            let ttl = u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
            let address: IpAddr = match (record_type, class, length) {
                (TYPE_A, CLASS_IN, 4) => Ipv4Addr::from(*data.first_chunk::<4>()?).into(),
                (TYPE_AAAA, CLASS_IN, 16) => {
                    Ipv6Addr::from(*data.first_chunk::<16>()?).to_canonical()
                }
                _ => continue,
            };
            self.room -= 1;
            return Some(Address {
                address,
                ttl: if ttl >> 31 == 0 { ttl } else { 0 },
            });
        }
        None
    }
}

/// The place behind the name at `place`, which is not followed.
fn after_name(bytes: &[u8], mut place: usize) -> Option<usize> {
    let start = place;
    loop {
        match *bytes.get(place)? {
            0 => return Some(place + 1),
            length @ 1..=63 => place += 1 + usize::from(length),
            0xc0.. => return Some(place + 2),
            _ => return None,
        }
        if place - start > MAX_NAME {
            return None;
        }
    }
}
