//! OTLP's messages in protobuf: opentelemetry-proto 1.9, `metrics/v1/metrics.proto` and
//! `collector/metrics/v1/metrics_service.proto`. Only the few that are needed, by the numbers of their fields.

use map::Time;

use super::Temporality;

/// What is sent at once.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) resource: &'a [(String, String)],
    pub(super) version: &'a str,
    pub(super) temporality: Temporality,
    pub(super) sums: &'a [Sum<'a>],
}

/// A counter.
#[derive(Debug)]
pub(super) struct Sum<'a> {
    pub(super) name: &'a str,
    pub(super) help: &'a str,
    pub(super) points: &'a [Point],
}

/// A number of a counter.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) attributes: Vec<(&'static str, String)>,
    pub(super) from: Time,
    pub(super) at: Time,
    pub(super) value: u64,
}

/// The name of what measured, as in the replaced mapper.
const SCOPE: &str = "otterize/network-mapper";

/// `ExportMetricsServiceRequest`.
pub(super) fn encode(message: &Message<'_>) -> Vec<u8> {
    let mut request = Vec::new();
    nested(&mut request, 1, |metrics| {
        nested(metrics, 1, |resource| {
            for (name, value) in message.resource {
                attribute(resource, 1, name, value);
            }
        });
        nested(metrics, 2, |of_scope| {
            nested(of_scope, 1, |scope| {
                bytes(scope, 1, SCOPE.as_bytes());
                bytes(scope, 2, message.version.as_bytes());
            });
            for sum in message.sums {
                nested(of_scope, 2, |metric| {
                    self::metric(metric, sum, message.temporality);
                });
            }
        });
    });
    request
}

fn metric(metric: &mut Vec<u8>, sum: &Sum<'_>, temporality: Temporality) {
    bytes(metric, 1, sum.name.as_bytes());
    bytes(metric, 2, sum.help.as_bytes());
    nested(metric, 7, |data| {
        for point in sum.points {
            nested(data, 1, |number| {
                fixed64(number, 2, nanos(point.from));
                fixed64(number, 3, nanos(point.at));
                // As a signed number.
                fixed64(number, 6, point.value.min(i64::MAX.unsigned_abs()));
                for (name, value) in &point.attributes {
                    attribute(number, 7, name, value);
                }
            });
        }
        varint_field(
            data,
            2,
            match temporality {
                Temporality::Delta => 1,
                Temporality::Cumulative => 2,
            },
        );
        varint_field(data, 3, 1);
    });
}

fn nanos(time: Time) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(0)
}

/// `KeyValue` with a text.
fn attribute(out: &mut Vec<u8>, field: u32, name: &str, value: &str) {
    nested(out, field, |pair| {
        bytes(pair, 1, name.as_bytes());
        nested(pair, 2, |any| bytes(any, 1, value.as_bytes()));
    });
}

fn nested(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    write(&mut inner);
    bytes(out, field, &inner);
}

fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    varint(out, u64::from(field << 3 | 2));
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn fixed64(out: &mut Vec<u8>, field: u32, value: u64) {
    varint(out, u64::from(field << 3 | 1));
    out.extend_from_slice(&value.to_le_bytes());
}

fn varint_field(out: &mut Vec<u8>, field: u32, value: u64) {
    varint(out, u64::from(field << 3));
    varint(out, value);
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// How many numbers the collector did not take: `ExportMetricsServiceResponse.partial_success.rejected_data_points`. What
/// cannot be read says nothing.
pub(super) fn rejected(response: &[u8]) -> u64 {
    let partial = field(response, 1).and_then(|value| match value {
        Value::Bytes(bytes) => Some(bytes),
        Value::Number(_) => None,
    });
    match partial.and_then(|partial| field(partial, 1)) {
        Some(Value::Number(count)) => count,
        _ => 0,
    }
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The first field of this number.
fn field(mut message: &[u8], wanted: u64) -> Option<Value<'_>> {
    while !message.is_empty() {
        let key = read_varint(&mut message)?;
        let value = match key & 7 {
            0 => Value::Number(read_varint(&mut message)?),
            1 => Value::Bytes(take(&mut message, 8)?),
            2 => {
                let length = usize::try_from(read_varint(&mut message)?).ok()?;
                Value::Bytes(take(&mut message, length)?)
            }
            5 => Value::Bytes(take(&mut message, 4)?),
            _ => return None,
        };
        if key >> 3 == wanted {
            return Some(value);
        }
    }
    None
}

fn take<'a>(message: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = message.split_at_checked(length)?;
    *message = rest;
    Some(taken)
}

fn read_varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_rejected_is_read_and_nonsense_says_nothing() {
        // partial_success { rejected_data_points: 300, error_message: "no" }
        assert_eq!(
            rejected(&[0x0a, 7, 0x08, 0xac, 0x02, 0x12, 2, b'n', b'o']),
            300
        );
        for nonsense in [
            &[][..],
            &[0x0a],
            &[0x0a, 9, 1],
            &[0xff; 12],
            &[0x08, 3],
            &[0x0b],
        ] {
            assert_eq!(rejected(nonsense), 0, "{nonsense:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_collector_answers_is_read(answer: Vec<u8>) {
            let _count = rejected(&answer);
            // What is in it is found, whatever stands behind it.
            let whole = [&[0x0a, 3, 0x08, 0xac, 0x02][..], &answer].concat();
            proptest::prop_assert_eq!(rejected(&whole), 300);
        }
    }

    #[test]
    fn numbers_of_all_lengths_come_back() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            varint(&mut bytes, number);
            assert_eq!(read_varint(&mut bytes.as_slice()), Some(number));
        }
    }
}
