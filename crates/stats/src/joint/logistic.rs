//! Logistic regression with a ridge penalty.

/// Newton's steps from 0; eight or so suffice.
const STEPS_MAX: usize = 50;
/// A step is halved at most so often before it counts as none.
const HALVINGS_MAX: usize = 30;

/// Rows to fit: features without a constant, row-major, and for each row whether it is of the second class, and its weight.
#[derive(Debug, Clone, Copy)]
pub struct LogisticRows<'a> {
    /// `rows * count`.
    pub features: &'a [f64],
    /// Features of a row.
    pub count: usize,
    /// One a row.
    pub is_second: &'a [bool],
    /// One a row, at least 0.
    pub weights: &'a [f64],
}

impl LogisticRows<'_> {
    fn rows(&self) -> impl Iterator<Item = (&[f64], f64, f64)> {
        let labels = self.is_second.iter().map(|second| if *second { 1.0 } else { -1.0 });
        let labelled = labels.zip(self.weights);
        self.features.chunks_exact(self.count.max(1)).zip(labelled).map(|(x, (sign, w))| (x, sign, *w))
    }

    /// `sum of w log(1 + exp(-sign (b'x))) + penalty / 2 |b|^2`, the constant free.
    fn loss(&self, b: &[f64], penalty: f64) -> f64 {
        let rows = self.rows().map(|(x, sign, w)| w * softplus(-sign * predictor(b, x)));
        rows.sum::<f64>() + 0.5 * penalty * b[1..].iter().map(|b| b * b).sum::<f64>()
    }

    /// Gradient, and the lower triangle of the Hessian, row-major.
    fn derivatives(&self, b: &[f64], penalty: f64) -> (Vec<f64>, Vec<f64>) {
        let p = b.len();
        let (mut gradient, mut hessian) = (vec![0.0; p], vec![0.0; p * p]);
        let mut own = vec![1.0; p];
        for (x, sign, w) in self.rows() {
            own[1..].copy_from_slice(x);
            let eta = predictor(b, x);
            let (wrong, right) = (logistic(-sign * eta), logistic(sign * eta));
            let (slope, curve) = (-w * sign * wrong, w * wrong * right);
            for (i, xi) in own.iter().enumerate() {
                gradient[i] += slope * xi;
                let weighed = curve * xi;
                for (h, xj) in hessian[i * p..=i * p + i].iter_mut().zip(&own) {
                    *h += weighed * xj;
                }
            }
        }
        for i in 1..p {
            gradient[i] += penalty * b[i];
            hessian[i * p + i] += penalty;
        }
        (gradient, hessian)
    }
}

/// `b[0] + sum of b[1 + k] x[k]`.
pub(crate) fn predictor(b: &[f64], x: &[f64]) -> f64 {
    b[0] + b[1..].iter().zip(x).map(|(b, x)| b * x).sum::<f64>()
}

/// Coefficients, the constant first, that minimise `sum of w log(1 + exp(-s b'x)) + penalty / 2 sum of b_k^2` over all but the constant,
/// `s` 1 for the second class and -1 for the first: scikit-learn's `LogisticRegression` with `C = 1 / penalty`.
///
/// Newton's method (iteratively reweighted least squares) with halved steps. None where shapes do not fit, a number is not finite, or
/// there is no unique minimum.
pub fn logistic_ridge(rows: &LogisticRows<'_>, penalty: f64) -> Option<Vec<f64>> {
    let n = rows.is_second.len();
    let fits = rows.weights.len() == n && Some(rows.features.len()) == n.checked_mul(rows.count) && rows.count > 0;
    let is_finite = penalty >= 0.0 && penalty.is_finite() && rows.features.iter().all(|x| x.is_finite());
    if !(fits && is_finite) {
        return None;
    }
    let mut b = vec![0.0; rows.count + 1];
    let mut loss = rows.loss(&b, penalty);
    for _ in 0..STEPS_MAX {
        let (gradient, hessian) = rows.derivatives(&b, penalty);
        let step = solve(hessian, gradient)?;
        let mut factor = 1.0;
        let mut found = None;
        for _ in 0..HALVINGS_MAX {
            let next: Vec<f64> = b.iter().zip(&step).map(|(b, s)| b - factor * s).collect();
            let next_loss = rows.loss(&next, penalty);
            // Near the minimum the loss no longer tells steps apart, but the gradient does.
            if next_loss <= loss + 1e-14 * loss.abs() {
                found = Some((next, next_loss));
                break;
            }
            factor *= 0.5;
        }
        // No step lowers the loss: its minimum, to rounding.
        let Some((next, next_loss)) = found else { break };
        let largest = step.iter().fold(0.0_f64, |most, s| most.max(s.abs()));
        (b, loss) = (next, next_loss);
        if largest <= 1e-13 * (1.0 + b.iter().fold(0.0_f64, |most, b| most.max(b.abs()))) {
            break;
        }
    }
    (loss.is_finite() && b.iter().all(|b| b.is_finite())).then_some(b)
}

fn logistic(x: f64) -> f64 {
    if x >= 0.0 {
        return 1.0 / (1.0 + libm::exp(-x));
    }
    let e = libm::exp(x);
    e / (1.0 + e)
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

/// Solves `A x = y` of a positive definite A by Cholesky, of which the lower triangle is read; none where it is not.
fn solve(mut a: Vec<f64>, mut y: Vec<f64>) -> Option<Vec<f64>> {
    let n = y.len();
    for j in 0..n {
        let pivot = a[j * n + j] - a[j * n..j * n + j].iter().map(|v| v * v).sum::<f64>();
        // A pivot lost in rounding has no digit left.
        if !(pivot > 1e-15 * a[j * n + j] && pivot.is_finite()) {
            return None;
        }
        let root = libm::sqrt(pivot);
        a[j * n + j] = root;
        for i in j + 1..n {
            let dot: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
            a[i * n + j] = (a[i * n + j] - dot) / root;
        }
    }
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| a[i * n + k] * y[k]).sum();
        y[i] = (y[i] - dot) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| a[k * n + i] * y[k]).sum();
        y[i] = (y[i] - dot) / a[i * n + i];
    }
    Some(y)
}
