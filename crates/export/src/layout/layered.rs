//! Vertices in layers, with links between neighbouring layers: their order in each layer, and their heights.
//!
//! The order comes from barycentres, swept to and fro (Sugiyama, Tagawa, Toda 1981), then from exchanging neighbours
//! while that saves crossings (Gansner et al., "A technique for drawing directed graphs", 1993). The heights are those
//! for which the links are as level as the order allows: layer by layer, the least squares under the constraint that
//! nothing overlaps, which is an isotonic regression.

/// Sweeps for the order, to and fro. The best order found is kept; more than a few sweeps hardly ever better it.
const SWEEPS: usize = 10;
/// Rounds of exchanging neighbours.
const EXCHANGES: usize = 6;
/// Sweeps for the heights.
const LEVELLINGS: usize = 24;
/// Work of one exchange, in pairs of links, above which it is not tried: two vertices with a thousand links each.
const MAX_PAIRS: usize = 1_000_000;

/// Vertices in layers.
#[derive(Debug, Default)]
pub(super) struct Layered {
    /// In order from the top.
    pub(super) layers: Vec<Vec<usize>>,
    pub(super) vertices: Vec<Vertex>,
    pub(super) links: Vec<Link>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Vertex {
    pub(super) height: f64,
    /// What it wants free above and below; between two vertices the mean counts.
    pub(super) space: f64,
}

/// From a vertex of one layer to one of the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) to: usize,
    /// How many arrows it carries.
    pub(super) weight: f64,
    /// How much it matters that it is level.
    pub(super) pull: f64,
    /// Where it begins, below the middle of the one vertex.
    pub(super) from_at: f64,
    /// Where it ends, below the middle of the other.
    pub(super) to_at: f64,
}

/// The links of each vertex: to its neighbours in the layer before, and in the layer after.
struct Neighbours([Vec<Vec<(usize, f64)>>; 2]);

/// A neighbour, how far below its middle a vertex should be, and how much that matters.
type Pull = (usize, f64, f64);

const BEFORE: usize = 0;
const AFTER: usize = 1;

impl Neighbours {
    fn new(layered: &Layered) -> Self {
        let n = layered.vertices.len();
        let mut sides = [vec![Vec::new(); n], vec![Vec::new(); n]];
        for link in &layered.links {
            sides[BEFORE][link.to].push((link.from, link.weight));
            sides[AFTER][link.from].push((link.to, link.weight));
        }
        Self(sides)
    }
}

impl Layered {
    pub(super) fn add(&mut self, layer: usize, vertex: Vertex) -> usize {
        let v = self.vertices.len();
        self.vertices.push(vertex);
        while self.layers.len() <= layer {
            self.layers.push(Vec::new());
        }
        self.layers[layer].push(v);
        v
    }

    /// Orders the layers so that few links cross. The first and the last layer stay as they are where that is wanted.
    pub(super) fn order(&mut self, keeps_ends: bool) {
        let neighbours = Neighbours::new(self);
        let mut at = vec![0; self.vertices.len()];
        self.note_positions(&mut at);
        let mut best = (self.crossings(&at), self.layers.clone());
        for sweep in 0..SWEEPS {
            if best.0 == 0.0 {
                break;
            }
            self.sweep(sweep % 2 == 0, keeps_ends, &neighbours, &mut at);
            if sweep % 2 == 1 || sweep == 0 {
                self.exchange(keeps_ends, &neighbours, &mut at);
            }
            let crossings = self.crossings(&at);
            if crossings < best.0 {
                best = (crossings, self.layers.clone());
            }
        }
        self.layers = best.1;
    }

    fn note_positions(&self, at: &mut [usize]) {
        for layer in &self.layers {
            for (position, &v) in layer.iter().enumerate() {
                at[v] = position;
            }
        }
    }

    /// Which layers may be ordered.
    fn free(&self, keeps_ends: bool) -> std::ops::Range<usize> {
        if keeps_ends {
            1..self.layers.len().saturating_sub(1)
        } else {
            0..self.layers.len()
        }
    }

    fn sweep(&mut self, forth: bool, keeps_ends: bool, neighbours: &Neighbours, at: &mut [usize]) {
        let free = self.free(keeps_ends);
        let side = if forth { BEFORE } else { AFTER };
        let layers: Vec<usize> = if forth {
            free.collect()
        } else {
            free.rev().collect()
        };
        for layer in layers {
            let mut keyed: Vec<(f64, usize)> = self.layers[layer]
                .iter()
                .map(|&v| (barycentre(&neighbours.0[side][v], at), v))
                .map(|(key, v)| (key.unwrap_or(f64::NAN), v))
                .collect();
            // Whoever has no neighbours there stays where it is, between those who were around it.
            let mut last = f64::NEG_INFINITY;
            for (key, _) in &mut keyed {
                if key.is_nan() {
                    *key = last;
                } else {
                    last = *key;
                }
            }
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            for (position, (_, v)) in keyed.iter().enumerate() {
                at[*v] = position;
                self.layers[layer][position] = *v;
            }
        }
    }

    fn exchange(&mut self, keeps_ends: bool, neighbours: &Neighbours, at: &mut [usize]) {
        for _ in 0..EXCHANGES {
            let mut gained = false;
            for layer in self.free(keeps_ends) {
                for position in 1..self.layers[layer].len() {
                    let (u, v) = (
                        self.layers[layer][position - 1],
                        self.layers[layer][position],
                    );
                    let (mut now, mut then) = (0.0, 0.0);
                    for side in &neighbours.0 {
                        if side[u].len() * side[v].len() > MAX_PAIRS {
                            continue;
                        }
                        for &(a, weight) in &side[u] {
                            for &(b, other) in &side[v] {
                                match at[a].cmp(&at[b]) {
                                    std::cmp::Ordering::Greater => now += weight * other,
                                    std::cmp::Ordering::Less => then += weight * other,
                                    std::cmp::Ordering::Equal => {}
                                }
                            }
                        }
                    }
                    if then < now {
                        self.layers[layer].swap(position - 1, position);
                        at[u] = position;
                        at[v] = position - 1;
                        gained = true;
                    }
                }
            }
            if !gained {
                break;
            }
        }
    }

    /// How many pairs of arrows cross, counted with a tree of sums (Barth, Jünger, Mutzel 2002).
    fn crossings(&self, at: &[usize]) -> f64 {
        let mut of_layer = vec![0; self.vertices.len()];
        for (layer, vertices) in self.layers.iter().enumerate() {
            for &v in vertices {
                of_layer[v] = layer;
            }
        }
        let mut between: Vec<Vec<(usize, usize, f64)>> = vec![Vec::new(); self.layers.len()];
        for link in &self.links {
            between[of_layer[link.from]].push((at[link.from], at[link.to], link.weight));
        }
        let mut crossings = 0.0;
        for (layer, mut links) in between.into_iter().enumerate() {
            let width = self.layers.get(layer + 1).map_or(0, Vec::len);
            let mut tree = vec![0.0; width + 1];
            links.sort_by_key(|(from, to, _)| (*from, *to));
            let mut total = 0.0;
            for (_, to, weight) in links {
                let mut below = 0.0;
                let mut i = to + 1;
                while i > 0 {
                    below += tree[i];
                    i &= i - 1;
                }
                crossings += weight * (total - below);
                total += weight;
                let mut i = to + 1;
                while i <= width {
                    tree[i] += weight;
                    i += i & i.wrapping_neg();
                }
            }
        }
        crossings
    }

    /// The middle of each vertex. The least upper side is at zero.
    pub(super) fn place(&self) -> Vec<f64> {
        let mut y = vec![0.0; self.vertices.len()];
        let mut total = vec![0.0; self.layers.len()];
        for (layer, sum) in self.layers.iter().zip(&mut total) {
            for (&v, offset) in layer.iter().zip(self.offsets(layer)) {
                y[v] = offset;
                *sum = offset;
            }
        }
        for (layer, sum) in self.layers.iter().zip(&total) {
            for &v in layer {
                y[v] -= sum / 2.0;
            }
        }
        let mut pulls = [vec![Vec::new(); y.len()], vec![Vec::new(); y.len()]];
        for link in &self.links {
            pulls[BEFORE][link.to].push((link.from, link.from_at - link.to_at, link.pull));
            pulls[AFTER][link.from].push((link.to, link.to_at - link.from_at, link.pull));
        }
        for levelling in 0..LEVELLINGS {
            let forth = levelling % 2 == 0;
            // At first each side in turn, so that moves travel far; then both, for balance.
            let both = levelling >= LEVELLINGS / 2;
            for i in 0..self.layers.len() {
                let layer = if forth { i } else { self.layers.len() - 1 - i };
                self.level(&self.layers[layer], forth, both, &pulls, &mut y);
            }
        }
        let top = |v: usize, y: f64| y - self.vertices[v].height / 2.0;
        let least = y
            .iter()
            .enumerate()
            .map(|(v, y)| top(v, *y))
            .fold(f64::INFINITY, f64::min);
        for y in &mut y {
            *y -= least;
        }
        y
    }

    /// How far below the first vertex of a layer each must be at least.
    fn offsets(&self, layer: &[usize]) -> Vec<f64> {
        let mut offsets = Vec::with_capacity(layer.len());
        let mut last: Option<(f64, Vertex)> = None;
        for &v in layer {
            let vertex = self.vertices[v];
            let offset = last.map_or(0.0, |(offset, before)| {
                offset
                    + f64::midpoint(before.height, vertex.height)
                    + f64::midpoint(before.space, vertex.space)
            });
            offsets.push(offset);
            last = Some((offset, vertex));
        }
        offsets
    }

    fn level(
        &self,
        layer: &[usize],
        forth: bool,
        both: bool,
        pulls: &[Vec<Vec<Pull>>; 2],
        y: &mut [f64],
    ) {
        /// A vertex that nothing pulls goes where its neighbours push it.
        const FREE: f64 = 1e-3;
        let offsets = self.offsets(layer);
        let sides: &[usize] = match (both, forth) {
            (true, _) => &[BEFORE, AFTER],
            (false, true) => &[BEFORE],
            (false, false) => &[AFTER],
        };
        // Blocks of vertices that touch: where the first would be, how strongly it is held, how many they are.
        let mut blocks: Vec<(f64, f64, usize)> = Vec::with_capacity(layer.len());
        for (&v, offset) in layer.iter().zip(&offsets) {
            let (mut sum, mut strength) = (0.0, 0.0);
            for &side in sides {
                for &(w, shift, pull) in &pulls[side][v] {
                    sum += pull * (y[w] + shift);
                    strength += pull;
                }
            }
            let (wanted, strength) = if strength > 0.0 {
                (sum / strength, strength)
            } else {
                (y[v], FREE)
            };
            let mut block = (wanted - offset, strength, 1);
            while let Some(&(before, held, n)) = blocks.last() {
                if before <= block.0 {
                    break;
                }
                blocks.pop();
                let strength = held + block.1;
                block = (
                    (before * held + block.0 * block.1) / strength,
                    strength,
                    n + block.2,
                );
            }
            blocks.push(block);
        }
        let mut vertices = layer.iter().zip(&offsets);
        for (start, _, n) in blocks {
            for (&v, offset) in vertices.by_ref().take(n) {
                y[v] = start + offset;
            }
        }
    }
}

fn barycentre(neighbours: &[(usize, f64)], at: &[usize]) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for &(v, weight) in neighbours {
        sum += weight * super::number(at[v]);
        weights += weight;
    }
    (weights > 0.0).then(|| sum / weights)
}
