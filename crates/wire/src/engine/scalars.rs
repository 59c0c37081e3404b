//! The scalars of the contract under the names that they have in it.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, InputType, InputValueError, InputValueResult, OutputType, Positioned,
    Scalar, ScalarType, ServerResult, Value,
};

use crate::{Int, Text, Time};

/// A point in time: RFC 3339 with an offset and an optional fraction.
#[Scalar(name = "Time")]
impl ScalarType for Time {
    fn parse(value: Value) -> InputValueResult<Self> {
        if let Value::String(text) = &value {
            let time = Self::from_text(text);
            time.ok_or_else(|| InputValueError::custom("not a time such as 2026-11-23T09:42:12Z"))
        } else {
            Err(InputValueError::expected_type(value))
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(text) if Self::from_text(text).is_some())
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// The built-in scalar `$builtin` with the values of `$name`: async-graphql registers its built-in scalars before ours,
/// and the first under a name stays.
macro_rules! as_builtin {
    ($name:ident as $builtin:ty, $parse:expr, $value:expr) => {
        impl InputType for $name {
            type RawValueType = Self;

            fn type_name() -> Cow<'static, str> {
                <$builtin as InputType>::type_name()
            }

            fn create_type_info(registry: &mut Registry) -> String {
                <$builtin as InputType>::create_type_info(registry)
            }

            fn parse(value: Option<Value>) -> InputValueResult<Self> {
                let parsed = <$builtin as InputType>::parse(value);
                parsed.map($parse).map_err(InputValueError::propagate)
            }

            fn to_value(&self) -> Value {
                ($value)(self)
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }
        }

        impl OutputType for $name {
            fn type_name() -> Cow<'static, str> {
                <$builtin as OutputType>::type_name()
            }

            fn create_type_info(registry: &mut Registry) -> String {
                <$builtin as OutputType>::create_type_info(registry)
            }

            async fn resolve(
                &self,
                _: &ContextSelectionSet<'_>,
                _: &Positioned<Field>,
            ) -> ServerResult<Value> {
                Ok(InputType::to_value(self))
            }
        }
    };
}

as_builtin!(Text as String, Self::from, |text: &Text| Value::String(
    text.to_string()
));
as_builtin!(Int as i64, Self, |int: &Int| Value::Number(int.0.into()));
