//! RFC 3339 times as the replaced server reads them (Go's `RFC3339Nano`): capitals `T` and `Z`, an offset, a fraction
//! of any length after a dot or a comma, no leap second.
//!
//! By hand: `jiff` takes also lower case, a space for the `T` and zone names in brackets, and a report has a time in
//! every destination.

const NANOS_PER_SEC: i128 = 1_000_000_000;

/// Nanoseconds since the Unix epoch, saturating at both ends of an `i64`. None if it is not such a time.
pub(crate) fn parse(text: &[u8]) -> Option<i64> {
    let (fixed, rest) = text.split_first_chunk::<19>()?;
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
    ] = *fixed
    else {
        return None;
    };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let month = within(two(m1, m2)?, 1, 12)?;
    let day = within(two(d1, d2)?, 1, days_in(year, month))?;
    let hour = within(two(h1, h2)?, 0, 23)?;
    let minute = within(two(n1, n2)?, 0, 59)?;
    let second = within(two(s1, s2)?, 0, 59)?;
    let (nanos, zone) = fraction(rest)?;
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
        - offset(zone)?;
    let total = i128::from(seconds) * NANOS_PER_SEC + i128::from(nanos);
    Some(i64::try_from(total).unwrap_or(if total < 0 { i64::MIN } else { i64::MAX }))
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    Some(digit(tens)? * 10 + digit(ones)?)
}

fn within(number: i64, least: i64, most: i64) -> Option<i64> {
    (least..=most).contains(&number).then_some(number)
}

/// The nanoseconds of an optional fraction, and what follows it. Digits beyond the ninth are cut off.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.' | b',', rest @ ..] = text else {
        return Some((0, text));
    };
    let mut nanos = 0;
    let mut length = 0;
    while let Some(digit) = rest.get(length).filter(|byte| byte.is_ascii_digit()) {
        if length < 9 {
            nanos = nanos * 10 + i64::from(digit - b'0');
        }
        length += 1;
    }
    if length == 0 {
        return None;
    }
    for _ in length..9 {
        nanos *= 10;
    }
    let rest = rest.get(length..)?;
    Some((nanos, rest))
}

/// How many seconds the local time is ahead of UTC.
fn offset(text: &[u8]) -> Option<i64> {
    match *text {
        [b'Z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let hours = within(two(h1, h2)?, 0, 23)?;
            let minutes = within(two(m1, m2)?, 0, 59)?;
            let seconds = hours * 3600 + minutes * 60;
            Some(if sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar: years start in March, so that the leap day is the last one.
const fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn offsets_and_fractions_are_read() {
        let nanos = 1_763_890_932_861_066_066;
        for text in [
            "2025-11-23T09:42:12.861066066Z",
            "2025-11-23T11:42:12.861066066+02:00",
            "2025-11-22T22:12:12,8610660669-11:30",
        ] {
            assert_eq!(parse(text.as_bytes()), Some(nanos), "{text}");
        }
        assert_eq!(parse(b"1970-01-01T00:00:00.5Z"), Some(500_000_000));
        assert_eq!(parse(b"0001-01-01T00:00:00Z"), Some(i64::MIN));
        assert_eq!(parse(b"9999-12-31T23:59:59Z"), Some(i64::MAX));
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "",
            "2025-11-23",
            "2025-11-23T09:42:12",
            "2025-11-23 09:42:12Z",
            "2025-11-23t09:42:12Z",
            "2025-11-23T09:42:12z",
            "2025-11-23T09:42:60Z",
            "2025-11-23T24:00:00Z",
            "2025-02-29T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-11-23T09:42:12.Z",
            "2025-11-23T09:42:12+0200",
            "2025-11-23T09:42:12Z ",
            "2025-11-23T09:42:12Z[UTC]",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(nanos: i64) {
            let text = map::Time::from_nanos(nanos).to_string();
            prop_assert_eq!(parse(text.as_bytes()), Some(nanos));
        }
    }
}
