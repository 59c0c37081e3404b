//! Durations in Go's notation, as `time.ParseDuration` reads and `Duration.String` writes them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A span of time that is not negative, written as in Go: `500ms`, `1m`, `1h30m`, `1.5s`, `0`.
///
/// At most 2562047h47m16.854775807s, the range of Go. A bare number counts nanoseconds, as in the replaced system;
/// below a millisecond that was never meant, and is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(Duration);

/// A [`GoDuration`] of at least a millisecond, for what happens again and again: an interval of zero is a busy loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(GoDuration);

/// The shortest interval, and the shortest duration that may be written as a bare number.
pub const SHORTEST: Duration = Duration::from_millis(1);

/// Why a text is not such a duration; the message says what is accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not the notation at all.
    #[error("expected a duration such as 500ms, 1m or 1h30m")]
    Syntax,
    /// A number is followed by what is no unit.
    #[error(
        "expected a duration such as 500ms, 1m or 1h30m; {0:?} is none of the units ns, us, ms, s, m, h"
    )]
    Unit(String),
    /// More nanoseconds than 63 bits can count.
    #[error("expected a duration of at most 2562047h47m16s")]
    Range,
    /// Below zero.
    #[error("expected a duration that is not negative")]
    Negative,
    /// A number without a unit that would be next to nothing.
    #[error(
        "a number without a unit counts nanoseconds, less than 1ms here; write the unit, such as {0}s or {0}ms"
    )]
    Bare(String),
    /// An interval below the shortest one.
    #[error("expected a duration of at least 1ms")]
    Short,
}

impl GoDuration {
    /// From the standard library's duration; longer ones than Go's longest are cut to it.
    pub fn new(duration: Duration) -> Self {
        Self(duration.min(Duration::from_nanos(i64::MAX.unsigned_abs())))
    }

    /// As the standard library's duration.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl Interval {
    /// As the standard library's duration, at least [`SHORTEST`].
    pub const fn get(self) -> Duration {
        self.0.get()
    }
}

/// Whether the text is a number without a unit, other than the `0` that needs none.
pub(super) fn is_bare(text: &str) -> bool {
    let number = text.trim_start_matches(['+', '-']);
    number != "0" && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// Reads Go's notation: an optional sign, then `0` or one or more numbers each with a unit. The result is in
/// nanoseconds.
pub fn parse_nanos(text: &str) -> Result<i64, DurationError> {
    let (negative, mut rest) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(DurationError::Syntax);
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (nanos, after) = one_part(rest)?;
        // Go counts up to 2^63 here, so that the most negative duration can be written.
        total = total
            .checked_add(nanos)
            .filter(|n| *n <= 1 << 63)
            .ok_or(DurationError::Range)?;
        rest = after;
    }
    if negative {
        return Ok(0_i64.wrapping_sub_unsigned(total));
    }
    i64::try_from(total).map_err(|_| DurationError::Range)
}

/// One number with its unit in nanoseconds, and what follows.
fn one_part(text: &str) -> Result<(u64, &str), DurationError> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(DurationError::Syntax);
    }
    let end = rest
        .find(|c: char| c == '.' || c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let scale = scale(unit)?;
    let whole = if whole.is_empty() {
        Ok(0)
    } else {
        whole.parse::<u64>()
    };
    let nanos = whole
        .ok()
        .and_then(|n| n.checked_mul(scale))
        .and_then(|n| n.checked_add(part_of(fraction, scale)))
        .filter(|n| *n <= 1 << 63)
        .ok_or(DurationError::Range)?;
    Ok((nanos, rest))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// The nanoseconds of a unit. Both micro signs count: U+00B5 and the Greek letter U+03BC.
fn scale(unit: &str) -> Result<u64, DurationError> {
    Ok(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "" => return Err(DurationError::Syntax),
        other => return Err(DurationError::Unit(other.to_owned())),
    })
}

/// `0.<digits>` of the scale. In floating point and with as many digits as fit, because Go does it so: by its own tests
/// `0.3333333333333333333h` is 20 minutes.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "Go's rounding"
)]
fn part_of(digits: &str, scale: u64) -> u64 {
    const FULL: u64 = i64::MAX.unsigned_abs() / 10;
    let mut value: u64 = 0;
    let mut parts = 1.0;
    for digit in digits.bytes() {
        if value > FULL {
            break;
        }
        value = value * 10 + u64::from(digit - b'0');
        parts *= 10.0;
    }
    (value as f64 * (scale as f64 / parts)) as u64
}

impl FromStr for GoDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = is_bare(text);
        let nanos = if bare {
            parse_nanos(&format!("{text}ns"))?
        } else {
            parse_nanos(text)?
        };
        let duration = u64::try_from(nanos)
            .map_err(|_| DurationError::Negative)
            .map(Duration::from_nanos)?;
        if bare && duration < SHORTEST {
            return Err(DurationError::Bare(text.to_owned()));
        }
        Ok(Self(duration))
    }
}

impl FromStr for Interval {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let duration: GoDuration = text.parse()?;
        if duration.0 < SHORTEST {
            Err(DurationError::Short)
        } else {
            Ok(Self(duration))
        }
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.subsec_nanos();
        let seconds = self.0.as_secs();
        if seconds == 0 {
            return match nanos {
                0 => f.write_str("0s"),
                1..1_000 => write!(f, "{nanos}ns"),
                1_000..1_000_000 => decimal(f, u64::from(nanos), 3, "µs"),
                _ => decimal(f, u64::from(nanos), 6, "ms"),
            };
        }
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if seconds >= 60 {
            write!(f, "{minutes}m")?;
        }
        decimal(f, seconds % 60 * 1_000_000_000 + u64::from(nanos), 9, "s")
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Writes `value / 10^places` without trailing zeros, and the unit.
fn decimal(f: &mut fmt::Formatter<'_>, value: u64, places: usize, unit: &str) -> fmt::Result {
    let parts = 10_u64.pow(u32::try_from(places).unwrap_or(0));
    let fraction = format!("{:0places$}", value % parts);
    match fraction.trim_end_matches('0') {
        "" => write!(f, "{}{unit}", value / parts),
        fraction => write!(f, "{}.{fraction}{unit}", value / parts),
    }
}
