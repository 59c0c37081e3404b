//! Sizes in the notation of Kubernetes quantities.

use std::fmt;
use std::str::FromStr;

/// A number of bytes, written as a Kubernetes quantity: `64Mi`, `1Gi`, `500M`, `1.5Ki`, `1e6`, `4096`.
///
/// Parts of a byte are rounded up, as Kubernetes does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// The text is not a quantity of bytes that 64 bits can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a size such as 64Mi, 1Gi or 4096 (bytes)")]
pub struct ByteSizeError;

/// The longest fraction that is read, in digits: more would be parts of a byte even for the largest suffix.
const MAX_FRACTION: usize = 18;

const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL: [&str; 6] = ["k", "M", "G", "T", "P", "E"];

impl ByteSize {
    /// This many bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// In bytes.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map(Self).ok_or(ByteSizeError)
    }
}

fn parse(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| c != '.' && !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.len() > MAX_FRACTION {
        return None;
    }
    let parts = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let value = [whole, fraction].concat().parse::<u128>().ok()?;
    let bytes = value
        .checked_mul(u128::from(scale(suffix)?))?
        .div_ceil(parts);
    u64::try_from(bytes).ok()
}

/// How many bytes a suffix stands for.
fn scale(suffix: &str) -> Option<u64> {
    if suffix.is_empty() {
        return Some(1);
    }
    if let Some(power) = BINARY.iter().position(|s| *s == suffix) {
        return 1024_u64.checked_pow(u32::try_from(power).ok()? + 1);
    }
    if let Some(power) = DECIMAL.iter().position(|s| *s == suffix) {
        return 1000_u64.checked_pow(u32::try_from(power).ok()? + 1);
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    if !exponent.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    10_u64.checked_pow(exponent.parse().ok()?)
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = self.0;
        let mut suffix = "";
        for larger in BINARY {
            if value == 0 || !value.is_multiple_of(1024) {
                break;
            }
            value /= 1024;
            suffix = larger;
        }
        write!(f, "{value}{suffix}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_of_kubernetes_are_sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("64Mi", 64 << 20),
            ("1Gi", 1 << 30),
            ("1.5Ki", 1536),
            (".5Ki", 512),
            ("1.Ki", 1024),
            ("500M", 500_000_000),
            ("12k", 12_000),
            ("1e6", 1_000_000),
            ("1E3", 1_000),
            ("1E", 1_000_000_000_000_000_000),
            ("15Ei", 15 << 60),
            ("0.0001Ki", 1),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in [
            "",
            "Mi",
            ".",
            "-1",
            "+1",
            "1 Mi",
            "64MB",
            "64mi",
            "100m",
            "1K",
            "16Ei",
            "1e",
            "1e-3",
            "1e+3",
            "1e99",
            "1.2.3",
            "0x10",
            "99999999999999999999999999999999999999999",
        ] {
            assert_eq!(text.parse::<ByteSize>(), Err(ByteSizeError), "{text}");
        }
    }

    #[test]
    fn sizes_are_written_with_the_largest_binary_suffix_that_is_exact() {
        for (bytes, text) in [
            (0, "0"),
            (1, "1"),
            (1000, "1000"),
            (1536, "1536"),
            (64 << 20, "64Mi"),
            (1 << 60, "1Ei"),
        ] {
            assert_eq!(ByteSize(bytes).to_string(), text);
        }
    }
}
