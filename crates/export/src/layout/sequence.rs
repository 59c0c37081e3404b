//! An order of the vertices against which few edges go: the heuristic of Eades, Lin and Smyth ("A fast and effective
//! heuristic for the feedback arc set problem", 1993), with weights. Sinks go to the end, sources to the start, and
//! of the others the one that calls most and is called least goes first.

use std::collections::BTreeSet;

/// The vertices from left to right. Edges are `(from, to, weight)`; those from a vertex to itself do not count.
pub(super) fn sequence(n: usize, edges: &[(usize, usize, i64)]) -> Vec<usize> {
    let mut out: Vec<Vec<(usize, i64)>> = vec![Vec::new(); n];
    let mut into: Vec<Vec<(usize, i64)>> = vec![Vec::new(); n];
    for &(from, to, weight) in edges.iter().filter(|(from, to, _)| from != to) {
        out[from].push((to, weight));
        into[to].push((from, weight));
    }
    let sum = |of: &[(usize, i64)]| of.iter().map(|(_, weight)| weight).sum::<i64>();
    let mut outgoing: Vec<i64> = out.iter().map(|of| sum(of)).collect();
    let mut incoming: Vec<i64> = into.iter().map(|of| sum(of)).collect();
    // Vertices that are left, the best first; ties by index, so that the order is always the same.
    let rank = |v: usize, outgoing: &[i64], incoming: &[i64]| {
        let class = match (incoming[v], outgoing[v]) {
            (0, _) => 0,
            (_, 0) => 2,
            _ => 1,
        };
        (class, incoming[v] - outgoing[v], v)
    };
    let mut left: BTreeSet<(i32, i64, usize)> =
        (0..n).map(|v| rank(v, &outgoing, &incoming)).collect();
    let (mut start, mut end) = (Vec::with_capacity(n), Vec::new());
    loop {
        let last = left.last().copied().filter(|(class, ..)| *class == 2);
        let Some(next) = last.or_else(|| left.first().copied()) else {
            break;
        };
        left.remove(&next);
        let (class, _, v) = next;
        if class == 2 {
            end.push(v);
        } else {
            start.push(v);
        }
        for (neighbours, degree) in [(&out[v], 0), (&into[v], 1)] {
            for &(w, weight) in neighbours {
                if !left.remove(&rank(w, &outgoing, &incoming)) {
                    continue;
                }
                if degree == 0 {
                    incoming[w] -= weight;
                } else {
                    outgoing[w] -= weight;
                }
                left.insert(rank(w, &outgoing, &incoming));
            }
        }
    }
    start.extend(end.into_iter().rev());
    start
}

/// Where each vertex stands in the sequence.
pub(super) fn positions(sequence: &[usize]) -> Vec<usize> {
    let mut positions = vec![0; sequence.len()];
    for (at, &v) in sequence.iter().enumerate() {
        positions[v] = at;
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_without_cycles_has_no_edge_against_the_sequence() {
        let edges = [
            (3, 1, 1),
            (1, 0, 1),
            (3, 0, 1),
            (0, 2, 1),
            (4, 2, 1),
            (2, 2, 9),
        ];
        let at = positions(&sequence(6, &edges));
        for (from, to, _) in edges {
            assert!(from == to || at[from] < at[to], "{from} → {to}");
        }
    }

    #[test]
    fn of_a_cycle_the_light_edge_goes_back() {
        let edges = [(0, 1, 5), (1, 2, 5), (2, 0, 1)];
        assert_eq!(sequence(3, &edges), [0, 1, 2]);
    }
}
