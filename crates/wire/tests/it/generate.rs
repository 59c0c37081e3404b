//! Requests of every report kind, made from the served schema: most of them good, some a little wrong.

use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
};
use proptest::prelude::*;
use proptest::sample::select;
use wire::ReportKind;

use crate::schema::SERVER;

static KINDS: LazyLock<HashMap<String, TypeKind>> = LazyLock::new(|| {
    let document = parse_schema(SERVER.sdl()).unwrap();
    let types = document.definitions.into_iter().filter_map(|definition| {
        if let TypeSystemDefinition::Type(definition) = definition {
            let definition = definition.node;
            Some((definition.name.node.to_string(), definition.kind))
        } else {
            None
        }
    });
    types.collect()
});

/// What stands where something else is wanted, now and then.
const ODD: &[&str] = &[
    "null",
    "true",
    "0",
    "-0",
    "17",
    "\"17\"",
    "\"+17\"",
    "\"-017\"",
    "\" 17\"",
    "1.50",
    "1.0",
    "1e3",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "\"-9223372036854775809\"",
    "18446744073709551616",
    "1e999",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "[true]",
    "[17,\"18\"]",
    "[[\"a\"]]",
    "[{}]",
    "\"\"",
    "\"a\\u0062\\n\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud800\"",
    "\"GET\"",
    "\"get\"",
    "[\"GET\",\"PUT\"]",
    "{\"GET\":null}",
    "\"UDP\"",
    "\"2024-02-29T23:59:59.1234567891+05:30\"",
    "\"2023-02-29T00:00:00Z\"",
    "\"2024-01-01T00:00:00\"",
    "\"0001-01-01T00:00:00Z\"",
    "\"2024-01-01t00:00:00z\"",
    "{\"name\":\"a\",\"namespace\":\"b\"}",
    "[\"a\",\"b\"]",
    "01",
];

fn odd() -> BoxedStrategy<String> {
    let deep = format!("{}1{}", "[".repeat(150), "]".repeat(150));
    prop_oneof![
        60 => select(ODD).prop_map(str::to_owned),
        1 => Just(deep),
    ]
    .boxed()
}

/// JSON for a type; once in a while something else.
fn json(kind: &Type) -> BoxedStrategy<String> {
    let good = match &kind.base {
        BaseType::List(item) => {
            let item = json(item);
            let list = prop::collection::vec(item.clone(), 0..3);
            let list = list.prop_map(|items| format!("[{}]", items.join(",")));
            prop_oneof![12 => list, 1 => item].boxed()
        }
        BaseType::Named(name) => named(name),
    };
    let absent = if kind.nullable { 20 } else { 0 };
    prop_oneof![100 => good, absent => Just("null".to_owned()), 1 => odd()].boxed()
}

fn named(name: &str) -> BoxedStrategy<String> {
    match (name, &KINDS.get(name)) {
        ("String", _) => text(),
        ("Int", _) => prop_oneof![4 => any::<u16>().prop_map(|n| n.to_string()), 1 => any::<i64>().prop_map(|n| format!("\"{n}\""))].boxed(),
        ("Time", _) => any::<i64>()
            .prop_map(|nanos| format!("\"{}\"", map::Time::from_nanos(nanos)))
            .boxed(),
        (_, Some(TypeKind::Enum(of))) => {
            let values: Vec<_> = of.values.iter().map(|value| value.node.value.node.to_string()).collect();
            select(values).prop_map(|word| format!("\"{word}\"")).boxed()
        }
        (_, Some(TypeKind::InputObject(of))) => {
            let fields: Vec<_> = of.fields.iter().map(|field| member(&field.node)).collect();
            let unknown = prop_oneof![80 => Just(None), 1 => Just(Some(("unknown".to_owned(), "null".to_owned())))];
            (fields, unknown, 0..100_u8)
                .prop_map(|(members, unknown, order)| object(members, unknown, order))
                .boxed()
        }
        _ => panic!("no such input: {name}"),
    }
}

fn text() -> BoxedStrategy<String> {
    prop_oneof![
        6 => "[a-z0-9.-]{0,30}".prop_map(|text| format!("\"{text}\"")),
        1 => any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        1 => "-?[1-9][0-9]{0,21}(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
    ]
    .boxed()
}

/// A field with its value, or without it.
fn member(field: &InputValueDefinition) -> BoxedStrategy<Option<Member>> {
    let kind = &field.ty.node;
    let name = field.name.node.to_string();
    let present = json(kind).prop_map(move |value| Some((name.clone(), value)));
    let (given, left_out) = if kind.nullable { (1, 1) } else { (150, 1) };
    prop_oneof![given => present, left_out => Just(None)].boxed()
}

/// A field's name and the JSON of its value.
type Member = (String, String);

/// Now and then the other way round, with a field twice, or as a list of the values.
fn object(members: Vec<Option<Member>>, unknown: Option<Member>, order: u8) -> String {
    let mut members: Vec<_> = members.into_iter().flatten().chain(unknown).collect();
    match order {
        0..10 => members.reverse(),
        10 => members.extend(members.first().cloned()),
        11 => {
            let values: Vec<_> = members.into_iter().map(|(_, value)| value).collect();
            return format!("[{}]", values.join(","));
        }
        _ => {}
    }
    let members: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", members.join(" , "))
}

/// A body of a request with a report, and perhaps something about it that is not as it should be.
pub(crate) fn body() -> BoxedStrategy<String> {
    select(ReportKind::ALL.to_vec())
        .prop_flat_map(|kind| {
            let input = input(kind);
            (
                document(kind),
                prop_oneof![10 => Just(kind.argument().to_owned()), 1 => Just("v".to_owned())],
                json(&Type::new(&input).unwrap()),
                select(vec![
                    "",
                    "",
                    "",
                    "",
                    "null",
                    "\"\"",
                    "\"M\"",
                    "\"Other\"",
                    "5",
                ]),
                0..40_u8,
            )
        })
        .prop_map(|(document, variable, value, operation, shape)| {
            let document = document.replace("$VAR", &format!("${variable}"));
            envelope(&document, &variable, &value, operation, shape)
        })
        .boxed()
}

fn input(kind: ReportKind) -> String {
    let name = kind.input();
    if kind.is_list() {
        format!("[{name}!]!")
    } else {
        format!("{name}!")
    }
}

/// Documents that say the same in many ways, and some that say something else.
fn document(kind: ReportKind) -> BoxedStrategy<String> {
    let (field, argument, input) = (kind.field(), kind.argument(), input(kind));
    let known = vec![
        format!("mutation M($VAR:{input}){{{field}({argument}:$VAR)}}"),
        format!("mutation($VAR:{input}){{{field}({argument}:$VAR)}}"),
        format!("\n  mutation M (\n$VAR : {input},\n) {{\t{field} ( {argument} : $VAR ,)\r\n}} ,,"),
        kind.document().replace(&format!("${argument}"), "$VAR"),
    ];
    let other = vec![
        format!("mutation M($VAR:{input}){{a:{field}({argument}:$VAR)}}"),
        format!("mutation M($VAR:{input}){{{field}({argument}:$VAR)#\n}}"),
        format!("mutation M($VAR:{input}){{{field}({argument}:$VAR) __typename}}"),
        format!("mutation M($VAR:{input},$x:Int=1){{{field}({argument}:$VAR)@skip(if:false)}}"),
        format!(
            "mutation M($VAR:{}){{{field}({argument}:$VAR)}}",
            kind.input()
        ),
        format!(
            "mutation M($VAR:{input}){{...F}} fragment F on Mutation{{{field}({argument}:$VAR)}}"
        ),
        format!("query M($VAR:{input}){{{field}({argument}:$VAR)}}"),
        format!("mutation M($VAR:{input}){{{field}({argument}:$VAR)}} query Other{{health}}"),
        "{health}".to_owned(),
        String::new(),
    ];
    prop_oneof![8 => select(known), 1 => select(other)].boxed()
}

fn envelope(document: &str, variable: &str, value: &str, operation: &str, shape: u8) -> String {
    let query = format!("\"query\":{}", serde_json::to_string(document).unwrap());
    let variables = match shape {
        0 => "\"variables\":null".to_owned(),
        1 => "\"variables\":[]".to_owned(),
        2 => "\"variables\":{}".to_owned(),
        3 => format!("\"variables\":{{\"{variable}\":{value},\"{variable}\":{value}}}"),
        4 => format!(
            "\"variables\":{{\"x\":[{}1{}],\"{variable}\":{value}}}",
            "[".repeat(200),
            "]".repeat(200)
        ),
        5 => format!("\"variables\":{{\"x\":\"\\ud800\",\"{variable}\":{value}}}"),
        _ => format!("\"variables\":{{\"{variable}\":{value}}}"),
    };
    let operation = match operation {
        "" => String::new(),
        name => format!(",\"operationName\":{name}"),
    };
    match shape {
        10 => format!("{{{variables},{query}{operation}}}"),
        11 => format!("{{{variables}{operation}}}"),
        12 => format!("[{{{query},{variables}{operation}}}]"),
        13 => format!("{{{query},{variables}{operation},\"extensions\":{{\"a\":1}},\"b\":[2]}}"),
        14 => format!("{{\"query\":\"x\",{query},{variables}{operation}}}"),
        15 => format!("{{{query},{variables}{operation}}} x"),
        16 => format!("{{\"query\":null,{variables}{operation}}}"),
        17 => format!("{{{query},{variables}{operation},\"extensions\":1}}"),
        18 => format!("{{{query},\"variables\":{{}},{variables}{operation}}}"),
        19 => format!("{{{query},{variables},\"variables\":null{operation}}}"),
        _ => format!("{{{query},{variables}{operation}}}"),
    }
}
