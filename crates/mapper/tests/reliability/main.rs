//! What the store costs: how long a transaction takes, how fast reports are taken with it and without, how long a start
//! takes, how large the file is. `./dev soak` runs it and puts its tables into docs/reliability.md.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a test may fail loudly, and this one prints what it measures"
)]

mod bench;

use std::path::{Path, PathBuf};
use std::time::Duration;

use app::clock::Stopwatch;
use mapper::store::{FILE, File};
use redb::{Builder, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};

use bench::{Bench, Town};

/// As the process has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Edges of the map; a million, unless `PORTOLAN_EDGES` says otherwise.
fn edges() -> usize {
    let told = std::env::var("PORTOLAN_EDGES").ok();
    told.map_or(1_000_000, |told| told.parse().unwrap())
}

/// On a disk, which a folder for temporary files may not be.
fn folder() -> PathBuf {
    let told = std::env::var_os("PORTOLAN_SOAK_DIR").map(PathBuf::from);
    let folder = told.unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")));
    folder.join("reliability")
}

#[test]
#[ignore = "takes minutes: ./dev soak"]
fn whole() {
    let folder = folder();
    let _none = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    measure(edges(), &folder);
}

#[test]
fn a_small_one_measures_all() {
    let folder = tempfile::tempdir().unwrap();
    measure(2_000, folder.path());
}

fn measure(edges: usize, folder: &Path) {
    let town = Town::with(edges);
    println!("@edges {}", town.edges());
    println!("@part RATES");
    rates(&town, folder);
    println!("@part START");
    starts(&town, folder);
    println!("@end");
}

/// The rate of what is reported in this time, in observations a second.
fn rate(town: &Town, time: Duration) -> f64 {
    town.observations() / time.as_secs_f64()
}

fn rates(town: &Town, folder: &Path) {
    let bodies = town.bodies(1);
    let again = town.bodies(2);
    println!(
        "| | first seen, observations/s | seen again, observations/s | transactions | rows | time in them |"
    );
    println!("|---|---:|---:|---:|---:|---:|");
    let mut first = Vec::new();
    for (name, folder) in [("in memory", None), ("with a store", Some(folder))] {
        let bench = Bench::start(town, folder);
        let new = bench.report(&bodies);
        assert_eq!(bench.edges(), town.edges(), "every call makes an edge");
        let known = bench.report(&again);
        let figures = bench.figures();
        println!(
            "| {name} | {:.0} | {:.0} | {} | {} | {:.1} s |",
            rate(town, new),
            rate(town, known),
            figures.0,
            figures.1,
            figures.2.as_secs_f64(),
        );
        first.push(rate(town, new));
        if folder.is_some() {
            bench.kill();
        } else {
            bench.stop();
        }
    }
    println!();
    println!(
        "New edges are taken {:.0} % as fast with a store as without.",
        100.0 * first[1] / first[0]
    );
    println!();
    answers(town, folder);
}

/// How long one reporter waits that tells one new edge after the other, each a transaction of its own.
fn answers(town: &Town, folder: &Path) {
    let alone = folder.join("alone");
    std::fs::create_dir_all(&alone).unwrap();
    let bench = Bench::start(town, Some(&alone));
    let mut times: Vec<Duration> = (0..300)
        .map(|call| bench.report(&[town.single(call)]))
        .collect();
    let figures = bench.figures();
    bench.stop();
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    println!(
        "A reporter that tells one new edge after the other waits {:.1} ms for its answer (middle of {}), {:.1} ms in \
         one of a hundred, {:.1} ms at most; a transaction takes {:.1} ms.",
        at(50),
        times.len(),
        at(99),
        at(100),
        figures.2.as_secs_f64() * 1e3 / f64::from(u32::try_from(figures.0).unwrap()),
    );
    println!();
}

/// Opens what the kill left, and what an orderly end leaves, in all ways that there are.
fn starts(town: &Town, folder: &Path) {
    println!("| left by | opened | time to open | time to read the map |");
    println!("|---|---|---:|---:|");
    let left = bench::left(folder);
    let again = folder.join("again");
    std::fs::create_dir_all(&again).unwrap();
    for (how, checks) in [
        ("all pages checked, as the mapper does", true),
        ("without that check", false),
    ] {
        for state in ["a kill", "an orderly end"] {
            std::fs::copy(&left, again.join(FILE)).unwrap();
            if state == "an orderly end" {
                drop(File::open(&again, "", app::clock::now()).unwrap());
            }
            let (open, read) = if checks {
                opened(town, &again)
            } else {
                opened_plainly(&again)
            };
            let read = read.map_or_else(String::new, |read| format!("{:.2} s", read.as_secs_f64()));
            println!("| {state} | {how} | {:.2} s | {read} |", open.as_secs_f64());
        }
    }
    std::fs::copy(&left, again.join(FILE)).unwrap();
    drop(File::open(&again, "", app::clock::now()).unwrap());
    let length = std::fs::metadata(again.join(FILE)).unwrap().len();
    let rows = bytes(&again.join(FILE));
    println!();
    println!(
        "The file has {:.0} MiB: {:.0} bytes an edge, of which {:.0} are its row.",
        length as f64 / f64::from(1 << 20),
        length as f64 / town.edges() as f64,
        rows as f64 / town.edges() as f64,
    );
    // What the built mapper is started on.
    std::fs::copy(&left, again.join(FILE)).unwrap();
    println!();
}

/// The whole of what the mapper does, and the share of it that is not reading rows.
fn opened(town: &Town, folder: &Path) -> (Duration, Option<Duration>) {
    let watch = Stopwatch::start();
    let (file, loaded, aside) = File::open(folder, "", app::clock::now()).unwrap();
    let whole = watch.elapsed();
    assert_eq!((loaded.map.len(), aside), (town.edges(), None));
    drop(file);
    let watch = Stopwatch::start();
    let mut builder = Builder::new();
    builder.set_cache_size(16 << 20);
    builder.set_check_integrity_on_open(true);
    drop(builder.open(folder.join(FILE)).unwrap());
    let open = watch.elapsed();
    (open, Some(whole.saturating_sub(open)))
}

fn opened_plainly(folder: &Path) -> (Duration, Option<Duration>) {
    let watch = Stopwatch::start();
    let mut builder = Builder::new();
    builder.set_cache_size(16 << 20);
    let database = builder.open(folder.join(FILE)).unwrap();
    let open = watch.elapsed();
    drop(database);
    (open, None)
}

/// Bytes of keys and values of all edges.
fn bytes(path: &Path) -> usize {
    let database = redb::Database::open(path).unwrap();
    let transaction = database.begin_read().unwrap();
    let table = TableDefinition::<&[u8], &[u8]>::new("edges");
    let table = transaction.open_table(table).unwrap();
    assert!(!table.is_empty().unwrap());
    let rows = table.iter().unwrap().map(Result::unwrap);
    rows.map(|(key, value)| key.value().len() + value.value().len())
        .sum()
}
