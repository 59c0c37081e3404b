//! The schema, and one request through it.

use async_graphql::{EmptySubscription, Request, Schema};
use wire::engine::{self, Inputs, InputsError, Refusal};
use wire::{Decoded, decode, response};

use super::mutation::{Bytes, Mutation};
use super::query::Query;
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

    /// Answers the body of a request.
    pub(crate) async fn answer(&self, body: &[u8]) -> Answer {
        match decode(body) {
            Decoded::Recognised(report) => {
                let kind = report.kind();
                match self.mapper.report(report, body.len()).await {
                    Ok(taken) => Answer {
                        status: 200,
                        json: response::reported(kind, taken),
                    },
                    Err(Stopped) => refused(503, &Stopped.to_string()),
                }
            }
            Decoded::NotRecognised(request) => {
                self.execute(self.inputs.request(&request), body.len(), Allowed::All)
                    .await
            }
            Decoded::Undecodable(message) => refused(400, &message),
            Decoded::Invalid(message) => refused(422, &message),
        }
    }

    /// Answers a query that came in the address of a request.
    pub(crate) async fn answer_get(&self, request: &decode::Request<'_>) -> Answer {
        self.execute(self.inputs.request(request), 0, Allowed::Queries)
            .await
    }

    async fn execute(
        &self,
        request: Result<Request, Refusal>,
        bytes: usize,
        allowed: Allowed,
    ) -> Answer {
        let mut request = match request {
            Ok(request) => request.data(Bytes(bytes)),
            Err(refusal) => return refused(refusal.status(), &refusal.to_string()),
        };
        if allowed == Allowed::Queries && is_mutation(&mut request) {
            return refused(406, "GET requests only allow query operations");
        }
        let response = self.schema.execute(request).await;
        let status = engine::status(&response);
        match serde_json::to_string(&response) {
            Ok(json) => Answer { status, json },
            Err(error) => refused(500, &error.to_string()),
        }
    }
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
