//! The figures, and what they must be.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::judge::{MODES, Mode, Score};
use crate::scene::{MS, SECOND, Scene};
use crate::simulate::simulate;

/// Simulations of the whole, by seed: four of the usual size, and a large one in which thousands of pods are deleted at
/// once.
const USUAL: [u64; 4] = [11, 12, 13, 14];
const LARGE: u64 = 15;
const USUAL_OBSERVATIONS: usize = 220_000;
const LARGE_OBSERVATIONS: usize = 200_000;

/// The size of the large cluster.
const SCALE: usize = 24;

type Scores = BTreeMap<Mode, Score>;

/// Fails unless no edge is wrong, and what UIDs and Services decide was found.
pub(crate) fn demand(scores: &Scores, recall: f64) {
    for (mode, score) in scores {
        let problems = score.wrong.iter().chain(&score.wrong_times);
        let problems: Vec<&String> = problems.take(10).collect();
        assert!(problems.is_empty(), "{mode:?}: {problems:#?}");
        let found = part(score.decided);
        assert!(
            found >= recall,
            "{mode:?}: recall {found:.5} of what is decided; {:?}",
            score.refused
        );
    }
}

/// Found of possible; all of nothing.
fn part((possible, found): (u64, u64)) -> f64 {
    if possible == 0 {
        1.0
    } else {
        found as f64 / possible as f64
    }
}

fn percent(of: (u64, u64)) -> String {
    if of.0 == 0 {
        return "–".to_owned();
    }
    // Rounded down: 100 % means all.
    format!("{:.2} %", (part(of) * 10_000.0).floor() / 100.0)
}

const HEAD: &str = "\
| reporters send | observations | true edges found | resolved, where UIDs or a Service decide | of pods never told | resolved, the rest \
| wrong edges | right edges, wrong time | edges marked as assumed | most waiting at once |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
";

fn row(name: &str, score: &Score) -> String {
    format!(
        "| {name} | {} | {} of {} | {} of {} | {} | {} of {} | {} | {} | {} | {} |\n",
        score.taken,
        score.edges.1,
        score.edges.0,
        percent(score.decided),
        score.decided.0,
        score.untold,
        percent(score.open),
        score.open.0,
        score.wrong.len(),
        score.wrong_times.len(),
        score.assumed,
        score.peak,
    )
}

/// The table of results.
pub(crate) fn results(scores: &Scores) -> String {
    let rows = scores.iter().map(|(mode, score)| row(mode.words(), score));
    HEAD.to_owned() + &rows.collect::<String>()
}

/// What became of the observations that made no edge.
fn refusals(scores: &Scores) -> String {
    let mut text = "| refused because |".to_owned();
    for mode in scores.keys() {
        let _ = write!(text, " {} |", mode.words());
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(scores.len()));
    text.push('\n');
    for refusal in mapper::Refusal::ALL {
        let count = |score: &Score| score.refused.get(&refusal).copied().unwrap_or_default();
        let counts: Vec<u64> = scores.values().map(count).collect();
        if counts.iter().any(|count| *count > 0) {
            let _ = write!(text, "| {} |", refusal.as_str());
            for count in counts {
                let _ = write!(text, " {count} |");
            }
            text.push('\n');
        }
    }
    text
}

fn join(all: impl IntoIterator<Item = Scores>) -> Scores {
    let mut sum = Scores::new();
    for (mode, score) in all.into_iter().flatten() {
        sum.entry(mode).or_default().add(score);
    }
    sum
}

/// Settings that lie outside of what is assumed.
fn outside() -> [(&'static str, Scene); 5] {
    let scene = |seed| Scene::new(seed, 60_000);
    [
        (
            "kubelets report up to 8 s late",
            Scene {
                kubelet: 8 * SECOND,
                ..scene(21)
            },
        ),
        (
            "nodes' clocks are wrong by up to 5 s",
            Scene {
                skew: 5 * SECOND,
                ..scene(22)
            },
        ),
        (
            "watches lag by up to 60 s",
            Scene {
                lag: 60 * SECOND,
                ..scene(23)
            },
        ),
        (
            "Services pass from one workload to another, every second or so",
            Scene {
                passes: true,
                skew: 500 * MS,
                ..scene(24)
            },
        ),
        (
            "one report in five tells a time that is hours or days off",
            Scene {
                mad_clocks: true,
                ..scene(25)
            },
        ),
    ]
}

/// All of it, printed: each part begins with a line that `./dev accuracy` looks for.
pub(crate) fn whole() {
    let usual = USUAL.map(|seed| simulate(Scene::new(seed, USUAL_OBSERVATIONS)));
    let large = simulate(Scene {
        scale: SCALE,
        pace: 600,
        ..Scene::new(LARGE, LARGE_OBSERVATIONS)
    });
    let scores = join(usual.into_iter().chain([large]));
    println!("\n@part RESULTS\n{}", results(&scores));
    println!("@part REFUSALS\n{}", refusals(&scores));
    let mut text = HEAD.replace(
        "reporters send",
        "outside of what is assumed: reporters send",
    );
    for (name, scene) in outside() {
        for (mode, score) in simulate(scene) {
            text += &row(&format!("{name}: {}", mode.words()), &score);
        }
    }
    println!("@part OUTSIDE\n{text}");
    let seeds: Vec<String> = USUAL.iter().chain([&LARGE]).map(u64::to_string).collect();
    println!("@part SEEDS\n{}\n@end", seeds.join(", "));
    assert_eq!(scores.len(), MODES.len());
    demand(&scores, 0.999);
}
