//! Eigenvalues and eigenvectors of small symmetric matrices.

/// Sweeps after which no matrix of a few dozen rows has anything left off the diagonal: ten suffice.
const SWEEPS_MAX: usize = 64;

/// Eigenvalues in descending order, and for each the eigenvector of length 1, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Eigen {
    pub(crate) values: Vec<f64>,
    pub(crate) vectors: Vec<Vec<f64>>,
}

/// Jacobi's cyclic rotations (1846; Golub and Van Loan, section 8.5) of a row-major symmetric matrix. Of equal eigenvalues the order is
/// that of their columns.
pub(crate) fn symmetric_eigen(matrix: &[f64], n: usize) -> Eigen {
    let mut a = matrix.to_vec();
    let mut v = vec![0.0; n * n];
    (0..n).for_each(|i| v[i * n + i] = 1.0);
    for _ in 0..SWEEPS_MAX {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                rotated |= rotate(&mut a, &mut v, n, (p, q));
            }
        }
        if !rotated {
            break;
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| a[j * n + j].total_cmp(&a[i * n + i]).then(i.cmp(j)));
    Eigen {
        values: order.iter().map(|i| a[i * n + i]).collect(),
        vectors: order.iter().map(|i| (0..n).map(|row| v[row * n + i]).collect()).collect(),
    }
}

/// Makes the entry (p, q) zero; tells whether there was anything to do.
fn rotate(a: &mut [f64], v: &mut [f64], n: usize, (p, q): (usize, usize)) -> bool {
    let (app, aqq, apq) = (a[p * n + p], a[q * n + q], a[p * n + q]);
    // Beyond the digits of the diagonal.
    if apq.abs() <= 1e-18 * (app.abs() + aqq.abs()) || !apq.is_finite() {
        a[p * n + q] = 0.0;
        a[q * n + p] = 0.0;
        return false;
    }
    let theta = (aqq - app) / (2.0 * apq);
    let t = theta.signum() / (theta.abs() + libm::hypot(theta, 1.0));
    let c = 1.0 / libm::hypot(t, 1.0);
    let s = t * c;
    for k in 0..n {
        let (akp, akq) = (a[k * n + p], a[k * n + q]);
        a[k * n + p] = c * akp - s * akq;
        a[k * n + q] = s * akp + c * akq;
    }
    for k in 0..n {
        let (apk, aqk) = (a[p * n + k], a[q * n + k]);
        a[p * n + k] = c * apk - s * aqk;
        a[q * n + k] = s * apk + c * aqk;
        let (vkp, vkq) = (v[k * n + p], v[k * n + q]);
        v[k * n + p] = c * vkp - s * vkq;
        v[k * n + q] = s * vkp + c * vkq;
    }
    a[p * n + q] = 0.0;
    a[q * n + p] = 0.0;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotations_restore_the_matrix() {
        for n in [1, 2, 5, 16] {
            let entry = |i: usize, j: usize| (((7 * i + 7 * j + 3 * i * j) % 11) as f64 - 5.0) / (1 + i + j) as f64;
            let matrix: Vec<f64> = (0..n * n).map(|k| entry(k / n, k % n)).collect();
            let eigen = symmetric_eigen(&matrix, n);
            assert!(eigen.values.is_sorted_by(|a, b| a >= b));
            for (k, value) in matrix.iter().enumerate() {
                let (i, j) = (k / n, k % n);
                let sum: f64 = eigen.values.iter().zip(&eigen.vectors).map(|(l, v)| l * v[i] * v[j]).sum();
                assert!((sum - value).abs() < 1e-13, "{n}: {sum} is not {value}");
            }
        }
        assert_eq!(symmetric_eigen(&[1.0, 0.0, 0.0, 1.0], 2).values, [1.0, 1.0]);
        assert!(symmetric_eigen(&[], 0).values.is_empty());
    }
}
