//! The certificate: read from its files, and read again when they change.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::shutdown::Stop;
use map::Time;
use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::access::certificate::expiry;
use crate::limits::{CERTIFICATE_EVERY, MAX_CERTIFICATE_FILE};

/// Where certificate and key are.
#[derive(Clone, Debug)]
pub struct Files {
    /// The chain in PEM, the server's own certificate first.
    pub certificate: PathBuf,
    /// Its key in PEM.
    pub key: PathBuf,
}

/// Why certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Is it mounted, and may we read it?
    #[error("{path} cannot be read: {cause}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// It is another file, or one that is being written.
    #[error("{path} is not what it should be: {cause}; a file in PEM is expected")]
    Pem {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: pem::Error,
    },
    /// They belong to different pairs, or one of them was exchanged a moment before the other.
    #[error("certificate and key cannot be used together: {0}")]
    Pair(rustls::Error),
}

/// The certificate that is shown to clients; a cheap handle.
#[derive(Clone, Debug, Default)]
pub struct Certificate(Arc<RwLock<Option<Loaded>>>);

#[derive(Clone, Debug)]
struct Loaded {
    key: Arc<CertifiedKey>,
    expires: Option<Time>,
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let loaded = self.0.read();
        loaded.as_ref().map(|loaded| Arc::clone(&loaded.key))
    }
}

impl Certificate {
    /// None: TLS is refused.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether there is one.
    pub fn is_there(&self) -> bool {
        self.0.read().is_some()
    }

    /// When it ends, if there is one and it can be read.
    pub fn expires(&self) -> Option<Time> {
        self.0.read().as_ref().and_then(|loaded| loaded.expires)
    }

    /// The configuration of a server that shows it.
    pub(crate) fn server(&self) -> Result<ServerConfig, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth();
        let mut config = builder.with_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    fn take(&self, (chain, key): (Vec<u8>, Vec<u8>), files: &Files) -> Result<(), TlsError> {
        let bad = |path: &Path| {
            let path = path.to_owned();
            move |cause| TlsError::Pem { path, cause }
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
        let chain = chain.map_err(bad(&files.certificate))?;
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(bad(&files.key))?;
        let Some(own) = chain.first() else {
            return Err(bad(&files.certificate)(pem::Error::NoItemsFound));
        };
        let expires = expiry(own);
        let key = CertifiedKey::from_der(chain, key, &ring::default_provider());
        let key = Arc::new(key.map_err(TlsError::Pair)?);
        *self.0.write() = Some(Loaded { key, expires });
        Ok(())
    }
}

/// Takes certificate and key from their files, whenever these change.
#[derive(Debug)]
pub struct Loader {
    files: Files,
    certificate: Certificate,
    /// What was read last, good or not: what has not changed is not tried again.
    last: Option<(Vec<u8>, Vec<u8>)>,
}

impl Loader {
    /// Nothing is read yet.
    pub fn new(files: Files) -> Self {
        Self {
            files,
            certificate: Certificate::none(),
            last: None,
        }
    }

    /// What clients are shown.
    pub fn certificate(&self) -> Certificate {
        self.certificate.clone()
    }

    /// Reads the files; whether there was something new in them. What is bad leaves the certificate as it was.
    ///
    /// Kubelet exchanges the folder behind both by one symbolic link, so that they change together; whoever reads one
    /// before and one after that has a pair that does not match, and reads a good one the next time.
    pub fn look(&mut self) -> Result<bool, TlsError> {
        let read = (read(&self.files.certificate)?, read(&self.files.key)?);
        if self.last.as_ref() == Some(&read) {
            return Ok(false);
        }
        self.last = Some(read.clone());
        self.certificate.take(read, &self.files)?;
        Ok(true)
    }

    /// Looks again and again, until the stop.
    pub async fn watch(mut self, stop: Stop) {
        while !stop.cancelled_within(CERTIFICATE_EVERY).await {
            // Small files; a volume that hangs must not hang the server.
            let looked = tokio::task::spawn_blocking(move || {
                let found = self.look();
                (self, found)
            });
            let Ok((loader, found)) = looked.await else {
                return; // the process ends
            };
            self = loader;
            self.report(found);
        }
    }

    /// Says what became of a look.
    pub fn report(&self, found: Result<bool, TlsError>) {
        match found {
            Ok(false) => {}
            Ok(true) => {
                let until = self.certificate.expires().map(|at| at.to_string());
                tracing::info!(until, "a certificate was read");
            }
            Err(error) if self.certificate.is_there() => {
                tracing::error!(%error, "the new certificate is not used; the one before stays");
            }
            Err(error) => {
                tracing::error!(%error, "there is no certificate: TLS is refused until there is one");
            }
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let bytes = || {
        let mut bytes = Vec::new();
        File::open(path)?
            .take(MAX_CERTIFICATE_FILE)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    bytes().map_err(|cause| TlsError::File {
        path: path.to_owned(),
        cause,
    })
}
