//! The words of the protocols above TCP: Kafka operations and HTTP methods.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a client may do to a Kafka topic: the `KafkaOperation` of the GraphQL contract, after the
/// operations of Kafka's own access control (KIP-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KafkaOperation {
    /// Everything.
    All,
    /// Kafka's `Read`.
    Consume,
    /// Kafka's `Write`.
    Produce,
    /// Create a topic.
    Create,
    /// Change a topic.
    Alter,
    /// Delete a topic or its records.
    Delete,
    /// Ask about a topic.
    Describe,
    /// Between brokers.
    ClusterAction,
    /// Ask for the configuration.
    DescribeConfigs,
    /// Change the configuration.
    AlterConfigs,
    /// Write without duplicates.
    IdempotentWrite,
}

impl KafkaOperation {
    /// Every operation, in the order in which they are listed.
    pub const ALL: [Self; 11] = [
        Self::All,
        Self::Consume,
        Self::Produce,
        Self::Create,
        Self::Alter,
        Self::Delete,
        Self::Describe,
        Self::ClusterAction,
        Self::DescribeConfigs,
        Self::AlterConfigs,
        Self::IdempotentWrite,
    ];

    /// The value of the GraphQL enum.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Consume => "CONSUME",
            Self::Produce => "PRODUCE",
            Self::Create => "CREATE",
            Self::Alter => "ALTER",
            Self::Delete => "DELETE",
            Self::Describe => "DESCRIBE",
            Self::ClusterAction => "CLUSTER_ACTION",
            Self::DescribeConfigs => "DESCRIBE_CONFIGS",
            Self::AlterConfigs => "ALTER_CONFIGS",
            Self::IdempotentWrite => "IDEMPOTENT_WRITE",
        }
    }
}

/// The method of an HTTP request (RFC 9110 section 9): the `HttpMethod` of the GraphQL contract, which
/// has no HEAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// RFC 9110 9.3.1.
    Get,
    /// RFC 9110 9.3.3.
    Post,
    /// RFC 9110 9.3.4.
    Put,
    /// RFC 9110 9.3.5.
    Delete,
    /// RFC 9110 9.3.7.
    Options,
    /// RFC 9110 9.3.8.
    Trace,
    /// RFC 5789.
    Patch,
    /// RFC 9110 9.3.6.
    Connect,
    /// Any of them.
    All,
}

impl HttpMethod {
    /// Every method, in the order in which they are listed.
    pub const ALL: [Self; 9] = [
        Self::Get,
        Self::Post,
        Self::Put,
        Self::Delete,
        Self::Options,
        Self::Trace,
        Self::Patch,
        Self::Connect,
        Self::All,
    ];

    /// The value of the GraphQL enum.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Patch => "PATCH",
            Self::Connect => "CONNECT",
            Self::All => "ALL",
        }
    }
}

/// A word that is not in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// Refuse the item and count it: newer Kafka versions have operations that the contract lacks.
    #[error("not a Kafka operation such as CONSUME")]
    KafkaOperation,
    /// Refuse the item and count it: HEAD and extension methods are not in the contract.
    #[error("not an HTTP method such as GET")]
    HttpMethod,
}

impl FromStr for KafkaOperation {
    type Err = WordError;

    /// The value of the GraphQL enum, in capitals.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|word| word.as_str() == text);
        found.ok_or(WordError::KafkaOperation)
    }
}

impl FromStr for HttpMethod {
    type Err = WordError;

    /// The value of the GraphQL enum, in capitals.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|word| word.as_str() == text);
        found.ok_or(WordError::HttpMethod)
    }
}

impl fmt::Display for KafkaOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for HttpMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written_in_text_and_in_files() {
        for word in KafkaOperation::ALL {
            assert_eq!(word.to_string().parse(), Ok(word));
            assert_eq!(serde_json::to_value(word).unwrap(), word.as_str());
        }
        for word in HttpMethod::ALL {
            assert_eq!(word.to_string().parse(), Ok(word));
            assert_eq!(serde_json::to_value(word).unwrap(), word.as_str());
        }
    }

    #[test]
    fn other_words_are_refused() {
        assert_eq!(
            "Read".parse::<KafkaOperation>(),
            Err(WordError::KafkaOperation)
        );
        assert_eq!("HEAD".parse::<HttpMethod>(), Err(WordError::HttpMethod));
    }
}
