//! Groups in columns: their order, their heights, and the ways of arrows between them.
//!
//! Arrows from one group to another pass the columns between them as a cable: side by side, in the order in which
//! they leave.

use std::collections::BTreeMap;

use super::inside::{Inside, Side};
use super::layered::{Layered, Link, Vertex};
use super::number;
use super::route::Stop;
use crate::drawing::Point;

/// Between groups.
const GROUP_SPACE: f64 = 30.0;
/// Between a cable and what is beside it.
const CABLE_SPACE: f64 = 14.0;
/// Between the arrows of a cable, unless they are many.
const STRAND: f64 = 4.0;
/// The thickness of a cable at most.
const CABLE: f64 = 64.0;

/// Which way an arrow between groups goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Course {
    Right,
    /// Against the order of the columns.
    Left,
    /// To another group of the same column, around its right side.
    Around,
}

impl Course {
    pub(super) const fn sides(self) -> (Side, Side) {
        match self {
            Self::Right => (Side::Right, Side::Left),
            Self::Left => (Side::Left, Side::Right),
            Self::Around => (Side::Right, Side::Right),
        }
    }
}

/// An arrow between groups, with its lanes in both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crossing {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) course: Course,
    pub(super) leaves_by: usize,
    pub(super) enters_by: usize,
}

/// Where groups and cables are.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The upper left corner of each group.
    pub(super) corners: Vec<Point>,
    /// Of each crossing, what lies between the two lanes.
    pub(super) ways: Vec<Vec<Stop>>,
    pub(super) width: f64,
    pub(super) height: f64,
}

struct Cable {
    crossings: Vec<usize>,
    /// From left to right.
    waypoints: Vec<usize>,
    /// Left and right end.
    ends: [usize; 2],
}

pub(super) fn place(columns: &[Vec<usize>], insides: &[Inside], crossings: &[Crossing]) -> Places {
    let boxes = insides.iter().map(|inside| Vertex {
        height: inside.height,
        space: GROUP_SPACE,
    });
    let mut layered = Layered {
        layers: columns.to_vec(),
        vertices: boxes.collect(),
        links: Vec::new(),
    };
    let mut column_of = vec![0; insides.len()];
    for (i, column) in columns.iter().enumerate() {
        for &g in column {
            column_of[g] = i;
        }
    }
    let cables = cables(&mut layered, &column_of, insides, crossings);
    layered.order(false);
    let middles = layered.place();
    let tops: Vec<f64> = insides
        .iter()
        .zip(&middles)
        .map(|(inside, middle)| middle - inside.height / 2.0)
        .collect();
    let port = |g: usize, lane: usize| tops[g] + insides[g].ports[lane];
    let strands = strands(&cables, crossings, &middles, &port);
    let xs = across(columns, insides, &column_of, crossings, &strands, &port);
    let corners: Vec<Point> = (0..insides.len())
        .map(|g| Point {
            x: xs[column_of[g]].0,
            y: tops[g],
        })
        .collect();
    let ways = crossings.iter().enumerate().map(|(i, crossing)| {
        let side = |g: usize, side: Side| {
            let (left, right) = xs[column_of[g]];
            Stop::Pass {
                left: match side {
                    Side::Left => left,
                    Side::Right => corners[g].x + insides[g].width,
                },
                right: match side {
                    Side::Left => corners[g].x,
                    Side::Right => right,
                },
                y: 0.0,
            }
        };
        let at = |stop: Stop, y: f64| stop.moved(Point { x: 0.0, y });
        let (leaves, enters) = crossing.course.sides();
        let (from_y, to_y) = (
            port(crossing.from, crossing.leaves_by),
            port(crossing.to, crossing.enters_by),
        );
        let mut way = vec![at(side(crossing.from, leaves), from_y)];
        if crossing.course == Course::Around {
            way.push(Stop::Turn {
                reach: reach((from_y - to_y).abs()),
            });
        }
        let between = strands[i].iter().enumerate().map(|(nth, y)| {
            let first = column_of[crossing.from].min(column_of[crossing.to]) + 1;
            let (left, right) = xs[first + nth];
            Stop::Pass { left, right, y: *y }
        });
        if crossing.course == Course::Left {
            way.extend(between.rev());
        } else {
            way.extend(between);
        }
        way.push(at(side(crossing.to, enters), to_y));
        way
    });
    Places {
        ways: ways.collect(),
        width: xs.last().map_or(0.0, |(_, right)| *right)
            + overhang(columns, &column_of, crossings, &port),
        height: insides
            .iter()
            .zip(&tops)
            .map(|(inside, top)| top + inside.height)
            .chain(strands.iter().flatten().copied())
            .fold(0.0, f64::max),
        corners,
    }
}

/// How far to the right an arrow within a column goes.
fn reach(rise: f64) -> f64 {
    (24.0 + 0.12 * rise).min(110.0)
}

fn overhang(
    columns: &[Vec<usize>],
    column_of: &[usize],
    crossings: &[Crossing],
    port: &impl Fn(usize, usize) -> f64,
) -> f64 {
    let rises = crossings
        .iter()
        .filter(|c| c.course == Course::Around && column_of[c.from] + 1 == columns.len())
        .map(|c| (port(c.from, c.leaves_by) - port(c.to, c.enters_by)).abs());
    rises.map(reach).fold(0.0, f64::max)
}

/// The cables, whose waypoints and links are added.
fn cables(
    layered: &mut Layered,
    column_of: &[usize],
    insides: &[Inside],
    crossings: &[Crossing],
) -> Vec<Cable> {
    let mut bundles: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for (i, crossing) in crossings.iter().enumerate() {
        if crossing.course != Course::Around {
            bundles
                .entry((crossing.from, crossing.to))
                .or_default()
                .push(i);
        }
    }
    let mut cables = Vec::with_capacity(bundles.len());
    for ((from, to), bundle) in bundles {
        let is_right = column_of[from] < column_of[to];
        let (left, right) = if is_right { (from, to) } else { (to, from) };
        let middle = |g: usize| {
            let ports = bundle.iter().map(|&i| {
                let crossing = crossings[i];
                let lane = if g == from {
                    crossing.leaves_by
                } else {
                    crossing.enters_by
                };
                insides[g].ports[lane]
            });
            ports.sum::<f64>() / number(bundle.len()) - insides[g].height / 2.0
        };
        let line = Vertex {
            height: thickness(bundle.len()),
            space: CABLE_SPACE,
        };
        let mut waypoints = Vec::new();
        let mut last = (left, middle(left));
        for column in column_of[left] + 1..column_of[right] {
            let waypoint = layered.add(column, line);
            waypoints.push(waypoint);
            link(layered, last, (waypoint, 0.0), bundle.len());
            last = (waypoint, 0.0);
        }
        link(layered, last, (right, middle(right)), bundle.len());
        cables.push(Cable {
            crossings: bundle,
            waypoints,
            ends: [left, right],
        });
    }
    cables
}

fn link(layered: &mut Layered, from: (usize, f64), to: (usize, f64), arrows: usize) {
    layered.links.push(Link {
        from: from.0,
        to: to.0,
        weight: number(arrows),
        pull: number(arrows),
        from_at: from.1,
        to_at: to.1,
    });
}

fn thickness(arrows: usize) -> f64 {
    (number(arrows.saturating_sub(1)) * STRAND).min(CABLE)
}

/// How far down each crossing passes each column between its groups, from left to right.
fn strands(
    cables: &[Cable],
    crossings: &[Crossing],
    middles: &[f64],
    port: &impl Fn(usize, usize) -> f64,
) -> Vec<Vec<f64>> {
    let mut strands = vec![Vec::new(); crossings.len()];
    for cable in cables {
        let ends = |i: usize| {
            let Crossing {
                from,
                leaves_by,
                to,
                enters_by,
                ..
            } = crossings[i];
            let (start, end) = (port(from, leaves_by), port(to, enters_by));
            if from == cable.ends[0] {
                (start, end)
            } else {
                (end, start)
            }
        };
        let mut sorted = cable.crossings.clone();
        sorted.sort_by(|a, b| {
            let (a, b) = (ends(*a), ends(*b));
            (a.0.total_cmp(&b.0)).then(a.1.total_cmp(&b.1))
        });
        let thickness = thickness(sorted.len());
        let step = thickness / number(sorted.len().saturating_sub(1).max(1));
        for (nth, i) in sorted.into_iter().enumerate() {
            let below = number(nth) * step - thickness / 2.0;
            let ys = cable.waypoints.iter().map(|w| middles[*w] + below);
            strands[i] = ys.collect();
        }
    }
    strands
}

/// The left and the right side of each column: further apart where arrows are many or steep.
fn across(
    columns: &[Vec<usize>],
    insides: &[Inside],
    column_of: &[usize],
    crossings: &[Crossing],
    strands: &[Vec<f64>],
    port: &impl Fn(usize, usize) -> f64,
) -> Vec<(f64, f64)> {
    let mut lines = vec![0_usize; columns.len()];
    let mut rise = vec![0.0_f64; columns.len()];
    for (crossing, strand) in crossings.iter().zip(strands) {
        let (from_y, to_y) = (
            port(crossing.from, crossing.leaves_by),
            port(crossing.to, crossing.enters_by),
        );
        let (left, mut last, end) = match crossing.course {
            Course::Left => (crossing.to, to_y, from_y),
            _ => (crossing.from, from_y, to_y),
        };
        for (gap, y) in (column_of[left]..).zip(strand.iter().chain([&end])) {
            lines[gap] += 1;
            rise[gap] = rise[gap].max((y - last).abs());
            last = *y;
        }
    }
    let mut x = 0.0;
    let mut xs = Vec::with_capacity(columns.len());
    for (i, column) in columns.iter().enumerate() {
        let width = column.iter().map(|g| insides[*g].width).fold(0.0, f64::max);
        xs.push((x, x + width));
        x += width + (56.0 + 0.16 * rise[i] + 0.6 * number(lines[i])).clamp(64.0, 320.0);
    }
    xs
}
