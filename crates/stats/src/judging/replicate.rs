//! Simulated copies of the estimation error and the norms of them.

use super::noise::Matrix;
use super::random::{Stream, Weights};

/// The seminorm whose quantile makes the lower end.
#[derive(Debug, Clone)]
pub(crate) enum Norm {
    /// `max |v|`.
    MaxAbs,
    /// `max v - min v`, 0 included.
    Range,
    /// `factor * sum |v|`.
    SumAbs(f64),
    /// `sqrt(sum v^2 weight)`.
    Root(Vec<f64>),
}

impl Norm {
    pub(crate) fn of(&self, v: &[f64]) -> f64 {
        match self {
            Norm::MaxAbs => v.iter().fold(0.0, |most: f64, x| most.max(x.abs())),
            Norm::Range => {
                let (low, high) = v.iter().fold((0.0_f64, 0.0_f64), |(low, high), x| (low.min(*x), high.max(*x)));
                high - low
            }
            Norm::SumAbs(factor) => factor * v.iter().map(|x| x.abs()).sum::<f64>(),
            Norm::Root(weights) => libm::sqrt(v.iter().zip(weights).map(|(x, w)| x * x * w).sum()),
        }
    }
}

/// One independent part of the error: rows, sign, and the streams its weights come from.
pub(crate) struct ErrorPart<'a> {
    pub(crate) rows: &'a Matrix,
    pub(crate) sign: f64,
    /// Degrees of freedom of the shared spread.
    pub(crate) degrees: usize,
    pub(crate) normals: Stream,
    pub(crate) spread: Stream,
}

/// Calls `visit` with each replicate `P_b`, `b = 1..=replicates`. The sum over cosines runs in order for each column.
pub(crate) fn visit_replicates(
    parts: &[ErrorPart<'_>],
    weights: &impl Weights,
    replicates: u32,
    mut visit: impl FnMut(&[f64]),
) {
    let columns = parts.first().map_or(0, |part| part.rows.columns);
    let mut error = vec![0.0; columns];
    let mut coefficients = Vec::new();
    for b in 1..=replicates {
        error.fill(0.0);
        for part in parts {
            let spread = weights.chi_square(b, part.degrees, part.spread);
            let factor = part.sign * libm::sqrt(part.degrees as f64 / spread);
            coefficients.clear();
            let rows = part.rows.rows() as u32;
            coefficients.extend((1..=rows).map(|k| factor * weights.normal(b, k, part.normals)));
            accumulate(&mut error, part.rows, &coefficients);
        }
        visit(&error);
    }
}

/// `out += sum_k coefficient_k row_k`, in order of `k` for each column; four rows at a time only to save memory traffic.
fn accumulate(out: &mut [f64], rows: &Matrix, coefficients: &[f64]) {
    let columns = rows.columns;
    if columns == 0 {
        return;
    }
    let mut row = rows.data.chunks_exact(columns);
    let mut four = coefficients.chunks_exact(4);
    for c in four.by_ref() {
        if let (Some(a), Some(b), Some(d), Some(e)) = (row.next(), row.next(), row.next(), row.next()) {
            for ((((o, a), b), d), e) in out.iter_mut().zip(a).zip(b).zip(d).zip(e) {
                *o = *o + c[0] * a + c[1] * b + c[2] * d + c[3] * e;
            }
        }
    }
    for (c, values) in four.remainder().iter().zip(row) {
        for (o, v) in out.iter_mut().zip(values) {
            *o += c * v;
        }
    }
}

/// The norms of all replicates, ascending.
pub(crate) fn replicate_norms(
    parts: &[ErrorPart<'_>],
    weights: &impl Weights,
    replicates: u32,
    norm: &Norm,
) -> Vec<f64> {
    let mut norms = Vec::with_capacity(replicates as usize);
    visit_replicates(parts, weights, replicates, |error| norms.push(norm.of(error)));
    norms.sort_by(f64::total_cmp);
    norms
}

/// The `ceil((1 - alpha)(B + 1))`-th smallest of ascending values: the largest if that rank is beyond them, 0 if there is none.
pub(crate) fn upper_quantile(ascending: &[f64], alpha: f64) -> f64 {
    let rank = libm::ceil((1.0 - alpha) * (ascending.len() as f64 + 1.0) - 1e-9);
    let index = (rank as usize).clamp(1, ascending.len().max(1)) - 1;
    ascending.get(index).copied().unwrap_or(0.0)
}

/// `(1 + #{norms >= excess}) / (B + 1)`, and 1 if `excess <= 0`.
pub(crate) fn tail_share(ascending: &[f64], excess: f64) -> f64 {
    if excess <= 0.0 {
        return 1.0;
    }
    let below = ascending.partition_point(|norm| *norm < excess);
    (1 + ascending.len() - below) as f64 / (ascending.len() as f64 + 1.0)
}
