//! The way to a mapper, and what is asked on it: one connection for each command.
//!
//! ```text
//! --mapper-url ──► direct   TCP, with TLS for https ─────────────────┐
//! else ──► forward  kubeconfig ► Service ► its first ready pod ► port-forward ─┴─► Mapper: HTTP/1.1
//! ```

mod direct;
mod forward;
mod mapper;
mod refused;
mod tls;

use tokio::runtime::Runtime;

pub(crate) use mapper::{Mapper, data};

use crate::args::MapperArgs;
use crate::failure::Failure;

/// What runs a command's questions.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::run(format!("cannot start: {error}")))
}

/// Connects to the mapper that the arguments name.
pub(crate) async fn open(args: &MapperArgs) -> Result<Mapper, Failure> {
    match &args.mapper_url {
        Some(url) => direct::open(url, args).await,
        None => Box::pin(forward::open(args)).await,
    }
}

/// An error and what caused it, since the first alone says little.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
