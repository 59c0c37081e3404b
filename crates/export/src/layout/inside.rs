//! One group from the inside: its nodes in layers, the arrows between them, and a lane from each node that has arrows
//! to or from other groups to a port at the side of the group.
//!
//! All arrows of a node through one side share its lane, so a group of *n* nodes has at most 4 *n* ports. No arrow
//! loses its ends by that: one end of all arrows of a lane is the same.

use super::layered::{Layered, Link, Vertex};
use super::route::Stop;
use super::{number, sequence};
use crate::drawing::Rect;

/// The height of a node.
pub(super) const CARD_HEIGHT: f64 = 30.0;
/// Above a node that calls itself.
pub(super) const LOOP_HEIGHT: f64 = 14.0;
/// Between nodes, and half of it between a node and a line.
const CARD_SPACE: f64 = 13.0;
/// Between lines.
const LINE_SPACE: f64 = 6.0;
/// Within the frame.
const PADDING: f64 = 16.0;
/// Of the title.
const TITLE_HEIGHT: f64 = 34.0;
/// Arrows that go back end this much below the others, so that both can be told apart.
const BACK: f64 = 8.0;
/// Nodes in one layer: this many, or more in a large group, so that it does not get higher than wide.
const MIN_LAYER: usize = 6;

/// A side of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Left,
    Right,
}

/// The way of one node's arrows through one side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    pub(super) node: usize,
    pub(super) side: Side,
    /// Whether the arrows begin at the node.
    pub(super) leaves: bool,
    /// By which the ports of a side are sorted, from the top.
    pub(super) key: f64,
}

/// A group to be laid out. Nodes are numbered from 0.
#[derive(Debug, Default)]
pub(super) struct Task {
    /// The width of each node.
    pub(super) widths: Vec<f64>,
    /// Whether it calls itself.
    pub(super) loops: Vec<bool>,
    /// Client and server; not of a node to itself.
    pub(super) arrows: Vec<(usize, usize)>,
    pub(super) lanes: Vec<Lane>,
    /// Whether the keys of the lanes mean something.
    pub(super) has_keys: bool,
    /// The width that the title needs; `None` where there is no frame.
    pub(super) title: Option<f64>,
}

/// A group that is laid out, from its own upper left corner.
#[derive(Debug, Default)]
pub(super) struct Inside {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) cards: Vec<Rect>,
    /// Of each arrow, from client to server.
    pub(super) arrows: Vec<Vec<Stop>>,
    /// Of each lane, from the node to the port.
    pub(super) lanes: Vec<Vec<Stop>>,
    /// How far down the port of each lane is.
    pub(super) ports: Vec<f64>,
}

/// A vertex that a way passes, or ends at, some way below its middle.
type Way = Vec<(usize, f64)>;

struct Builder<'t> {
    task: &'t Task,
    layered: Layered,
    /// The layer of each vertex.
    layers: Vec<usize>,
    n: usize,
}

pub(super) fn lay_out(task: &Task) -> Inside {
    let n = task.widths.len();
    let weighted: Vec<(usize, usize, i64)> = task
        .arrows
        .iter()
        .map(|(from, to)| (*from, *to, 1))
        .collect();
    let sequence = sequence::sequence(n, &weighted);
    let layers = layers(task, &sequence);
    let count = layers.iter().max().map_or(0, |last| last + 1);
    let mut builder = Builder::new(task, layers, count, &sequence);
    let arrows: Vec<Way> = task
        .arrows
        .iter()
        .map(|&(client, server)| builder.arrow(client, server))
        .collect();
    let lanes = builder.lanes(count);
    builder.layered.order(task.has_keys);
    let middles = builder.layered.place();
    builder.finish(&middles, &arrows, &lanes)
}

/// The layer of each node, from 0: behind whoever calls it, as far as cycles allow; and not too many in one layer
/// (Coffman, Graham 1972).
fn layers(task: &Task, sequence: &[usize]) -> Vec<usize> {
    let n = task.widths.len();
    let most = (2 * n).isqrt().max(MIN_LAYER);
    let at = sequence::positions(sequence);
    let (mut before, mut after) = (vec![Vec::new(); n], vec![Vec::new(); n]);
    for &(client, server) in &task.arrows {
        let (left, right) = if at[client] < at[server] {
            (client, server)
        } else {
            (server, client)
        };
        before[right].push(left);
        after[left].push(right);
    }
    let mut layers = vec![0; n];
    let mut filled = vec![0; n.div_ceil(most)];
    let alone = |v: usize| before[v].is_empty() && after[v].is_empty();
    for &v in sequence.iter().filter(|v| !alone(**v)) {
        let mut layer = before[v].iter().map(|w| layers[*w] + 1).max().unwrap_or(0);
        while filled.get(layer).is_some_and(|n| *n >= most) {
            layer += 1;
        }
        if filled.len() <= layer {
            filled.resize(layer + 1, 0);
        }
        filled[layer] += 1;
        layers[v] = layer;
    }
    // What calls more than it is called moves to where it calls: shorter arrows.
    for &v in sequence.iter().rev() {
        if after[v].len() <= before[v].len() {
            continue;
        }
        let limit = after[v].iter().map(|w| layers[*w]).min().unwrap_or(0);
        if let Some(layer) = (layers[v] + 1..limit)
            .rev()
            .find(|layer| filled[*layer] < most)
        {
            filled[layers[v]] -= 1;
            filled[layer] += 1;
            layers[v] = layer;
        }
    }
    // What has no arrows here goes where there is room, near the side through which it has some.
    let mut leans_right = vec![0_i32; n];
    for lane in &task.lanes {
        leans_right[lane.node] += if lane.side == Side::Right { 1 } else { -1 };
    }
    for v in (0..n).filter(|v| alone(*v)) {
        let from_left = filled.iter().enumerate();
        let least = if leans_right[v] > 0 {
            from_left.rev().min_by_key(|(_, n)| **n)
        } else {
            from_left.min_by_key(|(_, n)| **n)
        };
        let layer = least.map_or(0, |(layer, _)| layer);
        filled[layer] += 1;
        layers[v] = layer;
    }
    layers
}

impl<'t> Builder<'t> {
    /// Layer 0 and the last one are those of the ports.
    fn new(task: &'t Task, layers: Vec<usize>, count: usize, sequence: &[usize]) -> Self {
        let n = layers.len();
        let mut layered = Layered {
            layers: vec![Vec::new(); count + 2],
            ..Layered::default()
        };
        for v in 0..n {
            let extra = if task.loops[v] { LOOP_HEIGHT } else { 0.0 };
            layered.vertices.push(Vertex {
                height: CARD_HEIGHT + extra,
                space: CARD_SPACE,
            });
        }
        for &v in sequence {
            layered.layers[layers[v] + 1].push(v);
        }
        let layers = layers.into_iter().map(|layer| layer + 1).collect();
        Self {
            task,
            layered,
            layers,
            n,
        }
    }

    /// How far below the middle of its vertex the middle of a node is.
    fn down(&self, v: usize) -> f64 {
        if v < self.n && self.task.loops[v] {
            LOOP_HEIGHT / 2.0
        } else {
            0.0
        }
    }

    fn waypoint(&mut self, layer: usize) -> usize {
        let line = Vertex {
            height: 0.0,
            space: LINE_SPACE,
        };
        self.layers.push(layer);
        self.layered.add(layer, line)
    }

    fn link(&mut self, from: (usize, f64), to: (usize, f64), weight: f64) {
        let pull = match [from, to].iter().filter(|(v, _)| *v < self.n).count() {
            0 => 8.0,
            1 => 2.0,
            _ => 1.0,
        };
        self.layered.links.push(Link {
            from: from.0,
            to: to.0,
            weight,
            pull,
            from_at: from.1,
            to_at: to.1,
        });
    }

    /// Links from a vertex to one further right, through a waypoint in each layer between them.
    fn chain(&mut self, from: (usize, f64), to: (usize, f64)) -> Way {
        let mut way = vec![from];
        for layer in self.layers[from.0] + 1..self.layers[to.0] {
            let waypoint = (self.waypoint(layer), 0.0);
            way.push(waypoint);
        }
        way.push(to);
        for pair in 1..way.len() {
            self.link(way[pair - 1], way[pair], 1.0);
        }
        way
    }

    fn arrow(&mut self, client: usize, server: usize) -> Way {
        let (client_at, server_at) = (self.down(client), self.down(server));
        if self.layers[client] < self.layers[server] {
            self.chain((client, client_at), (server, server_at))
        } else {
            let mut way = self.chain((server, server_at + BACK), (client, client_at + BACK));
            way.reverse();
            way
        }
    }

    fn lanes(&mut self, count: usize) -> Vec<Way> {
        let task = self.task;
        let mut sorted: Vec<usize> = (0..task.lanes.len()).collect();
        sorted.sort_by(|a, b| task.lanes[*a].key.total_cmp(&task.lanes[*b].key));
        let mut ways = vec![Way::new(); task.lanes.len()];
        for i in sorted {
            let Lane {
                node, side, leaves, ..
            } = task.lanes[i];
            let back = if leaves == (side == Side::Right) {
                0.0
            } else {
                BACK
            };
            let end = (node, self.down(node) + back);
            ways[i] = match side {
                Side::Right => {
                    let port = (self.waypoint(count + 1), 0.0);
                    self.chain(end, port)
                }
                Side::Left => {
                    let port = (self.waypoint(0), 0.0);
                    let mut way = self.chain(port, end);
                    way.reverse();
                    way
                }
            };
        }
        ways
    }

    fn finish(&self, middles: &[f64], arrows: &[Way], lanes: &[Way]) -> Inside {
        let task = self.task;
        let top = if task.title.is_some() {
            TITLE_HEIGHT
        } else {
            0.0
        };
        let bottom = if task.title.is_some() { PADDING } else { 0.0 };
        let columns = self.columns(middles);
        let mut cards = Vec::with_capacity(self.n);
        for v in 0..self.n {
            cards.push(Rect {
                x: columns[self.layers[v]].0,
                y: top + middles[v] + self.down(v) - CARD_HEIGHT / 2.0,
                width: self.width(v),
                height: CARD_HEIGHT,
            });
        }
        let last = columns.last().copied().unwrap_or_default();
        let width = last.1.max(task.title.unwrap_or(0.0) + 2.0 * PADDING);
        let height = middles
            .iter()
            .zip(&self.layered.vertices)
            .map(|(middle, vertex)| middle + vertex.height / 2.0)
            .fold(0.0, f64::max);
        let stop = |&(v, at): &(usize, f64), is_right: bool| {
            let (left, right) = columns[self.layers[v]];
            let y = top + middles[v] + at;
            if v >= self.n {
                // Ports are at the border itself.
                let right = if self.layers[v] + 1 == columns.len() {
                    width
                } else {
                    right
                };
                return Stop::Pass { left, right, y };
            }
            let card = cards[v];
            if is_right {
                Stop::Pass {
                    left: card.right(),
                    right,
                    y,
                }
            } else {
                Stop::Pass {
                    left,
                    right: card.x,
                    y,
                }
            }
        };
        // Whether the way goes on, or comes from, the right of each of its ends.
        let stops = |way: &Way| -> Vec<Stop> {
            let layer = |at: usize| way.get(at).map_or(0, |(v, _)| self.layers[*v]);
            (0..way.len())
                .map(|i| {
                    let other = if i == 0 { 1 } else { i - 1 };
                    stop(&way[i], layer(other) > layer(i))
                })
                .collect()
        };
        Inside {
            width,
            height: top + height + bottom,
            arrows: arrows.iter().map(&stops).collect(),
            lanes: lanes.iter().map(&stops).collect(),
            ports: lanes
                .iter()
                .map(|way| way.last().map_or(0.0, |(v, at)| top + middles[*v] + at))
                .collect(),
            cards,
        }
    }

    /// Nodes of one layer are equally wide, unless one of them is very wide.
    fn width(&self, v: usize) -> f64 {
        const UNIFORM: f64 = 190.0;
        let layer = &self.layered.layers[self.layers[v]];
        let nodes = layer.iter().filter(|w| **w < self.n);
        let widest = nodes.map(|w| self.task.widths[*w]).fold(0.0, f64::max);
        self.task.widths[v].max(widest.min(UNIFORM))
    }

    /// The left and the right side of each layer.
    fn columns(&self, middles: &[f64]) -> Vec<(f64, f64)> {
        let count = self.layered.layers.len();
        let mut rise = vec![0.0_f64; count];
        let mut lines = vec![0_usize; count];
        for link in &self.layered.links {
            let layer = self.layers[link.from];
            let (from, to) = (
                middles[link.from] + link.from_at,
                middles[link.to] + link.to_at,
            );
            rise[layer] = rise[layer].max((from - to).abs());
            lines[layer] += 1;
        }
        let padding = if self.task.title.is_some() {
            PADDING
        } else {
            0.0
        };
        let mut x = 0.0;
        let mut columns = Vec::with_capacity(count);
        for layer in 0..count {
            let nodes = self.layered.layers[layer].iter().filter(|v| **v < self.n);
            let width = nodes.map(|v| self.width(*v)).fold(0.0, f64::max);
            columns.push((x, x + width));
            let is_port = layer == 0 || layer + 2 >= count;
            x += width
                + match (is_port, lines[layer]) {
                    _ if layer + 1 == count => 0.0,
                    (true, 0) => padding,
                    (true, _) => (10.0 + 0.3 * rise[layer]).clamp(padding.max(8.0), 90.0),
                    (false, n) => (30.0 + 0.2 * rise[layer] + 0.5 * number(n)).clamp(44.0, 160.0),
                };
        }
        columns
    }
}
