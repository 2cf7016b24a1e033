//! Features of standardised rows along fixed directions: means of functions of one projection each.

use super::scale::{Points, finite};
use crate::judging::{JudgingError, Reading, Rows};
use crate::sample::mix64;
use crate::special::normal_quantile;

/// Sets the frozen directions apart from other uses of the generator.
const STREAM: u64 = 0x6469_7265_6374; // "direct"

/// A standard normal value, a pure function of its address.
pub(crate) fn normal(stream: u64, at: u64) -> f64 {
    let bits = mix64(mix64(STREAM ^ (stream << 48)).wrapping_add(at.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    normal_quantile(((bits >> 12) as f64 + 0.5) / (1_u64 << 52) as f64)
}

/// Unit vectors in blocks of as many as there are dimensions, orthogonal within a block: each block alone has the mean square of any
/// projection right. Each vector is uniform on the sphere.
pub(crate) fn orthogonal_directions(count: usize, dims: usize, stream: u64) -> Vec<Vec<f64>> {
    let mut out: Vec<Vec<f64>> = Vec::with_capacity(count);
    for at in 0..count {
        let mut v: Vec<f64> = (0..dims).map(|k| normal(stream, (at * dims + k) as u64)).collect();
        let block = at - at % dims.max(1);
        // Twice: what rounding leaves of the first time goes.
        for _ in 0..2 {
            for other in &out[block..] {
                let along = dot(&v, other);
                v.iter_mut().zip(other).for_each(|(v, o)| *v -= along * o);
            }
            let length = libm::sqrt(dot(&v, &v));
            v.iter_mut().for_each(|v| *v /= length);
        }
        out.push(v);
    }
    out
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Functions of a projection, with their slopes.
pub(crate) trait Features: Sync {
    /// How many a direction.
    fn count(&self) -> usize;

    /// Writes each function's value at `v`, and calls `slope(k, slope)` for each whose slope is not 0.
    fn at(&self, v: f64, values: &mut [f64], slope: &mut dyn FnMut(usize, f64));
}

/// Means of the features of both sides' rows on the golden's scale, direction by direction.
///
/// A row of the golden moves its means and deviations, and with them the numbers of both sides: by `-z_j E[f_j]` and
/// `-(z_j^2 - 1) / 2 E[z_j f_j]` for each column, `f_j` the slope of a feature in that column.
pub(crate) fn projected(
    (golden, candidate): (&Rows, &Rows),
    points: &[Points; 2],
    directions: &[Vec<f64>],
    features: &dyn Features,
) -> Result<[Reading; 2], JudgingError> {
    let (mut first, slopes) = side(golden, &points[0], directions, features);
    let (second, other_slopes) = side(candidate, &points[1], directions, features);
    let numbers = first.values.len();
    // Own slopes less the other's: about 0 for equal laws.
    let slopes: Vec<f64> = slopes.iter().zip(&other_slopes).map(|(a, b)| a - b).collect();
    let dims = points[0].dims;
    let mut bent = vec![0.0; 2 * dims];
    for (i, z) in points[0].rows() {
        for (k, z) in z.iter().enumerate() {
            bent[k] = z / points[0].complete.share;
            bent[dims + k] = 0.5 * (z * z - 1.0) / points[0].complete.share;
        }
        let scores = &mut first.scores[i * numbers..(i + 1) * numbers];
        for (score, slopes) in scores.iter_mut().zip(slopes.chunks_exact(2 * dims)) {
            *score -= dot(&bent, slopes);
        }
    }
    finite([first, second])
}

/// One side's numbers with the influence of its rows at a fixed scale, and the mean slopes of each number in each column: `E[f_j]`, then
/// `E[z_j f_j]`.
fn side(rows: &Rows, points: &Points, directions: &[Vec<f64>], features: &dyn Features) -> (Reading, Vec<f64>) {
    let (dims, per) = (points.dims, features.count());
    let numbers = directions.len() * per;
    let mut scores = vec![0.0; rows.len() * numbers];
    let mut values = vec![0.0; numbers];
    let mut slopes = vec![0.0; numbers * 2 * dims];
    for (i, z) in points.rows() {
        let w = rows.weights[i] / points.complete.share;
        let out = &mut scores[i * numbers..(i + 1) * numbers];
        for (a, (direction, out)) in directions.iter().zip(out.chunks_exact_mut(per)).enumerate() {
            let v = dot(direction, z);
            features.at(v, out, &mut |k, slope| {
                let at = (a * per + k) * 2 * dims;
                let (plain, bent) = slopes[at..at + 2 * dims].split_at_mut(dims);
                for j in 0..dims {
                    let weighed = w * slope * direction[j];
                    plain[j] += weighed;
                    bent[j] += weighed * z[j];
                }
            });
            for (value, out) in values[a * per..].iter_mut().zip(out.iter()) {
                *value += w * out;
            }
        }
    }
    for &i in &points.complete.places {
        for (score, mean) in scores[i * numbers..(i + 1) * numbers].iter_mut().zip(&values) {
            *score = (*score - mean) / points.complete.share;
        }
    }
    (Reading { values, scores }, slopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_frozen_orthogonal_and_of_length_one() {
        for dims in [1, 2, 3, 11] {
            let directions = orthogonal_directions(25, dims, 1);
            for (a, v) in directions.iter().enumerate() {
                for (b, w) in directions.iter().enumerate() {
                    if a / dims == b / dims {
                        let want = if a == b { 1.0 } else { 0.0 };
                        assert!((dot(v, w) - want).abs() < 1e-14, "{dims} dims, {a} and {b}");
                    }
                }
            }
        }
        assert_eq!(normal(1, 0).to_bits(), normal(1, 0).to_bits());
        assert_ne!(normal(1, 0).to_bits(), normal(2, 0).to_bits());
        let mean: f64 = (0..10_000).map(|at| normal(3, at)).sum::<f64>() / 1e4;
        let square: f64 = (0..10_000).map(|at| normal(3, at) * normal(3, at)).sum::<f64>() / 1e4;
        assert!(mean.abs() < 0.03 && (square - 1.0).abs() < 0.05, "{mean} {square}");
    }
}
