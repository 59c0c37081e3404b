//! From the parts of a body to a request of the engine.

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition};
use async_graphql::{Name, Variables, parser};

use super::coerce::Kinds;
use super::nesting;
use crate::limits::{MAX_DOCUMENT, MAX_NESTING};
use crate::{decode, numbers};

/// The input types of a served schema: what its variables are coerced to.
#[derive(Clone, Debug)]
pub struct Inputs(Kinds);

/// The schema's own text is not a schema: a fault of this program.
#[derive(Debug, thiserror::Error)]
#[error("the served schema cannot be read: {0}")]
pub struct InputsError(String);

/// Why a request does not reach the engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Status 400: the variables are not JSON.
    #[error("{0}")]
    Undecodable(String),
    /// Status 422: the document is no document, or a variable is not what it says.
    #[error("{0}")]
    Invalid(String),
}

impl Refusal {
    /// The status of the answer.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Undecodable(_) => 400,
            Self::Invalid(_) => 422,
        }
    }
}

impl Inputs {
    /// Of a schema, given as its text (`Schema::sdl`).
    pub fn of(sdl: &str) -> Result<Self, InputsError> {
        let kinds = Kinds::of(sdl);
        kinds
            .map(Self)
            .map_err(|error| InputsError(error.to_string()))
    }

    /// Parses the document and coerces the variables of its operation.
    pub fn request(
        &self,
        request: &decode::Request<'_>,
    ) -> Result<async_graphql::Request, Refusal> {
        let undecodable = |error: serde_json::Error| Refusal::Undecodable(error.to_string());
        let given = numbers::variables(request.variables).map_err(undecodable)?;
        let document = parse(&request.query)?;
        let mut variables = Variables::default();
        let wanted = request.operation_name.as_deref();
        // Without it the engine says what is wrong with the document.
        if let Some(operation) = operation(&document, wanted) {
            for definition in &operation.variable_definitions {
                let definition = &definition.node;
                let name = definition.name.node.as_str();
                let kind = &definition.var_type.node;
                match given.get(name) {
                    Some(json) => {
                        let json = numbers::tree(json).map_err(undecodable)?;
                        let value = self.0.coerce(kind, json);
                        let value = value.map_err(|refused| invalid(refused.message(name)))?;
                        variables.insert(Name::new(name), value);
                    }
                    None if kind.nullable || definition.default_value.is_some() => {}
                    None => return Err(invalid(format!("variable \"${name}\" must be defined"))),
                }
            }
        }
        let mut ready = async_graphql::Request::new(request.query.as_ref()).variables(variables);
        if let Some(name) = wanted {
            ready = ready.operation_name(name);
        }
        ready.set_parsed_query(document);
        Ok(ready)
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::Invalid(message.into())
}

fn parse(query: &str) -> Result<ExecutableDocument, Refusal> {
    if query.len() > MAX_DOCUMENT {
        return Err(invalid(format!(
            "the document is longer than {MAX_DOCUMENT} bytes"
        )));
    }
    if !nesting::is_within(query, MAX_NESTING) {
        return Err(invalid(format!(
            "the document nests deeper than {MAX_NESTING} levels"
        )));
    }
    parser::parse_query(query).map_err(|error| invalid(error.to_string()))
}

/// The operation that is to be executed, if the document leaves no doubt.
fn operation<'d>(
    document: &'d ExecutableDocument,
    wanted: Option<&str>,
) -> Option<&'d OperationDefinition> {
    let operation = match (&document.operations, wanted) {
        (DocumentOperations::Single(operation), None) => operation,
        (DocumentOperations::Multiple(all), Some(wanted)) => all.get(wanted)?,
        (DocumentOperations::Multiple(all), None) if all.len() == 1 => all.values().next()?,
        _ => return None,
    };
    Some(&operation.node)
}
