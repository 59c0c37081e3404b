//! The coercion of variables: what the replaced server (gqlparser's variable validation, then its scalars) makes of
//! the JSON of a variable, given its type.

use std::collections::HashMap;

use async_graphql::parser::types::{BaseType, Type, TypeKind, TypeSystemDefinition};
use async_graphql::{Name, Value, parser};
use serde_json::Value as Json;

use crate::{Int, Time};

/// The input types of a schema by their names.
#[derive(Clone, Debug)]
pub(super) struct Kinds(HashMap<Name, Kind>);

/// What a named type takes.
#[derive(Clone, Debug)]
enum Kind {
    Scalar,
    Enum(Vec<Name>),
    Object(Vec<Field>),
}

#[derive(Clone, Debug)]
struct Field {
    name: Name,
    kind: Type,
    has_default: bool,
}

/// Why a value is not taken, and where in the variable it is.
pub(super) struct Refused {
    /// Such as `.results[0].srcIp`, collected from the end.
    path: Vec<String>,
    what: String,
}

impl Refused {
    fn new(what: impl Into<String>) -> Self {
        Self {
            path: Vec::new(),
            what: what.into(),
        }
    }

    fn within(mut self, step: String) -> Self {
        self.path.push(step);
        self
    }

    /// For the client.
    pub(super) fn message(&self, variable: &str) -> String {
        let path: String = self.path.iter().rev().map(String::as_str).collect();
        format!("variable \"${variable}{path}\" {}", self.what)
    }
}

impl Kinds {
    /// From the text of a schema.
    pub(super) fn of(sdl: &str) -> Result<Self, parser::Error> {
        let mut kinds = HashMap::new();
        for definition in parser::parse_schema(sdl)?.definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let definition = definition.node;
            let kind = match definition.kind {
                TypeKind::Scalar => Kind::Scalar,
                TypeKind::Enum(of) => {
                    let values = of.values.into_iter();
                    Kind::Enum(values.map(|value| value.node.value.node).collect())
                }
                TypeKind::InputObject(of) => {
                    let field = |field: parser::Positioned<parser::types::InputValueDefinition>| {
                        let field = field.node;
                        Field {
                            name: field.name.node,
                            kind: field.ty.node,
                            has_default: field.default_value.is_some(),
                        }
                    };
                    Kind::Object(of.fields.into_iter().map(field).collect())
                }
                _ => continue,
            };
            kinds.insert(definition.name.node, kind);
        }
        Ok(Self(kinds))
    }

    /// The value that JSON without numbers (see [`numbers`](crate::numbers)) has as this type.
    pub(super) fn coerce(&self, kind: &Type, json: Json) -> Result<Value, Refused> {
        match (&kind.base, json) {
            (_, Json::Null) if kind.nullable => Ok(Value::Null),
            (_, Json::Null) => Err(Refused::new("cannot be null")),
            (BaseType::List(item), Json::Array(list)) => {
                let items = list.into_iter().enumerate().map(|(at, json)| {
                    let value = self.coerce(item, json);
                    value.map_err(|refused| refused.within(format!("[{at}]")))
                });
                items.collect::<Result<_, _>>().map(Value::List)
            }
            (BaseType::List(item), single) => Ok(Value::List(vec![self.coerce(item, single)?])),
            (BaseType::Named(name), json) => self.coerce_named(name, json),
        }
    }

    fn coerce_named(&self, name: &str, json: Json) -> Result<Value, Refused> {
        match (self.0.get(name), json) {
            (Some(Kind::Object(fields)), Json::Object(object)) => {
                self.coerce_object(fields, object)
            }
            (Some(Kind::Enum(values)), Json::String(word)) => {
                let value = values.iter().find(|value| value.as_str() == word);
                let value = value.cloned().map(Value::Enum);
                value.ok_or_else(|| Refused::new(format!("is {word:?}, no value of {name}")))
            }
            (Some(Kind::Object(_) | Kind::Enum(_)), _) => {
                Err(Refused::new(format!("must be a {name}")))
            }
            (Some(Kind::Scalar) | None, json) => {
                let value = scalar(name, json);
                value.ok_or_else(|| Refused::new(format!("must be a value of {name}")))
            }
        }
    }

    fn coerce_object(
        &self,
        fields: &[Field],
        mut object: serde_json::Map<String, Json>,
    ) -> Result<Value, Refused> {
        let mut values = async_graphql::indexmap::IndexMap::with_capacity(object.len());
        for field in fields {
            let within = |refused: Refused| refused.within(format!(".{}", field.name));
            match object.remove(field.name.as_str()) {
                Some(json) => {
                    let value = self.coerce(&field.kind, json).map_err(within)?;
                    values.insert(field.name.clone(), value);
                }
                None if field.kind.nullable || field.has_default => {}
                None => return Err(within(Refused::new("must be defined"))),
            }
        }
        match object.keys().next() {
            Some(name) => Err(Refused::new("is not a known field").within(format!(".{name}"))),
            None => Ok(Value::Object(values)),
        }
    }
}

/// A scalar by its name; those that are not the contract's are left to the engine.
fn scalar(name: &str, json: Json) -> Option<Value> {
    match (name, json) {
        ("String" | "ID", Json::String(text)) => Some(Value::String(text)),
        ("Int", Json::String(text)) => Some(Value::Number(Int::from_text(&text)?.0.into())),
        ("Float", Json::String(text)) => {
            let number = serde_json::Number::from_f64(text.parse().ok()?)?;
            Some(Value::Number(number))
        }
        ("Time", Json::String(text)) => Time::from_text(&text).map(|_| Value::String(text)),
        ("Boolean", Json::Bool(yes)) => Some(Value::Boolean(yes)),
        ("String" | "ID" | "Int" | "Float" | "Time" | "Boolean", _) => None,
        (_, json) => Value::from_json(json).ok(),
    }
}
