//! TLS to a mapper that is reached by its own address.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::failure::Failure;

/// Speaks TLS on a connection, with whoever has a certificate for this host of one of these authorities.
pub(super) async fn over(
    stream: TcpStream,
    host: &str,
    authorities: Option<&Path>,
) -> Result<TlsStream<TcpStream>, Failure> {
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
        .map_err(|_| Failure::run(format!("{host}: no name that a certificate can have")))?;
    let config = config(roots(authorities)?)?;
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(|error| {
            Failure::run(format!("https://{host}: {error}"))
                .with_remedy("--ca-file FILE, with the certificate of whoever signed the mapper's")
        })
}

fn config(roots: RootCertStore) -> Result<ClientConfig, Failure> {
    let provider = rustls::crypto::ring::default_provider();
    let config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::run(format!("TLS cannot be set up: {error}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Those of the file, or the system's.
fn roots(file: Option<&Path>) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    let Some(path) = file else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    let unusable = |why: String| Failure::input(path, why);
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(|error| unusable(format!("cannot be read: {error}")))?;
    for certificate in certificates {
        let certificate =
            certificate.map_err(|error| unusable(format!("is no PEM file: {error}")))?;
        roots
            .add(certificate)
            .map_err(|error| unusable(format!("has a certificate that is none: {error}")))?;
    }
    Ok(roots)
}
