//! A smooth function of a few variables at its least: Newton's method, damped.

/// Evaluations after which it gives up.
const EVALUATIONS_MAX: usize = 200;
/// The longest step of a variable.
const STEP_MAX: f64 = 2.0;
/// Where the slope is rounding alone.
const SLOPE_ROUNDING: f64 = 1e-14;
/// The most slope of what counts as a minimum.
const SLOPE_MAX: f64 = 1e-9;

/// A function, its slope and its curvature at a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Local<const D: usize> {
    pub(super) value: f64,
    pub(super) gradient: [f64; D],
    pub(super) hessian: [[f64; D]; D],
}

impl<const D: usize> Local<D> {
    pub(super) fn zero() -> Self {
        Self { value: 0.0, gradient: [0.0; D], hessian: [[0.0; D]; D] }
    }

    fn slope(&self) -> f64 {
        self.gradient.iter().fold(0.0, |most, g| if g.is_finite() { g.abs().max(most) } else { f64::INFINITY })
    }

    /// Takes a weighted term of a sum that is to be largest.
    pub(super) fn subtract(&mut self, weight: f64, score: &[f64; D], curvature: &[[f64; D]; D]) {
        for (sum, s) in self.gradient.iter_mut().zip(score) {
            *sum -= weight * s;
        }
        for (sum, c) in self.hessian.iter_mut().flatten().zip(curvature.iter().flatten()) {
            *sum -= weight * c;
        }
    }

    /// The same function of the variables that these parameters are made of.
    pub(super) fn through(&self, parameters: &Parameters<D>) -> Self {
        let Parameters { jacobian, curve, .. } = parameters;
        let mut out = Self { value: self.value, ..Self::zero() };
        for i in 0..D {
            for a in 0..D {
                out.gradient[a] += self.gradient[i] * jacobian[i][a];
                for b in 0..D {
                    out.hessian[a][b] += self.gradient[i] * curve[i][a][b];
                    for j in 0..D {
                        out.hessian[a][b] += self.hessian[i][j] * jacobian[i][a] * jacobian[j][b];
                    }
                }
            }
        }
        out
    }
}

/// Parameters made of variables that are free.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameters<const D: usize> {
    pub(super) theta: [f64; D],
    /// What variable j does to parameter i.
    pub(super) jacobian: [[f64; D]; D],
    /// Second derivatives of parameter i.
    pub(super) curve: [[[f64; D]; D]; D],
}

/// A minimum near `start` with all variables within `reach` of 0, or the best place on the way to one outside: the caller tells them
/// apart. `None` where no minimum is found.
pub(super) fn minimise<const D: usize>(
    start: [f64; D],
    reach: f64,
    function: impl Fn(&[f64; D]) -> Local<D>,
) -> Option<([f64; D], Local<D>)> {
    let (mut at, mut local, mut damping) = (start, function(&start), 1e-3);
    if !local.value.is_finite() {
        return None;
    }
    for _ in 0..EVALUATIONS_MAX {
        if local.slope() <= SLOPE_ROUNDING || damping > 1e12 {
            break;
        }
        let Some(step) = step(&local, damping) else {
            damping = damping.max(1e-6) * 10.0;
            continue;
        };
        let mut next = at;
        next.iter_mut().zip(step).for_each(|(x, d)| *x = (*x + d).clamp(-reach, reach));
        let found = function(&next);
        // At the bottom values differ by rounding only, and the slope decides.
        let rounding = 1e-14 * (1.0 + local.value.abs());
        let is_lower = found.value < local.value - rounding
            || (found.value <= local.value + rounding && found.slope() < local.slope());
        if is_lower {
            (at, local) = (next, found);
            damping = if damping < 1e-9 { 0.0 } else { damping * 0.1 };
        } else {
            damping = damping.max(1e-9) * 10.0;
        }
    }
    let on_edge = at.iter().any(|x| x.abs() >= reach);
    (on_edge || local.slope() <= SLOPE_MAX).then_some((at, local))
}

/// `-(H + damping |diag H|)^-1 g`, shortened; `None` where that matrix is not positive definite.
fn step<const D: usize>(local: &Local<D>, damping: f64) -> Option<[f64; D]> {
    let mut matrix = local.hessian;
    for (i, row) in matrix.iter_mut().enumerate() {
        row[i] += damping * (row[i].abs() + 1e-12);
    }
    let mut step = solve(&matrix, &local.gradient.map(|g| -g))?;
    let longest = step.iter().fold(0.0_f64, |most, d| most.max(d.abs()));
    if longest > STEP_MAX {
        step.iter_mut().for_each(|d| *d *= STEP_MAX / longest);
    }
    Some(step)
}

/// `A^-1 b` of a symmetric positive definite matrix, by Cholesky; `None` if it is not.
pub(super) fn solve<const D: usize>(a: &[[f64; D]; D], b: &[f64; D]) -> Option<[f64; D]> {
    let mut lower = [[0.0; D]; D];
    for i in 0..D {
        for j in 0..=i {
            let inner: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let rest = a[i][j] - inner;
            lower[i][j] = if i == j {
                // Of a singular matrix rounding may leave a little.
                if rest > 1e-14 * a[i][i].abs() { libm::sqrt(rest) } else { return None }
            } else {
                rest / lower[j][j]
            };
        }
    }
    let mut x = [0.0; D];
    for i in 0..D {
        let inner: f64 = (0..i).map(|k| lower[i][k] * x[k]).sum();
        x[i] = (b[i] - inner) / lower[i][i];
    }
    for i in (0..D).rev() {
        let inner: f64 = (i + 1..D).map(|k| lower[k][i] * x[k]).sum();
        x[i] = (x[i] - inner) / lower[i][i];
    }
    x.iter().all(|v| v.is_finite()).then_some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curved_valley_is_followed_to_its_end() {
        let rosenbrock = |x: &[f64; 2]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            Local {
                value: a * a + 100.0 * b * b,
                gradient: [-2.0 * a - 400.0 * x[0] * b, 200.0 * b],
                hessian: [[2.0 - 400.0 * b + 800.0 * x[0] * x[0], -400.0 * x[0]], [-400.0 * x[0], 200.0]],
            }
        };
        let (at, _) = minimise([-1.2, 1.0], 10.0, rosenbrock).unwrap();
        assert!((at[0] - 1.0).abs() < 1e-9 && (at[1] - 1.0).abs() < 1e-9, "{at:?}");
        // A minimum outside is not reached.
        let (at, _) = minimise([-1.2, 0.5], 0.9, rosenbrock).unwrap();
        assert!(at.iter().any(|x| x.abs() >= 0.9), "{at:?}");
    }

    #[test]
    fn what_has_no_minimum_is_none_or_on_the_edge() {
        let nan = |_: &[f64; 1]| Local { value: f64::NAN, gradient: [f64::NAN], hessian: [[f64::NAN]] };
        assert!(minimise([0.0], 10.0, nan).is_none());
        let slope = |x: &[f64; 1]| Local { value: x[0], gradient: [1.0], hessian: [[0.0]] };
        assert!(minimise([0.0], 10.0, slope).is_none_or(|(at, _)| at[0] <= -10.0));
        assert!(solve(&[[1.0, 1.0], [1.0, 1.0]], &[1.0, 2.0]).is_none());
    }
}
