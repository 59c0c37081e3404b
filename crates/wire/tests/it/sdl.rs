//! The types that we serve hold those of the replaced contract.

use wire::sdl::{added_by, missing_from};

use crate::schema::SERVER;

#[test]
fn everything_old_is_served_with_the_same_type() {
    assert_eq!(missing_from(&SERVER.sdl()), Vec::<String>::new());
}

/// Change `contract/added.txt` on purpose only: what is in it is promised to clients.
#[test]
fn what_is_beyond_the_old_contract_is_written_down() {
    let added: String = added_by(&SERVER.sdl())
        .into_iter()
        .filter(|line| !line.starts_with("Query."))
        .map(|line| line + "\n")
        .collect();
    let golden = include_str!("../../contract/added.txt");
    assert!(golden == added, "contract/added.txt should be:\n{added}");
}
