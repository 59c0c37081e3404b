//! Durations read and written as Go does. What is expected here is what Go 1.25 answers.

use std::time::Duration;

use app::config::{DurationError, GoDuration, Interval, parse_nanos};
use proptest::prelude::*;

#[test]
fn nanoseconds_are_those_of_go() {
    for (text, nanos) in [
        ("0", 0),
        ("-0", 0),
        ("+0", 0),
        ("500ms", 500_000_000),
        ("1m", 60_000_000_000),
        ("1h30m", 5_400_000_000_000),
        ("1.5s", 1_500_000_000),
        ("5.s", 5_000_000_000),
        (".5s", 500_000_000),
        ("1.0040s", 1_004_000_000),
        ("10ns", 10),
        ("11us", 11_000),
        ("12µs", 12_000),
        ("12\u{3bc}s", 12_000),
        ("-5s", -5_000_000_000),
        ("-2m3.4s", -123_400_000_000),
        ("10.5s4m", 250_500_000_000),
        ("1h2m3s4ms5us6ns", 3_723_004_005_006),
        // Long fractions and the ends of the range.
        ("0.3333333333333333333h", 1_200_000_000_000),
        ("0.100000000000000000000h", 360_000_000_000),
        ("0.830103483285477580700h", 2_988_372_539_827),
        ("9007199254740993ns", 9_007_199_254_740_993),
        ("9223372036854775807ns", i64::MAX),
        ("9223372036854775.807us", i64::MAX),
        ("9223372036s854ms775us807ns", i64::MAX),
        ("-9223372036854775808ns", i64::MIN),
        ("-2562047h47m16.854775808s", i64::MIN),
    ] {
        assert_eq!(parse_nanos(text), Ok(nanos), "{text}");
    }
}

#[test]
fn what_go_refuses_is_refused() {
    let unit = |unit: &str| DurationError::Unit(unit.to_owned());
    for (text, error) in [
        ("", DurationError::Syntax),
        ("3", DurationError::Syntax),
        ("-", DurationError::Syntax),
        ("s", DurationError::Syntax),
        (".", DurationError::Syntax),
        ("-.", DurationError::Syntax),
        (".s", DurationError::Syntax),
        ("+.s", DurationError::Syntax),
        ("1m 30s", unit("m ")),
        (" 1m", DurationError::Syntax),
        ("1d", unit("d")),
        ("1S", unit("S")),
        ("1m-5s", unit("m-")),
        ("\u{fffd}", DurationError::Syntax),
        ("9223372036854775808ns", DurationError::Range),
        ("-9223372036854775809ns", DurationError::Range),
        ("9223372036854775.808us", DurationError::Range),
        ("9223372036854ms775us808ns", DurationError::Range),
        ("3000000h", DurationError::Range),
        ("99999999999999999999999s", DurationError::Range),
    ] {
        assert_eq!(parse_nanos(text), Err(error), "{text}");
    }
}

#[test]
fn a_bare_number_counts_nanoseconds_unless_that_is_absurd() {
    assert_eq!(
        "1000000000".parse(),
        Ok(GoDuration::new(Duration::from_secs(1)))
    );
    assert_eq!("0".parse(), Ok(GoDuration::default()));
    assert_eq!(
        "60".parse::<GoDuration>(),
        Err(DurationError::Bare("60".to_owned()))
    );
    assert_eq!(
        DurationError::Bare("60".to_owned()).to_string(),
        "a number without a unit counts nanoseconds, less than 1ms here; write the unit, such as 60s or 60ms",
    );
}

#[test]
fn a_negative_duration_is_refused() {
    for text in ["-1s", "-5", "-1ns"] {
        assert_eq!(
            text.parse::<GoDuration>(),
            Err(DurationError::Negative),
            "{text}"
        );
    }
    assert_eq!("-0".parse(), Ok(GoDuration::default()));
}

#[test]
fn an_interval_is_at_least_a_millisecond() {
    assert_eq!(
        "1ms".parse::<Interval>().map(Interval::get),
        Ok(Duration::from_millis(1))
    );
    for text in ["0", "0s", "999us", "1ns"] {
        assert_eq!(
            text.parse::<Interval>(),
            Err(DurationError::Short),
            "{text}"
        );
    }
}

#[test]
fn durations_are_written_as_go_writes_them() {
    for (nanos, text) in [
        (0, "0s"),
        (1, "1ns"),
        (1_100, "1.1µs"),
        (2_200_000, "2.2ms"),
        (500_000_000, "500ms"),
        (3_300_000_000, "3.3s"),
        (60_000_000_000, "1m0s"),
        (245_001_000_000, "4m5.001s"),
        (3_600_000_000_000, "1h0m0s"),
        (480_000_000_001, "8m0.000000001s"),
        (i64::MAX.unsigned_abs(), "2562047h47m16.854775807s"),
    ] {
        assert_eq!(
            GoDuration::new(Duration::from_nanos(nanos)).to_string(),
            text
        );
    }
    assert_eq!(
        GoDuration::new(Duration::MAX).to_string(),
        "2562047h47m16.854775807s"
    );
}

proptest! {
    #[test]
    fn what_was_written_is_read_back(nanos in prop_oneof![0..=i64::MAX, 0..5_000_000_000_i64]) {
        let duration = GoDuration::new(Duration::from_nanos(nanos.unsigned_abs()));
        prop_assert_eq!(duration.to_string().parse(), Ok(duration));
        prop_assert_eq!(parse_nanos(&format!("-{duration}")), Ok(-nanos));
    }

    #[test]
    fn any_text_is_read_or_refused(text in r"[-+]?([0-9]{0,21}\.?[0-9]{0,21}(ns|us|µs|ms|s|m|h|d|))*") {
        let _ = parse_nanos(&text);
        let _ = text.parse::<GoDuration>();
    }

    #[test]
    fn any_characters_are_read_or_refused(text in ".*") {
        let _ = text.parse::<GoDuration>();
        let _ = text.parse::<Interval>();
    }
}
