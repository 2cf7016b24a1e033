//! The laws at a few keys, for figures, and the distance of a stretch from a law.

use super::comparison::{Comparison, Source};

/// Both laws at one key and the noise of their difference there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// The key; shares are of values at or below it.
    pub key: i64,
    /// Golden's share, standardised as the effects are.
    pub golden: f64,
    /// Candidate's share, standardised as the effects are.
    pub candidate: f64,
    /// Half-width of the pointwise interval of the difference, as in the upper end of [`super::Effect::Ks`]; `None` where no
    /// noise was estimated.
    pub half_width: Option<f64>,
    /// Whether the key is heavy on a side; the key before it is then a point, too.
    pub is_heavy: bool,
}

impl Comparison {
    /// The laws at the quantiles of both sides at the ascending `levels`, at the smallest and largest key of each side, at both
    /// edges of keys heavier than `heavy` on a side, and where the laws are farthest apart; at all keys if these are at most
    /// `all_max`. Ascending keys, each once.
    pub fn curve(&self, levels: &[f64], heavy: f64, all_max: usize) -> Vec<CurvePoint> {
        let Some(last) = self.keys.len().checked_sub(1) else { return Vec::new() };
        if last < all_max {
            return (0..=last).map(|x| self.curve_point(x, heavy)).collect();
        }
        let mut columns = vec![0, last];
        for law in [&self.golden_law, &self.candidate_law] {
            columns.extend(levels.iter().map(|p| law.partition_point(|f| f < p).min(last)));
            // The side's smallest and largest key.
            columns.push(law.partition_point(|f| *f <= 0.0).min(last));
            columns.push(law.partition_point(|f| *f < 1.0).min(last));
            let mut below = 0.0;
            for (x, f) in law.iter().copied().chain(core::iter::once(1.0)).enumerate() {
                if f - below > heavy {
                    columns.extend([x.saturating_sub(1), x]);
                }
                below = f;
            }
        }
        if let Some(gap) = self.worst_column() {
            columns.push(gap);
        }
        columns.sort_unstable();
        columns.dedup();
        columns.into_iter().map(|x| self.curve_point(x, heavy)).collect()
    }

    /// Key at which the laws are farthest apart; `None` if they are equal.
    pub fn worst_key(&self) -> Option<i64> {
        self.worst_column().map(|x| self.keys[x])
    }

    /// Distinct keys of both sides.
    pub fn distinct_keys(&self) -> usize {
        self.keys.len()
    }

    /// Half-width of the noise of a stretch of `windows` windows of the candidate against the whole golden (of pairs: of
    /// these pairs), from the half-width of the whole comparison: variances grow as the stretch shrinks.
    pub fn half_width_of_stretch(&self, half_width: f64, windows: usize) -> Option<f64> {
        let noise = self.noise.as_ref()?;
        let largest = |source| {
            let part = noise.parts.iter().find(|part| part.source == source);
            part.map_or(0.0, |part| part.variance_max)
        };
        let (golden, own) = (largest(Source::Golden), largest(Source::Candidate) + largest(Source::Pairs));
        if windows == 0 || golden + own <= 0.0 {
            return None;
        }
        let factor = self.windows().1 as f64 / windows as f64;
        Some(half_width * libm::sqrt((own * factor + golden) / (golden + own)))
    }

    fn worst_column(&self) -> Option<usize> {
        let mut worst: Option<(usize, f64)> = None;
        for (x, difference) in self.delta.iter().enumerate() {
            if difference.abs() > worst.map_or(0.0, |(_, most)| most) {
                worst = Some((x, difference.abs()));
            }
        }
        worst.map(|(x, _)| x)
    }

    fn curve_point(&self, x: usize, heavy: f64) -> CurvePoint {
        let half_width = self.noise.as_ref().map(|noise| match (noise.deviation.get(x), noise.degrees.get(x)) {
            (Some(deviation), Some(degrees)) => deviation * noise.t.get(degrees - 1).copied().unwrap_or(0.0),
            // Both laws end at the last key.
            _ => 0.0,
        });
        let at = |law: &[f64], x: usize| law.get(x).copied().unwrap_or(1.0);
        let mass = |law: &[f64]| at(law, x) - x.checked_sub(1).map_or(0.0, |before| at(law, before));
        CurvePoint {
            is_heavy: mass(&self.golden_law) > heavy || mass(&self.candidate_law) > heavy,
            key: self.keys[x],
            golden: at(&self.golden_law, x),
            candidate: at(&self.candidate_law, x),
            half_width,
        }
    }
}

/// A distribution function made ready to be compared with many small samples.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Law {
    keys: Vec<i64>,
    /// Share of the observations below each key, and of all.
    below: Vec<f64>,
    count: u64,
}

impl Law {
    /// The law of a sorted count map: distinct ascending keys, a sum of counts of at most 2^53.
    pub fn new(cells: &[(i64, u64)]) -> Self {
        let count = cells.iter().fold(0_u64, |sum, (_, n)| sum.saturating_add(*n));
        let mut sum = 0_u64;
        let share = |n: u64| {
            sum = sum.saturating_add(n);
            sum as f64 / count as f64
        };
        let below = core::iter::once(0).chain(cells.iter().map(|(_, n)| *n)).map(share).collect();
        Self { below, keys: cells.iter().map(|(key, _)| *key).collect(), count }
    }

    /// Observations.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Kolmogorov-Smirnov distance from a sorted count map; `None` if one of the two is empty.
    ///
    /// The sample's law is constant between its keys while this one only grows, so the largest gap lies at one of the
    /// sample's keys or just below it.
    pub fn distance(&self, cells: &[(i64, u64)]) -> Option<f64> {
        let total = cells.iter().map(|(_, n)| *n).sum::<u64>();
        if total == 0 || self.count == 0 {
            return None;
        }
        let (mut sum, mut before, mut largest, mut from) = (0_u64, 0.0_f64, 0.0_f64, 0);
        for (key, n) in cells {
            // Keys ascend, so what was passed stays passed, and the next one is near.
            from += gallop(&self.keys[from..], *key);
            sum += n;
            let through = from + usize::from(self.keys.get(from) == Some(key));
            let after = sum as f64 / total as f64;
            largest = largest.max((self.below[from] - before).abs()).max((self.below[through] - after).abs());
            before = after;
        }
        Some(largest)
    }
}

/// How many of the ascending keys lie below `key`: steps that double, then a search between the last two.
fn gallop(keys: &[i64], key: i64) -> usize {
    let mut reach = 1;
    while keys.get(reach - 1).is_some_and(|k| *k < key) {
        reach *= 2;
    }
    let low = reach / 2;
    low + keys[low..keys.len().min(reach)].partition_point(|k| *k < key)
}

#[cfg(test)]
mod tests {
    use super::super::{Design, Effect, Options, Outcome, Window};
    use super::*;
    use crate::histogram::Cells;

    fn comparison(candidate_shift: u64) -> Comparison {
        let side = |shift: u64| -> Vec<Vec<(i64, u64)>> {
            (0..40_u64).map(|w| vec![(1, 50 + w % 3 + shift), (2, 50), (5, 20 + w % 5), (9, 1)]).collect()
        };
        let (g, c) = (side(0), side(candidate_shift));
        let packed = |side: &[Vec<(i64, u64)>]| -> Vec<Cells> { side.iter().map(|cells| Cells::pack(cells)).collect() };
        let (g, c) = (packed(&g), packed(&c));
        let golden: Vec<Window> = (0..).zip(&g).map(|(id, cells)| Window::new(id, cells)).collect();
        let candidate: Vec<Window> = (0..).zip(&c).map(|(id, cells)| Window::new(id, cells)).collect();
        Comparison::new(&golden, &candidate, Design::Independent, &Options::default()).unwrap()
    }

    #[test]
    fn the_largest_difference_of_the_curve_is_the_effect_and_the_bands_are_its_interval() {
        let comparison = comparison(30);
        let curve = comparison.curve(&[0.1, 0.5, 0.9], 0.5, 0);
        assert_eq!(curve.iter().map(|p| p.key).collect::<Vec<_>>(), [1, 2, 5, 9]);
        let Outcome::Judged(ks) = comparison.judge(Effect::Ks, 0.05, &|key| key as f64).unwrap() else {
            panic!("forty windows are enough")
        };
        let gap = |p: &CurvePoint| (p.candidate - p.golden).abs();
        let worst = curve.iter().map(gap).fold(0.0, f64::max);
        assert!((worst - ks.estimate).abs() < 1e-15);
        assert!((ks.estimate - ks.half_width - ks.lower).abs() < 1e-15, "few keys: every edge is a coarse edge");
        let upper = curve.iter().map(|p| gap(p) + p.half_width.unwrap()).fold(0.0, f64::max);
        assert!((upper - ks.upper).abs() < 1e-15);
        let at_worst = curve.iter().find(|p| Some(p.key) == comparison.worst_key()).unwrap();
        assert!((gap(at_worst) - worst).abs() < 1e-15);
        assert_eq!(comparison.curve(&[], 0.5, 4), curve, "four keys, all listed");
        assert_eq!(curve.iter().map(|p| p.is_heavy).collect::<Vec<_>>(), [true, false, false, false]);
        let last = curve.last().unwrap();
        assert!(gap(last) < 1e-15 && (last.golden - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_short_stretch_is_noisier_than_the_whole() {
        let comparison = comparison(3);
        let whole = comparison.half_width_of_stretch(0.1, 40).unwrap();
        let tenth = comparison.half_width_of_stretch(0.1, 4).unwrap();
        assert!((whole - 0.1).abs() < 1e-15 && tenth > 0.2 && tenth < 0.1 * 10_f64.sqrt() + 1e-12, "{whole} {tenth}");
        assert_eq!(comparison.half_width_of_stretch(0.1, 0), None);
    }

    #[test]
    fn distance_is_that_of_the_distribution_functions() {
        type Cells = &'static [(i64, u64)];
        let cases: [(Cells, Cells, Option<f64>); 7] = [
            (&[(1, 1)], &[(1, 5)], Some(0.0)),
            (&[(1, 1)], &[(2, 1)], Some(1.0)),
            (&[(5, 1)], &[(2, 1), (7, 3)], Some(0.75)),
            (&[(1, 1), (3, 1)], &[(2, 1), (3, 1)], Some(0.5)),
            (&[(1, 3), (4, 1)], &[(1, 1), (2, 2), (9, 1)], Some(0.5)),
            (&[(1, 2), (2, 1), (3, 1)], &[(3, 4)], Some(0.75)),
            (&[], &[(1, 1)], None),
        ];
        for (a, b, want) in cases {
            assert_eq!(Law::new(a).distance(b), want, "{a:?} {b:?}");
            assert_eq!(Law::new(b).distance(a), want, "{b:?} {a:?}");
        }
    }
}
