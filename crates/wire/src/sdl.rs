//! Whether a served schema still holds the replaced contract, and what it has beyond it.

use std::collections::BTreeMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, InputValueDefinition, TypeKind, TypeSystemDefinition,
};

/// The types of the replaced mapper, written from its reference.
pub const OLD: &str = include_str!("../contract/old.graphql");

/// All that the mapper serves; a test of the mapper holds it to that.
pub const SERVED: &str = include_str!("../contract/served.graphql");

/// What a client of the replaced mapper would miss in this schema: types, fields, arguments and values that are not
/// there or are of another type, and inputs that have become required. Empty when nothing is amiss.
pub fn missing_from(served: &str) -> Vec<String> {
    match (read(OLD), read(served)) {
        (Ok(old), Ok(served)) => old
            .iter()
            .filter(|(path, part)| served.get(*path) != Some(*part))
            .map(|(path, part)| match served.get(path) {
                Some(other) => format!("{path} is {other}, was {part}"),
                None => format!("{path}: {part}"),
            })
            .chain(required_now(&old, &served))
            .collect(),
        (Err(error), _) | (_, Err(error)) => vec![error],
    }
}

/// What this schema has beyond the replaced contract, one line each, sorted.
pub fn added_by(served: &str) -> Vec<String> {
    match (read(OLD), read(served)) {
        (Ok(old), Ok(served)) => served
            .iter()
            .filter(|(path, _)| !old.contains_key(*path))
            .map(|(path, part)| format!("{path}: {part}"))
            .collect(),
        (Err(error), _) | (_, Err(error)) => vec![error],
    }
}

/// Inputs that old clients do not send, and have to: those of types and fields that they know.
fn required_now(old: &Parts, served: &Parts) -> Vec<String> {
    let is_input = |path: &str| {
        path.ends_with(')')
            || path
                .split_once('.')
                .is_some_and(|(of, _)| served.get(of).is_some_and(|part| part == "input"))
    };
    let is_known = |path: &str| {
        let end = path.rfind(['.', '(']).unwrap_or(path.len());
        path.get(..end).is_some_and(|owner| old.contains_key(owner))
    };
    served
        .iter()
        .filter(|(path, part)| part.ends_with('!') && is_input(path) && is_known(path))
        .filter(|(path, _)| !old.contains_key(*path))
        .map(|(path, part)| format!("{path}: {part} is required, and old clients do not send it"))
        .collect()
}

/// The parts of a schema: `Type`, `Type.field`, `Type.field(argument)` or `Type.VALUE`, each with its kind or type.
type Parts = BTreeMap<String, String>;

fn read(sdl: &str) -> Result<Parts, String> {
    let document = parse_schema(sdl).map_err(|error| format!("not a schema: {error}"))?;
    let mut parts = Parts::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        let name = definition.node.name.node;
        let mut add = |path: String, part: String| parts.insert(path, part);
        match definition.node.kind {
            TypeKind::Scalar => {
                add(name.to_string(), "scalar".to_owned());
            }
            TypeKind::Object(object) => {
                add(name.to_string(), "type".to_owned());
                for field in object.fields {
                    fields_of(&name, &field.node).for_each(|(path, part)| {
                        add(path, part);
                    });
                }
            }
            TypeKind::Enum(of) => {
                add(name.to_string(), "enum".to_owned());
                for value in of.values {
                    add(
                        format!("{name}.{}", value.node.value.node),
                        "value".to_owned(),
                    );
                }
            }
            TypeKind::InputObject(of) => {
                add(name.to_string(), "input".to_owned());
                for field in of.fields {
                    let path = format!("{name}.{}", field.node.name.node);
                    add(path, input_type(&field.node));
                }
            }
            TypeKind::Interface(_) | TypeKind::Union(_) => {
                add(name.to_string(), "abstract type".to_owned());
            }
        }
    }
    Ok(parts)
}

fn fields_of(of: &str, field: &FieldDefinition) -> impl Iterator<Item = (String, String)> {
    let path = format!("{of}.{}", field.name.node);
    let arguments: Vec<_> = field
        .arguments
        .iter()
        .map(|argument| {
            let path = format!("{path}({})", argument.node.name.node);
            (path, input_type(&argument.node))
        })
        .collect();
    std::iter::once((path, field.ty.node.to_string())).chain(arguments)
}

/// With its default, which makes a type that is not null no longer required.
fn input_type(input: &InputValueDefinition) -> String {
    let kind = &input.ty.node;
    match &input.default_value {
        Some(default) => format!("{kind} = {}", default.node),
        None => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_contract_lacks_nothing_and_adds_nothing() {
        assert_eq!(missing_from(OLD), Vec::<String>::new());
        assert_eq!(added_by(OLD), Vec::<String>::new());
    }

    #[test]
    fn what_is_gone_changed_or_newly_required_is_named() {
        let served = OLD
            .replace("TTL: Int", "TTL: String")
            .replace("S3 }", "}")
            .replace("includeAllLabels: Boolean): [S", "all: Boolean!): [S")
            .replace("isService: Boolean", "isService: Boolean!")
            .replace(
                "input ServerFilter {",
                "input ServerFilter {\n  kind: String!\n  zone: String",
            )
            + "input New { required: Int! }";
        assert_eq!(
            missing_from(&served),
            [
                "Destination.TTL is String, was Int",
                "IdentityResolutionData.isService is Boolean!, was Boolean",
                "IntentType.S3: value",
                "Query.serviceIntents(includeAllLabels): Boolean",
                "Query.serviceIntents(all): Boolean! is required, and old clients do not send it",
                "ServerFilter.kind: String! is required, and old clients do not send it",
            ]
        );
        assert_eq!(
            added_by(&served),
            [
                "New: input",
                "New.required: Int!",
                "Query.serviceIntents(all): Boolean!",
                "ServerFilter.kind: String!",
                "ServerFilter.zone: String",
            ]
        );
        assert!(missing_from("type {").concat().starts_with("not a schema"));
    }
}
