//! What a key is called in the environment, and what stands there.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Our own prefix, which wins over the replaced system's.
pub(super) const OURS: &str = "PORTOLAN_";
/// The replaced system's prefix.
pub(super) const OLD: &str = "OTTERIZE_";

/// The environment of the process; an empty value means unset.
#[derive(Debug)]
pub(super) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Takes what is set. Bytes that are no UTF-8 become replacement characters, so that they fail as values.
    pub(super) fn new<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let text = |raw: OsString| raw.to_string_lossy().into_owned();
        let pairs = pairs
            .into_iter()
            .map(|(name, value)| (text(name.into()), text(value.into())));
        Self(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// The first of these variables that is set.
    pub(super) fn first<'a>(&'a self, names: &'a [String]) -> Option<(&'a str, &'a str)> {
        names
            .iter()
            .find_map(|name| Some((name.as_str(), self.0.get(name)?.as_str())))
    }

    /// The variables with our prefix.
    pub(super) fn ours(&self) -> impl Iterator<Item = (&str, &str)> {
        let from = self.0.range(OURS.to_owned()..);
        from.take_while(|(name, _)| name.starts_with(OURS))
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The part of the name behind the prefix: upper case, `-` becomes `_`.
pub(super) fn upper(key: &str) -> String {
    key.to_uppercase().replace('-', "_")
}

/// The variables that give this key, the one that wins first.
pub(super) fn names(key: &str) -> Vec<String> {
    let upper = upper(key);
    vec![format!("{OURS}{upper}"), format!("{OLD}{upper}")]
}

/// Whether Kubernetes set this variable because there is a Service called `portolan-…` or `otterize-…`. Every pod gets
/// such variables for every Service of its namespace, and `PORTOLAN_METRICS_PORT=tcp://10.0.0.7:2112` is none of ours.
pub(super) fn is_service_link(name: &str, value: &str) -> bool {
    let protocol = ["tcp://", "udp://", "sctp://"]
        .iter()
        .any(|p| value.starts_with(p));
    let port = name.find("_PORT");
    protocol && port.is_some()
        || name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || port.is_some_and(|at| is_port_detail(&name[at + "_PORT".len()..]))
}

/// `_9090_TCP_ADDR` and the like, behind `_PORT`.
fn is_port_detail(text: &str) -> bool {
    let Some(text) = text.strip_prefix('_') else {
        return false;
    };
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let protocol = ["_TCP", "_UDP", "_SCTP"]
        .iter()
        .find_map(|p| rest.strip_prefix(p));
    rest.len() < text.len() && matches!(protocol, Some("" | "_PROTO" | "_PORT" | "_ADDR"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_two_names_and_ours_wins() {
        let environment = Environment::new([
            ("OTTERIZE_A_B", "old"),
            ("PORTOLAN_A_B", "ours"),
            ("OTTERIZE_C", "old"),
        ]);
        assert_eq!(
            environment.first(&names("a-b")),
            Some(("PORTOLAN_A_B", "ours"))
        );
        assert_eq!(environment.first(&names("c")), Some(("OTTERIZE_C", "old")));
        assert_eq!(environment.first(&names("d")), None);
    }

    #[test]
    fn an_empty_value_is_no_value_and_the_next_name_counts() {
        let environment = Environment::new([("PORTOLAN_A", ""), ("OTTERIZE_A", "old")]);
        assert_eq!(environment.first(&names("a")), Some(("OTTERIZE_A", "old")));
        assert_eq!(environment.ours().count(), 0);
    }

    #[test]
    fn what_kubernetes_sets_for_services_is_told_from_settings() {
        for (name, value) in [
            ("PORTOLAN_MAPPER_SERVICE_HOST", "10.0.0.7"),
            ("PORTOLAN_MAPPER_SERVICE_PORT", "9090"),
            ("PORTOLAN_MAPPER_SERVICE_PORT_API", "9090"),
            ("PORTOLAN_METRICS_PORT", "tcp://10.0.0.7:2112"),
            ("PORTOLAN_MAPPER_PORT_9090_TCP", "tcp://10.0.0.7:9090"),
            ("PORTOLAN_MAPPER_PORT_9090_TCP_ADDR", "10.0.0.7"),
            ("PORTOLAN_MAPPER_PORT_53_UDP_PROTO", "udp"),
        ] {
            assert!(is_service_link(name, value), "{name}");
        }
        for (name, value) in [
            ("PORTOLAN_METRICS_PORT", "2112"),
            ("PORTOLAN_MAPPER_API_URL", "http://mapper:9090/query"),
            ("PORTOLAN_PORT_SCAN", "1"),
            ("PORTOLAN_PORT_X_TCP", "1"),
            ("PORTOLAN_TARGET", "tcp://10.0.0.7:1"),
        ] {
            assert!(!is_service_link(name, value), "{name}");
        }
    }
}
