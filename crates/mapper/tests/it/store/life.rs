//! Any life: reports, refreshes, resets, kills and orderly ends in any order.

use std::collections::{BTreeMap, BTreeSet};

use mapper::store::File;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::running::{Running, edge, edges, killed};

const PODS: [&str; 5] = ["web", "cart", "mail", "bank", "late"];

#[derive(Clone, Debug)]
enum Step {
    /// A call, and how many more connections its reporter has counted.
    Report(usize, usize, u64),
    Reset,
    Kill,
    /// An orderly end.
    End,
    /// Which of the pods the next life knows from its start.
    Know(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..PODS.len(), 1..PODS.len(), 1..3_u64)
            .prop_map(|(from, by, more)| Step::Report(from, (from + by) % PODS.len(), more)),
        1 => Just(Step::Reset),
        3 => Just(Step::Kill),
        1 => Just(Step::End),
        2 => (2..=PODS.len()).prop_map(Step::Know),
    ]
}

/// What the map must hold, by what was answered.
#[derive(Default)]
struct Model {
    /// Answered with `true`, and since when its ends are known.
    told: BTreeSet<String>,
    /// As each reporter has counted, whatever was answered.
    counted: BTreeMap<String, u64>,
}

async fn live(steps: &[Step]) {
    let mut folder = tempfile::tempdir().unwrap();
    let mut known = PODS.len();
    let mut model = Model::default();
    let mut mapper = Running::start(folder.path(), &PODS).await;
    for step in steps {
        match *step {
            Step::Report(from, to, more) => {
                let edge = edge(PODS[from], PODS[to]);
                let count = model.counted.entry(edge.clone()).or_default();
                *count += more;
                let at = app::clock::now();
                assert!(mapper.counts(PODS[from], PODS[to], at, *count).await);
                model.told.insert(edge);
            }
            Step::Reset => {
                assert!(mapper.mapper.reset().await.unwrap());
                model.told.clear();
            }
            Step::Kill => {
                let left = killed(folder.path());
                mapper.stop().await;
                folder = left;
                mapper = Running::start(folder.path(), &PODS[..known]).await;
            }
            Step::End => {
                let map = mapper.map().await;
                mapper.stop().await;
                let left = killed(folder.path());
                let (_, loaded, _) = File::open(left.path(), "", app::clock::now()).unwrap();
                assert_eq!(loaded.map, map, "an orderly end keeps all");
                mapper = Running::start(folder.path(), &PODS[..known]).await;
            }
            Step::Know(count) => known = count,
        }
    }
    // The last life knows all pods, so that nothing waits for them.
    let left = killed(folder.path());
    mapper.stop().await;
    let last = Running::start(left.path(), &PODS).await;
    super::running::until("all that was answered with true is there", async || {
        let found: BTreeSet<String> = last.edges().await.into_iter().collect();
        model.told.is_subset(&found)
    })
    .await;
    let map = last.map().await;
    let found = edges(&map);
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len());
    for ((_, edge), name) in map.edges().zip(&found) {
        assert!(model.told.contains(name), "{name} came back after a reset");
        assert!(
            edge.connections() <= model.counted[name],
            "{name} is counted twice"
        );
    }
    last.stop().await;
}

const LIVES: u32 = 24;

#[test]
fn what_was_answered_with_true_is_there_after_any_life() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lives = proptest::collection::vec(step(), 1..30);
    let mut runner = TestRunner::new(Config {
        cases: LIVES,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&lives, |steps| {
        runtime.block_on(live(&steps));
        Ok(())
    });
    result.unwrap();
    println!("\n@lives {LIVES}");
}
