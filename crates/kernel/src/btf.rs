//! The kernel's own description of its types (kernel: `Documentation/bpf/btf.rst`), as `/sys/kernel/btf/vmlinux` holds it:
//! where a member of a structure is in the kernel that runs.
//!
//! What is asked for is found by name. Structures without a name inside of others count as their parts.

use crate::bytes::array;

/// The longest description that is read: ten times one of today.
pub const MAX_BYTES: u64 = 64 << 20;

/// How deep structures without a name may lie in others.
const MAX_DEPTH: u32 = 16;

const MAGIC: u16 = 0xeb9f;

/// `struct btf_type`, which is at the front of every type.
const TYPE: usize = 12;

/// `struct btf_member`.
const MEMBER: usize = 12;

const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;

/// Why nothing is known of the kernel's types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BtfError {
    /// The bytes are no description.
    #[error("the kernel's description of its types cannot be read")]
    Malformed,
    /// This kernel has no such type, or no such member in it.
    #[error("this kernel has no {of}.{name}")]
    Missing {
        /// The structure or enumeration.
        of: &'static str,
        /// The member or value.
        name: &'static str,
    },
}

/// A description, with where each type begins.
#[derive(Debug)]
pub struct Btf<'a> {
    types: &'a [u8],
    names: &'a [u8],
    /// By the type's number less one.
    places: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Type<'a> {
    name: u32,
    kind: u32,
    /// Its members have bit fields among them, and say so in their offsets.
    has_bit_fields: bool,
    /// What is behind the front.
    parts: &'a [u8],
}

impl<'a> Btf<'a> {
    /// Reads through all types once.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BtfError> {
        Self::read(bytes).ok_or(BtfError::Malformed)
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        (u16::from_ne_bytes(array(bytes, 0)?) == MAGIC).then_some(())?;
        let field = |place| usize::try_from(number(bytes, place)?).ok();
        let behind = bytes.get(field(4)?..)?;
        let section = |start: usize, length: usize| behind.get(start..)?.get(..length);
        let mut btf = Self {
            types: section(field(8)?, field(12)?)?,
            names: section(field(16)?, field(20)?)?,
            places: Vec::new(),
        };
        let mut place = 0;
        while place < btf.types.len() {
            let info = number(btf.types, place + 4)?;
            let length = TYPE + length_behind(info)?;
            btf.types.get(place..place.checked_add(length)?)?;
            btf.places.push(u32::try_from(place).ok()?);
            place += length;
        }
        Some(btf)
    }

    /// Where a member is in a structure, in bytes. A bit field has no such place.
    pub fn offset(&self, of: &'static str, name: &'static str) -> Result<u32, BtfError> {
        let offset = |found: Type<'a>| {
            let is_it = matches!(found.kind, STRUCT | UNION) && self.is_named(found.name, of);
            is_it.then(|| self.member(found, name, 0))?
        };
        let bits = self.all().find_map(offset);
        bits.filter(|bits| bits.is_multiple_of(8))
            .map(|bits| bits / 8)
            .ok_or(BtfError::Missing { of, name })
    }

    /// The number of a value of an enumeration.
    pub fn value(&self, of: &'static str, name: &'static str) -> Result<u32, BtfError> {
        let value = |found: Type<'a>| {
            let is_it = found.kind == ENUM && self.is_named(found.name, of);
            let mut values = found.parts.chunks_exact(8).filter(|_| is_it);
            values.find_map(|value| {
                self.is_named(number(value, 0)?, name)
                    .then(|| number(value, 4))?
            })
        };
        self.all()
            .find_map(value)
            .ok_or(BtfError::Missing { of, name })
    }

    fn all(&self) -> impl Iterator<Item = Type<'a>> {
        self.places.iter().filter_map(|place| self.at(*place))
    }

    fn at(&self, place: u32) -> Option<Type<'a>> {
        let bytes = self.types.get(usize::try_from(place).ok()?..)?;
        let info = number(bytes, 4)?;
        Some(Type {
            name: number(bytes, 0)?,
            kind: kind(info),
            has_bit_fields: info >> 31 == 1,
            parts: bytes.get(TYPE..TYPE + length_behind(info)?)?,
        })
    }

    /// Where a member is, in bits.
    fn member(&self, of: Type<'a>, wanted: &str, depth: u32) -> Option<u32> {
        if depth >= MAX_DEPTH || !matches!(of.kind, STRUCT | UNION) {
            return None;
        }
        of.parts.chunks_exact(MEMBER).find_map(|member| {
            let (name, number_of_type) = (number(member, 0)?, number(member, 4)?);
            let offset = number(member, 8)?;
            let (bits, offset) = if of.has_bit_fields {
                (offset >> 24, offset & 0x00ff_ffff)
            } else {
                (0, offset)
            };
            if name != 0 {
                return (bits == 0 && self.is_named(name, wanted)).then_some(offset);
            }
            let place = usize::try_from(number_of_type.checked_sub(1)?).ok()?;
            let inner = self.at(*self.places.get(place)?)?;
            offset.checked_add(self.member(inner, wanted, depth + 1)?)
        })
    }

    fn is_named(&self, name: u32, wanted: &str) -> bool {
        let at = usize::try_from(name)
            .ok()
            .and_then(|name| self.names.get(name..));
        let behind = at.and_then(|at| at.strip_prefix(wanted.as_bytes()));
        behind.is_some_and(|behind| behind.first() == Some(&0))
    }
}

fn number(bytes: &[u8], place: usize) -> Option<u32> {
    array(bytes, place).map(u32::from_ne_bytes)
}

const fn kind(info: u32) -> u32 {
    info >> 24 & 0x1f
}

/// How long what follows the front of a type is; none for a kind that is not known, behind which nothing can be found.
fn length_behind(info: u32) -> Option<usize> {
    let count = usize::try_from(info & 0xffff).ok()?;
    Some(match kind(info) {
        // Integer, variable, tag of a declaration.
        1 | 14 | 17 => 4,
        // Pointer, forward, typedef, volatile, const, restrict, function, float, tag of a type.
        2 | 7..=12 | 16 | 18 => 0,
        // Array.
        3 => 12,
        // Structure, union, section of data, enumeration of 64 bits.
        STRUCT | UNION | 15 | 19 => 12 * count,
        // Enumeration, prototype of a function.
        ENUM | 13 => 8 * count,
        _ => return None,
    })
}
