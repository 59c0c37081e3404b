//! Long lists, written as the JSON that they become.
//!
//! The engine makes a future, a value and an entry of a map of every field of every row: that is most of what a list of
//! thousands of rows costs. Here, what was asked for is worked out once, and then written for each row. The engine has
//! checked the document by then, and left out what is skipped.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, SelectionField, ServerError, ServerResult, Value,
};
use serde_json::value::RawValue;

/// A list that is answered as a `Vec` is.
#[derive(Clone, Debug)]
pub struct Rows<T>(pub Vec<T>);

/// Writes a value's JSON behind what is there.
pub type Write<T> = Box<dyn Fn(&T, &mut Vec<u8>)>;

/// What rows are made of.
pub trait Row: Sized {
    /// Writes the part of a value that these fields of one key ask for.
    fn writer(asked: &[SelectionField<'_>]) -> Write<Self>;
}

impl<T: OutputType + Row + 'static> OutputType for Rows<T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<T>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let failed = |error: &dyn std::error::Error| ServerError::new(error.to_string(), None);
        let mut json = Vec::new();
        Vec::writer(&[context.with_field(field).field()])(&self.0, &mut json);
        let json = String::from_utf8(json).map_err(|error| failed(&error))?;
        let json = RawValue::from_string(json).map_err(|error| failed(&error))?;
        async_graphql::to_value(json).map_err(|error| failed(&error))
    }
}

/// An object of the type with this name; `of` gives the writer of a field.
pub(crate) fn object<T: 'static>(
    asked: &[SelectionField<'_>],
    type_name: &'static str,
    of: impl Fn(&str, &[SelectionField<'_>]) -> Option<Write<T>>,
) -> Write<T> {
    // In the order in which they are first asked for (GraphQL, October 2021, 6.3.2), each once.
    let mut by_key: Vec<(&str, Vec<SelectionField<'_>>)> = Vec::new();
    for field in asked.iter().flat_map(SelectionField::selection_set) {
        let key = field.alias().unwrap_or_else(|| field.name());
        match by_key.iter_mut().find(|(other, _)| *other == key) {
            Some((_, same)) => same.push(field),
            None => by_key.push((key, vec![field])),
        }
    }
    let fields = by_key.into_iter().filter_map(|(key, fields)| {
        let write = match fields.first()?.name() {
            "__typename" => leaf_of(move |_: &T| type_name),
            name => of(&snake(name), &fields)?,
        };
        Some((format!("\"{key}\":"), write))
    });
    let fields: Vec<(String, Write<T>)> = fields.collect();
    if fields.is_empty() {
        // All of it is skipped: null, as the engine has it.
        return Box::new(|_, json| json.extend_from_slice(b"null"));
    }
    Box::new(move |row, json| {
        json.push(b'{');
        for (place, (key, write)) in fields.iter().enumerate() {
            if place > 0 {
                json.push(b',');
            }
            json.extend_from_slice(key.as_bytes());
            write(row, json);
        }
        json.push(b'}');
    })
}

/// The contract's name of a field as Rust has it.
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn leaf_of<T, V: serde::Serialize>(value: impl Fn(&T) -> V + 'static) -> Write<T> {
    Box::new(move |row, json| {
        // Texts and numbers can always be written; were it not so, what is here would be no JSON, which is seen.
        let _ = serde_json::to_writer(json, &value(row));
    })
}

/// Values without fields: their JSON is that of serde.
macro_rules! leaves {
    ($($leaf:ty),+ $(,)?) => {
        $(
            impl Row for $leaf {
                fn writer(_: &[SelectionField<'_>]) -> Write<Self> {
                    Box::new(|value, json| {
                        let _ = serde_json::to_writer(json, value);
                    })
                }
            }
        )+
    };
}

leaves!(
    bool,
    crate::Text,
    crate::Int,
    crate::Time,
    crate::AttemptOutcome,
    crate::ChangeKind,
    crate::CloudProvider,
    crate::Evidence,
    crate::HttpMethod,
    crate::IntentType,
    crate::KafkaOperation,
    crate::PeerKind,
    crate::Protocol,
);

impl<T: Row + 'static> Row for Option<T> {
    fn writer(asked: &[SelectionField<'_>]) -> Write<Self> {
        let write = T::writer(asked);
        Box::new(move |value, json| match value {
            Some(value) => write(value, json),
            None => json.extend_from_slice(b"null"),
        })
    }
}

impl<T: Row + 'static> Row for Vec<T> {
    fn writer(asked: &[SelectionField<'_>]) -> Write<Self> {
        let write = T::writer(asked);
        Box::new(move |list, json| {
            json.push(b'[');
            for (place, value) in list.iter().enumerate() {
                if place > 0 {
                    json.push(b',');
                }
                write(value, json);
            }
            json.push(b']');
        })
    }
}
