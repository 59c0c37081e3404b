//! Which group stands in which column.
//!
//! Whoever is called stands to the right of whoever calls, as far as cycles allow. Where that makes a picture much
//! wider or higher than a screen, groups that follow each other share a column, or those of one column get several.

use std::collections::BTreeMap;

use super::{number, sequence};
use crate::graph::GroupSort;

/// Width to height of a screen, or a slide.
const ASPECT: f64 = 1.7;
/// Between columns, on average: for the estimate only.
const GAP: f64 = 130.0;
/// What arrows within a column cost, if all of them were: they are harder to follow.
const WITHIN: f64 = 2.5;
/// Heights of columns that are tried.
const TRIES: usize = 24;

/// A group as its column sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outline {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) sort: GroupSort,
}

/// The columns, each from the top. `arrows` counts those from one group to another.
pub(super) fn columns(
    outlines: &[Outline],
    arrows: &BTreeMap<(usize, usize), usize>,
) -> Vec<Vec<usize>> {
    let weighted: Vec<(usize, usize, i64)> = arrows
        .iter()
        .map(|(&(from, to), n)| (from, to, i64::try_from(*n).unwrap_or(i64::MAX)))
        .collect();
    let mut order = sequence::sequence(outlines.len(), &weighted);
    // What is outside stands outside, whoever calls whom.
    order.sort_by_key(|g| outlines[*g].sort);
    let layers = layers(&order, arrows);
    order.sort_by_key(|g| (outlines[*g].sort, layers[*g]));
    let total: f64 = outlines.iter().map(|outline| outline.height).sum();
    let highest = outlines
        .iter()
        .map(|outline| outline.height)
        .fold(1.0, f64::max);
    let step = (total / highest).max(1.0).powf(1.0 / number(TRIES));
    let heights = (0..=TRIES).map(|i| highest * 1.001 * step.powi(i32::try_from(i).unwrap_or(0)));
    let filled = heights.map(|height| fill(&order, outlines, &layers, height));
    let natural = fill(&order, outlines, &layers, f64::INFINITY);
    let mut best: Option<(f64, Vec<Vec<usize>>)> = None;
    for columns in std::iter::once(natural).chain(filled) {
        let cost = cost(&columns, outlines, arrows);
        if best.as_ref().is_none_or(|(least, _)| cost < *least - 1e-9) {
            best = Some((cost, columns));
        }
    }
    best.map(|(_, columns)| columns).unwrap_or_default()
}

/// The longest way to each group along the order.
fn layers(order: &[usize], arrows: &BTreeMap<(usize, usize), usize>) -> Vec<usize> {
    let at = sequence::positions(order);
    let mut before = vec![Vec::new(); order.len()];
    let mut after = vec![Vec::new(); order.len()];
    for &(from, to) in arrows.keys() {
        if at[from] < at[to] {
            before[to].push(from);
            after[from].push(to);
        }
    }
    let mut layers = vec![0_usize; order.len()];
    for &g in order {
        layers[g] = before[g].iter().map(|b| layers[*b] + 1).max().unwrap_or(0);
    }
    for &g in order.iter().rev().filter(|g| before[**g].is_empty()) {
        let nearest = after[g].iter().map(|a| layers[*a]).min();
        layers[g] = nearest.map_or(0, |layer| layer.saturating_sub(1));
    }
    layers
}

/// Columns up to a height; without one, a column for each layer.
fn fill(order: &[usize], outlines: &[Outline], layers: &[usize], height: f64) -> Vec<Vec<usize>> {
    /// A column that is as full as this ends with its layer.
    const FULL: f64 = 0.65;
    let mut columns: Vec<Vec<usize>> = Vec::new();
    let mut used = 0.0;
    for &g in order {
        let outline = outlines[g];
        let starts = columns
            .last()
            .and_then(|column| column.last())
            .is_none_or(|&last| {
                let is_next = layers[last] != layers[g];
                outlines[last].sort != outline.sort
                    || used + outline.height > height
                    || (is_next && (height.is_infinite() || used > FULL * height))
            });
        if starts {
            columns.push(Vec::new());
            used = 0.0;
        }
        used += outline.height;
        if let Some(column) = columns.last_mut() {
            column.push(g);
        }
    }
    columns
}

fn cost(
    columns: &[Vec<usize>],
    outlines: &[Outline],
    arrows: &BTreeMap<(usize, usize), usize>,
) -> f64 {
    let mut column_of = vec![0; outlines.len()];
    let (mut width, mut height) = (0.0, 1.0_f64);
    for (i, column) in columns.iter().enumerate() {
        for &g in column {
            column_of[g] = i;
        }
        width += GAP
            + column
                .iter()
                .map(|g| outlines[*g].width)
                .fold(0.0, f64::max);
        height = height.max(column.iter().map(|g| outlines[*g].height).sum());
    }
    let all: usize = arrows.values().sum();
    let within: usize = arrows
        .iter()
        .filter(|((from, to), _)| column_of[*from] == column_of[*to])
        .map(|(_, n)| n)
        .sum();
    let filled: f64 = outlines
        .iter()
        .map(|outline| outline.width * outline.height)
        .sum();
    let aspect = (width / height / ASPECT).ln().abs();
    // A small picture fits on every screen, whatever its shape.
    let weight = if width < 1_200.0 && height < 900.0 {
        0.2
    } else {
        1.0
    };
    weight * aspect
        + WITHIN * number(within) / number(all.max(1))
        + 0.5 * (width * height / filled.max(1.0)).ln()
}
