//! TLS as clients of the mapper speak it, and certificates for it.

use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// The mapper's name.
pub const NAME: &str = "portolan-mapper.portolan.svc";

/// A certificate for the mapper, in files as kubelet would bring them, and the only one that its clients trust.
#[derive(Debug)]
pub struct Certificate {
    folder: PathBuf,
    config: Arc<ClientConfig>,
}

impl Certificate {
    /// A new one, in a folder of this name.
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("portolan-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self::within(&folder)
    }

    /// A new one, in the place of this one.
    #[must_use]
    pub fn renew(&self) -> Self {
        Self::within(&self.folder)
    }

    fn within(folder: &Path) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([NAME.to_owned(), "localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let write = |name, tag, der: &[u8]| {
            let text = pem::encode(&pem::Pem::new(tag, der));
            fs::write(folder.join(name), text).unwrap();
        };
        write("tls.crt", "CERTIFICATE", certificate.der());
        write("tls.key", "PRIVATE KEY", &key.serialize_der());
        Self {
            folder: folder.to_owned(),
            config: trusting(certificate.der()),
        }
    }

    /// The file with it, for clients that trust it.
    pub fn file(&self) -> PathBuf {
        self.folder.join("tls.crt")
    }

    /// The mapper's arguments for it.
    pub fn arguments(&self) -> [String; 4] {
        let path = |name| self.folder.join(name).display().to_string();
        [
            "--tls-cert-file".to_owned(),
            path("tls.crt"),
            "--tls-key-file".to_owned(),
            path("tls.key"),
        ]
    }

    /// TLS over this connection, for whoever trusts this certificate only.
    pub fn over(&self, stream: TcpStream) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let name = ServerName::try_from(NAME).unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.config), name);
        let mut stream = StreamOwned::new(connection.map_err(io::Error::other)?, stream);
        stream.conn.complete_io(&mut stream.sock)?;
        Ok(stream)
    }
}

fn trusting(certificate: &CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}
