//! Whose certificates are trusted: read from a file for each new connection.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::failure::Failure;
use super::limits::MAX_CA_FILE;
use super::token::read_bounded;

/// The certificate authorities in a file.
#[derive(Debug)]
pub(super) struct Trust {
    path: PathBuf,
    server: ServerName<'static>,
    /// What was read, and what came of it: it remembers sessions too.
    read: Option<(Vec<u8>, Arc<ClientConfig>)>,
}

impl Trust {
    pub(super) fn new(path: PathBuf, host: &str) -> Result<Self, InvalidDnsNameError> {
        Ok(Self {
            path,
            server: ServerName::try_from(host.to_owned())?,
            read: None,
        })
    }

    /// The name that the certificate must bear.
    pub(super) fn server(&self) -> ServerName<'static> {
        self.server.clone()
    }

    /// As the file is now. What is bad, such as one that is just being exchanged, leaves things as they were.
    pub(super) async fn connector(&mut self) -> Result<TlsConnector, Failure> {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || {
            read_bounded(&path, MAX_CA_FILE).map_err(|cause| Failure::File { path, cause })
        });
        let read = read.await.map_err(|_| Failure::Ends)?;
        let config = match (read, self.read.take()) {
            (Ok(bytes), Some((same, config))) if bytes == same => (bytes, config),
            (Ok(bytes), before) => match config(&self.path, &bytes) {
                Ok(config) => (bytes, Arc::new(config)),
                Err(error) => keep(before, error)?,
            },
            (Err(error), before) => keep(before, error)?,
        };
        let connector = TlsConnector::from(Arc::clone(&config.1));
        self.read = Some(config);
        Ok(connector)
    }
}

fn keep<T>(before: Option<T>, error: Failure) -> Result<T, Failure> {
    let Some(before) = before else {
        return Err(error);
    };
    tracing::warn!(%error, "the new certificate authorities are not used; those before stay");
    Ok(before)
}

fn config(path: &Path, pem: &[u8]) -> Result<ClientConfig, Failure> {
    let bad = |why: String| Failure::Content {
        path: path.to_owned(),
        why: format!("{why}; certificates in PEM are expected"),
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| bad(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| bad(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(bad("there is no certificate in it".to_owned()));
    }
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
