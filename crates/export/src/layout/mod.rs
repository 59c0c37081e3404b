//! Where everything of a graph goes.
//!
//! In two steps, as hierarchical graphs with ports are laid out from the inside to the outside (Schulze, Spönemann,
//! von Hanxleden, "Drawing layered graphs with port constraints", 2014; Sander, "Layout of compound directed
//! graphs", 1996): every namespace for itself, with ports at its sides for what leaves and enters, then the namespaces
//! as large nodes. So a frame is as small as what it holds, no frame overlaps another, and none holds a stranger.
//!
//! ```text
//! Graph ─► inside (each group) ─► columns ─► groups ─► inside again, its ports sorted by where they lead ─► Drawing
//!            sequence · layered ──────────────┘
//! ```
//!
//! The same graph is always laid out in the same way: nothing here depends on chance, on time or on hashes.

mod columns;
mod finish;
mod groups;
mod inside;
mod layered;
mod route;
mod sequence;

pub(crate) use self::finish::SAMPLE_WIDTH;

use std::collections::BTreeMap;

use self::columns::Outline;
use self::groups::{Course, Crossing, Places};
use self::inside::{Inside, Lane, Side, Task};
use crate::drawing::{Card, Drawing, SMALL_TEXT_SIZE, TEXT_SIZE};
use crate::font::{self, Weight};
use crate::graph::{Graph, Limits};

/// What is drawn one by one. A larger picture is no longer read, and its layout would take seconds.
pub(crate) const LIMITS: Limits = Limits {
    nodes: 1_500,
    arrows: 5_000,
};

/// How often the insides are laid out anew with what is known of the outside.
const ROUNDS: usize = 3;

/// Names up to this width are written in full: 60 characters and more.
const MAX_NAME: f64 = 460.0;
/// The same for remarks.
const MAX_REMARK: f64 = 120.0;
/// The same for titles.
const MAX_TITLE: f64 = 520.0;

/// A count as a length. Counts here are far below 2^52.
#[allow(clippy::cast_precision_loss, reason = "see above")]
pub(super) fn number(n: usize) -> f64 {
    n as f64
}

/// The graph, laid out.
pub(crate) fn draw(graph: &Graph<'_>) -> Drawing {
    let texts: Vec<Text> = graph.nodes.iter().map(Text::new).collect();
    let mut plan = Plan::new(graph, &texts);
    let mut insides = plan.insides();
    plan.stand(graph, &insides);
    let mut places = Places::default();
    for round in 0..=ROUNDS {
        insides = plan.insides();
        places = groups::place(&plan.columns, &insides, &plan.crossings);
        if round < ROUNDS {
            plan.look_around(&insides, &places);
        }
    }
    finish::drawing(graph, &plan, &insides, &places, &texts)
}

/// What is written in a node.
pub(super) struct Text {
    name: String,
    remark: String,
    width: f64,
}

impl Text {
    fn new(node: &crate::graph::Node) -> Self {
        let name = font::fitted(&node.name, TEXT_SIZE, Weight::Medium, MAX_NAME);
        let remark = font::fitted(&node.remark, SMALL_TEXT_SIZE, Weight::Medium, MAX_REMARK);
        let mut width = 2.0 * Card::TEXT_X + font::width(&name, TEXT_SIZE, Weight::Medium);
        if !remark.is_empty() {
            width += Card::REMARK_GAP + font::width(&remark, SMALL_TEXT_SIZE, Weight::Medium);
        }
        Self {
            name,
            remark,
            width: width.max(64.0).ceil(),
        }
    }
}

/// What is to be laid out, group by group.
pub(super) struct Plan {
    tasks: Vec<Task>,
    titles: Vec<String>,
    /// The number of each node in its group.
    local: Vec<usize>,
    /// Of each arrow: between nodes of a group, to itself, or between groups.
    ways: Vec<Way>,
    crossings: Vec<Crossing>,
    columns: Vec<Vec<usize>>,
}

/// Where the way of an arrow is to be found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    Itself,
    Inside(usize),
    Crossing(usize),
}

impl Plan {
    fn new(graph: &Graph<'_>, texts: &[Text]) -> Self {
        let mut plan = Self {
            tasks: Vec::new(),
            titles: Vec::new(),
            local: Vec::with_capacity(graph.nodes.len()),
            ways: Vec::with_capacity(graph.arrows.len()),
            crossings: Vec::new(),
            columns: Vec::new(),
        };
        for group in &graph.groups {
            let title = font::fitted(&group.title, TEXT_SIZE, Weight::SemiBold, MAX_TITLE);
            let width = font::width(&title, TEXT_SIZE, Weight::SemiBold);
            plan.tasks.push(Task {
                title: (!group.title.is_empty()).then_some(width),
                ..Task::default()
            });
            plan.titles.push(title);
        }
        for (node, text) in graph.nodes.iter().zip(texts) {
            let task = &mut plan.tasks[node.group];
            plan.local.push(task.widths.len());
            task.widths.push(text.width);
            task.loops.push(false);
        }
        for arrow in &graph.arrows {
            let [from, to] = [arrow.client, arrow.server].map(|v| graph.nodes[v].group);
            let [client, server] = [arrow.client, arrow.server].map(|v| plan.local[v]);
            let way = if arrow.client == arrow.server {
                plan.tasks[from].loops[client] = true;
                Way::Itself
            } else if from == to {
                plan.tasks[from].arrows.push((client, server));
                Way::Inside(plan.tasks[from].arrows.len() - 1)
            } else {
                plan.crossings.push(Crossing {
                    from,
                    to,
                    course: Course::Right,
                    leaves_by: 0,
                    enters_by: 0,
                });
                Way::Crossing(plan.crossings.len() - 1)
            };
            plan.ways.push(way);
        }
        plan.lay_lanes(graph);
        plan
    }

    fn insides(&self) -> Vec<Inside> {
        self.tasks.iter().map(inside::lay_out).collect()
    }

    /// A lane for every node and side that arrows between groups take.
    fn lay_lanes(&mut self, graph: &Graph<'_>) {
        let mut known: BTreeMap<(usize, usize, Side, bool), usize> = BTreeMap::new();
        self.tasks.iter_mut().for_each(|task| task.lanes.clear());
        for (arrow, way) in graph.arrows.iter().zip(&self.ways) {
            let Way::Crossing(i) = *way else { continue };
            let (leaves, enters) = self.crossings[i].course.sides();
            for (v, side, is_client) in
                [(arrow.client, leaves, true), (arrow.server, enters, false)]
            {
                let (group, node) = (graph.nodes[v].group, self.local[v]);
                let lanes = &mut self.tasks[group].lanes;
                let lane = *known
                    .entry((group, node, side, is_client))
                    .or_insert_with(|| {
                        lanes.push(Lane {
                            node,
                            side,
                            leaves: is_client,
                            key: 0.0,
                        });
                        lanes.len() - 1
                    });
                if is_client {
                    self.crossings[i].leaves_by = lane;
                } else {
                    self.crossings[i].enters_by = lane;
                }
            }
        }
    }

    /// Puts the groups into columns, from their sizes.
    fn stand(&mut self, graph: &Graph<'_>, insides: &[Inside]) {
        let mut arrows: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for crossing in &self.crossings {
            *arrows.entry((crossing.from, crossing.to)).or_default() += 1;
        }
        let outlines: Vec<Outline> = insides
            .iter()
            .zip(&graph.groups)
            .map(|(inside, group)| Outline {
                width: inside.width,
                height: inside.height + 30.0,
                sort: group.sort,
            })
            .collect();
        self.columns = columns::columns(&outlines, &arrows);
        let mut column_of = vec![0; outlines.len()];
        for (i, column) in self.columns.iter().enumerate() {
            for &g in column {
                column_of[g] = i;
            }
        }
        for crossing in &mut self.crossings {
            crossing.course = match column_of[crossing.from].cmp(&column_of[crossing.to]) {
                std::cmp::Ordering::Less => Course::Right,
                std::cmp::Ordering::Greater => Course::Left,
                std::cmp::Ordering::Equal => Course::Around,
            };
        }
        self.lay_lanes(graph);
    }

    /// Lets every lane know how far down its arrows come from, or go to.
    fn look_around(&mut self, insides: &[Inside], places: &Places) {
        let mut sums: Vec<Vec<(f64, f64)>> = self
            .tasks
            .iter()
            .map(|task| vec![(0.0, 0.0); task.lanes.len()])
            .collect();
        let y = |g: usize, lane: usize| places.corners[g].y + insides[g].ports[lane];
        for (crossing, way) in self.crossings.iter().zip(&places.ways) {
            let strands: Vec<f64> = way
                .iter()
                .filter_map(|stop| match stop {
                    route::Stop::Pass { y, .. } => Some(*y),
                    route::Stop::Turn { .. } => None,
                })
                .collect();
            // The first is the own port, the last that of the other.
            let seen = [
                (crossing.from, crossing.leaves_by, strands.get(1)),
                (crossing.to, crossing.enters_by, strands.iter().rev().nth(1)),
            ];
            let ends = [
                y(crossing.to, crossing.enters_by),
                y(crossing.from, crossing.leaves_by),
            ];
            for ((g, lane, next), end) in seen.into_iter().zip(ends) {
                let sum = &mut sums[g][lane];
                sum.0 += next.copied().unwrap_or(end);
                sum.1 += 1.0;
            }
        }
        for (task, sums) in self.tasks.iter_mut().zip(sums) {
            task.has_keys = true;
            for (lane, (sum, n)) in task.lanes.iter_mut().zip(sums) {
                lane.key = sum / f64::max(n, 1.0);
            }
        }
    }
}
