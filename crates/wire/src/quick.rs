//! A report of captures as reporters write it: the contract's keys in the contract's order, each once, without white
//! space and escapes.
//!
//! Nearly every body is one, and reading them is a third of a mapper's work; this takes a third of the time of
//! [`direct`](crate::direct), which looks at whatever is written otherwise. What it takes, it takes as that does.

use serde_json::value::RawValue;

use crate::decode::{Borrowed, Report};
use crate::document::{ReportKind, recognise};
use crate::input::{
    CaptureResults, CaptureTcpResults, Destination, RecordedDestinationsForSrc, SocketScanResults,
};
use crate::{AttemptOutcome, Int, Protocol, Text, Time};

/// Digits that fit into 64 bits whatever they are.
const MAX_DIGITS: usize = 18;

/// The report in a body, if it is written so.
pub(crate) fn report(body: &[u8]) -> Option<Report> {
    let mut rest = Rest(std::str::from_utf8(body).ok()?);
    rest.skip(r#"{"query":"#)?;
    let query = rest.escaped()?;
    let known = recognise(&query.0)?;
    let wrap = match known.kind {
        ReportKind::Captures => |results| Report::Captures(CaptureResults { results }),
        ReportKind::TcpCaptures => |results| Report::TcpCaptures(CaptureTcpResults { results }),
        ReportKind::SocketScans => |results| Report::SocketScans(SocketScanResults { results }),
        _ => return None,
    };
    rest.skip(r#","variables":{""#)?;
    rest.skip(known.variable)?;
    rest.skip(r#"":{"results":"#)?;
    let results = rest.list(Rest::source)?;
    rest.skip("}}")?;
    if rest.0 != "}" {
        rest.skip(r#","operationName":""#)?;
        rest.skip(known.operation?)?;
        rest.skip("\"}")?;
        return rest.0.is_empty().then(|| wrap(results));
    }
    Some(wrap(results))
}

/// What of the body is not read yet.
struct Rest<'b>(&'b str);

impl<'b> Rest<'b> {
    fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// A string, and its escapes.
    fn escaped(&mut self) -> Option<Borrowed<'b>> {
        let mut reader = serde_json::Deserializer::from_str(self.0).into_iter::<&RawValue>();
        let raw = reader.next()?.ok()?;
        self.skip(raw.get())?;
        serde_json::from_str(raw.get()).ok()
    }

    /// A string without escapes, which is also one without control characters (RFC 8259, section 7).
    fn plain(&mut self) -> Option<&'b str> {
        self.skip("\"")?;
        let ends = |byte: u8| byte == b'"' || byte == b'\\' || byte < b' ';
        let end = self.0.bytes().position(ends)?;
        let (text, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        self.skip("\"")?;
        Some(text)
    }

    fn text(&mut self) -> Option<Text> {
        self.plain().map(Text::from)
    }

    fn time(&mut self) -> Option<Time> {
        Time::from_text(self.plain()?)
    }

    /// Digits, and no zeros before them. What makes a fraction of it follows, and is not what should follow.
    fn int(&mut self) -> Option<Int> {
        let bytes = self.0.as_bytes();
        let end = bytes.iter().position(|byte| !byte.is_ascii_digit())?;
        let is_plain = end == 1 || bytes.first() != Some(&b'0');
        let (digits, rest) = self.0.split_at_checked(end)?;
        if !is_plain || !(1..=MAX_DIGITS).contains(&end) {
            return None;
        }
        self.0 = rest;
        let number = |sum: i64, digit: u8| sum * 10 + i64::from(digit - b'0');
        Some(Int(digits.bytes().fold(0, number)))
    }

    fn list<T>(&mut self, read: fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut list = Vec::new();
        self.skip("[")?;
        if self.skip("]").is_some() {
            return Some(list);
        }
        loop {
            list.push(read(self)?);
            if self.skip(",").is_none() {
                self.skip("]")?;
                return Some(list);
            }
        }
    }

    /// A field of the old contract, which is there, but may be null.
    #[allow(
        clippy::option_option,
        reason = "the outer one says whether it is written so, the inner one whether it is there"
    )]
    fn or_null<T>(&mut self, read: fn(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.skip("null") {
            Some(()) => Some(None),
            None => read(self).map(Some),
        }
    }

    /// A field beyond the old contract, which may be left out.
    #[allow(
        clippy::option_option,
        reason = "the outer one says whether it is written so, the inner one whether it is there"
    )]
    fn given<T>(&mut self, key: &str, read: fn(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.skip(key) {
            None => Some(None),
            Some(()) => read(self).map(Some),
        }
    }

    fn source(&mut self) -> Option<RecordedDestinationsForSrc> {
        self.skip(r#"{"srcIp":"#)?;
        let src_ip = self.text()?;
        self.skip(r#","srcHostname":"#)?;
        let src_hostname = self.text()?;
        self.skip(r#","destinations":"#)?;
        let source = RecordedDestinationsForSrc {
            src_ip,
            src_hostname,
            destinations: self.list(Self::destination)?,
            src_pod_uid: self.given(r#","srcPodUid":"#, Self::text)?,
            node_name: self.given(r#","nodeName":"#, Self::text)?,
            reporter_id: self.given(r#","reporterId":"#, Self::text)?,
        };
        self.skip("}")?;
        Some(source)
    }

    fn destination(&mut self) -> Option<Destination> {
        self.skip(r#"{"destination":"#)?;
        let destination = self.text()?;
        self.skip(r#","destinationIP":"#)?;
        let destination_ip = self.or_null(Self::text)?;
        self.skip(r#","destinationPort":"#)?;
        let destination_port = self.or_null(Self::int)?;
        self.skip(r#","TTL":"#)?;
        let ttl = self.or_null(Self::int)?;
        self.skip(r#","lastSeen":"#)?;
        let last_seen = self.time()?;
        self.skip(r#","srcPorts":"#)?;
        let destination = Destination {
            destination,
            destination_ip,
            destination_port,
            ttl,
            last_seen,
            src_ports: self.or_null(|rest| rest.list(Self::int))?,
            destination_pod_uid: self.given(r#","destinationPodUid":"#, Self::text)?,
            original_destination: self.given(r#","originalDestination":"#, Self::text)?,
            original_port: self.given(r#","originalPort":"#, Self::int)?,
            protocol: self.given(r#","protocol":"#, |rest| Protocol::from_word(rest.plain()?))?,
            attempt: self.given(r#","attempt":"#, |rest| {
                AttemptOutcome::from_word(rest.plain()?)
            })?,
            first_seen: self.given(r#","firstSeen":"#, Self::time)?,
            connections: self.given(r#","connections":"#, Self::int)?,
        };
        self.skip("}")?;
        Some(destination)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::direct;

    fn text() -> impl Strategy<Value = Text> {
        "[a-zé0-9.:-]{0,40}".prop_map(Text::from)
    }

    fn int() -> impl Strategy<Value = Int> {
        (0..=999_999_999_999_999_999_i64).prop_map(Int)
    }

    fn time() -> impl Strategy<Value = Time> {
        any::<i64>().prop_map(|nanos| Time(map::Time::from_nanos(nanos)))
    }

    prop_compose! {
        fn destination()(
            destination in text(),
            destination_ip in prop::option::of(text()),
            destination_pod_uid in prop::option::of(text()),
            original_destination in prop::option::of(text()),
            ints in prop::array::uniform4(prop::option::of(int())),
            src_ports in prop::option::of(prop::collection::vec(int(), 0..3)),
            last_seen in time(),
            first_seen in prop::option::of(time()),
            protocol in prop::option::of(prop::sample::select(Protocol::VALUES)),
            attempt in prop::option::of(prop::sample::select(AttemptOutcome::VALUES)),
        ) -> Destination {
            let [destination_port, ttl, original_port, connections] = ints;
            Destination {
                destination, destination_ip, destination_port, ttl, last_seen, src_ports, destination_pod_uid,
                original_destination, original_port, protocol, attempt, first_seen, connections,
            }
        }
    }

    prop_compose! {
        fn source()(
            src_ip in text(),
            src_hostname in text(),
            destinations in prop::collection::vec(destination(), 0..3),
            src_pod_uid in prop::option::of(text()),
            node_name in prop::option::of(text()),
            reporter_id in prop::option::of(text()),
        ) -> RecordedDestinationsForSrc {
            RecordedDestinationsForSrc {
                src_ip, src_hostname, destinations, src_pod_uid, node_name, reporter_id,
            }
        }
    }

    fn written(kind: ReportKind, results: &[RecordedDestinationsForSrc], is_named: bool) -> String {
        let query = serde_json::to_string(kind.document()).unwrap();
        let variable = recognise(kind.document()).unwrap().variable;
        let results = serde_json::to_string(results).unwrap();
        let name = if is_named {
            format!(r#","operationName":"{}""#, kind.field())
        } else {
            String::new()
        };
        format!(r#"{{"query":{query},"variables":{{"{variable}":{{"results":{results}}}}}{name}}}"#)
    }

    fn kinds() -> impl Strategy<Value = ReportKind> {
        prop::sample::select(&[
            ReportKind::Captures,
            ReportKind::TcpCaptures,
            ReportKind::SocketScans,
        ])
    }

    proptest! {
        #[test]
        fn what_reporters_write_is_read(
            kind in kinds(),
            results in prop::collection::vec(source(), 0..3),
            is_named: bool,
        ) {
            let body = written(kind, &results, is_named);
            let read = report(body.as_bytes());
            prop_assert!(read.is_some(), "{}", body);
            prop_assert_eq!(read, direct::report(body.as_bytes()));
        }

        #[test]
        fn what_is_taken_is_taken_as_elsewhere(
            kind in kinds(),
            results in prop::collection::vec(source(), 1..3),
            at: prop::sample::Index,
            put in prop::option::of(prop::sample::select(b"\"\\{}[],:0129-.eEn \n\x7f\xc3".as_slice())),
        ) {
            let mut body = written(kind, &results, true).into_bytes();
            let at = at.index(body.len());
            match put {
                Some(byte) => body[at] = byte,
                None => {
                    body.remove(at);
                }
            }
            if let Some(read) = report(&body) {
                prop_assert_eq!(Some(read), direct::report(&body));
            }
        }
    }

    #[test]
    fn other_reports_and_other_spellings_are_for_others() {
        let body = written(ReportKind::Captures, &[], true);
        assert!(report(body.as_bytes()).is_some());
        for (part, other) in [
            (",\"variables\"", ", \"variables\""),
            ("\"results\":[]", "\"results\":null"),
            ("\"operationName\":\"", "\"operationName\":\"Other"),
        ] {
            let body = body.replace(part, other);
            assert_eq!(report(body.as_bytes()), None, "{body}");
        }
        assert_eq!(report(&[body.as_bytes(), b"}"].concat()), None);
        let kafka = written(ReportKind::Kafka, &[], true);
        assert_eq!(report(kafka.as_bytes()), None);
    }
}
