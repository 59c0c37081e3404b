//! By which way a request comes: what its connection and its head tell, before anybody is asked.

use std::net::SocketAddr;

use http::{HeaderMap, Uri};

use super::bearer::bearer;
use super::loopback::{is_for_loopback, is_foreign_page, is_forwarded, is_loopback};
use super::permit::Permit;
use super::refusal::{Reason, Refusal};
use super::subjects::Access;

/// A connection.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// The other end.
    pub peer: SocketAddr,
    /// Our end.
    pub local: SocketAddr,
    /// Whether it is TLS.
    pub secure: bool,
}

impl Connection {
    /// Whether both ends are on loopback.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.peer.ip()) && is_loopback(self.local.ip())
    }
}

/// By which way a request comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way<'r> {
    /// What it may do is known.
    Permit(Permit),
    /// It shows this token.
    Token(&'r str),
}

/// The way of a request, or why there is none.
pub fn way<'r>(
    connection: &Connection,
    uri: &Uri,
    headers: &'r HeaderMap,
    access: Access,
) -> Result<Way<'r>, Refusal> {
    // Whatever else holds: no web page gets to the mapper through somebody's port-forward.
    if is_foreign_page(headers) {
        return Err(Refusal::of(Reason::Origin));
    }
    let Some(stranger) = stranger(connection, uri, headers) else {
        return Ok(Way::Permit(Permit::all()));
    };
    // With --access=open too: a page whose name was made to point here sends no Origin where it reads.
    if stranger == Reason::Host && !connection.secure {
        return Ok(Way::Permit(Permit::least(Refusal::of(stranger))));
    }
    if access == Access::Open {
        return Ok(Way::Permit(Permit::all()));
    }
    if connection.secure {
        return bearer(headers).map(Way::Token);
    }
    Ok(Way::Permit(Permit::least(Refusal::of(stranger))))
}

/// Why this is not a port-forward, if it is none.
fn stranger(connection: &Connection, uri: &Uri, headers: &HeaderMap) -> Option<Reason> {
    let authority = uri.authority().map(http::uri::Authority::as_str);
    if !connection.is_loopback() {
        Some(Reason::Plain)
    } else if !is_for_loopback(headers, authority) {
        Some(Reason::Host)
    } else if is_forwarded(headers) {
        Some(Reason::Forwarded)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::HeaderName;

    use super::*;

    const LOOPBACK: (&str, &str) = ("[::ffff:127.0.0.1]:40000", "[::ffff:127.0.0.1]:9090");
    const POD: (&str, &str) = ("10.0.0.7:40000", "10.0.0.9:9090");
    const HOST: (&str, &str) = ("host", "localhost:9090");
    const TOKEN: (&str, &str) = ("authorization", "Bearer abc");

    fn of(
        (peer, local): (&str, &str),
        secure: bool,
        pairs: &[(&str, &str)],
        access: Access,
    ) -> String {
        let connection = Connection {
            peer: peer.parse().unwrap(),
            local: local.parse().unwrap(),
            secure,
        };
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                (name, HeaderValue::from_str(value).unwrap())
            })
            .collect();
        match way(&connection, &Uri::from_static("/query"), &headers, access) {
            Ok(Way::Token(token)) => format!("token {token}"),
            Ok(Way::Permit(permit)) => match permit.check(crate::access::Roles::ALL) {
                Ok(()) => "all".to_owned(),
                Err(refusal) => format!("health, else {}", refusal.reason.label()),
            },
            Err(refusal) => refusal.reason.label().to_owned(),
        }
    }

    #[test]
    fn loopback_is_both_ends_no_proxy_and_a_name_of_ours() {
        let token = |pairs: &[_]| of(LOOPBACK, false, pairs, Access::Token);
        assert_eq!(token(&[HOST]), "all");
        assert_eq!(token(&[HOST, ("origin", "http://localhost:3000")]), "all");
        assert_eq!(
            token(&[("host", "mapper:9090")]),
            "health, else foreign_host"
        );
        assert_eq!(token(&[]), "health, else foreign_host");
        assert_eq!(token(&[HOST, ("via", "1.1 x")]), "health, else forwarded");
        assert_eq!(token(&[HOST, ("origin", "null")]), "foreign_origin");
        for ends in [
            ("127.0.0.2:4", "127.0.0.1:9090"),
            ("127.0.0.1:4", "127.0.0.2:9090"),
            ("127.0.0.1:4", "10.0.0.9:9090"),
            ("10.0.0.9:4", "127.0.0.1:9090"),
            ("[::2]:4", "[::1]:9090"),
            POD,
        ] {
            let found = of(ends, false, &[HOST, TOKEN], Access::Token);
            assert_eq!(found, "health, else plain_http", "{ends:?}");
        }
        let mixed = ("127.0.0.1:4", "[::1]:9090");
        assert_eq!(of(mixed, false, &[HOST], Access::Token), "all");
    }

    #[test]
    fn others_need_tls_and_a_token() {
        let of = |pairs: &[_]| of(POD, true, pairs, Access::Token);
        assert_eq!(of(&[("host", "mapper:9090"), TOKEN]), "token abc");
        assert_eq!(of(&[("host", "mapper:9090")]), "no_token");
        assert_eq!(of(&[("authorization", "Basic abc")]), "no_bearer_token");
        assert_eq!(
            of(&[TOKEN, ("origin", "https://evil.example")]),
            "foreign_origin"
        );
        assert_eq!(of(&[TOKEN, ("x-forwarded-for", "1.1.1.1")]), "token abc");
    }

    #[test]
    fn tls_over_loopback_with_a_foreign_host_needs_a_token_too() {
        let of = |pairs: &[_]| of(LOOPBACK, true, pairs, Access::Token);
        assert_eq!(of(&[HOST]), "all");
        assert_eq!(of(&[("host", "mapper"), TOKEN]), "token abc");
        assert_eq!(of(&[HOST, ("forwarded", "for=x")]), "no_token");
    }

    #[test]
    fn open_is_open_for_all_but_web_pages() {
        let of = |ends, pairs: &[_]| of(ends, false, pairs, Access::Open);
        assert_eq!(of(POD, &[("host", "mapper:9090")]), "all");
        assert_eq!(
            of(POD, &[("origin", "https://evil.example")]),
            "foreign_origin"
        );
        assert_eq!(of(LOOPBACK, &[HOST, ("via", "1.1 x")]), "all");
        let rebound = [("host", "evil.example:9090")];
        assert_eq!(of(LOOPBACK, &rebound), "health, else foreign_host");
    }
}
