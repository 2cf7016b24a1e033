//! Samples as distinct values with counts.

/// A value and how often it was seen.
pub type Cell = (f64, u64);

/// The distinct finite values of a sample, ascending, with their counts. Leaves `values` sorted and without the others.
pub fn count(values: &mut Vec<f64>) -> Vec<Cell> {
    values.retain(|x| x.is_finite());
    // One zero: NumPy takes both for equal.
    values.iter_mut().for_each(|x| *x += 0.0);
    values.sort_unstable_by(f64::total_cmp);
    let mut cells: Vec<Cell> = Vec::new();
    for x in values.iter() {
        match cells.last_mut() {
            Some((value, count)) if value.to_bits() == x.to_bits() => *count += 1,
            _ => cells.push((*x, 1)),
        }
    }
    cells
}

/// The cells of several samples together.
pub fn merge<'a>(parts: impl IntoIterator<Item = &'a [Cell]>) -> Vec<Cell> {
    let mut all: Vec<Cell> = parts.into_iter().flatten().copied().collect();
    // A stable sort finds the ascending runs and merges them.
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.dedup_by(|next, kept| {
        let is_same = next.0.to_bits() == kept.0.to_bits();
        kept.1 += if is_same { next.1 } else { 0 };
        is_same
    });
    all
}
