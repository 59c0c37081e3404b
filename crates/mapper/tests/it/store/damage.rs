//! Files that are cut, changed, newer, or hold rows that nobody can read.

use std::collections::BTreeSet;
use std::path::Path;

use map::Time;
use mapper::store::{FILE, File, OpenError, VERSION};
use redb::{Database, ReadableDatabase, TableDefinition};

use super::running::{Running, Start, edge, edges};

const PODS: [&str; 4] = ["web", "cart", "mail", "bank"];

/// A file, and the edges after each transaction.
async fn file() -> (Vec<u8>, Vec<BTreeSet<String>>) {
    let folder = tempfile::tempdir().unwrap();
    let mapper = Running::start(folder.path(), &PODS).await;
    let mut states = vec![BTreeSet::new()];
    for from in PODS {
        for to in PODS.iter().filter(|to| **to != from) {
            assert!(mapper.reports(from, to, app::clock::now()).await);
            states.push(mapper.edges().await.into_iter().collect());
        }
    }
    mapper.stop().await;
    (std::fs::read(folder.path().join(FILE)).unwrap(), states)
}

/// Opens a file with these contents: it is a state that there was, or it is set aside, and told. Whether it was set aside.
fn open(bytes: &[u8], states: &[BTreeSet<String>], how: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), bytes).unwrap();
    let opened = File::open(folder.path(), "other", Time::from_secs(7));
    let (_, loaded, aside) = opened.unwrap_or_else(|error| panic!("{how}: {error}"));
    let found: BTreeSet<String> = edges(&loaded.map).into_iter().collect();
    if let Some(aside) = aside {
        assert!(found.is_empty() && aside.path.exists(), "{how}");
        assert!(!aside.damage.is_empty(), "{how}");
        return true;
    }
    assert_eq!(loaded.unreadable, 0, "{how}");
    // Not the first: a map is never emptied without a word.
    assert!(states[1..].contains(&found), "{how}: {found:?}");
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_cut_is_whole_or_set_aside() {
    let (bytes, states) = file().await;
    let mut aside = 0;
    for length in (0..bytes.len()).step_by(4096) {
        aside += usize::from(open(&bytes[..length], &states, &format!("cut at {length}")));
    }
    assert!(aside > 0);
    assert!(!open(&bytes, &states, "not cut"));
    println!("\n@cuts {} {aside}", bytes.len().div_ceil(4096));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_wrong_bits_is_whole_or_set_aside() {
    let (bytes, states) = file().await;
    // Where there is something, and the header more often.
    let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        usize::try_from(chance % below as u64).unwrap()
    };
    let mut aside = 0;
    for round in 0..400 {
        let mut bytes = bytes.clone();
        let mut how = format!("round {round}:");
        for _ in 0..=random(3) {
            let at = match random(4) {
                0 => random(4096),
                _ => used[random(used.len())],
            };
            let bit = random(8);
            bytes[at] ^= 1 << bit;
            how.extend([" bit ", &bit.to_string(), " of ", &at.to_string()]);
        }
        aside += usize::from(open(&bytes, &states, &how));
    }
    assert!(aside > 0);
    println!("\n@bits 400 {aside}");
}

type Table = TableDefinition<'static, &'static [u8], &'static [u8]>;
const META: Table = TableDefinition::new("meta");
const EDGES: Table = TableDefinition::new("edges");
const HELD: Table = TableDefinition::new("held");

fn put(folder: &Path, table: Table, key: &[u8], value: &[u8]) {
    let database = Database::create(folder.join(FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    let mut rows = transaction.open_table(table).unwrap();
    rows.insert(key, value).unwrap();
    drop(rows);
    transaction.commit().unwrap();
}

fn get(folder: &Path, table: Table, key: &[u8]) -> Option<Vec<u8>> {
    let database = Database::open(folder.join(FILE)).unwrap();
    let transaction = database.begin_read().unwrap();
    let table = transaction.open_table(table).unwrap();
    let row = table.get(key).unwrap();
    row.map(|value| value.value().to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_file_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mapper = Running::start(folder.path(), &PODS).await;
    assert!(mapper.reports("web", "cart", app::clock::now()).await);
    mapper.stop().await;
    let newer = (VERSION + 1).to_string();
    put(folder.path(), META, b"\"version\"", newer.as_bytes());
    let before = std::fs::read(folder.path().join(FILE)).unwrap();
    let error = File::open(folder.path(), "other", app::clock::now()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 2, .. }));
    assert!(error.to_string().contains("newer"), "{error}");
    let after = std::fs::read(folder.path().join(FILE)).unwrap();
    assert!(before == after, "the file was changed");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_read_costs_no_other_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mapper = Running::start(folder.path(), &PODS).await;
    assert!(mapper.reports("web", "cart", app::clock::now()).await);
    // Waits for a pod that never comes.
    assert!(mapper.reports("web", "late", app::clock::now()).await);
    mapper.stop().await;
    put(folder.path(), EDGES, b"no key", b"no edge");
    put(folder.path(), EDGES, b"{\"client\":1}", b"{}");
    let line = b"{\"fact\":{\"unheard_of\":{}}}\n";
    put(folder.path(), HELD, b"77", line);
    put(folder.path(), HELD, b"no number", b"{}\n");

    for _ in 0..2 {
        let mut start = Start::on(folder.path(), &PODS);
        start.unreadable = 4;
        let mapper = start.start().await;
        assert!(mapper.edges().await.contains(&edge("web", "cart")));
        assert!(mapper.reports("mail", "bank", app::clock::now()).await);
        mapper.stop().await;
    }
    let row = |table, key| get(folder.path(), table, key);
    assert_eq!(row(EDGES, b"no key").unwrap(), b"no edge");
    assert_eq!(row(EDGES, b"{\"client\":1}").unwrap(), b"{}");
    assert_eq!(row(HELD, b"77").unwrap(), line);
    assert_eq!(row(HELD, b"no number").unwrap(), b"{}\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_readable_version_it_is_set_aside_and_without_a_name_it_gets_another() {
    let folder = tempfile::tempdir().unwrap();
    let mapper = Running::start(folder.path(), &PODS).await;
    assert!(mapper.reports("web", "cart", app::clock::now()).await);
    mapper.stop().await;
    put(folder.path(), META, b"\"instance\"", b"?");
    let (file, loaded, aside) = File::open(folder.path(), "other", app::clock::now()).unwrap();
    assert_eq!((loaded.unreadable, aside), (1, None));
    assert_eq!((loaded.map.len(), &*loaded.instance), (1, "other"));
    drop(file);
    put(folder.path(), META, b"\"version\"", b"?");
    let (_, loaded, aside) = File::open(folder.path(), "other", app::clock::now()).unwrap();
    assert!(loaded.map.is_empty() && aside.is_some());
}
