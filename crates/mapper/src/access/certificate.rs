//! When a certificate ends: as much of X.509 as that needs (RFC 5280, 4.1; DER: ITU-T X.690).

use map::Time;

/// The time behind which a certificate is no longer good (`notAfter`), if it can be read.
pub fn expiry(certificate: &[u8]) -> Option<Time> {
    let (certificate, _) = item(certificate, SEQUENCE)?;
    let (mut fields, _) = item(certificate, SEQUENCE)?;
    // The version is left out in version 1.
    if let Some((_, rest)) = item(fields, VERSION) {
        fields = rest;
    }
    let (_, fields) = item(fields, INTEGER)?; // serial number
    let (_, fields) = item(fields, SEQUENCE)?; // signature algorithm
    let (_, fields) = item(fields, SEQUENCE)?; // issuer
    let (validity, _) = item(fields, SEQUENCE)?;
    let (_, until) = any(validity)?; // notBefore
    match any(until)? {
        ((UTC_TIME, text), _) => {
            let year: u16 = digits(text.get(..2)?)?;
            // RFC 5280, 4.1.2.5.1.
            let century = if year >= 50 { 1900 } else { 2000 };
            time(century + year, text.get(2..)?)
        }
        ((GENERALIZED_TIME, text), _) => time(digits(text.get(..4)?)?, text.get(4..)?),
        _ => None,
    }
}

/// The last year that is a [`Time`] as a whole. A certificate without an end has the year 9999 (RFC 5280, 4.1.2.5).
const LAST_YEAR: u16 = 2261;

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// The first item, if it is of this kind: what is in it, and what comes behind it.
fn item(bytes: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let ((found, inside), rest) = any(bytes)?;
    (found == kind).then_some((inside, rest))
}

type Item<'b> = ((u8, &'b [u8]), &'b [u8]);

fn any(bytes: &[u8]) -> Option<Item<'_>> {
    let (&kind, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // No certificate needs a length of more than three bytes.
        0x81..=0x83 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let add = |sum, byte: &u8| (sum << 8) | usize::from(*byte);
            (length.iter().fold(0, add), rest)
        }
        _ => return None,
    };
    let (inside, rest) = rest.split_at_checked(length)?;
    Some(((kind, inside), rest))
}

/// `MMDDHHMMSSZ` of this year.
fn time(year: u16, text: &[u8]) -> Option<Time> {
    if year > LAST_YEAR {
        return Some(Time::MAX);
    }
    let (text, b"Z") = text.split_at_checked(10)? else {
        return None;
    };
    let part = |at: usize| text.get(at..at + 2).and_then(digits);
    let (month, day, hour) = (part(0)?, part(2)?, part(4)?);
    let (minute, second) = (part(6)?, part(8)?);
    let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    text.parse().ok()
}

fn digits(text: &[u8]) -> Option<u16> {
    let is_number = text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text)
        .ok()?
        .parse()
        .ok()
        .filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(year: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(["mapper.portolan.svc".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 7, 9);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_is_read_in_both_forms() {
        // From 2050 on the time has four digits for the year.
        for year in [1999, 2026, 2049, 2050, 2199] {
            let wanted = format!("{year}-07-09T00:00:00Z").parse().unwrap();
            assert_eq!(expiry(&certificate(year)), Some(wanted));
        }
        assert_eq!(expiry(&certificate(9999)), Some(Time::MAX));
    }

    #[test]
    fn what_is_cut_has_no_end() {
        let whole = certificate(2030);
        for length in 0..whole.len() {
            assert_eq!(expiry(&whole[..length]), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn bad_bytes_harm_nobody(at in 0..200_usize, byte: u8) {
            let mut bytes = certificate(2030);
            bytes[at] = byte;
            let _any = expiry(&bytes);
        }
    }
}
