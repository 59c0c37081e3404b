//! Whom the API server knows by a token.

use compact_str::CompactString;
use map::Time;

/// Who shows a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenUser {
    /// Such as `system:serviceaccount:portolan:sniffer`.
    pub name: CompactString,
    /// Such as `system:serviceaccounts`.
    pub groups: Vec<CompactString>,
    /// The node of the pod that the token is bound to; not every API server tells it, and not every token is bound.
    pub node: Option<CompactString>,
    /// When the token ends by what it says of itself (RFC 7519, 4.1.4).
    pub expires: Option<Time>,
}
