//! The cluster's DNS domain.

use compact_str::CompactString;

/// What clusters have when nobody chose another (Kubernetes documentation, "DNS for Services and Pods").
pub const DEFAULT_CLUSTER_DOMAIN: &str = "cluster.local";

/// The most of `resolv.conf` that is read: the kubelet writes at most 32 search domains of 2048 characters in all
/// (Kubernetes documentation, "DNS search domain list limits").
const MAX_BYTES: usize = 64 << 10;

/// The cluster's DNS domain: the configured one, else the one that the kubelet put into the pod's `/etc/resolv.conf`,
/// else [`DEFAULT_CLUSTER_DOMAIN`].
///
/// The kubelet gives a pod with DNS policy `ClusterFirst` the search list `<namespace>.svc.<domain> svc.<domain>
/// <domain>` and then the node's own (Kubernetes documentation, "DNS for Services and Pods", namespaces of Services);
/// only a list that has the first two tells the domain. `resolv_conf` is the file's text; empty when there is none.
pub fn cluster_domain(configured: Option<&str>, resolv_conf: &str) -> CompactString {
    configured
        .and_then(domain_name)
        .or_else(|| detected(resolv_conf))
        .unwrap_or_else(|| DEFAULT_CLUSTER_DOMAIN.into())
}

/// The last search list counts, as for resolvers (resolv.conf(5)).
fn detected(resolv_conf: &str) -> Option<CompactString> {
    let text = resolv_conf
        .char_indices()
        .nth(MAX_BYTES)
        .and_then(|(end, _)| resolv_conf.get(..end))
        .unwrap_or(resolv_conf);
    let list = text.lines().rev().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        (words.next() == Some("search")).then_some(words)
    })?;
    let list: Vec<_> = list.filter_map(domain_name).collect();
    let short = list.iter().find_map(|entry| entry.strip_prefix("svc."))?;
    let long = |entry: &CompactString| {
        let rest = entry.split_once('.').map(|(_, rest)| rest);
        rest.and_then(|rest| rest.strip_prefix("svc.")) == Some(short)
    };
    list.iter().any(long).then(|| short.into())
}

/// In small letters, without a dot at its end; `None` when it is no name (RFC 1035, section 2.3.4, for the lengths).
fn domain_name(text: &str) -> Option<CompactString> {
    let text = text.trim();
    let text = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(letter);
    (text.len() <= 253 && text.split('.').all(label)).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "search shop.svc.k8s.example.org svc.k8s.example.org k8s.example.org corp.example\n\
                       nameserver 10.96.0.10\noptions ndots:5\n";

    #[test]
    fn the_configured_domain_counts_first_then_the_search_list_then_the_default() {
        assert_eq!(cluster_domain(Some("My.Domain."), POD), "my.domain");
        assert_eq!(cluster_domain(None, POD), "k8s.example.org");
        assert_eq!(cluster_domain(Some(" "), POD), "k8s.example.org");
        assert_eq!(cluster_domain(None, ""), "cluster.local");
    }

    #[test]
    fn only_a_search_list_of_the_kubelet_tells_it() {
        for other in [
            "search corp.example",
            "search svc.corp.example corp.example",
            "search shop.svc.corp.example corp.example",
            "# search shop.svc.a.b svc.a.b",
            "searches shop.svc.a.b svc.a.b",
            "search shop.svc. svc.",
            "nameserver 10.96.0.10",
        ] {
            assert_eq!(cluster_domain(None, other), "cluster.local", "{other}");
        }
    }

    #[test]
    fn the_last_list_counts_in_any_case_and_with_dots() {
        let text = "search a.svc.one svc.one one\r\nsearch\tA.SVC.Two.\tSVC.two. two.";
        assert_eq!(cluster_domain(None, text), "two");
    }

    #[test]
    fn any_text_gives_some_domain() {
        let long = format!("search {}", "é".repeat(100_000));
        for text in [
            long.as_str(),
            "search \0 svc.\u{7f}",
            "search ... . svc..",
            "\n\n\n",
        ] {
            assert_eq!(cluster_domain(None, text), "cluster.local");
        }
    }
}
