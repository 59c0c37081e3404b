//! Small types of values: lists, ports, secrets.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A list whose items are separated by white space; the empty text is the empty list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(pub Vec<String>);

impl FromStr for Words {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.split_whitespace().map(str::to_owned).collect()))
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// A TCP port to listen on; 0 lets the kernel choose a free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port(pub u16);

/// The text is not a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a port from 1 to 65535, or 0 for any free one")]
pub struct PortError;

impl FromStr for Port {
    type Err = PortError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| PortError)
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What stands for a secret wherever it would be shown.
pub(super) const HIDDEN: &str = "(hidden)";

/// A text that is never shown: not in logs, not in errors, not in the listing of settings.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_of_any_kind_separates_items() {
        let Ok(words) = " istio-system\tlinkerd\n kube-system ".parse::<Words>();
        assert_eq!(words.to_string(), "istio-system linkerd kube-system");
        let Ok(none) = "  ".parse::<Words>();
        assert_eq!(none, Words::default());
    }

    #[test]
    fn a_port_is_a_number_of_sixteen_bits() {
        assert_eq!("2112".parse(), Ok(Port(2112)));
        assert_eq!("0".parse(), Ok(Port(0)));
        for text in ["", "-1", "65536", "http", ":2112", "tcp://10.0.0.1:80"] {
            assert_eq!(text.parse::<Port>(), Err(PortError), "{text}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let Ok(secret) = "hunter2".parse::<Secret>();
        assert_eq!(format!("{secret} {secret:?}"), "(hidden) (hidden)");
        assert_eq!(secret.expose(), "hunter2");
    }
}
