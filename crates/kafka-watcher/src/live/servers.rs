//! Which pods are brokers, as it is configured.

use std::fmt;
use std::str::FromStr;

use compact_str::CompactString;

use crate::limits::MAX_NAME;

/// Pods by their names, as `name.namespace`, separated by white space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Servers(pub(crate) Vec<Server>);

/// A pod by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) name: CompactString,
    pub(crate) namespace: CompactString,
}

/// Pods by their labels, as `namespace/selector`, separated by white space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selectors(pub(crate) Vec<Selector>);

/// Pods of a namespace by their labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) namespace: CompactString,
    /// As the API server takes it, such as `app=kafka,tier!=test`.
    pub(crate) labels: CompactString,
}

/// An item that names no pods.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ServersError {
    /// See [`Servers`].
    #[error("{0:?} is no pod: expected its name, one dot and its namespace, such as kafka-0.kafka")]
    Pod(String),
    /// See [`Selectors`].
    #[error(
        "{0:?} selects no pods: expected a namespace, a slash and labels, such as kafka/app.kubernetes.io/name=kafka"
    )]
    Labels(String),
}

/// Names of namespaces and pods are of small letters, digits and dashes (RFC 1123); those of pods may have dots, but none
/// here.
fn is_name(text: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_of_name)
}

impl FromStr for Servers {
    type Err = ServersError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let server = |item: &str| match item.split_once('.') {
            Some((name, namespace)) if is_name(name) && is_name(namespace) => Ok(Server {
                name: name.into(),
                namespace: namespace.into(),
            }),
            _ => Err(ServersError::Pod(item.to_owned())),
        };
        text.split_whitespace()
            .map(server)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl FromStr for Selectors {
    type Err = ServersError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let selector = |item: &str| match item.split_once('/') {
            Some((namespace, labels)) if is_name(namespace) && is_selector(labels) => {
                Ok(Selector {
                    namespace: namespace.into(),
                    labels: labels.into(),
                })
            }
            _ => Err(ServersError::Labels(item.to_owned())),
        };
        text.split_whitespace()
            .map(selector)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// Requirements of equality and existence (Kubernetes documentation, "Labels and Selectors"); those on sets have spaces.
fn is_selector(text: &str) -> bool {
    let is_of_selector = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/=!,".contains(&byte);
    let parts = || text.split(',');
    text.len() <= 4 * MAX_NAME
        && text.bytes().all(is_of_selector)
        && parts().all(|part| part.bytes().any(|byte| byte.is_ascii_alphanumeric()))
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.name, self.namespace)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_named_as_before() {
        let servers: Servers = " kafka-0.kafka\n kafka-1.kafka ".parse().unwrap();
        let texts: Vec<_> = servers.0.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["kafka-0.kafka", "kafka-1.kafka"]);
        assert_eq!("".parse(), Ok(Servers::default()));
    }

    #[test]
    fn an_item_that_is_no_pod_is_named() {
        for item in [
            "kafka",
            ".kafka",
            "kafka.",
            "kafka-0.kafka.svc",
            "a/b.c",
            "Kafka-0.kafka",
        ] {
            let text = format!("kafka-0.kafka {item}");
            let error = text.parse::<Servers>().unwrap_err();
            assert_eq!(error, ServersError::Pod(item.to_owned()));
            assert!(error.to_string().contains("such as kafka-0.kafka"));
        }
    }

    #[test]
    fn labels_select_pods_of_a_namespace() {
        let text = "kafka/app.kubernetes.io/name=kafka,role!=test other/strimzi.io/kind";
        let selectors: Selectors = text.parse().unwrap();
        let texts: Vec<_> = selectors.0.iter().map(ToString::to_string).collect();
        assert_eq!(texts.join(" "), text);
        for item in [
            "kafka",
            "/app=kafka",
            "kafka/",
            "kafka/a=b,",
            "kafka/a&b",
            "kafka.x/a=b",
        ] {
            assert!(item.parse::<Selectors>().is_err(), "{item}");
        }
    }
}
