//! A mapper by its own address.

use std::path::Path;
use std::time::Duration;

use http::uri::Scheme;
use http::{HeaderValue, Uri};
use tokio::net::TcpStream;

use super::mapper::{Mapper, Place};
use super::tls;
use crate::args::MapperArgs;
use crate::failure::Failure;

/// How long to wait for a connection: packets that a firewall drops are sent again for much longer.
const CONNECT: Duration = Duration::from_secs(10);

const REMEDY: &str =
    "leave out --mapper-url, and the way leads through the Kubernetes API, by a port-forward";

pub(super) async fn open(url: &str, args: &MapperArgs) -> Result<Mapper, Failure> {
    let url = url.trim_end_matches('/');
    let failed = |what: String| Failure::run(format!("{url}: {what}")).with_remedy(REMEDY);
    let uri: Uri = url
        .parse()
        .map_err(|error| failed(format!("no address: {error}")))?;
    let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
        return Err(failed(
            "no address: it begins with http:// or https://".to_owned(),
        ));
    };
    let secure = *scheme == Scheme::HTTPS;
    if !secure && *scheme != Scheme::HTTP {
        return Err(failed(format!("{scheme} is neither http nor https")));
    }
    if !secure && args.token_file.is_some() {
        return Err(
            Failure::run(format!("{url}: a token is never sent over plain HTTP"))
                .with_remedy("use https, or leave the token out where a port-forward needs none"),
        );
    }
    let port = authority
        .port_u16()
        .unwrap_or(if secure { 443 } else { 80 });
    let host = authority.host();
    let connection = TcpStream::connect((host.trim_matches(['[', ']']), port));
    let stream = match tokio::time::timeout(CONNECT, connection).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Err(_) => return Err(failed("no connection within 10 s".to_owned())),
    };
    let _slower = stream.set_nodelay(true);
    let place = Place {
        name: url.to_owned(),
        host: authority.to_string(),
        folder: uri.path().trim_end_matches('/').to_owned(),
        token: args.token_file.as_deref().map(bearer).transpose()?,
    };
    if secure {
        let handshake = tls::over(stream, host, args.ca_file.as_deref());
        let stream = tokio::time::timeout(CONNECT, handshake)
            .await
            .map_err(|_| failed("no TLS within 10 s".to_owned()))??;
        Mapper::on(stream, place).await
    } else {
        Mapper::on(stream, place).await
    }
}

fn bearer(path: &Path) -> Result<HeaderValue, Failure> {
    let token = std::fs::read_to_string(path)
        .map_err(|error| Failure::input(path, format!("cannot be read: {error}")))?;
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim()))
        .map_err(|_| Failure::input(path, "is no token"))?;
    value.set_sensitive(true);
    Ok(value)
}
