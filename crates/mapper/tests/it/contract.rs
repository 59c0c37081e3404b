//! What is served holds the replaced contract, and more only where that is written down.

use wire::sdl::{SERVED, added_by, missing_from};

/// Whoever changes the schema sees all of it, and so does whoever reviews the change.
#[test]
fn the_whole_schema_is_written_down() {
    let served = mapper::server::sdl();
    if served != SERVED {
        let found = std::env::temp_dir().join("served.graphql");
        std::fs::write(&found, served).unwrap();
        panic!(
            "crates/wire/contract/served.graphql is out of date: {} is what is served",
            found.display()
        );
    }
}

#[test]
fn everything_old_is_served_with_the_same_type() {
    assert_eq!(missing_from(&mapper::server::sdl()), Vec::<String>::new());
}

#[test]
fn what_is_beyond_the_old_contract_is_written_down() {
    let added = added_by(&mapper::server::sdl());
    let (queries, rest): (Vec<String>, Vec<String>) = added
        .into_iter()
        .partition(|line| line.starts_with("Query."));
    let promised: Vec<&str> = include_str!("../../../wire/contract/added.txt")
        .lines()
        .collect();
    assert_eq!(rest, promised);
    let fields = queries.iter().filter(|line| !line.contains('('));
    let fields: Vec<&str> = fields.filter_map(|line| line.split(':').next()).collect();
    assert_eq!(
        fields,
        [
            "Query.attempts",
            "Query.changes",
            "Query.coverage",
            "Query.edges",
            "Query.status",
            "Query.trafficLevels",
        ]
    );
}
