//! What a reporter is told by its owner.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use http::Uri;

/// How to reach a mapper, and what to hold meanwhile.
///
/// There is no proxy in it: the mapper is in the cluster, and `HTTP_PROXY` is for what lies outside.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The mapper.
    pub mapper: MapperUrl,
    /// How long one request may take, from its first byte to the last one of the answer.
    pub timeout: Duration,
    /// A service account token for audience `portolan`. It is read again when it may have changed or was refused, and never sent, nor
    /// read, over plain HTTP.
    pub token_file: Option<PathBuf>,
    /// Whose signature the mapper's certificate must bear, in PEM. Read anew for each connection. Needed for https: the
    /// certificate of something in the cluster is none that public authorities sign.
    pub ca_file: Option<PathBuf>,
    /// The most bytes of reports in memory.
    pub memory: usize,
    /// Where to put what finds no place in memory, or is left at the end.
    pub folder: Option<Folder>,
}

impl Settings {
    /// Within a minute a request, 16 MiB of memory, and nothing else.
    pub const fn new(mapper: MapperUrl) -> Self {
        Self {
            mapper,
            timeout: Duration::from_mins(1),
            token_file: None,
            ca_file: None,
            memory: 16 << 20,
            folder: None,
        }
    }
}

/// A folder for one reporter alone.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Made if it is not there. Files of others in it are left alone.
    pub path: PathBuf,
    /// The most bytes in it.
    pub bytes: u64,
}

/// Settings that do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// See [`Settings::ca_file`].
    #[error(
        "{0} needs a file with the certificate authority that signed the mapper's certificate, in PEM: no other is trusted"
    )]
    NoAuthority(MapperUrl),
    /// A fault of this program.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// The address of a mapper's GraphQL endpoint, such as `http://mapper:9090/query`. `/query` is added where its path does
/// not end so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapperUrl {
    pub(super) tls: bool,
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// As it was written: what the header `Host` says.
    pub(super) authority: String,
    pub(super) path: String,
}

/// Not the address of a mapper.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{url:?} is not the address of a mapper: {why}; such as http://mapper:9090/query")]
pub struct UrlError {
    url: String,
    why: &'static str,
}

impl FromStr for MapperUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        parse(text).map_err(|why| UrlError {
            url: text.to_owned(),
            why,
        })
    }
}

fn parse(text: &str) -> Result<MapperUrl, &'static str> {
    let url: Uri = text.trim().parse().map_err(|_| "it cannot be read")?;
    let tls = match url.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err("it must begin with http:// or https://"),
    };
    let authority = url.authority().ok_or("there is no host in it")?;
    if authority.as_str().contains('@') {
        return Err("there must be no user in it; a token comes in a file");
    }
    if url.query().is_some() || text.contains('#') {
        return Err("there must be nothing behind its path");
    }
    let host = authority.host();
    let host = host
        .strip_prefix('[')
        .map_or(host, |host| host.strip_suffix(']').unwrap_or(host));
    if host.is_empty() {
        return Err("there is no host in it");
    }
    let behind = authority.as_str().strip_prefix(authority.host());
    let port = match behind.unwrap_or_default().strip_prefix(':') {
        None if tls => 443,
        None => 80,
        Some(port) => match port.parse() {
            Ok(port @ 1_u16..) => port,
            _ => return Err("its port must be between 1 and 65535"),
        },
    };
    let path = url.path().trim_end_matches('/');
    let path = if path.ends_with("/query") {
        path.to_owned()
    } else {
        format!("{path}/query")
    };
    Ok(MapperUrl {
        tls,
        host: host.to_owned(),
        port,
        authority: authority.as_str().to_owned(),
        path,
    })
}

impl fmt::Display for MapperUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_is_added_where_the_path_does_not_end_so() {
        for (text, url, host, port) in [
            (
                "http://mapper:9090/query",
                "http://mapper:9090/query",
                "mapper",
                9090,
            ),
            (
                "http://mapper:9090",
                "http://mapper:9090/query",
                "mapper",
                9090,
            ),
            (
                "https://mapper.portolan.svc/",
                "https://mapper.portolan.svc/query",
                "mapper.portolan.svc",
                443,
            ),
            (
                " http://10.0.0.1/a/b/ ",
                "http://10.0.0.1/a/b/query",
                "10.0.0.1",
                80,
            ),
            (
                "http://[fd00::1]:9090/x/query/",
                "http://[fd00::1]:9090/x/query",
                "fd00::1",
                9090,
            ),
            ("http://m/myquery", "http://m/myquery/query", "m", 80),
        ] {
            let found: MapperUrl = text.parse().unwrap();
            assert_eq!(
                (found.to_string().as_str(), found.host.as_str(), found.port),
                (url, host, port)
            );
            assert_eq!(found.tls, url.starts_with("https"));
        }
    }

    #[test]
    fn what_is_no_address_is_named() {
        for text in [
            "",
            "mapper",
            "mapper:9090",
            "/query",
            "ftp://mapper",
            "http://",
            "http://:9090",
            "http://m:0",
            "http://m:99999",
            "http://m:x",
            "http://m:",
            "http://user:word@m/query",
            "http://m/query?x=1",
            "http://m/query#x",
            "http://a b/",
        ] {
            let error = text.parse::<MapperUrl>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("{text:?} is not the address of a mapper: ")),
                "{error}"
            );
        }
    }
}
