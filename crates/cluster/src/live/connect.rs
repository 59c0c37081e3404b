//! The connection to the Kubernetes API.

use std::time::Duration;

use kube::Client;
use kube::config::{Config, InferConfigError};

/// A connection that is not there by then: the next attempt may find another API server.
const CONNECT: Duration = Duration::from_secs(5);

/// Bytes that cannot be sent for so long never will be.
const WRITE: Duration = Duration::from_secs(15);

/// Why there is no client. Nothing was sent yet: an API server that is away is no error here.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither in a pod with a service account, nor is there a kubeconfig that can be read.
    #[error(
        "there is no access to a Kubernetes API: give the pod a service account, or set KUBECONFIG: {0}"
    )]
    Config(#[from] InferConfigError),
    /// The kubeconfig or service account holds what cannot be used, such as a certificate that is none.
    #[error("the access to the Kubernetes API cannot be used: {0}")]
    Client(#[from] kube::Error),
}

/// A client for the cluster that `$KUBECONFIG` or `~/.kube/config` names, else for the one that we are in.
///
/// The API server is reached directly: `HTTPS_PROXY` is for what lies outside the cluster. Must be called within a
/// tokio runtime; rustls needs a provider of cryptography, which is the process's to install.
pub async fn connect() -> Result<Client, ConnectError> {
    client(Config::infer().await?)
}

/// A client for this configuration, with our time-outs: retries and the patience for answers are ours, per request.
pub fn client(mut config: Config) -> Result<Client, ConnectError> {
    if config.proxy_url.take().is_some() {
        tracing::warn!("the Kubernetes API is reached without the proxy that is set");
    }
    config.connect_timeout = Some(CONNECT);
    config.write_timeout = Some(WRITE);
    config.read_timeout = None;
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}
