//! Spearman's and Kendall's rank correlations of pairs of columns.

use super::Complete;
use super::by_number::ByNumber;
use super::ranks::Ranks;
use super::scale::{NO_SPREAD, check_pairs};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows, Side};

/// Rows below which nothing is said.
const ROWS_MIN: usize = 8;

/// Which rank correlation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RankCorrelation {
    /// Spearman's rho: Pearson's correlation of mid-ranks.
    Spearman,
    /// Kendall's tau-b: `(concordant - discordant) / sqrt((pairs not tied in x) (pairs not tied in y))`.
    KendallTauB,
}

/// Rank correlations of pairs of columns, over the rows that define both; the effect is the largest difference.
///
/// With ranks as places `R`, `S` on [0, 1] (ties at the middle of theirs) rho is `E[(R - 1/2)(S - 1/2)]` over the root of both
/// variances, tau is `E[sgn(x - x') sgn(y - y')]` over the root of `(1 - sum p_x^2)(1 - sum p_y^2)`, p the shares of equal values. A
/// row moves the places of all others, and so its influence has a term for each marginal.
///
/// # Source
/// Spearman (1904), Kendall (1945). Influence: Croux and Dehon (2010), with terms for ties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankDependence {
    kind: RankCorrelation,
    pairs: Vec<(usize, usize)>,
}

impl RankDependence {
    /// Of these pairs of columns.
    ///
    /// # Errors
    /// [`JudgingError::Parameter`] for no pair, too many, or a column with itself.
    pub fn new(kind: RankCorrelation, pairs: Vec<(usize, usize)>) -> Result<Self, JudgingError> {
        check_pairs(&pairs)?;
        Ok(Self { kind, pairs })
    }

    fn of_side(&self, rows: &Rows, side: Side) -> Result<Reading, JudgingError> {
        let mut reading = ByNumber::new(rows.len(), self.pairs.len());
        for &(x, y) in &self.pairs {
            let complete = Complete::of(rows, &[x, y], ROWS_MIN, side)?;
            let (x, y) = (Ranks::of(rows, &complete, x), Ranks::of(rows, &complete, y));
            if x.spans.len() < 2 || y.spans.len() < 2 {
                return Err(JudgingError::Undefined { side, reason: NO_SPREAD });
            }
            let weights: Vec<f64> = complete.places.iter().map(|i| rows.weights[*i] / complete.share).collect();
            let (value, scores) = match self.kind {
                RankCorrelation::Spearman => spearman(&weights, &x, &y),
                RankCorrelation::KendallTauB => kendall(&weights, &x, &y),
            };
            reading.push(|out| {
                complete.places.iter().zip(scores).for_each(|(i, score)| out[*i] = score / complete.share);
                Ok(value)
            })?;
        }
        Ok(reading.finish())
    }
}

impl PanelStatistic for RankDependence {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        Ok([self.of_side(golden, Side::Golden)?, self.of_side(candidate, Side::Candidate)?])
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Largest
    }

    fn domain(&self) -> u64 {
        match self.kind {
            RankCorrelation::Spearman => 101,
            RankCorrelation::KendallTauB => 102,
        }
    }
}

/// For each row `k`, `E[(1{x > x_k} + 1{x = x_k}/2) value]`: how its weight lifts the places above it.
fn lifted(weights: &[f64], x: &Ranks, value: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; weights.len()];
    let mut above = 0.0;
    for span in x.spans.iter().rev() {
        let members = &x.order[span.clone()];
        let own: f64 = members.iter().map(|at| weights[*at] * value[*at]).sum();
        for at in members {
            out[*at] = above + 0.5 * own;
        }
        above += own;
    }
    out
}

fn spearman(weights: &[f64], x: &Ranks, y: &Ranks) -> (f64, Vec<f64>) {
    let centred = |ranks: &Ranks| -> Vec<f64> { ranks.middles().iter().map(|r| r - 0.5).collect() };
    let (r, s) = (centred(x), centred(y));
    let mean = |of: &dyn Fn(usize) -> f64| -> f64 { weights.iter().enumerate().map(|(at, w)| w * of(at)).sum() };
    let (xy, xx, yy) = (mean(&|at| r[at] * s[at]), mean(&|at| r[at] * r[at]), mean(&|at| s[at] * s[at]));
    let rho = xy / libm::sqrt(xx * yy);
    let (x_s, y_r) = (lifted(weights, x, &s), lifted(weights, y, &r));
    let (x_r, y_s) = (lifted(weights, x, &r), lifted(weights, y, &s));
    let score = |at: usize| {
        let d_xy = r[at] * s[at] - 3.0 * xy + x_s[at] + y_r[at];
        let d_xx = r[at] * r[at] - 3.0 * xx + 2.0 * x_r[at];
        let d_yy = s[at] * s[at] - 3.0 * yy + 2.0 * y_s[at];
        d_xy / libm::sqrt(xx * yy) - 0.5 * rho * (d_xx / xx + d_yy / yy)
    };
    (rho.clamp(-1.0, 1.0), (0..weights.len()).map(score).collect())
}

fn kendall(weights: &[f64], x: &Ranks, y: &Ranks) -> (f64, Vec<f64>) {
    let agreement = agreements(weights, x, y);
    let mean: f64 = agreement.iter().zip(weights).map(|(a, w)| a * w).sum();
    let (p_x, p_y) = (x.masses(), y.masses());
    let tied = |p: &[f64]| -> f64 { p.iter().zip(weights).map(|(p, w)| p * w).sum() };
    let (tied_x, tied_y) = (tied(&p_x), tied(&p_y));
    let (free_x, free_y) = (1.0 - tied_x, 1.0 - tied_y);
    let root = libm::sqrt(free_x * free_y);
    let tau = mean / root;
    let score = |at: usize| {
        let ties = (p_x[at] - tied_x) / free_x + (p_y[at] - tied_y) / free_y;
        2.0 * (agreement[at] - mean) / root + tau * ties
    };
    (tau.clamp(-1.0, 1.0), (0..weights.len()).map(score).collect())
}

/// For each row, the weight of the rows it is concordant with less that of the rows it is discordant with.
fn agreements(weights: &[f64], x: &Ranks, y: &Ranks) -> Vec<f64> {
    let mut out = vec![0.0; weights.len()];
    let mut below = Sums::new(y.spans.len());
    for span in &x.spans {
        let members = &x.order[span.clone()];
        for &at in members {
            out[at] += below.before(y.group[at]) - below.after(y.group[at]);
        }
        members.iter().for_each(|at| below.add(y.group[*at], weights[*at]));
    }
    let mut above = Sums::new(y.spans.len());
    for span in x.spans.iter().rev() {
        let members = &x.order[span.clone()];
        for &at in members {
            out[at] += above.after(y.group[at]) - above.before(y.group[at]);
        }
        members.iter().for_each(|at| above.add(y.group[*at], weights[*at]));
    }
    out
}

/// Sums over the groups before, or after, one; adding and asking cost a logarithm (Fenwick 1994).
struct Sums {
    tree: Vec<f64>,
    total: f64,
}

impl Sums {
    fn new(groups: usize) -> Self {
        Self { tree: vec![0.0; groups + 1], total: 0.0 }
    }

    fn add(&mut self, group: usize, weight: f64) {
        self.total += weight;
        let mut node = group + 1;
        while node < self.tree.len() {
            self.tree[node] += weight;
            node += node & node.wrapping_neg();
        }
    }

    /// Over the first `groups`.
    fn before(&self, groups: usize) -> f64 {
        let (mut node, mut sum) = (groups, 0.0);
        while node > 0 {
            sum += self.tree[node];
            node &= node - 1;
        }
        sum
    }

    fn after(&self, group: usize) -> f64 {
        self.total - self.before(group + 1)
    }
}
