//! Names (RFC 1035 3.1) in a fixed buffer.

use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};

use super::Malformed;

/// The longest name without the root's zero byte: RFC 1035 3.1 allows 255 bytes with it.
const MAX_LABELS: usize = 254;

/// A name in wire form, in lower case (RFC 4343): labels behind their lengths, without the root's zero byte.
#[derive(Clone)]
pub struct Name {
    length: u8,
    bytes: [u8; MAX_LABELS],
}

impl Name {
    /// The labels, each behind its length; empty for the root.
    pub fn as_wire(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }

    /// The name as people write it; see [`text_of_wire`](Self::text_of_wire). The same as `Display`.
    pub fn to_text(&self) -> String {
        Self::text_of_wire(self.as_wire())
    }

    /// The text of a name in wire form: labels joined by dots, without the root's dot. Bytes outside printable
    /// ASCII, and dots and backslashes inside a label, are written `\DDD` (RFC 4343 2.1).
    pub fn text_of_wire(wire: &[u8]) -> String {
        let mut text = String::with_capacity(wire.len());
        // Writing into a string does not fail.
        let _ = write_text(wire, &mut text);
        text
    }

    /// Reads the first name of a message, at `place`; returns it with the place behind it.
    ///
    /// A pointer (RFC 1035 4.1.4) leads to a name that came before, so the first name has none.
    pub(super) fn first(message: &[u8], place: usize) -> Result<(Self, usize), Malformed> {
        let mut bytes = [0; MAX_LABELS];
        let mut written = 0;
        loop {
            let rest = message.get(place + written..).ok_or(Malformed::CutOff)?;
            let size = match rest.first().ok_or(Malformed::CutOff)? {
                0 => break,
                length @ 1..=63 => 1 + usize::from(*length),
                _ => return Err(Malformed::Name),
            };
            let label = rest.get(..size).ok_or(Malformed::CutOff)?;
            let room = bytes
                .get_mut(written..written + size)
                .ok_or(Malformed::Name)?;
            room.copy_from_slice(label);
            written += size;
        }
        // The lengths stay as they are: none above 63 is a letter.
        bytes.make_ascii_lowercase();
        let length = u8::try_from(written).map_err(|_| Malformed::Name)?;
        Ok((Self { length, bytes }, place + written + 1))
    }
}

fn write_text(wire: &[u8], text: &mut impl Write) -> fmt::Result {
    let mut rest = wire;
    while let Some((length, behind)) = rest.split_first() {
        let Some((label, next)) = behind.split_at_checked(usize::from(*length)) else {
            break;
        };
        if rest.len() != wire.len() {
            text.write_char('.')?;
        }
        for byte in label {
            match byte {
                b'.' | b'\\' | ..=b' ' | 0x7f.. => write!(text, "\\{byte:03}")?,
                _ => text.write_char(char::from(*byte))?,
            }
        }
        rest = next;
    }
    Ok(())
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_wire() == other.as_wire()
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_wire().hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_text(self.as_wire(), f)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}
