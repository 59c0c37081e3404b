//! What must come of what is reported, situation by situation.
//!
//! The comment on a row says what the replaced mapper made of it, where that differs.

mod kept;
mod reports;
mod rules;
mod settings;

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

/// A scene for each row, numbered from this number on.
fn scenes(first: usize, rows: &[Row]) -> Vec<Scene> {
    let numbered = rows.iter().enumerate();
    numbered
        .map(|(index, (name, row))| {
            let mut scene = Scene::new(u16::try_from(first + index).unwrap(), name);
            row(&mut scene);
            scene
        })
        .collect()
}

#[test]
#[ignore = "needs the testbed: ./dev test --only e2e"]
fn every_situation_gives_exactly_its_edges() {
    let mut scenes = scenes(1, &[reports::ROWS, rules::ROWS, kept::ROWS].concat());
    let proxy = Proxy::start();
    let mapper = Mapper::ready("conformance", &[]);
    set_up(&proxy, &mapper, &mut scenes);
    play(&mapper, &scenes);
    println!("{} situations", scenes.len());
}
