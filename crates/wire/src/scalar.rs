//! The scalars of the contract: what JSON they take, and what they write.
//!
//! They take what the replaced server took in variables: a number where text is wanted, and text that is an integer
//! where an integer is wanted.

use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;

use compact_str::{CompactString, ToCompactString};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::rfc3339;

/// GraphQL's `String`. Up to 24 bytes (most names, every IPv4 address) take no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text(pub CompactString);

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address that it is, if it is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<CompactString> for Text {
    fn from(text: CompactString) -> Self {
        Self(text)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl de::Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.into()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Text, E> {
        Ok(Text(number.to_compact_string()))
    }

    // A fraction is not here: its text cannot be told from its value. `decode` reads it again, as text.
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Text, E> {
        Ok(Text(number.to_compact_string()))
    }
}

/// GraphQL's `Int`, with 64 bits as the replaced server has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Int(pub i64);

impl Int {
    /// The port that it is, if it is one.
    pub fn port(self) -> Option<u16> {
        u16::try_from(self.0).ok()
    }

    /// The number as text has it: decimal digits with an optional sign, within 64 bits.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl From<i64> for Int {
    fn from(number: i64) -> Self {
        Self(number)
    }
}

impl From<u16> for Int {
    fn from(number: u16) -> Self {
        Self(number.into())
    }
}

impl From<u32> for Int {
    fn from(number: u32) -> Self {
        Self(number.into())
    }
}

/// Counts beyond the largest number stay at it.
impl From<u64> for Int {
    fn from(number: u64) -> Self {
        Self(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<Int> for i64 {
    fn from(number: Int) -> Self {
        number.0
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntVisitor)
    }
}

struct IntVisitor;

impl de::Visitor<'_> for IntVisitor {
    type Value = Int;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer of 64 bits")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Int, E> {
        Int::from_text(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Int, E> {
        Ok(Int(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Int, E> {
        let signed = i64::try_from(number);
        signed
            .map(Int)
            .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
    }
}

/// The contract's `Time`: RFC 3339 with an offset and an optional fraction.
///
/// What lies outside the years of [`map::Time`], such as Go's zero time, is taken as its first or last moment. The
/// replaced server wrote its zero time as null, but none of its answers holds a time; null has no place in a `Time!`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub map::Time);

impl Time {
    /// From RFC 3339.
    pub fn from_text(text: &str) -> Option<Self> {
        rfc3339::parse(text.as_bytes()).map(|nanos| Self(map::Time::from_nanos(nanos)))
    }
}

impl From<map::Time> for Time {
    fn from(time: map::Time) -> Self {
        Self(time)
    }
}

impl From<Time> for map::Time {
    fn from(time: Time) -> Self {
        time.0
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TimeVisitor)
    }
}

struct TimeVisitor;

impl de::Visitor<'_> for TimeVisitor {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time such as 2026-11-23T09:42:12Z")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
        Time::from_text(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_as_text() {
        assert_eq!(serde_json::from_str::<Text>("17").unwrap().as_str(), "17");
        assert_eq!(serde_json::from_str::<Text>("-1").unwrap().as_str(), "-1");
        for json in ["true", "null", "[]", "{}"] {
            assert!(serde_json::from_str::<Text>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn an_integer_is_taken_from_text_and_has_64_bits() {
        for (json, number) in [
            ("9223372036854775807", i64::MAX),
            ("\"-9223372036854775808\"", i64::MIN),
            ("\"+7\"", 7),
            ("\"007\"", 7),
        ] {
            assert_eq!(serde_json::from_str::<Int>(json).unwrap(), Int(number));
        }
        for json in [
            "9223372036854775808",
            "1.0",
            "1e3",
            "\"\"",
            "\" 1\"",
            "\"1.0\"",
            "true",
        ] {
            assert!(serde_json::from_str::<Int>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn the_zero_time_of_go_is_the_first_moment() {
        let zero: Time = serde_json::from_str("\"0001-01-01T00:00:00Z\"").unwrap();
        assert_eq!(zero.0, map::Time::MIN);
        let time = Time(map::Time::from_secs(1));
        assert_eq!(
            serde_json::to_string(&time).unwrap(),
            "\"1970-01-01T00:00:01Z\""
        );
        for json in ["\"\"", "1", "null"] {
            assert!(serde_json::from_str::<Time>(json).is_err(), "{json}");
        }
    }
}
