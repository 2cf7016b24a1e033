//! The coarse edges: quantiles of the golden alone, with large atoms as cells of their own.

/// At most `most` ascending edges from one side's sorted cells: equal-mass quantiles, both edges of atoms heavier than a
/// quantile cell, the edge below the smallest key and the largest key. All edges if they are few.
pub(crate) fn coarse_edges(cells: &[(i64, u64)], most: usize) -> Vec<i64> {
    let finish = |mut edges: Vec<i64>| {
        edges.sort_unstable();
        edges.dedup();
        edges
    };
    if cells.len() * 2 <= most {
        return finish(cells.iter().flat_map(|(key, _)| [key.saturating_sub(1), *key]).collect());
    }
    let mut quantiles = most.saturating_sub(2).max(2);
    let mut edges = quantile_edges(cells, quantiles);
    // Atoms add edges: ask for fewer quantiles until all fit. An eighth less each time ends within 64 rounds at 2.
    for _ in 0..64 {
        if edges.len() <= most || quantiles <= 2 {
            break;
        }
        quantiles -= (quantiles / 8).max(1);
        edges = quantile_edges(cells, quantiles);
    }
    edges
}

fn quantile_edges(cells: &[(i64, u64)], quantiles: usize) -> Vec<i64> {
    let total: u64 = cells.iter().map(|(_, n)| n).sum();
    let steps = quantiles as u128 + 1;
    let mut edges = Vec::new();
    let (mut below, mut next) = (0_u64, 1_u128);
    for (i, (key, count)) in cells.iter().enumerate() {
        let heavy = u128::from(*count) * steps > u128::from(total);
        if heavy || i == 0 {
            edges.push(key.saturating_sub(1));
        }
        below += count;
        let reached = u128::from(below) * steps / u128::from(total);
        if heavy || reached >= next || i + 1 == cells.len() {
            edges.push(*key);
        }
        next = next.max(reached + 1);
    }
    edges.sort_unstable();
    edges.dedup();
    edges
}
