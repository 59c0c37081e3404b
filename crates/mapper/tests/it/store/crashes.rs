//! Everything that was ever done to the file is played again, and cut off at every step: there, the process is killed, or
//! the machine loses power. Whatever had been answered with `true` by then is in the map.

use std::collections::BTreeSet;
use std::path::Path;

use mapper::store::{FILE, File};

use super::disk::{Done, Faulty};
use super::running::{Start, edge, edges};

const PODS: [&str; 4] = ["web", "cart", "mail", "bank"];

/// What was answered with `true`, and how much had been done to the file then.
#[derive(Debug)]
struct Told {
    done: usize,
    /// An edge; nothing for a reset.
    edge: Option<String>,
}

/// A life with reports and a reset, its end included.
async fn life() -> (Vec<Done>, Vec<Told>, usize) {
    let (folder, disk) = (tempfile::tempdir().unwrap(), Faulty::default());
    let mut start = Start::on(folder.path(), &PODS);
    start.disk = Some(Box::new(disk.clone()));
    let mapper = start.start().await;
    let mut told = Vec::new();
    let begun = disk.done();
    for round in 0..3 {
        for from in PODS {
            for to in PODS.iter().filter(|to| **to != from) {
                let at = app::clock::now();
                assert!(mapper.counts(from, to, at, round + 1).await);
                let edge = Some(edge(from, to));
                let done = disk.done();
                told.push(Told { done, edge });
            }
        }
        if round == 1 {
            assert!(mapper.mapper.reset().await.unwrap());
            let done = disk.done();
            told.push(Told { done, edge: None });
        }
    }
    mapper.stop().await;
    (disk.take(), told, begun)
}

/// The file as these steps leave it.
fn play(path: &Path, steps: &[&Done]) {
    let mut bytes: Vec<u8> = Vec::new();
    for step in steps {
        match step {
            Done::Length(length) => bytes.resize(usize::try_from(*length).unwrap(), 0),
            Done::Write(offset, data) => {
                let start = usize::try_from(*offset).unwrap();
                bytes[start..start + data.len()].copy_from_slice(data);
            }
            Done::Sync => {}
        }
    }
    std::fs::write(path, bytes).unwrap();
}

/// The edges that must be there after so many steps, and how many resets.
fn expected(told: &[Told], steps: usize) -> (BTreeSet<&str>, u64) {
    let mut must = BTreeSet::new();
    let mut resets = 0;
    for told in told.iter().filter(|told| told.done <= steps) {
        if let Some(edge) = &told.edge {
            must.insert(edge.as_str());
        } else {
            must.clear();
            resets += 1;
        }
    }
    (must, resets)
}

fn check(folder: &Path, told: &[Told], steps: usize, how: &str) {
    let (_, loaded, aside) = File::open(folder, "other", app::clock::now())
        .unwrap_or_else(|error| panic!("{how} after {steps} steps: {error}"));
    assert_eq!(aside, None, "{how} after {steps} steps");
    assert_eq!(loaded.unreadable, 0, "{how} after {steps} steps");
    let found = edges(&loaded.map);
    let (must, resets) = expected(told, steps);
    assert!(loaded.epoch >= resets, "{how} after {steps} steps");
    // Where it is reset and nobody was told yet, either is right.
    if loaded.epoch == resets {
        for edge in &must {
            let is_there = found.iter().any(|found| found == edge);
            assert!(is_there, "{how} after {steps} steps: {edge} is lost");
        }
    }
    // Nothing is doubled: no reporter has counted more than three.
    assert!(loaded.map.edges().all(|(_, edge)| edge.connections() <= 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_answered_with_true_is_lost_wherever_it_ends() {
    let (done, told, begun) = life().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let mut chance = 0x2545_f491_4f6c_dd1d_u64;
    for steps in begun..=done.len() {
        // The process is killed: all that it wrote is there.
        play(&path, &done[..steps].iter().collect::<Vec<_>>());
        check(folder.path(), &told, steps, "killed");

        // The machine is: of what was written since the last sync, only some is.
        let synced = done[..steps]
            .iter()
            .rposition(|step| matches!(step, Done::Sync));
        let synced = synced.unwrap_or(0);
        let kept = |index: usize| {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            index <= synced || chance & 1 == 0
        };
        let mut kept = kept;
        let some = done[..steps].iter().enumerate();
        let some: Vec<&Done> = some
            .filter(|(index, step)| matches!(step, Done::Length(_)) || kept(*index))
            .map(|(_, step)| step)
            .collect();
        play(&path, &some);
        check(folder.path(), &told, steps, "without power");
    }
    println!("\n@ends {}", 2 * (done.len() + 1 - begun));
}
