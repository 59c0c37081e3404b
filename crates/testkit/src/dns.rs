//! DNS messages (RFC 1035 4).

use std::net::IpAddr;

/// Record type A.
pub const A: u16 = 1;
/// Record type AAAA.
pub const AAAA: u16 = 28;
/// Record type CNAME.
const CNAME: u16 = 5;

/// A query for the addresses of a name.
pub fn query(id: u16, name: &str, record_type: u16) -> Vec<u8> {
    // Recursion desired.
    let mut bytes = header(id, 0x0100, 0);
    question(&mut bytes, name, record_type);
    bytes
}

/// An answer with these addresses, owned by the name of the question.
pub fn answer(id: u16, name: &str, addresses: &[IpAddr], ttl: u32) -> Vec<u8> {
    answer_by_way_of(id, name, &[], addresses, ttl)
}

/// An answer whose addresses are found by a chain of CNAMEs.
pub fn answer_by_way_of(
    id: u16,
    name: &str,
    chain: &[&str],
    addresses: &[IpAddr],
    ttl: u32,
) -> Vec<u8> {
    let record_type = match addresses.first() {
        Some(IpAddr::V6(_)) => AAAA,
        _ => A,
    };
    let mut bytes = header(id, 0x8180, (chain.len() + addresses.len()) as u16);
    question(&mut bytes, name, record_type);
    // A pointer to the question's name; behind a CNAME, to the CNAME's.
    let mut owner = 12_u16;
    for alias in chain {
        let alias = wire_name(alias);
        record(&mut bytes, owner, CNAME, ttl, &alias);
        owner = (bytes.len() - alias.len()) as u16;
    }
    for address in addresses {
        match address {
            IpAddr::V4(address) => record(&mut bytes, owner, A, ttl, &address.octets()),
            IpAddr::V6(address) => record(&mut bytes, owner, AAAA, ttl, &address.octets()),
        }
    }
    bytes
}

/// An answer without records and with this response code (3 for "no such name").
pub fn failure(id: u16, name: &str, code: u8) -> Vec<u8> {
    let mut bytes = header(id, 0x8180 | u16::from(code), 0);
    question(&mut bytes, name, A);
    bytes
}

/// A message behind its length, as over TCP (RFC 1035 4.2.2).
pub fn over_tcp(message: &[u8]) -> Vec<u8> {
    let mut bytes = (message.len() as u16).to_be_bytes().to_vec();
    bytes.extend(message);
    bytes
}

fn header(id: u16, flags: u16, records: u16) -> Vec<u8> {
    [id, flags, 1, records, 0, 0]
        .iter()
        .flat_map(|field| field.to_be_bytes())
        .collect()
}

fn question(bytes: &mut Vec<u8>, name: &str, record_type: u16) {
    bytes.extend(wire_name(name));
    bytes.extend(record_type.to_be_bytes());
    bytes.extend([0, 1]);
}

fn record(bytes: &mut Vec<u8>, owner: u16, record_type: u16, ttl: u32, data: &[u8]) {
    bytes.extend((0xc000 | owner).to_be_bytes());
    bytes.extend(record_type.to_be_bytes());
    bytes.extend([0, 1]);
    bytes.extend(ttl.to_be_bytes());
    bytes.extend((data.len() as u16).to_be_bytes());
    bytes.extend(data);
}

/// Labels behind their lengths, and the root.
pub fn wire_name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(label.len() as u8);
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes
}
