//! The map of a running mapper, over HTTP or HTTPS.

use std::path::Path;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use map::Map;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::args::MapperArgs;
use crate::failure::Failure;

/// How long to wait for a connection, and for the first byte.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the whole map may take: a million edges over a slow line.
const WHOLE: Duration = Duration::from_mins(10);

/// Bytes of a map; a million edges take less than one GiB.
const MAX_MAP: usize = 4 << 30;

/// Fetches the whole map.
pub(crate) fn map(args: &MapperArgs) -> Result<Map, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::run(format!("cannot start: {error}")))?;
    let bytes = runtime.block_on(fetch(args))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Failure::run(format!("{}: what came is no map: {error}", args.mapper_url))
            .with_remedy("is a mapper of this version behind that address?")
    })
}

async fn fetch(args: &MapperArgs) -> Result<Bytes, Failure> {
    let url = args.mapper_url.trim_end_matches('/');
    let failed = |what: String| Failure::run(format!("{url}: {what}"));
    let uri: Uri = format!("{url}/map")
        .parse()
        .map_err(|error| failed(format!("no address: {error}")))?;
    let mut request = Request::get(&uri);
    if let Some(path) = &args.token_file {
        if uri.scheme_str() != Some("https") {
            return Err(failed("a token is never sent over plain HTTP".to_owned())
                .with_remedy("use https, or leave the token out where a port-forward needs none"));
        }
        request = request.header(AUTHORIZATION, bearer(path)?);
    }
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(error.to_string()))?;
    let client = Client::builder(TokioExecutor::new()).build(connector(args)?);
    let response = tokio::time::timeout(PATIENCE, client.request(request));
    let response = match response.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(failed(causes(&error)).with_remedy(FORWARD)),
        Err(_) => return Err(failed("no answer within 30 s".to_owned()).with_remedy(FORWARD)),
    };
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_MAP).collect();
    let body = match tokio::time::timeout(WHOLE, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) => return Err(failed(format!("the map breaks off: {error}"))),
        Err(_) => return Err(failed("the map took more than 10 minutes".to_owned())),
    };
    if status == StatusCode::OK {
        return Ok(body);
    }
    let said = String::from_utf8_lossy(&body);
    let said = said.lines().next().unwrap_or_default();
    Err(failed(format!("answered {status}: {said}")))
}

const FORWARD: &str = "kubectl port-forward -n otterize-system service/otterize-network-mapper 9090, and leave it running";

/// An error and what caused it, since the first alone says little.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn bearer(path: &Path) -> Result<HeaderValue, Failure> {
    let token = std::fs::read_to_string(path)
        .map_err(|error| Failure::input(path, format!("cannot be read: {error}")))?;
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim()))
        .map_err(|_| Failure::input(path, "is no token"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn connector(args: &MapperArgs) -> Result<HttpsConnector<HttpConnector>, Failure> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = &args.ca_file {
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
    } else {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
    }
    let provider = rustls::crypto::ring::default_provider();
    let config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::run(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .build())
}
