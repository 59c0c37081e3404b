use std::net::IpAddr;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType, rdata};
use kernel::dns::{Malformed, parse};
use proptest::prelude::*;
use testkit::dns;

fn label() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_]([a-zA-Z0-9-]{0,10}[a-z0-9])?"
}

fn name() -> impl Strategy<Value = String> {
    prop::collection::vec(label(), 1..8).prop_map(|labels| labels.join("."))
}

fn address() -> impl Strategy<Value = IpAddr> {
    any::<IpAddr>().prop_map(|address| address.to_canonical())
}

proptest! {
    #[test]
    fn every_answer_comes_back(
        id in any::<u16>(), name in name(), chain in prop::collection::vec(name(), 0..4),
        addresses in prop::collection::vec(address(), 0..20), ttl in any::<u32>(),
    ) {
        let chain: Vec<&str> = chain.iter().map(String::as_str).collect();
        let bytes = dns::answer_by_way_of(id, &name, &chain, &addresses, ttl);
        let message = parse(&bytes).unwrap();
        prop_assert!(message.is_answer());
        prop_assert_eq!((message.id(), message.opcode(), message.response_code()), (id, 0, 0));
        prop_assert_eq!(message.question().name.to_text(), name.to_ascii_lowercase());
        let mut found = message.addresses();
        let ttl = if ttl >> 31 == 0 { ttl } else { 0 };
        for address in &addresses {
            let next = found.next().unwrap();
            prop_assert_eq!((next.address, next.ttl), (*address, ttl));
        }
        prop_assert_eq!(found.next(), None);
        prop_assert!(!found.cut());
    }

    /// What a well-kept library writes, with its name compression, reads the same here.
    #[test]
    fn a_library_agrees(
        id in any::<u16>(), asked in name(), alias in name(),
        addresses in prop::collection::vec(address(), 0..20), ttl in 0..=i32::MAX.cast_unsigned(), authoritative in any::<bool>(),
    ) {
        let asked_name = Name::from_ascii(format!("{asked}.")).unwrap();
        let alias = Name::from_ascii(format!("{alias}.")).unwrap();
        let mut message = Message::new(id, MessageType::Response, OpCode::Query);
        message.metadata.authoritative = authoritative;
        message.metadata.response_code = ResponseCode::NoError;
        message.add_query(Query::query(asked_name.clone(), RecordType::A));
        message.add_answer(Record::from_rdata(asked_name, ttl, RData::CNAME(rdata::CNAME(alias.clone()))));
        for address in &addresses {
            let data = match address {
                IpAddr::V4(address) => RData::A((*address).into()),
                IpAddr::V6(address) => RData::AAAA((*address).into()),
            };
            message.add_answer(Record::from_rdata(alias.clone(), ttl, data));
        }
        message.add_authority(Record::from_rdata(alias, ttl, RData::A(rdata::A::new(192, 0, 2, 1))));
        let bytes = message.to_vec().unwrap();
        let message = parse(&bytes).unwrap();
        prop_assert_eq!(message.question().name.to_text(), asked.to_ascii_lowercase());
        let found: Vec<IpAddr> = message.addresses().map(|found| found.address).collect();
        prop_assert_eq!(found, addresses);
    }

    /// Wherever a message breaks off: what was read before stands, and the end is told.
    #[test]
    fn a_cut_off_answer_tells_so(name in name(), addresses in prop::collection::vec(address(), 1..10), cut in any::<prop::sample::Index>()) {
        let whole = dns::answer(7, &name, &addresses, 30);
        let bytes = &whole[..cut.index(whole.len())];
        match parse(bytes) {
            Err(reason) => prop_assert_eq!(reason, Malformed::CutOff),
            Ok(message) => {
                let mut found = message.addresses();
                let read: Vec<IpAddr> = found.by_ref().map(|found| found.address).collect();
                prop_assert!(found.cut());
                prop_assert!(addresses.starts_with(&read) && read.len() < addresses.len());
            }
        }
    }

    #[test]
    fn noise_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(message) = parse(&bytes) {
            prop_assert!(message.question().name.as_wire().len() <= 254);
            prop_assert!(message.addresses().count() <= 256);
        }
    }
}

#[test]
fn questions_that_are_none() {
    let whole = dns::query(1, "shop.example", dns::A);
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole.clone();
        change(&mut bytes);
        parse(&bytes).map(drop)
    };
    assert_eq!(changed(&|bytes| bytes[5] = 2), Err(Malformed::Questions));
    assert_eq!(changed(&|bytes| bytes[5] = 0), Err(Malformed::Questions));
    // A pointer, and the label types of RFC 6891 5, in the first name.
    assert_eq!(changed(&|bytes| bytes[12] = 0xc0), Err(Malformed::Name));
    assert_eq!(changed(&|bytes| bytes[12] = 0x41), Err(Malformed::Name));
    assert_eq!(changed(&|bytes| bytes.truncate(11)), Err(Malformed::CutOff));
}

#[test]
fn the_longest_name_is_read_and_a_longer_one_is_not() {
    let label = "x".repeat(63);
    let name = |last: usize| format!("{label}.{label}.{label}.{}", "y".repeat(last));
    let longest = name(61);
    let bytes = dns::query(1, &longest, dns::A);
    assert_eq!(parse(&bytes).unwrap().question().name.to_text(), longest);
    let bytes = dns::query(1, &name(62), dns::A);
    assert_eq!(parse(&bytes).map(drop), Err(Malformed::Name));
}

#[test]
fn strange_bytes_in_a_name_have_one_text() {
    let mut bytes = dns::query(1, "a-b", dns::A);
    bytes[14] = b'.';
    assert_eq!(parse(&bytes).unwrap().question().name.to_text(), "a\\046b");
    bytes[14] = 0xff;
    assert_eq!(parse(&bytes).unwrap().question().name.to_text(), "a\\255b");
}

#[test]
fn a_record_of_odd_length_ends_the_answer() {
    let mut bytes = dns::answer(1, "shop", &[IpAddr::from([10, 0, 0, 1]); 2], 30);
    let length = bytes.len();
    bytes[length - 5] = 3; // the last record says three bytes of address
    let message = parse(&bytes).unwrap();
    let mut found = message.addresses();
    assert_eq!(found.by_ref().count(), 1);
    assert!(found.cut());
}
