//! What the status of a ClientIntents should say.

use std::collections::BTreeSet;
use std::net::IpAddr;

use cluster::live::Resolved;
use compact_str::{CompactString, ToCompactString};
use map::Time;

use crate::dns_names::DnsNames;
use crate::limits::MAX_ADDRESSES_PER_DOMAIN;

/// A domain of an internet target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Domain {
    /// One name, in lower case.
    Exact(CompactString),
    /// All names with this end: `.example.com` for `*.example.com`. As in the replaced system, `*` may stand for any
    /// number of labels.
    Wild(CompactString),
}

impl Domain {
    pub(super) fn new(text: &str) -> Self {
        let text = text.strip_suffix('.').unwrap_or(text);
        let name = |text: &str| {
            let mut name = CompactString::from(text);
            name.make_ascii_lowercase();
            name
        };
        text.strip_prefix('*')
            .map_or_else(|| Self::Exact(name(text)), |end| Self::Wild(name(end)))
    }
}

/// The addresses that the status should have, or `None` if it says all that there is to say.
///
/// As in the replaced system, an address stays as long as its domain is in the spec, whatever DNS says meanwhile:
/// established connections outlive answers, and policies must not cut them. A domain that no target names any more goes
/// with its addresses.
pub(super) fn desired(
    domains: &BTreeSet<CompactString>,
    current: &Resolved,
    names: &DnsNames,
    now: Time,
) -> Option<Resolved> {
    let mut wanted = Resolved::new();
    for domain in domains {
        let found = match Domain::new(domain) {
            Domain::Exact(name) => known(names.of(&name, now)),
            Domain::Wild(end) => known(names.under(&end, now)),
        };
        let old = current.get(domain);
        if let Some(old) = old {
            wanted.insert(domain.clone(), joined(old, found));
        } else if !found.is_empty() {
            wanted.insert(domain.clone(), found);
        }
    }
    (wanted != *current).then_some(wanted)
}

/// Those that a policy may allow, as many as there is room for.
fn known(addresses: impl Iterator<Item = IpAddr>) -> BTreeSet<CompactString> {
    let mut found = BTreeSet::new();
    for address in addresses.filter(|address| may_be_allowed(*address)) {
        if found.len() >= MAX_ADDRESSES_PER_DOMAIN {
            break;
        }
        found.insert(address.to_compact_string());
    }
    found
}

/// Old and new ones. Where there is no room for all, old ones that were not found again make room.
fn joined(
    old: &BTreeSet<CompactString>,
    found: BTreeSet<CompactString>,
) -> BTreeSet<CompactString> {
    let mut joined = found;
    for address in old {
        if joined.len() >= MAX_ADDRESSES_PER_DOMAIN {
            break;
        }
        joined.insert(address.clone());
    }
    joined
}

/// Whether an address can be that of a server elsewhere. Whoever controls a domain can give it any address: a policy for
/// it must not open the way to the node itself, or to a cloud's metadata service (169.254.169.254).
pub(super) fn may_be_allowed(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            !(v4.is_unspecified()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast())
        }
        IpAddr::V6(v6) => {
            !(v6.is_unspecified()
                || v6.is_loopback()
                || v6.is_unicast_link_local()
                || v6.is_multicast())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_secs(1);
    const LATER: Time = Time::from_secs(100);

    fn names(pairs: &[(&str, &str)]) -> DnsNames {
        let mut names = DnsNames::new(10_000);
        for (name, address) in pairs {
            names.learn(name, address.parse().unwrap(), LATER, NOW);
        }
        names
    }

    fn status(entries: &[(&str, &[&str])]) -> Resolved {
        let entry = |(dns, ips): &(&str, &[&str])| {
            let ips = ips.iter().map(|ip| CompactString::from(*ip)).collect();
            (CompactString::from(*dns), ips)
        };
        entries.iter().map(entry).collect()
    }

    fn of(domains: &[&str], current: &Resolved, names: &DnsNames) -> Option<Resolved> {
        let domains = domains.iter().map(|d| CompactString::from(*d)).collect();
        desired(&domains, current, names, NOW)
    }

    #[test]
    fn a_domain_of_the_table_gets_its_addresses() {
        let names = names(&[
            ("api.example.com", "203.0.113.20"),
            ("api.example.com", "203.0.113.3"),
        ]);
        let wanted = of(&["api.example.com"], &Resolved::new(), &names);
        let expected = status(&[("api.example.com", &["203.0.113.20", "203.0.113.3"])]);
        assert_eq!(wanted, Some(expected));
    }

    #[test]
    fn without_domains_nothing_is_written() {
        let names = names(&[("api.example.com", "203.0.113.1")]);
        assert_eq!(of(&[], &Resolved::new(), &names), None);
    }

    #[test]
    fn a_domain_never_seen_changes_nothing() {
        let names = names(&[("api.example.com", "203.0.113.1")]);
        assert_eq!(of(&["other.example.com"], &Resolved::new(), &names), None);
        assert_eq!(of(&["*.example.org"], &Resolved::new(), &names), None);
    }

    #[test]
    fn what_the_status_says_already_is_not_written_again() {
        let names = names(&[("api.example.com", "203.0.113.1")]);
        let current = status(&[("api.example.com", &["203.0.113.1"])]);
        assert_eq!(of(&["api.example.com"], &current, &names), None);
    }

    #[test]
    fn new_addresses_join_the_old_ones_that_stay_while_the_domain_stays() {
        let names = names(&[("api.example.com", "203.0.113.2")]);
        let current = status(&[("api.example.com", &["203.0.113.9"])]);
        let expected = status(&[("api.example.com", &["203.0.113.2", "203.0.113.9"])]);
        assert_eq!(of(&["api.example.com"], &current, &names), Some(expected));
        let expired = Time::from_secs(1000);
        let domains = BTreeSet::from([CompactString::from("api.example.com")]);
        assert_eq!(desired(&domains, &current, &names, expired), None);
    }

    #[test]
    fn the_entry_of_a_domain_that_is_in_no_target_goes_alone_or_with_all() {
        let names = names(&[]);
        let current = status(&[("a.org", &["203.0.113.1"]), ("b.org", &["203.0.113.2"])]);
        let expected = status(&[("b.org", &["203.0.113.2"])]);
        assert_eq!(of(&["b.org"], &current, &names), Some(expected));
        assert_eq!(of(&[], &current, &names), Some(Resolved::new()));
    }

    #[test]
    fn a_wildcard_gets_the_addresses_of_all_names_under_it_each_once() {
        let names = names(&[
            ("a.example.com", "203.0.113.1"),
            ("b.c.example.com", "203.0.113.2"),
            ("d.example.com", "203.0.113.1"),
            ("example.com", "203.0.113.3"),
            ("badexample.com", "203.0.113.4"),
        ]);
        let expected = status(&[("*.example.com", &["203.0.113.1", "203.0.113.2"])]);
        assert_eq!(
            of(&["*.example.com"], &Resolved::new(), &names),
            Some(expected)
        );
    }

    #[test]
    fn a_domain_is_found_whatever_its_case_and_named_as_in_the_spec() {
        let names = names(&[("api.example.com", "203.0.113.1")]);
        let expected = status(&[
            ("*.Example.COM", &["203.0.113.1"]),
            ("API.example.com.", &["203.0.113.1"]),
        ]);
        let domains = ["API.example.com.", "*.Example.COM"];
        assert_eq!(of(&domains, &Resolved::new(), &names), Some(expected));
    }

    #[test]
    fn the_node_itself_and_the_metadata_service_never_become_allowed() {
        let own = [
            "127.0.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "fe80::1",
            "::ffff:169.254.169.254",
        ];
        let names = names(&own.map(|address| ("evil.example.com", address)));
        assert_eq!(of(&["evil.example.com"], &Resolved::new(), &names), None);
    }

    #[test]
    fn addresses_of_a_domain_are_bounded_and_those_found_again_stay() {
        let mut names = DnsNames::new(10_000);
        let address = |n: usize| IpAddr::from(u32::try_from(n).unwrap().to_be_bytes());
        for n in 0..MAX_ADDRESSES_PER_DOMAIN - 1 {
            names.learn("a.org", address(0x0a00_0000 + n), LATER, NOW);
        }
        let current = status(&[("a.org", &["203.0.113.1", "203.0.113.2", "203.0.113.3"])]);
        let wanted = of(&["a.org"], &current, &names).unwrap();
        assert_eq!(wanted["a.org"].len(), MAX_ADDRESSES_PER_DOMAIN);
        assert!(wanted["a.org"].contains("203.0.113.1"));
        assert_eq!(of(&["a.org"], &wanted, &names), None);
    }
}
