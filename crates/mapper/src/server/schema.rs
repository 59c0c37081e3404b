//! The schema, and one request through it.

use async_graphql::{EmptySubscription, Request, Schema};
use wire::engine::{self, Inputs, InputsError};
use wire::{Decoded, Report, decode, response};

use super::mutation::{Bytes, Denied, Mutation};
use super::query::Query;
use crate::access::needs::needs;
use crate::access::{Permit, Refusal, Roles, foreign_node};
use crate::writer::{Mapper, Stopped};

/// Selections within selections: an introspection query of the usual tools has 15.
const MAX_DEPTH: usize = 24;

/// Fields of one document. Lists count once: their length is bounded by the map.
const MAX_COMPLEXITY: usize = 2_000;

/// Directives on one field.
const MAX_DIRECTIVES: usize = 8;

/// The GraphQL server, without HTTP.
#[derive(Clone)]
pub struct Graph {
    schema: Schema<Query, Mutation, EmptySubscription>,
    inputs: Inputs,
    mapper: Mapper,
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph").finish_non_exhaustive()
    }
}

/// An answer: its status, and its JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: String,
}

/// Whether the request may change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// Queries and mutations.
    All,
    /// Queries only: it came by GET, which must be safe (RFC 9110 9.2.1).
    Queries,
}

impl Graph {
    /// A server in front of a writer.
    pub fn new(mapper: Mapper) -> Result<Self, InputsError> {
        let schema = Schema::build(Query, Mutation, EmptySubscription)
            .limit_depth(MAX_DEPTH)
            .limit_complexity(MAX_COMPLEXITY)
            .limit_directives(MAX_DIRECTIVES)
            .data(mapper.clone())
            .finish();
        let inputs = Inputs::of(&schema.sdl())?;
        Ok(Self {
            schema,
            inputs,
            mapper,
        })
    }

    /// Answers the body of a request, as far as its sender may.
    pub(crate) async fn answer(&self, body: &[u8], permit: &Permit) -> Result<Answer, Refusal> {
        match decode(body) {
            Decoded::Recognised(report) => {
                permit.check(Roles::KNOWN | Roles::REPORT)?;
                check_node(&report, permit)?;
                let kind = report.kind();
                Ok(match self.mapper.report(report, body.len()).await {
                    Ok(taken) => Answer {
                        status: 200,
                        json: response::reported(kind, taken),
                    },
                    Err(Stopped) => refused(503, &Stopped.to_string()),
                })
            }
            Decoded::NotRecognised(request) => {
                self.execute(&request, body.len(), Allowed::All, permit)
                    .await
            }
            Decoded::Undecodable(message) => unread(permit, 400, &message),
            Decoded::Invalid(message) => unread(permit, 422, &message),
        }
    }

    /// Answers a query that came in the address of a request.
    pub(crate) async fn answer_get(
        &self,
        request: &decode::Request<'_>,
        permit: &Permit,
    ) -> Result<Answer, Refusal> {
        self.execute(request, 0, Allowed::Queries, permit).await
    }

    async fn execute(
        &self,
        request: &decode::Request<'_>,
        bytes: usize,
        allowed: Allowed,
        permit: &Permit,
    ) -> Result<Answer, Refusal> {
        let mut request = match self.inputs.request(request) {
            Ok(request) => request,
            Err(error) => return unread(permit, error.status(), &error.to_string()),
        };
        match request.parsed_query() {
            Ok(document) => permit.check(needs(document))?,
            Err(error) => return unread(permit, 422, &error.to_string()),
        }
        if allowed == Allowed::Queries && is_mutation(&mut request) {
            return Ok(refused(406, "GET requests only allow query operations"));
        }
        let denied = Denied::default();
        let request = request
            .data(Bytes(bytes))
            .data(permit.clone())
            .data(denied.clone());
        let response = self.schema.execute(request).await;
        if let Some(refusal) = denied.take() {
            return Err(refusal);
        }
        let status = engine::status(&response);
        Ok(match serde_json::to_string(&response) {
            Ok(json) => Answer { status, json },
            Err(error) => refused(500, &error.to_string()),
        })
    }
}

/// A token of one node speaks for that node only.
pub(super) fn check_node(report: &Report, permit: &Permit) -> Result<(), Refusal> {
    let own = permit.node();
    match own.and_then(|own| foreign_node(report, own)) {
        Some(other) => Err(permit.refuse_node(other)),
        None => Ok(()),
    }
}

/// What could not be read is no query of `health`; others are told what is wrong with it.
fn unread(permit: &Permit, status: u16, message: &str) -> Result<Answer, Refusal> {
    permit.check(Roles::KNOWN)?;
    Ok(refused(status, message))
}

/// The schema's text.
pub fn sdl() -> String {
    Schema::build(Query, Mutation, EmptySubscription)
        .finish()
        .sdl()
}

fn is_mutation(request: &mut Request) -> bool {
    use async_graphql::parser::types::OperationType;
    let Ok(document) = request.parsed_query() else {
        return false; // the engine says what is wrong with it
    };
    let mut operations = document.operations.iter();
    operations.any(|(_, operation)| operation.node.ty == OperationType::Mutation)
}

/// A request that was not answered.
pub(crate) fn refused(status: u16, message: &str) -> Answer {
    Answer {
        status,
        json: response::refused(message),
    }
}
