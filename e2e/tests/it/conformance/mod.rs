//! What must come of what is reported, situation by situation.
//!
//! The comment on a row says what the replaced mapper made of it, where that differs.

mod kept;
mod reports;
mod rules;

use e2e::kube::Proxy;
use e2e::mapper::Mapper;
use e2e::scene::{Scene, play, set_up};

/// One situation.
type Row = (&'static str, fn(&mut Scene));

/// `rows![module: name, …]`: functions with their names.
macro_rules! rows {
    ($($row:ident,)+) => { &[$((stringify!($row), $row),)+] };
}
use rows;

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn every_situation_gives_exactly_its_edges() {
    let rows: Vec<Row> = [reports::ROWS, rules::ROWS, kept::ROWS].concat();
    let number = |index: usize| u16::try_from(index + 1).unwrap();
    let mut scenes: Vec<Scene> = rows
        .iter()
        .enumerate()
        .map(|(index, (name, row))| {
            let mut scene = Scene::new(number(index), name);
            row(&mut scene);
            scene
        })
        .collect();
    let proxy = Proxy::start();
    let mapper = Mapper::ready("conformance", &[]);
    set_up(&proxy, &mapper, &mut scenes);
    play(&mapper, &scenes);
    println!("{} situations", scenes.len());
}
