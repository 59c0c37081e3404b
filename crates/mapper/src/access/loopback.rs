//! What comes from this very machine: a port-forward, which the rights of Kubernetes guard.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::HeaderMap;
use http::header::{self, HeaderName};

/// Whether this is `127.0.0.1` or `::1`, as `kubectl port-forward` has at both ends. The rest of 127/8 is not: nothing
/// sound uses it here.
pub fn is_loopback(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address == Ipv4Addr::LOCALHOST || address == Ipv6Addr::LOCALHOST
}

/// Whether a host, with or without a port (RFC 9110, 7.2), is a name of this machine. A page whose own name was made to
/// point here (DNS rebinding) has that name instead.
pub fn is_loopback_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix("[::1]") {
        Some(rest) => ("[::1]", rest),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = |text: &str| {
        let digits = text.strip_prefix(':');
        digits.is_some_and(|digits| {
            digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok()
        })
    };
    let is_name = name == "[::1]" || name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost");
    is_name && (port.is_empty() || is_port(port))
}

/// Whether an origin (RFC 6454, 6.2) is a page of this machine. `null` is not: any page can have that.
pub fn is_loopback_origin(origin: &str) -> bool {
    let host = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    host.is_some_and(is_loopback_host)
}

/// Headers by which proxies tell for whom they ask, beside those that begin with `x-forwarded-`: RFC 7239, RFC 9110
/// 7.6.3, and what is usual. One that asks for others over loopback is a sidecar, and its clients are strangers.
const FORWARDING: [&str; 10] = [
    "cf-connecting-ip",
    "client-ip",
    "forwarded",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-original-forwarded-for",
    "x-real-ip",
];

/// Whether a proxy says that it asks for somebody else.
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    let tells = |name: &HeaderName| {
        let name = name.as_str(); // lower case
        name.starts_with("x-forwarded-") || FORWARDING.contains(&name)
    };
    headers.keys().any(tells)
}

/// Whether a web page of somebody else asks: by its origin, or by what browsers tell where there is none (Fetch
/// Metadata Request Headers, 2.2).
pub fn is_foreign_page(headers: &HeaderMap) -> bool {
    let is_foreign = |value: &header::HeaderValue| !value.to_str().is_ok_and(is_loopback_origin);
    headers.get_all(header::ORIGIN).iter().any(is_foreign)
        || headers
            .get_all("sec-fetch-site")
            .iter()
            .any(|value| value == "cross-site")
}

/// Whether the request is for a name of this machine: exactly one `Host`, and the authority of the target, which wins
/// over it (RFC 9112, 3.2.2), if there is one.
pub fn is_for_loopback(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    host.is_some_and(is_loopback_host)
        && hosts.next().is_none()
        && authority.is_none_or(is_loopback_host)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_static(value))
        });
        pairs.collect()
    }

    #[test]
    fn two_addresses_are_loopback() {
        for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(is_loopback(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.2",
            "::ffff:127.0.0.2",
            "::127.0.0.1",
            "0.0.0.0",
            "::",
            "10.0.0.1",
            "::2",
        ] {
            assert!(!is_loopback(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn three_names_are_loopback_with_any_port() {
        for host in [
            "localhost",
            "LocalHost:9090",
            "127.0.0.1",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:65535",
        ] {
            assert!(is_loopback_host(host), "{host}");
            assert!(is_loopback_origin(&format!("http://{host}")), "{host}");
            assert!(is_loopback_origin(&format!("https://{host}")), "{host}");
        }
        for host in [
            "",
            "localhost.evil.example",
            "localhost:",
            "localhost:x",
            "localhost:99999",
            "localhost:+1",
            "127.0.0.1.evil.example",
            "127.0.0.2",
            "127.1",
            "[::1]evil.example",
            "[::1",
            "::1",
            "evil.example",
            "localhost@evil.example",
            "localhost/",
            " localhost",
            "portolan-mapper:9090",
        ] {
            assert!(!is_loopback_host(host), "{host}");
            assert!(!is_loopback_origin(&format!("http://{host}")), "{host}");
        }
        for origin in [
            "null",
            "",
            "localhost",
            "file://localhost",
            "http://localhost/",
        ] {
            assert!(!is_loopback_origin(origin), "{origin}");
        }
    }

    #[test]
    fn a_proxy_that_says_so_is_one() {
        for name in [
            "Forwarded",
            "X-Forwarded-For",
            "x-forwarded-client-cert",
            "Via",
            "X-Real-Ip",
        ] {
            assert!(is_forwarded(&headers(&[(name, "x")])), "{name}");
        }
        assert!(!is_forwarded(&headers(&[
            ("host", "localhost"),
            ("x-forwarded", "x")
        ])));
    }

    #[test]
    fn pages_of_others_are_foreign_however_they_say_it() {
        for pair in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", ""),
            ("sec-fetch-site", "cross-site"),
        ] {
            assert!(is_foreign_page(&headers(&[pair])), "{pair:?}");
            let both = [("origin", "http://localhost:3000"), pair];
            assert!(is_foreign_page(&headers(&both)), "{both:?}");
        }
        for pair in [
            ("origin", "http://localhost:3000"),
            ("sec-fetch-site", "none"),
            ("sec-fetch-site", "same-origin"),
            ("referer", "https://docs.example"),
        ] {
            assert!(!is_foreign_page(&headers(&[pair])), "{pair:?}");
        }
    }

    #[test]
    fn one_host_and_the_target_must_be_ours() {
        let ours = ("host", "localhost:9090");
        assert!(is_for_loopback(&headers(&[ours]), None));
        assert!(is_for_loopback(&headers(&[ours]), Some("127.0.0.1:9090")));
        assert!(!is_for_loopback(&headers(&[ours]), Some("evil.example")));
        assert!(!is_for_loopback(&headers(&[]), None));
        assert!(!is_for_loopback(&headers(&[ours, ours]), None));
        assert!(!is_for_loopback(
            &headers(&[("host", "evil.example")]),
            None
        ));
    }
}
