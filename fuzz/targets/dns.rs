//! A DNS message: a name that was read is read again as itself, and a message survives its way over TCP.
#![no_main]

use kernel::dns::{self, Message};
use kernel::dns_stream::DnsStream;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = dns::parse(bytes) {
        check(&message, bytes);
    }
    arrives_over_tcp(bytes);
});

fn check(message: &Message<'_>, bytes: &[u8]) {
    let question = message.question();
    let text = question.name.to_string();
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
    assert_eq!(text, text.to_ascii_lowercase());

    let mut query = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend_from_slice(question.name.as_wire());
    query.push(0);
    query.extend_from_slice(&question.record_type.to_be_bytes());
    query.extend_from_slice(&question.class.to_be_bytes());
    let again = dns::parse(&query).expect("a name that was read is a name");
    assert_eq!(again.question(), question);
    assert_eq!(again.addresses().count(), 0);

    // The shortest record with an address: root name, fixed part, four bytes.
    assert!(message.addresses().count() * 15 <= bytes.len());
    assert!(
        message
            .addresses()
            .all(|found| found.address == found.address.to_canonical() && found.ttl < 1 << 31)
    );
}

/// The first byte says where the stream is cut, and every segment comes twice.
fn arrives_over_tcp(bytes: &[u8]) {
    let Some((&cut, message)) = bytes.split_first() else {
        return;
    };
    let Ok(length) = u16::try_from(message.len()) else {
        return;
    };
    let sent = [&length.to_be_bytes(), message].concat();
    let (first, second) = sent.split_at(usize::from(cut).min(sent.len()));
    // Close to the end of the number space, so that it wraps.
    let start = u32::MAX - 3;
    let behind = start.wrapping_add(u32::try_from(first.len()).expect("below 256"));

    let mut arrived = Vec::new();
    let mut stream = DnsStream::new(Some(start));
    for (sequence, segment) in [
        (start, first),
        (start, first),
        (behind, second),
        (behind, second),
    ] {
        stream.push(sequence, segment, |message| arrived.push(message.to_vec()));
    }
    assert!(!stream.is_dead());
    assert_eq!(arrived, [message]);
}
