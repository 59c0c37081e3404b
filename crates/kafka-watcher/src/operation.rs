//! What clients do to topics, in the brokers' words.

/// An operation of Kafka's access control (KIP-11 and later) that can be about a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Everything.
    All,
    /// Consume.
    Read,
    /// Produce.
    Write,
    /// Create it.
    Create,
    /// Delete it, or its records.
    Delete,
    /// Change it.
    Alter,
    /// Ask about it.
    Describe,
    /// Between brokers.
    ClusterAction,
    /// Ask for its configuration.
    DescribeConfigs,
    /// Change its configuration.
    AlterConfigs,
    /// Write without duplicates.
    IdempotentWrite,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::All,
        Self::Read,
        Self::Write,
        Self::Create,
        Self::Delete,
        Self::Alter,
        Self::Describe,
        Self::ClusterAction,
        Self::DescribeConfigs,
        Self::AlterConfigs,
        Self::IdempotentWrite,
    ];

    /// As `AclAuthorizer` writes it. The replaced mapper knows no other form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Create => "Create",
            Self::Delete => "Delete",
            Self::Alter => "Alter",
            Self::Describe => "Describe",
            Self::ClusterAction => "ClusterAction",
            Self::DescribeConfigs => "DescribeConfigs",
            Self::AlterConfigs => "AlterConfigs",
            Self::IdempotentWrite => "IdempotentWrite",
        }
    }

    /// As `StandardAuthorizer` writes it, the names of Java's `AclOperation`.
    pub const fn as_constant(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::Create => "CREATE",
            Self::Delete => "DELETE",
            Self::Alter => "ALTER",
            Self::Describe => "DESCRIBE",
            Self::ClusterAction => "CLUSTER_ACTION",
            Self::DescribeConfigs => "DESCRIBE_CONFIGS",
            Self::AlterConfigs => "ALTER_CONFIGS",
            Self::IdempotentWrite => "IDEMPOTENT_WRITE",
        }
    }

    /// Either form, whatever its capitals.
    pub(crate) fn of_word(word: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| {
            word.eq_ignore_ascii_case(operation.as_constant().as_bytes())
                || word.eq_ignore_ascii_case(operation.as_str().as_bytes())
        })
    }
}
