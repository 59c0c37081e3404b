//! What a GraphQL engine needs so that it takes exactly the requests that [`decode`](crate::decode()) takes.
//!
//! ```text
//! decode::Request ─► Inputs::request ─► async_graphql::Request ─► schema ─► Response ─► status
//!                    variables coerced as the replaced server coerces them
//! ```
//!
//! async-graphql checks variables like literals: no number for a `String`, no text for an `Int`. Its built-in scalars
//! cannot be replaced under their names, so the variables are brought into the form that it wants before it sees them.

use async_graphql::{Error, ErrorExtensions, Response};

mod coerce;
mod nesting;
mod request;
pub(crate) mod rows;
mod scalars;

pub use request::{Inputs, InputsError, Refusal};
pub use rows::{Row, Rows, Write};

const CODE: &str = "code";
const FAILED: &str = "FAILED";

/// The error of a resolver: the request was good, and could not be done. Resolvers return no other.
pub fn failed(message: impl Into<String>) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set(CODE, FAILED))
}

/// The status of an answer, as in the replaced mapper: 422 when the request was refused, 200 otherwise, errors of
/// resolvers included.
///
/// The engine gives errors of validation and of resolvers alike; what tells them apart is the mark of [`failed`].
pub fn status(response: &Response) -> u16 {
    let is_failed = |error: &async_graphql::ServerError| {
        let extensions = error.extensions.as_ref();
        extensions.and_then(|values| values.get(CODE)) == Some(&FAILED.into())
    };
    if response.errors.iter().all(is_failed) {
        200
    } else {
        422
    }
}
