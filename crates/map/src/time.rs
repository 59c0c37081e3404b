//! Points in time. The clock is read at the rim; everything else takes a [`Time`].

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time: nanoseconds since the Unix epoch, UTC.
///
/// Covers the years 1677 to 2262; arithmetic saturates at the ends.
/// Text form is RFC 3339, with as many fractional digits as are needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

const NANOS_PER_SEC: i64 = 1_000_000_000;

impl Time {
    /// The Unix epoch, also "before everything" for floors.
    pub const EPOCH: Self = Self(0);
    /// The latest time that can be written down.
    pub const MAX: Self = Self(i64::MAX);
    /// The earliest time that can be written down.
    pub const MIN: Self = Self(i64::MIN);

    /// From nanoseconds since the Unix epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From whole seconds since the Unix epoch.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(NANOS_PER_SEC))
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded towards the past.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(NANOS_PER_SEC)
    }

    /// This much later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// This much earlier.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        let nanos = self.0.saturating_sub(earlier.0).max(0);
        Duration::from_nanos(nanos.unsigned_abs())
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(stamp) => stamp.fmt(f),
            Err(_) => write!(f, "{}ns", self.0),
        }
    }
}

/// The text is not an RFC 3339 time with an offset, or lies outside 1677 to 2262.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a time such as 2026-11-23T09:42:12Z")]
pub struct TimeError {
    /// What was read.
    pub text: String,
}

impl FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || TimeError {
            text: text.to_owned(),
        };
        let stamp: jiff::Timestamp = text.parse().map_err(|_| error())?;
        i64::try_from(stamp.as_nanosecond())
            .map(Self)
            .map_err(|_| error())
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_with_and_without_a_fraction() {
        for text in [
            "2026-11-23T09:42:12Z",
            "2026-11-23T09:42:12.861066066Z",
            "1969-12-31T23:59:59Z",
        ] {
            assert_eq!(text.parse::<Time>().unwrap().to_string(), text);
        }
        assert!("2026-11-23 09:42".parse::<Time>().is_err());
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Time::MAX.plus(Duration::from_secs(1)), Time::MAX);
        assert_eq!(Time::EPOCH.since(Time::from_secs(5)), Duration::ZERO);
        assert_eq!(Time::from_nanos(-1).as_secs(), -1);
    }
}
