//! Gram matrices of the rows of an error: their largest eigenvalue, and Euclidean norms of many sums of the rows.

use super::noise::Matrix;
use super::random::{LANES, Lanes};
use super::replicate::{SIDE_BY_SIDE, sums_of};
use fearless_simd::{Level, dispatch};

/// The products of all pairs of rows.
#[derive(Debug, Clone)]
pub(crate) struct Gram {
    n: usize,
    /// Row-major, symmetric.
    data: Vec<f64>,
}

impl Gram {
    /// Of the rows of several matrices of equal columns, each column weighed.
    pub(crate) fn of_rows(parts: &[&Matrix], weights: &[f64]) -> Self {
        let roots: Vec<f64> = weights.iter().map(|w| libm::sqrt(*w)).collect();
        let scaled = |row: &[f64]| -> Vec<f64> { row.iter().zip(&roots).map(|(v, root)| v * root).collect() };
        let rows: Vec<Vec<f64>> = parts.iter().flat_map(|part| (0..part.rows()).map(|k| scaled(part.row(k)))).collect();
        Self::new(&rows)
    }

    /// Of the columns of several matrices one above the other, each column weighed: the same eigenvalues above zero.
    pub(crate) fn of_columns(parts: &[&Matrix], weights: &[f64]) -> Self {
        let rows: usize = parts.iter().map(|part| part.rows()).sum();
        let mut columns = vec![vec![0.0; rows]; weights.len()];
        for (k, row) in parts.iter().flat_map(|part| (0..part.rows()).map(|k| part.row(k))).enumerate() {
            for ((column, v), w) in columns.iter_mut().zip(row).zip(weights) {
                column[k] = v * libm::sqrt(*w);
            }
        }
        Self::new(&columns)
    }

    pub(crate) fn new(rows: &[Vec<f64>]) -> Self {
        dispatch!(Level::new(), _ => Self::products(rows))
    }

    #[inline(always)]
    fn products(rows: &[Vec<f64>]) -> Self {
        let n = rows.len();
        let mut data = vec![0.0; n * n];
        for (i, row) in rows.iter().enumerate() {
            for (j, other) in rows[..=i].iter().enumerate() {
                let product = dot(row, other);
                data[i * n + j] = product;
                data[j * n + i] = product;
            }
        }
        Self { n, data }
    }

    pub(crate) fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.n..(i + 1) * self.n]
    }

    fn trace(&self) -> f64 {
        (0..self.n).map(|i| self.row(i)[i]).sum()
    }

    /// `z' G z` for a batch of multipliers: the squared length of `sum_k z_k row_k`.
    #[inline(always)]
    pub(crate) fn form(&self, z: &[Lanes]) -> Lanes {
        let mut out = [0.0; LANES];
        let n = self.n.min(z.len());
        for first in (0..n).step_by(SIDE_BY_SIDE) {
            let before = &z[..first];
            // Each row up to the group, for all of the group at once, and what is left of the triangle.
            let sums: [Lanes; SIDE_BY_SIDE] = if first + SIDE_BY_SIDE <= n {
                sums_of(core::array::from_fn(|i| &self.row(first + i)[..first]), before)
            } else {
                let alone = |i: usize| sums_of([&self.row(first + i)[..first]], before)[0];
                core::array::from_fn(|i| if first + i < n { alone(i) } else { [0.0; LANES] })
            };
            for (i, sum) in (first..n).zip(&sums) {
                let row = self.row(i);
                for lane in 0..LANES {
                    let mut cross = sum[lane];
                    for j in first..i {
                        cross += row[j] * z[j][lane];
                    }
                    out[lane] += z[i][lane] * (2.0 * cross + row[i] * z[i][lane]);
                }
            }
        }
        out
    }

    /// The largest eigenvalue, and a vector of length 1 whose quotient it is. The matrix is squared four times; sixty-four
    /// products with that, from the column of its largest entry, make the 1,040th power of the matrix. Eigenvalues that the
    /// power does not tell apart differ by less than half a percent, and the quotient lies between them.
    pub(crate) fn leading(&self) -> (f64, Vec<f64>) {
        let n = self.n;
        let nothing = (0.0, vec![0.0; n]);
        let mut power = self.clone();
        for squarings in 0..=SQUARINGS {
            let scale = power.trace();
            if !(scale > 0.0 && scale.is_finite()) {
                return nothing;
            }
            for v in &mut power.data {
                *v /= scale;
            }
            if squarings < SQUARINGS {
                let rows: Vec<Vec<f64>> = (0..n).map(|i| power.row(i).to_vec()).collect();
                // The square of a symmetric matrix is the Gram matrix of its rows.
                power = Self::new(&rows);
            }
        }
        let Some(start) = (0..n).max_by(|a, b| power.row(*a)[*a].total_cmp(&power.row(*b)[*b])) else { return nothing };
        let mut v = power.row(start).to_vec();
        for _ in 0..PRODUCTS {
            normalise(&mut v);
            v = (0..n).map(|i| dot(power.row(i), &v)).collect();
        }
        normalise(&mut v);
        ((0..n).map(|i| v[i] * dot(self.row(i), &v)).sum(), v)
    }
}

/// Makes the length 1; a vector without length stays.
fn normalise(v: &mut [f64]) {
    let length = libm::sqrt(dot(v, v));
    if length > 0.0 {
        for x in v {
            *x /= length;
        }
    }
}

const SQUARINGS: usize = 4;
const PRODUCTS: usize = 64;

/// The largest eigenvalue of the Gram matrix of the rows of several matrices, each column weighed.
pub(crate) fn largest_eigenvalue(parts: &[&Matrix], weights: &[f64]) -> f64 {
    let rows: usize = parts.iter().map(|part| part.rows()).sum();
    let gram = if weights.len() < rows { Gram::of_columns(parts, weights) } else { Gram::of_rows(parts, weights) };
    gram.leading().0
}

/// The same, with the multipliers of the rows whose sum, of length 1, has that square as its length.
pub(crate) fn leading_combination(parts: &[&Matrix], weights: &[f64]) -> (f64, Vec<f64>) {
    let rows: usize = parts.iter().map(|part| part.rows()).sum();
    if weights.len() >= rows {
        return Gram::of_rows(parts, weights).leading();
    }
    let (value, column) = Gram::of_columns(parts, weights).leading();
    let weighed: Vec<f64> = column.iter().zip(weights).map(|(v, w)| v * libm::sqrt(*w)).collect();
    let mut u: Vec<f64> = parts.iter().flat_map(|part| (0..part.rows()).map(|k| dot(part.row(k), &weighed))).collect();
    normalise(&mut u);
    (value, u)
}

/// In eight sums side by side, so that no addition waits for the one before; the order is fixed.
#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: usize, columns: usize, value: impl Fn(usize, usize) -> f64) -> Matrix {
        let mut out = Matrix::zeros(rows, columns);
        for i in 0..rows {
            for (x, v) in out.row_mut(i).iter_mut().enumerate() {
                *v = value(i, x);
            }
        }
        out
    }

    /// Rows `a_i v` have one eigenvalue, |a|^2 |v|^2: with as many columns as fill lanes, with some over, and with fewer
    /// columns than rows.
    #[test]
    fn the_gram_matrix_sums_every_column() {
        for columns in [1, 2, 3, 7, 8, 9, 255, 256, 257, 1_003] {
            let v = |x: usize| 1.0 + (x % 5) as f64;
            let weights: Vec<f64> = (0..columns).map(|x| 0.5 + (x % 3) as f64).collect();
            let square: f64 = (0..columns).map(|x| v(x) * v(x) * weights[x]).sum();
            let a = matrix(2, columns, |i, x| [2.0, -3.0][i] * v(x));
            let b = matrix(1, columns, |_, x| 6.0 * v(x));
            let (found, u) = leading_combination(&[&a, &b], &weights);
            assert!((found / (49.0 * square) - 1.0).abs() < 1e-12, "{columns} columns: {found}");
            assert!((largest_eigenvalue(&[&a, &b], &weights) / found - 1.0).abs() < 1e-12);
            let want = [2.0 / 7.0, -3.0 / 7.0, 6.0 / 7.0];
            let sign = if u[0] > 0.0 { 1.0 } else { -1.0 };
            assert!(u.iter().zip(want).all(|(u, w)| (sign * u - w).abs() < 1e-12), "{columns} columns: {u:?}");
        }
        assert!(largest_eigenvalue(&[], &[]).abs() < 1e-300);
        let nothing = matrix(3, 4, |_, _| 0.0);
        assert!(leading_combination(&[&nothing], &[1.0; 4]).0.abs() < 1e-300);
    }

    /// Orthogonal rows of lengths 1, 2, .., n: the eigenvalues are the squares.
    #[test]
    fn near_eigenvalues_are_told_apart() {
        for n in [2, 5, 40] {
            let rows = matrix(n, n, |i, x| if i == x { 1.0 + i as f64 } else { 0.0 });
            let (value, _) = leading_combination(&[&rows], &vec![1.0; n]);
            assert!((value / (n * n) as f64 - 1.0).abs() < 1e-12, "{n}: {value}");
        }
    }

    #[test]
    fn the_form_is_the_squared_length_of_the_sum() {
        for n in [1, 2, 5, 8, 13] {
            let rows = matrix(n, 30, |i, x| ((7 * i + 3 * x * x) % 11) as f64 - 5.0);
            let weights: Vec<f64> = (0..30).map(|x| 0.25 * (x % 4) as f64).collect();
            let z: Vec<Lanes> =
                (0..n).map(|k| core::array::from_fn(|lane| ((5 * k + 3 * lane) % 7) as f64 - 3.0)).collect();
            let form = Gram::of_rows(&[&rows], &weights).form(&z);
            for (lane, form) in form.iter().enumerate() {
                let sum = |x: usize| (0..n).map(|k| z[k][lane] * rows.row(k)[x]).sum::<f64>();
                let want: f64 = (0..30).map(|x| weights[x] * sum(x) * sum(x)).sum();
                assert!((form - want).abs() <= 1e-12 * want.max(1.0), "{n} rows: {form} instead of {want}");
            }
        }
    }
}
