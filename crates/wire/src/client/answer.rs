//! What an answer means for the report that it answers.

use std::time::Duration;

use super::connection::Answer;
use super::limits::MAX_TEXT;
use crate::Known;
use crate::document::ReportKind;
use crate::response::{self, ResponseError};

/// What is to be done with a report after an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing more: the mapper has it.
    Taken,
    /// To be sent again, the same.
    Again {
        why: String,
        after: Option<Duration>,
        /// Another token may be better.
        is_token: bool,
    },
    /// The mapper says that there is something wrong with the report (status 400, 422).
    Refused { status: u16, why: String },
    /// It is too large for the mapper, or for something before it (status 413).
    Large { why: String },
}

/// The answer to a report.
pub(super) fn to_report(kind: ReportKind, answer: &Answer) -> Verdict {
    match answer.status {
        200 => match response::boolean(&answer.body, kind.field()) {
            Ok(true) => Verdict::Taken,
            Ok(false) => again(
                answer,
                "the mapper has no room for reports now, or cannot write them to its disk"
                    .to_owned(),
            ),
            Err(error) => again(answer, short(&error.to_string())),
        },
        413 => Verdict::Large { why: said(answer) },
        // Only a mapper knows what is wrong with a report: what something else says, such as a proxy that wants TLS, may
        // change.
        status @ (400 | 422) if errors(answer).is_some() => Verdict::Refused {
            status,
            why: said(answer),
        },
        _ => again(answer, said(answer)),
    }
}

/// The answer to the question for known fields: what the mapper knows, or what to do before it is asked again. One that
/// refuses the question is taken for the replaced mapper.
pub(super) fn to_question(answer: &Answer) -> Result<Known, Verdict> {
    match (answer.status, Known::read(&answer.body)) {
        (200, Ok(known)) => Ok(known),
        (200 | 400 | 422, Err(ResponseError::Errors(_))) => Ok(Known::default()),
        _ => Err(again(answer, said(answer))),
    }
}

fn again(answer: &Answer, why: String) -> Verdict {
    Verdict::Again {
        why,
        after: answer.retry_after,
        is_token: matches!(answer.status, 401 | 403),
    }
}

/// The status, and the words of the mapper, which tell what to do.
pub(super) fn said(answer: &Answer) -> String {
    let status = answer.status;
    if let Some(words) = errors(answer) {
        return format!("status {status}: {}", short(&words));
    }
    let words = String::from_utf8_lossy(&answer.body);
    format!(
        "status {status}, not the answer of a mapper: {}",
        short(&words)
    )
}

/// The errors of GraphQL in it.
fn errors(answer: &Answer) -> Option<String> {
    match response::data::<serde_json::Value>(&answer.body) {
        Err(errors @ ResponseError::Errors(_)) => Some(errors.to_string()),
        _ => None,
    }
}

/// The start of a text, in one line.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = line.floor_char_boundary(MAX_TEXT);
    match line.get(..end) {
        Some(start) if end < line.len() => format!("{start}…"),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: ReportKind = ReportKind::TcpCaptures;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            retry_after: None,
            map: None,
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn only_true_is_taken() {
        let taken = response::reported(KIND, true);
        assert_eq!(to_report(KIND, &answer(200, &taken)), Verdict::Taken);
        for (status, body) in [
            (200, response::reported(KIND, false)),
            (200, response::reported(ReportKind::Kafka, true)),
            (200, response::refused("queue")),
            (200, "<html>".to_owned()),
            (200, String::new()),
            (201, taken.clone()),
            (204, String::new()),
            (302, taken.clone()),
            (401, response::refused("token")),
            (403, response::refused("role")),
            (404, "not found".to_owned()),
            (408, response::refused("slow")),
            (429, response::refused("rate")),
            (500, taken.clone()),
            (503, response::refused("busy")),
        ] {
            let verdict = to_report(KIND, &answer(status, &body));
            let Verdict::Again { is_token, why, .. } = verdict else {
                panic!("{status} {body}: {verdict:?}");
            };
            assert_eq!(is_token, matches!(status, 401 | 403));
            assert!(!why.is_empty());
        }
    }

    #[test]
    fn only_a_mapper_can_refuse_a_report() {
        for status in [400, 422] {
            let refused = to_report(KIND, &answer(status, &response::refused("unknown field")));
            assert_eq!(
                refused,
                Verdict::Refused {
                    status,
                    why: format!("status {status}: unknown field")
                }
            );
            for body in [
                "",
                "<html>plain HTTP was sent to a TLS port",
                "{\"data\":null}",
            ] {
                let verdict = to_report(KIND, &answer(status, body));
                assert!(matches!(verdict, Verdict::Again { .. }), "{verdict:?}");
            }
        }
        assert!(matches!(
            to_report(KIND, &answer(413, "")),
            Verdict::Large { .. }
        ));
    }

    #[test]
    fn a_mapper_that_refuses_the_question_is_the_replaced_one() {
        let known = r#"{"data":{"source":{"fields":[{"name":"nodeName"}]}}}"#;
        assert_ne!(to_question(&answer(200, known)), Ok(Known::default()));
        for status in [200, 400, 422] {
            let refused = answer(status, &response::refused("introspection disabled"));
            assert_eq!(to_question(&refused), Ok(Known::default()));
        }
        for status in [401, 403, 408, 429, 500, 503] {
            let refused = answer(status, &response::refused("no"));
            assert!(
                matches!(to_question(&refused), Err(Verdict::Again { .. })),
                "{status}"
            );
        }
        for status in [200, 400, 404, 422] {
            assert!(to_question(&answer(status, "<html>")).is_err());
        }
    }

    #[test]
    fn words_of_others_are_cut() {
        let Verdict::Again { why, .. } = to_report(KIND, &answer(502, &"ä\n".repeat(10_000)))
        else {
            panic!();
        };
        assert!(why.len() < MAX_TEXT + 60 && why.ends_with('…'), "{why}");
    }
}
