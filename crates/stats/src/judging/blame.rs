//! What an effect rests on: single windows, strata, and the range of values with the largest gap.

use core::ops::Range;

use super::arrange::Arm;
use super::comparison::Comparison;
use super::effect::{Features, Shape};
use super::noise::Matrix;
use super::replicate::Norm;
use super::table::Table;
use super::{Effect, JudgingError, Side};

/// Where an effect comes from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Blame {
    /// The effect these numbers are compared with: the estimate at the coarse edges.
    pub effect: f64,
    /// Windows whose removal lowers the effect most, best first. For pairs the pair is removed, and named by the golden.
    pub windows: Vec<WindowBlame>,
    /// Matched strata with the effect that is left without each, best first.
    pub strata: Vec<StratumBlame>,
    /// The edge with the largest gap between the laws; `None` if they are equal.
    pub largest_gap: Option<Gap>,
    /// The cell whose mass differs most, of some 250 that hold as much of the golden or are one value; `None` if the laws are equal.
    pub largest_excess: Option<Excess>,
}

/// One window and the effect without it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowBlame {
    /// Side of the window.
    pub side: Side,
    /// Its id.
    pub id: i64,
    /// The effect without it.
    pub effect_without: f64,
}

/// One stratum and the effect without it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StratumBlame {
    /// Its label.
    pub stratum: u32,
    /// The effect without it.
    pub effect_without: f64,
}

/// The laws' difference at an edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// Values up to this key, included.
    pub key: i64,
    /// Candidate's share of them minus golden's.
    pub difference: f64,
}

/// A range of keys and the difference of its mass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Excess {
    /// Smallest key present in the range.
    pub low: i64,
    /// Largest key present in the range.
    pub high: i64,
    /// Candidate's share minus golden's.
    pub difference: f64,
}

/// Cells that are looked through for the largest difference of mass: one is the finer named, the more there are.
const CELLS_MAX: usize = 255;
/// Windows whose features are held at a time.
const AT_ONCE: usize = 64;

/// Sums of features and messages under each label of one side.
struct LabelSums<'a> {
    arm: &'a Arm,
    sums: Matrix,
    counts: Vec<f64>,
}

impl<'a> LabelSums<'a> {
    fn new((table, arm): (&Table, &'a Arm), features: &Features, coarse: &[usize]) -> Self {
        let mut sums = Matrix::zeros(arm.label_counts.len(), features.columns(coarse));
        for windows in at_once(arm.windows.len()) {
            let features = features.of(table, coarse, windows.clone());
            for (i, w) in windows.enumerate() {
                for (sum, f) in sums.row_mut(arm.windows[w].label).iter_mut().zip(features.row(i)) {
                    *sum += f;
                }
            }
        }
        let counts = arm.label_counts.iter().map(|n| *n as f64).collect();
        Self { arm, sums, counts }
    }

    /// Adds `factor` times the change of the label's law when window `w`, of these features, is left out; false if nothing would be
    /// left.
    fn add_change(&self, (w, features): (usize, &[f64]), factor: f64, out: &mut [f64]) -> bool {
        let placed = &self.arm.windows[w];
        let (count, left) = (self.counts[placed.label], self.counts[placed.label] - placed.count as f64);
        if left <= 0.0 {
            return false;
        }
        for ((o, sum), f) in out.iter_mut().zip(self.sums.row(placed.label)).zip(features) {
            *o += factor * ((sum - f) / left - sum / count);
        }
        true
    }
}

/// Ranges of a few windows, that make so many together.
fn at_once(windows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..windows).step_by(AT_ONCE).map(move |start| start..(start + AT_ONCE).min(windows))
}

impl Comparison {
    /// Leaves out each window and each matched stratum in turn (weights of strata stay) and names at most `most` windows.
    /// Means, quantiles, ranks
    /// and tails are blamed through the distance of the laws.
    ///
    /// # Errors
    /// As [`Comparison::judge`].
    pub fn blame(&self, effect: Effect, most: usize, value_of: &dyn Fn(i64) -> f64) -> Result<Blame, JudgingError> {
        let shape = self.shape(effect, value_of)?;
        let difference = shape.features.of_difference(&self.delta, &self.coarse);
        let sums = |side| LabelSums::new(self.side(side), &shape.features, &self.coarse);
        let (golden, candidate) = (sums(Side::Golden), sums(Side::Candidate));
        let distance = shape.norm.of(&difference);
        let mut windows = self.without_windows(&difference, &golden, &candidate, &shape);
        windows.retain(|window| window.effect_without < distance);
        windows.sort_by(|a, b| a.effect_without.total_cmp(&b.effect_without));
        windows.truncate(most);
        for window in &mut windows {
            window.effect_without = shape.effect_of(window.effect_without);
        }
        let mut strata = self.without_strata(&difference, &golden, &candidate, &shape.norm);
        for stratum in &mut strata {
            stratum.effect_without = shape.effect_of(stratum.effect_without);
        }
        Ok(Blame {
            effect: shape.effect_of(distance),
            windows,
            strata,
            largest_gap: self.largest_gap(),
            largest_excess: self.largest_excess(),
        })
    }

    fn without_windows(
        &self,
        difference: &[f64],
        golden: &LabelSums<'_>,
        candidate: &LabelSums<'_>,
        shape: &Shape,
    ) -> Vec<WindowBlame> {
        let arrangement = &self.arrangement;
        let mut out = Vec::new();
        let mut changed = vec![0.0; difference.len()];
        for side in [Side::Golden, Side::Candidate] {
            if arrangement.paired && side == Side::Candidate {
                continue;
            }
            let of_golden = side == Side::Golden;
            let of_candidate = side == Side::Candidate || arrangement.paired;
            let placed = &self.side(side).1.windows;
            for windows in at_once(placed.len()) {
                let features = |side| shape.features.of(self.side(side).0, &self.coarse, windows.clone());
                let features_g = of_golden.then(|| features(Side::Golden));
                let features_c = of_candidate.then(|| features(Side::Candidate));
                for (i, w) in windows.clone().enumerate() {
                    changed.copy_from_slice(difference);
                    let weight = arrangement.label_weights[placed[w].label];
                    let mut possible = true;
                    for (features, sums, factor) in [(&features_g, golden, -weight), (&features_c, candidate, weight)] {
                        if let Some(features) = features {
                            possible &= sums.add_change((w, features.row(i)), factor, &mut changed);
                        }
                    }
                    if possible {
                        out.push(WindowBlame { side, id: placed[w].id, effect_without: shape.norm.of(&changed) });
                    }
                }
            }
        }
        out
    }

    fn without_strata(
        &self,
        difference: &[f64],
        golden: &LabelSums<'_>,
        candidate: &LabelSums<'_>,
        norm: &Norm,
    ) -> Vec<StratumBlame> {
        let mut out = Vec::new();
        for (label, stratum) in self.arrangement.labels.iter().enumerate() {
            let weight = self.arrangement.label_weights[label];
            if weight >= 1.0 {
                continue;
            }
            let laws = candidate.sums.row(label).iter().zip(golden.sums.row(label));
            let left: Vec<f64> = difference
                .iter()
                .zip(laws)
                .map(|(d, (c, g))| {
                    (d - weight * (c / candidate.counts[label] - g / golden.counts[label])) / (1.0 - weight)
                })
                .collect();
            out.push(StratumBlame { stratum: *stratum, effect_without: norm.of(&left) });
        }
        out.sort_by(|a, b| a.effect_without.total_cmp(&b.effect_without));
        out
    }

    fn largest_gap(&self) -> Option<Gap> {
        let mut largest: Option<Gap> = None;
        for (difference, key) in self.delta.iter().zip(&self.keys) {
            if difference.abs() > largest.map_or(0.0, |gap| gap.difference.abs()) {
                largest = Some(Gap { key: *key, difference: *difference });
            }
        }
        largest
    }

    fn largest_excess(&self) -> Option<Excess> {
        let mut largest: Option<Excess> = None;
        let (mut first, mut below) = (0, 0.0);
        let last = self.keys.len().checked_sub(1)?;
        for column in self.coarse_columns(CELLS_MAX).into_iter().chain(core::iter::once(last)) {
            let here = self.delta.get(column).copied().unwrap_or(0.0);
            let difference = here - below;
            if difference.abs() > largest.map_or(0.0, |excess| excess.difference.abs()) {
                largest = Some(Excess { low: self.keys[first], high: self.keys[column], difference });
            }
            (first, below) = (column + 1, here);
        }
        largest
    }
}
