//! Effects on the shares of a few bins fixed from the golden: Cramer's V, population stability index, Jensen-Shannon.
//!
//! The lower end comes from a weighted Euclidean norm of the differences of shares, which never exceeds the effect: V is that
//! norm; `(q - p) ln(q/p) >= (q - p)^2 / ((p + q)/2)`, since the logarithmic mean is at most the arithmetic one (a bin that the
//! candidate leaves empty, and that counts as half an observation of it, is weighed by its own term); and a bin's
//! Jensen-Shannon divergence is at least `(q - p)^2 / (4 (p + q))` nats (Topsoe 2000). The upper end scales the dual bound of
//! that norm by the ratio of the effect to the norm, which is 1 for equal laws. For Kullback-Leibler, `q ln(q/p) - (q - p) >=
//! (q - p)^2 / (2 (p + (q - p)/3))` (Bernstein's inequality).

use core::f64::consts::LN_2;

use super::comparison::Comparison;
use super::effect::{Features, Reach, Shape};
use super::replicate::Norm;
use super::{Effect, JudgingError, Side};
use crate::classic::{bin_edges_of, js_term, kl_term};

/// A share and what it is on the other side.
struct Shares {
    golden: f64,
    candidate: f64,
    /// Candidate minus golden, taken label by label, so that equal strata give exactly 0.
    difference: f64,
}

impl Shares {
    /// Whether the candidate alone leaves the bin empty, `empty` being half an observation of it. Shares are sums of rounded
    /// fractions: nothing may show as 1e-17.
    fn is_empty(&self, empty: f64) -> bool {
        self.candidate < 0.5 * empty && self.golden > 0.0
    }
}

impl Comparison {
    /// Makes an effect on the shares of bins ready.
    pub(crate) fn binned(&self, effect: Effect, bins: u16) -> Result<Shape, JudgingError> {
        if bins < 2 {
            let value = bins.to_string();
            return Err(JudgingError::Parameter { parameter: "bins", value, domain: "at least 2" });
        }
        let features = Features::Bins(self.bin_columns(bins));
        let shares = self.shares(&features);
        let empty = 0.5 / self.messages().1 as f64;
        let weights: Vec<f64> = shares
            .iter()
            .map(|bin| {
                if matches!(effect, Effect::Psi { .. }) && bin.is_empty(empty) {
                    return psi_term(bin, empty) / (bin.golden * bin.golden);
                }
                let middle = match effect {
                    Effect::KullbackLeibler { .. } => (2.0 * bin.golden + bin.candidate) / 3.0,
                    _ => 0.5 * (bin.golden + bin.candidate),
                };
                let factor = match effect {
                    Effect::CramersV { .. } => 0.25,
                    Effect::JensenShannon { .. } => 0.125 / LN_2,
                    Effect::KullbackLeibler { .. } => 0.5,
                    _ => 1.0,
                };
                if middle > 0.0 { factor / middle } else { 0.0 }
            })
            .collect();
        let norm = Norm::Root(weights);
        let distance = norm.of(&shares.iter().map(|bin| bin.difference).collect::<Vec<f64>>());
        let estimate = match effect {
            Effect::Psi { .. } => libm::sqrt(shares.iter().map(|bin| psi_term(bin, empty)).sum::<f64>()),
            Effect::JensenShannon { .. } => {
                let terms = shares.iter().map(|bin| js_term(bin.difference.abs(), bin.golden + bin.candidate));
                libm::sqrt(terms.sum::<f64>())
            }
            Effect::KullbackLeibler { .. } => {
                let terms = shares.iter().filter(|bin| bin.golden > 0.0);
                libm::sqrt(terms.map(|bin| kl_term(bin.golden, bin.difference / bin.golden)).sum::<f64>())
            }
            _ => distance,
        }
        .max(distance);
        let ratio = if distance > 0.0 { estimate / distance } else { 1.0 };
        let (ceiling, squared) = match effect {
            Effect::CramersV { .. } | Effect::JensenShannon { .. } => (1.0, false),
            _ => (f64::INFINITY, true),
        };
        Ok(Shape { features, norm, reach: Reach::Euclidean { ratio }, estimate, ceiling, squared })
    }

    /// Columns of the bins' upper edges; the last bin is open. A single bin where the golden has no second one.
    fn bin_columns(&self, bins: u16) -> Vec<usize> {
        let columns = bin_edges_of(&self.pooled(Side::Golden), bins).into_iter();
        columns.filter_map(|edge| self.keys.binary_search(&edge).ok()).filter(|x| *x < self.delta.len()).collect()
    }

    fn shares(&self, features: &Features) -> Vec<Shares> {
        let of_law = |law: &[f64]| {
            let mut shares = features.of_difference(law, &[]);
            // The map gives the last bin what is missing to 0; a law misses 1.
            if let Some(last) = shares.last_mut() {
                *last += 1.0;
            }
            shares
        };
        let (golden, candidate) = (of_law(&self.golden_law), of_law(&self.candidate_law));
        let difference = features.of_difference(&self.delta, &[]);
        let shares = golden.into_iter().zip(candidate).zip(difference);
        let clean = |v: f64| v.max(0.0);
        shares.map(|((g, c), difference)| Shares { golden: clean(g), candidate: clean(c), difference }).collect()
    }
}

/// `(q - p) ln(q / p)`; a bin without observations of the candidate counts as half of one.
fn psi_term(bin: &Shares, empty: f64) -> f64 {
    if bin.golden <= 0.0 {
        return 0.0;
    }
    let difference = if bin.is_empty(empty) { empty - bin.golden } else { bin.difference };
    let ratio = (difference / bin.golden).max(-1.0 + f64::EPSILON);
    difference * libm::log1p(ratio)
}
