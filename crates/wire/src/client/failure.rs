//! What goes wrong on the way, in words for whoever reads the log.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::settings::MapperUrl;

/// Why a request had no answer that counts.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{url} cannot be reached: {cause}; is the mapper running, and is this its address?")]
    Connect { url: MapperUrl, cause: io::Error },
    #[error("{url} did not take the connection within {} s", .within.as_secs())]
    ConnectTime { url: MapperUrl, within: Duration },
    #[error("TLS with {url} failed: {cause}")]
    Tls { url: MapperUrl, cause: io::Error },
    #[error("the connection to {url} broke: {cause}")]
    Broken { url: MapperUrl, cause: hyper::Error },
    #[error("{url} did not answer within {} s", .within.as_secs_f64())]
    Time { url: MapperUrl, within: Duration },
    #[error("the answer of {url} has more than {most} bytes; is this a mapper?")]
    LongAnswer { url: MapperUrl, most: usize },
    #[error("{path} cannot be read: {cause}")]
    File { path: PathBuf, cause: io::Error },
    #[error("{path} is not what it should be: {why}")]
    Content { path: PathBuf, why: String },
    #[error("no request can be made: {0}")]
    Request(#[from] http::Error),
    #[error("what is spooled cannot be read: {0}")]
    Spooled(serde_json::Error),
    #[error("the process ends")]
    Ends,
}
