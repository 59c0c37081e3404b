//! Why a process does not start as it was told to.

/// The message is for the operator, and complete: it names the key as it was given, the value, and what is accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No error: help or version was asked for. The text belongs on standard output.
    #[error("{0}")]
    Asked(String),
    /// The command line cannot be read: an unknown flag, a flag without its value, one that is required.
    #[error("{0}")]
    Usage(String),
    /// A value is not accepted.
    #[error("{key}: {value:?} is not accepted: {accepted}")]
    Value {
        /// The flag or the environment variable, whichever gave the value.
        key: String,
        /// What was given; a secret is not shown.
        value: String,
        /// What is accepted instead.
        accepted: String,
    },
}

impl ConfigError {
    /// The status the process ends with: 0 after help, 2 after a mistake, as command lines do.
    pub const fn exit_status(&self) -> u8 {
        match self {
            Self::Asked(_) => 0,
            Self::Usage(_) | Self::Value { .. } => 2,
        }
    }
}
