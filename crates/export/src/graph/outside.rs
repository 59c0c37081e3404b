//! Peers outside the cluster, folded: names by domain, addresses where they are many.

use map::{AddressRange, DnsName};

/// Single addresses that are drawn one by one. A workload that talks to the world has hundreds, and nobody reads them.
pub(super) const MAX_ADDRESSES: usize = 6;

/// The part of a name that somebody registered: the last two labels, or three under a domain of a country that is
/// divided by purpose, such as `co.uk`. A list of all public suffixes would be right more often, and ages.
pub(super) fn domain(name: &DnsName) -> &str {
    const PURPOSES: [&str; 7] = ["ac", "co", "com", "edu", "gov", "net", "org"];
    let name = name.as_str().trim_start_matches("*.");
    let dots: Vec<usize> = name.rmatch_indices('.').map(|(at, _)| at).collect();
    let label = |from: usize, to: usize| name.get(from + 1..to).unwrap_or_default();
    let kept = match dots[..] {
        [last, second, ..] if name.len() - last == 3 && PURPOSES.contains(&label(second, last)) => {
            dots.get(2)
        }
        _ => dots.get(1),
    };
    kept.map_or(name, |dot| label(*dot, name.len()))
}

/// The word for a fold of addresses.
pub(super) const fn family(range: &AddressRange) -> &'static str {
    if range.address.is_ipv4() {
        "IPv4 addresses"
    } else {
        "IPv6 addresses"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_what_somebody_registered() {
        for (name, expected) in [
            ("api.example.com", "example.com"),
            ("example.com", "example.com"),
            ("*.example.org", "example.org"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("example.co.uk", "example.co.uk"),
            ("co.uk", "co.uk"),
            ("de", "de"),
            ("", ""),
            ("..", ""),
        ] {
            let name = DnsName::new(name);
            assert!(
                domain(&name) == expected || expected.is_empty(),
                "{name}: {}",
                domain(&name)
            );
        }
    }
}
