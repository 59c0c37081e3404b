//! What errors of the Kubernetes API mean on the way to a mapper, and which right is missing.

use http::StatusCode;
use kube::Error;
use kube::client::UpgradeConnectionError;

use super::causes;
use crate::failure::Failure;

/// What was asked of the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing yet.
    Client,
    Service,
    Pods,
    Forward,
}

impl Asked {
    /// The right that it takes.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Client => "connect",
            Self::Service => "get services",
            Self::Pods => "list pods",
            Self::Forward => "create pods/portforward",
        }
    }
}

/// A port-forward on a WebSocket begins with a GET, for which older API servers ask the right to `get`.
const GRANT: &str = "ask for a Role with: get services, list pods, get and create pods/portforward";

pub(super) fn refused(error: &Error, asked: Asked, server: &str, namespace: &str) -> Failure {
    let failed = |what: String| Failure::run(format!("{server}: {what}"));
    match status(error) {
        Some(StatusCode::FORBIDDEN) => failed(format!(
            "you have no right to `{}` in namespace {namespace}",
            asked.what()
        ))
        .with_remedy(format!(
            "{GRANT}, in namespace {namespace} (docs/command-line.md has it); or --mapper-url URL --token-file FILE"
        )),
        Some(StatusCode::UNAUTHORIZED) => {
            failed("does not know you: the credentials of the kubeconfig are wrong or expired".to_owned())
                .with_remedy("log in again as for kubectl, and see whether this works: kubectl auth whoami")
        }
        Some(status) => failed(format!("`{}` failed: {status}: {}", asked.what(), text(error))),
        None => failed(text(error))
            .with_remedy("kubectl version, to see whether the cluster answers; another one: --context NAME"),
    }
}

/// What the API server answered, if it did.
fn status(error: &Error) -> Option<StatusCode> {
    match error {
        Error::Api(status) => StatusCode::from_u16(status.code).ok(),
        Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(status)) => Some(*status),
        _ => None,
    }
}

fn text(error: &Error) -> String {
    match error {
        Error::Api(status) => status.message.clone(),
        other => causes(other),
    }
}
