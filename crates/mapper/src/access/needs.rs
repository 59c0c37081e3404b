//! Which roles a document needs, told by the fields at its root.

use std::collections::HashSet;

use async_graphql::parser::types::{ExecutableDocument, OperationType, Selection, SelectionSet};

use super::roles::Roles;

/// The roles that a document needs: all of its operations together, and whatever its directives leave out, so that
/// nothing which is executed can be more than what was looked at.
pub fn needs(document: &ExecutableDocument) -> Roles {
    let mut roles = Roles::NONE;
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let mut walk = Walk {
            document,
            kind: operation.ty,
            seen: HashSet::new(),
            roles,
        };
        walk.selections(&operation.selection_set.node);
        roles = walk.roles;
    }
    roles
}

struct Walk<'d> {
    document: &'d ExecutableDocument,
    kind: OperationType,
    seen: HashSet<&'d str>,
    roles: Roles,
}

impl<'d> Walk<'d> {
    /// The depth is bounded by that of the document, and each fragment is looked at once.
    fn selections(&mut self, set: &'d SelectionSet) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let of = field_needs(self.kind, field.node.name.node.as_str());
                    self.roles = self.roles | of;
                }
                Selection::InlineFragment(fragment) => {
                    self.selections(&fragment.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let fragment = self.document.fragments.get(name);
                    // One that is not there is refused by the engine.
                    if let Some(fragment) = fragment
                        && self.seen.insert(name.as_str())
                    {
                        self.selections(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }
}

fn field_needs(kind: OperationType, field: &str) -> Roles {
    match (kind, field) {
        (OperationType::Query, "health") => Roles::NONE,
        // Introspection: `__schema`, `__type`, `__typename` (GraphQL specification, October 2021, 4).
        (_, field) if field.starts_with("__") => Roles::KNOWN,
        (OperationType::Mutation, field) if field.starts_with("report") => {
            Roles::KNOWN | Roles::REPORT
        }
        (OperationType::Mutation, "resetCapture") => Roles::KNOWN | Roles::RESET,
        // One that comes later and was forgotten here.
        (OperationType::Mutation, _) => Roles::ALL,
        (OperationType::Query | OperationType::Subscription, _) => Roles::KNOWN | Roles::READ,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn of(document: &str) -> Roles {
        needs(&parse_query(document).unwrap())
    }

    #[test]
    fn root_fields_tell_the_roles() {
        let (known, read, report) = (Roles::KNOWN, Roles::READ, Roles::REPORT);
        for (document, roles) in [
            ("{health}", Roles::NONE),
            ("query Health { a: health b: health }", Roles::NONE),
            ("{__schema{types{name}}}", known),
            ("{__type(name:\"A\"){name} __typename}", known),
            ("mutation{__typename}", known),
            ("{intents{client{name}}}", known | read),
            ("{health edges{client{name}}}", known | read),
            ("{health __typename}", known),
            ("subscription{health}", known | read),
            ("mutation{health}", Roles::ALL),
            ("mutation{drop}", Roles::ALL),
            ("mutation{reportCoverage(coverage:{})}", known | report),
            ("mutation{health:resetCapture}", known | Roles::RESET),
            (
                "mutation{resetCapture reportCoverage}",
                known | Roles::RESET | report,
            ),
            (
                "query A{health} mutation B{resetCapture}",
                known | Roles::RESET,
            ),
            ("{health:intents{client{name}}}", known | read),
        ] {
            assert_eq!(of(document), roles, "{document}");
        }
    }

    #[test]
    fn fragments_and_directives_hide_nothing() {
        let read = Roles::KNOWN | Roles::READ;
        for document in [
            "{health ...on Query{intents{client{name}}}}",
            "{health ...f} fragment f on Query{intents{client{name}}}",
            "{...f} fragment f on Query{health ...g} fragment g on Query{...f ...on Query{edges{client{name}}}}",
            "{health intents @skip(if:true){client{name}}}",
        ] {
            assert_eq!(of(document), read, "{document}");
        }
        assert_eq!(of("{...f} fragment f on Query{health}"), Roles::NONE);
        assert_eq!(of("{...f health}"), Roles::NONE);
        // The same fragment in two kinds of operation is looked at in both.
        let both = "query A{...f} mutation B{...f} fragment f on X{resetCapture}";
        assert_eq!(of(both), read | Roles::RESET);
    }
}
