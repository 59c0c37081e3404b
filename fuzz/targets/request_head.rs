//! The head of a request to the mapper: who gets by without a token is on loopback, without a proxy, by a name of this
//! machine, and no web page of another origin gets by at all.
//!
//! The first byte chooses the connection; then comes the head, as text.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use libfuzzer_sys::fuzz_target;
use mapper::access::way::{Connection, Way, way};
use mapper::access::{Access, Reason, Roles};
use mapper::form;

const ADDRESSES: [&str; 4] = [
    "127.0.0.1:9090",
    "[::ffff:127.0.0.1]:9090",
    "127.0.0.2:9090",
    "10.0.0.9:9090",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, head)) = bytes.split_first() else {
        return;
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let target = lines.next().unwrap_or_default();
    query(target);
    let Ok(uri) = Uri::try_from(target) else {
        return;
    };
    let headers = headers(lines);
    let address = |at: u8| ADDRESSES[usize::from(at & 3)].parse().expect("an address");
    let connection = Connection {
        peer: address(choice),
        local: address(choice >> 2),
        secure: choice & 16 != 0,
    };
    let access = if choice & 32 == 0 {
        Access::Token
    } else {
        Access::Open
    };
    check(&connection, &uri, &headers, access);
});

fn headers<'h>(lines: impl Iterator<Item = &'h [u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // hyper takes no more than a hundred.
    for line in lines.take(100) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(parts.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(parts.next().unwrap_or_default().trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

fn check(connection: &Connection, uri: &Uri, headers: &HeaderMap, access: Access) {
    let origins = headers.get_all(header::ORIGIN);
    let foreign = origins
        .iter()
        .any(|origin| !is_ours(origin.as_bytes(), &[b"http://", b"https://"]));
    let answer = way(connection, uri, headers, access);
    if foreign {
        let refusal = answer.expect_err("a page of another origin");
        assert_eq!(refusal.reason, Reason::Origin);
        return;
    }
    match answer {
        Ok(Way::Token(token)) => {
            assert!(connection.secure, "tokens are not looked at without TLS");
            assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
        }
        Ok(Way::Permit(permit)) if permit.check(Roles::ALL).is_ok() => {
            if access == Access::Token {
                assert!(looks_like_a_port_forward(connection, headers));
            }
            let local = ADDRESSES[..2]
                .iter()
                .any(|a| a.parse() == Ok(connection.peer));
            if local && !connection.secure && connection.is_loopback() {
                assert!(
                    hosts_are_ours(headers),
                    "a name that was made to point here"
                );
            }
        }
        Ok(Way::Permit(permit)) => {
            assert!(permit.check(Roles::NONE).is_ok());
            assert!(permit.check(Roles::KNOWN).is_err());
        }
        Err(refusal) => assert!(!refusal.text.is_empty()),
    }
}

fn looks_like_a_port_forward(connection: &Connection, headers: &HeaderMap) -> bool {
    let proxies = [
        "forwarded",
        "via",
        "x-real-ip",
        "x-forwarded-for",
        "x-forwarded-proto",
    ];
    connection.is_loopback()
        && hosts_are_ours(headers)
        && !proxies.iter().any(|name| headers.contains_key(*name))
}

fn hosts_are_ours(headers: &HeaderMap) -> bool {
    let hosts: Vec<_> = headers.get_all(header::HOST).iter().collect();
    hosts.len() == 1 && is_ours(hosts[0].as_bytes(), &[b""])
}

/// The rule once more, from its other end: every name that is ours, with every port.
fn is_ours(text: &[u8], schemes: &[&[u8]]) -> bool {
    let Ok(text) = str::from_utf8(text) else {
        return false;
    };
    let hosts = schemes
        .iter()
        .filter_map(|scheme| text.strip_prefix(str::from_utf8(scheme).ok()?));
    hosts.into_iter().any(|host| {
        let lower = host.to_ascii_lowercase();
        let name = match lower.rsplit_once(':') {
            Some((name, port)) if port.parse::<u16>().is_ok() && !port.starts_with('+') => name,
            _ => lower.as_str(),
        };
        ["localhost", "127.0.0.1", "[::1]"].contains(&name)
    })
}

/// A query string gives no more pairs than it has parts, and what is written by the rules is read as it was.
fn query(target: &[u8]) {
    let text = String::from_utf8_lossy(target);
    let pairs: Vec<_> = form::pairs(&text).collect();
    assert!(pairs.len() <= text.split('&').count());
    let escape =
        |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02x}")).collect() };
    let written: Vec<_> = pairs
        .iter()
        .map(|(key, value)| format!("{}={}", escape(key), escape(value)))
        .collect();
    let again: Vec<_> = form::pairs(&written.join("&")).collect();
    assert_eq!(again, pairs);
}
