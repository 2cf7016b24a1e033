//! The two ends of a distance without margin, p-values and resolution: for scores, which nobody gives a margin.

use super::comparison::{Comparison, Noise};
use super::effect::{Features, deviation_sum};
use super::noise::Matrix;
use super::replicate::{Norm, upper_quantile};
use super::{Effect, JudgingError};

/// A distance with the ends of its interval, or why there are none yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ends {
    /// Each end holds with probability `1 - alpha`.
    Known {
        /// The estimate over all edges.
        estimate: f64,
        /// Lower end, at least 0.
        lower: f64,
        /// Upper end.
        upper: f64,
    },
    /// Fewer than [`super::WINDOWS_MIN`] windows on a side.
    TooFewWindows {
        /// Windows the golden still needs.
        golden_needed: usize,
        /// Windows the candidate still needs.
        candidate_needed: usize,
    },
}

/// Groups of bins on which the lower end of a total variation rests.
const GROUPS_MAX: usize = 255;

impl Comparison {
    /// The ends of the first Wasserstein distance: those of [`Comparison::judge`] for [`Effect::W1`].
    ///
    /// # Errors
    /// [`JudgingError::Parameter`] for a value that is not finite.
    pub fn w1_ends(&self, value_of: &dyn Fn(i64) -> f64) -> Result<Ends, JudgingError> {
        let Some(noise) = self.noise.as_ref() else { return Ok(self.no_ends()) };
        let shape = self.shape(Effect::W1, value_of)?;
        let rows = self.shape_rows(noise, &shape);
        let critical = self.critical(noise, &rows, &shape.norm);
        let coarse = shape.norm.of(&shape.features.of_difference(&self.delta, &self.coarse));
        let band = self.band(noise, &shape, &rows);
        let upper = self.upper_end(noise, &shape, &band, &|nu| noise.t[nu - 1]);
        Ok(Ends::Known { estimate: shape.estimate, lower: (coarse - critical).max(0.0), upper })
    }

    /// The ends of the total variation over given bins, runs of keys: `sum |Delta mass| / 2`, a seminorm of the laws' difference.
    /// `bin_of` gives a key's bin and ascends with the key.
    ///
    /// The lower end rests on at most 255 groups of neighbouring bins of like pooled mass, whose variation is at most that of the
    /// bins; the upper end on every bin.
    pub fn bin_ends(&self, bin_of: &dyn Fn(i64) -> u64) -> Ends {
        let Some(noise) = self.noise.as_ref() else { return self.no_ends() };
        let edges = self.bin_edges(bin_of);
        let norm = Norm::SumAbs(0.5);
        let of = |edges: &[usize]| norm.of(&Features::Bins(edges.to_vec()).of_difference(&self.delta, &[]));
        let estimate = of(&edges);
        let groups = self.groups(&edges);
        let grouped = self.feature_rows(noise, &Features::Bins(groups.clone()), &[]);
        let critical = self.critical(noise, &grouped, &norm);
        let spread = if groups.len() == edges.len() {
            deviation_sum(&grouped)
        } else {
            deviation_sum(&self.feature_rows(noise, &Features::Bins(edges), &[]))
        };
        let band = 0.5 * noise.t[noise.degrees_min() - 1] * spread;
        Ends::Known { estimate, lower: (of(&groups) - critical).max(0.0), upper: (estimate + band).min(1.0) }
    }

    /// The outcome where no noise was estimated.
    fn no_ends(&self) -> Ends {
        if self.identical {
            return Ends::Known { estimate: 0.0, lower: 0.0, upper: 0.0 };
        }
        let (golden_needed, candidate_needed) = self.windows_needed();
        Ends::TooFewWindows { golden_needed, candidate_needed }
    }

    /// The quantile of the norm of the simulated error.
    fn critical(&self, noise: &Noise, rows: &[Matrix], norm: &Norm) -> f64 {
        upper_quantile(&self.error_norms(noise, rows, norm), self.options.alpha)
    }

    /// The last column of each bin but the last one.
    fn bin_edges(&self, bin_of: &dyn Fn(i64) -> u64) -> Vec<usize> {
        let bins: Vec<u64> = self.keys.iter().map(|key| bin_of(*key)).collect();
        (1..bins.len()).filter(|x| bins[x - 1] != bins[*x]).map(|x| x - 1).collect()
    }

    /// At most [`GROUPS_MAX`] bins: all where they are so few, else edges that cut the pooled counts evenly.
    fn groups(&self, edges: &[usize]) -> Vec<usize> {
        if edges.len() < GROUPS_MAX {
            return edges.to_vec();
        }
        let total: u64 = self.counts.iter().flatten().sum();
        let (mut groups, mut through, mut next) = (Vec::new(), 0_u64, 0);
        for edge in edges {
            for x in next..=*edge {
                through += self.counts[0][x] + self.counts[1][x];
            }
            next = edge + 1;
            let wanted = u128::from(total) * (groups.len() as u128 + 1);
            if u128::from(through) * GROUPS_MAX as u128 >= wanted && groups.len() + 1 < GROUPS_MAX {
                groups.push(*edge);
            }
        }
        groups
    }
}
