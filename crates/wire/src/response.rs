//! Answers: written for the fast route, read by clients.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::document::ReportKind;

/// The answer to a report.
pub fn reported(kind: ReportKind, taken: bool) -> String {
    format!("{{\"data\":{{\"{}\":{taken}}}}}", kind.field())
}

/// The answer to a request that is refused as a whole.
pub fn refused(message: &str) -> String {
    let errors = [Error {
        message: message.to_owned(),
    }];
    let answer = serde_json::json!({ "errors": errors, "data": null });
    answer.to_string()
}

/// One entry of `errors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What went wrong.
    pub message: String,
}

/// Why an answer holds no data.
#[derive(Debug, thiserror::Error)]
pub enum ResponseError {
    /// Not an answer of a GraphQL server: look at the address.
    #[error("not a GraphQL answer: {0}")]
    Undecodable(#[from] serde_json::Error),
    /// The mapper refused the request, or could not do it.
    #[error("{}", messages(.0))]
    Errors(Vec<Error>),
    /// Neither data nor errors.
    #[error("the answer holds no data")]
    Empty,
}

fn messages(errors: &[Error]) -> String {
    let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    messages.join("; ")
}

/// Reads the `data` of an answer. Data beside errors is not used, as in the replaced clients.
pub fn data<T: DeserializeOwned>(body: &[u8]) -> Result<T, ResponseError> {
    #[derive(Deserialize)]
    struct Answer<T> {
        data: Option<T>,
        errors: Option<Vec<Error>>,
    }

    let answer: Answer<serde_json::Value> = serde_json::from_slice(body)?;
    match answer.errors {
        Some(errors) if !errors.is_empty() => Err(ResponseError::Errors(errors)),
        _ => match answer.data {
            Some(data) => Ok(serde_json::from_value(data)?),
            None => Err(ResponseError::Empty),
        },
    }
}

/// Reads the answer to a report, to `resetCapture` or to `health`: the one Boolean in it.
pub fn boolean(body: &[u8], field: &str) -> Result<bool, ResponseError> {
    let data: std::collections::BTreeMap<String, bool> = data(body)?;
    data.get(field).copied().ok_or(ResponseError::Empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_answered_is_read() {
        let body = reported(ReportKind::Kafka, false);
        assert_eq!(body, r#"{"data":{"reportKafkaMapperResults":false}}"#);
        let field = ReportKind::Kafka.field();
        assert!(!boolean(body.as_bytes(), field).unwrap());
        assert!(matches!(
            boolean(body.as_bytes(), "health"),
            Err(ResponseError::Empty)
        ));
    }

    #[test]
    fn errors_come_before_data() {
        let body = refused("unknown field \"x\"");
        let error = boolean(body.as_bytes(), "health").unwrap_err();
        assert_eq!(error.to_string(), "unknown field \"x\"");
        let both =
            br#"{"data":{"health":true},"errors":[{"message":"a","path":[]},{"message":"b"}]}"#;
        assert_eq!(boolean(both, "health").unwrap_err().to_string(), "a; b");
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        for body in ["", "<html>", "[]"] {
            let error = boolean(body.as_bytes(), "health").unwrap_err();
            assert!(matches!(error, ResponseError::Undecodable(_)), "{body}");
        }
        assert!(matches!(
            boolean(b"{}", "health"),
            Err(ResponseError::Empty)
        ));
    }
}
