//! What figures are drawn from: both laws at a few values, autocorrelations, the effect over time.
//!
//! Computed from states alone, like everything here. Pictures decide nothing and are no part of any digest.

use verismo_stats::judging::{Law, PooledStretch, Side, StretchDistance};
use verismo_stats::lags::LagMoments;
use verismo_stats::state::State;
use verismo_suite::catalogue::TestId;
use verismo_suite::report::{Against, LagBar, LawCurves, Picture, TimeStrip, rounded};

use crate::draft::Draft;
use crate::histogram::Laws;
use crate::input::{Cells, SECOND_NS};
use crate::lags::total;
use crate::observe::Task;
use crate::select::Placed;

/// Stretches with fewer observations on a side have no effect.
const OBSERVATIONS_MIN: u64 = 5;

/// Stretches with fewer pairs on a side have no autocorrelation.
const PAIRS_MIN: u64 = 30;

/// Standard errors of an autocorrelation that the largest of a few lags seldom exceeds: 2.4 is the 99.2 % point.
const ERRORS: f64 = 2.4;

/// Lengths of a stretch that people can read, s.
const STEPS_S: [i64; 22] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    1_209_600, 2_419_200,
];

/// How much a picture holds; less where there are many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Detail {
    /// Levels whose quantiles are listed.
    levels: &'static [f64],
    /// Values heavier than this are drawn as jumps.
    heavy: f64,
    /// All values are listed if they are at most this many.
    all_max: usize,
    /// Most stretches of time.
    stretches_max: i64,
}

const FINE: Detail = Detail {
    levels: &[
        0.0001, 0.0003, 0.001, 0.003, 0.01, 0.02, 0.035, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55,
        0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.965, 0.98, 0.99, 0.997, 0.999, 0.9997, 0.9999,
    ],
    heavy: 0.02,
    all_max: 64,
    stretches_max: 96,
};

const MIDDLE: Detail = Detail {
    levels: &[
        0.0005, 0.002, 0.01, 0.03, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95,
        0.97, 0.99, 0.998, 0.9995,
    ],
    heavy: 0.04,
    all_max: 32,
    stretches_max: 48,
};

const COARSE: Detail = Detail {
    levels: &[0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999],
    heavy: 0.1,
    all_max: 12,
    stretches_max: 24,
};

impl Detail {
    /// The detail for a report with this many pictures: report.json stays below a few MB with any number of them.
    pub(crate) fn for_pictures(pictures: usize) -> Self {
        match pictures {
            0..=96 => FINE,
            97..=400 => MIDDLE,
            _ => COARSE,
        }
    }
}

/// The picture of an observable with distributions. `drafts` are its findings, whose bands are drawn.
pub(crate) fn of_laws(
    task: &Task<'_>,
    laws: &Laws<'_>,
    sides: [&[(i64, Cells)]; 2],
    drafts: &[Draft],
    detail: Detail,
) -> Picture {
    let ks = drafts.iter().find(|d| d.finding.test == TestId::Ks);
    let margin = ks.and_then(|d| d.finding.margin);
    let identical = laws.comparison.is_identical();
    let half_width = ks.and_then(|d| d.open.as_ref()).filter(|_| !identical).map(|open| open.judged.half_width);
    let strip =
        Strip::new(task, sides.map(|side| side.iter().map(|(id, cells)| (*id, cells.count())).collect()), detail);
    let time = strip.map(|strip| {
        if identical && strip.paired {
            // Every pair of stretches is equal, and that without noise.
            let effect = |i: usize| {
                let enough = |side: &Vec<u64>| side.get(i).is_some_and(|n| *n >= OBSERVATIONS_MIN);
                strip.counts.iter().all(enough).then_some(0.0)
            };
            return strip.finish(effect, |_| Some(0.0), None, margin);
        }
        if !strip.paired && laws.golden.count() == laws.comparison.messages_of(Side::Golden) {
            return against_golden(&strip, laws, half_width, margin);
        }
        let golden = laws.comparison.pooled_stretches(Side::Golden, |id| id.div_euclid(strip.factor));
        let own_laws: Vec<Law> = golden.iter().map(|stretch| Law::new(&stretch.cells)).collect();
        let candidate = laws.comparison.pooled_stretches(Side::Candidate, |id| id.div_euclid(strip.factor));
        let at = |side: &[PooledStretch], i: usize| {
            let index = strip.first.saturating_add(i64::try_from(i).unwrap_or(i64::MAX));
            side.binary_search_by_key(&index, |stretch| stretch.index).ok()
        };
        let scaled = |i: usize| match half_width {
            Some(half_width) => {
                laws.comparison.half_width_of_stretch(half_width, candidate[at(&candidate, i)?].windows)
            }
            None => None,
        };
        let whole = Law::new(laws.golden.cells());
        let enough = |cells: &[(i64, u64)]| cells.iter().map(|(_, n)| n).sum::<u64>() >= OBSERVATIONS_MIN;
        let gap = |law: &Law, cells: &[(i64, u64)]| {
            if law.count() >= OBSERVATIONS_MIN && enough(cells) { law.distance(cells) } else { None }
        };
        let effect = |i: usize| {
            let c = &candidate[at(&candidate, i)?];
            if strip.paired { gap(&own_laws[at(&golden, i)?], &c.cells) } else { gap(&whole, &c.cells) }
        };
        let own = if strip.paired {
            let neighbours = own_laws.iter().zip(golden.windows(2));
            let neighbours = neighbours.filter(|(_, pair)| pair[0].index + 1 == pair[1].index);
            usual(neighbours.filter_map(|(law, pair)| gap(law, &pair[1].cells)).collect())
        } else {
            // The golden's own stretches may lie at other times, so they are placed on a strip of their own.
            usual(golden.iter().filter_map(|stretch| gap(&whole, &stretch.cells)).collect())
        };
        strip.finish(effect, scaled, own, margin)
    });
    Picture {
        counts: [laws.golden.count(), laws.candidate.count()],
        laws: curves(laws, half_width, margin, detail),
        time,
        ..names(task)
    }
}

/// Stretches against all of the golden, every window of which is in the comparison.
fn against_golden(strip: &Strip, laws: &Laws<'_>, half_width: Option<f64>, margin: Option<f64>) -> TimeStrip {
    let [golden, candidate] = [Side::Golden, Side::Candidate]
        .map(|side| laws.comparison.distances_of_stretches(side, |id| id.div_euclid(strip.factor)));
    let enough =
        |stretch: &&StretchDistance| laws.golden.count() >= OBSERVATIONS_MIN && stretch.count >= OBSERVATIONS_MIN;
    let at = |i: usize| {
        let index = strip.first.saturating_add(i64::try_from(i).unwrap_or(i64::MAX));
        candidate.binary_search_by_key(&index, |stretch| stretch.index).ok().and_then(|at| candidate.get(at))
    };
    let effect = |i: usize| at(i).filter(enough).map(|stretch| stretch.distance);
    let scaled = |i: usize| laws.comparison.half_width_of_stretch(half_width?, at(i)?.windows);
    // The golden's own stretches may lie at other times, so they are placed on a strip of their own.
    let own = usual(golden.iter().filter(enough).map(|stretch| stretch.distance).collect());
    strip.finish(effect, scaled, own, margin)
}

/// The picture of an observable with autocorrelations.
pub(crate) fn of_lags(
    task: &Task<'_>,
    sides: [&[(i64, LagMoments)]; 2],
    drafts: &[Draft],
    detail: Detail,
) -> Option<Picture> {
    let [golden, candidate] =
        [(0, &task.selection.golden), (1, &task.selection.candidate)].map(|(side, placed)| chosen(placed, sides[side]));
    let (whole, other) = (total(golden.iter().map(|(_, m)| *m))?, total(candidate.iter().map(|(_, m)| *m))?);
    let lags: Vec<LagBar> = whole.pairs().iter().map(|pairs| bar(pairs.lag, &whole, &other, drafts)).collect();
    let margin = lags.iter().find_map(|l| l.margin);
    let half_width = lags.iter().filter_map(|l| l.half_width).reduce(f64::max);
    let counts = sides.map(|side| side.iter().map(|(id, m)| (*id, m.count())).collect());
    let time = Strip::new(task, counts, detail).map(|strip| {
        let (g, c) = (strip.place(&golden), strip.place(&candidate));
        let enough = |m: &LagMoments| m.count() >= PAIRS_MIN;
        let gap = |a: &LagMoments, b: &LagMoments| {
            let gap = |lag: u32| Some((a.autocorrelation(lag)? - b.autocorrelation(lag)?).abs());
            if enough(a) && enough(b) { lags.iter().filter_map(|l| gap(l.lag)).reduce(f64::max) } else { None }
        };
        let together = |parts: &[&LagMoments]| total(parts.iter().copied());
        let effect = |i: usize| {
            let own = together(c.get(i)?)?;
            if strip.paired { gap(&together(g.get(i)?)?, &own) } else { gap(&whole, &own) }
        };
        let own = usual(if strip.paired {
            g.windows(2).filter_map(|pair| gap(&together(&pair[0])?, &together(&pair[1])?)).collect()
        } else {
            strip.by_stretch(golden.iter().copied(), |parts| gap(&whole, &together(parts)?))
        });
        // Variances grow as the stretch shrinks, and no series of n values tells its autocorrelations better than to n^(-1/2).
        let scaled = |i: usize| {
            let (own, same) = (c.get(i)?, g.get(i)?);
            let n = |parts: &[&LagMoments]| parts.iter().map(|m| m.count()).sum::<u64>().max(1) as f64;
            let other = if strip.paired { n(same) } else { whole.count().max(1) as f64 };
            let scaled = half_width? * (candidate.len() as f64 / own.len().max(1) as f64).sqrt();
            let equal = half_width.is_some_and(|h| h <= 0.0);
            Some(if equal { 0.0 } else { scaled.max(ERRORS * (1.0 / n(own) + 1.0 / other).sqrt()) })
        };
        strip.finish(effect, scaled, own, margin)
    });
    Some(Picture { counts: [whole.count(), other.count()], lags, time, ..names(task) })
}

fn names(task: &Task<'_>) -> Picture {
    Picture {
        stream: task.pair.name.clone(),
        observable: task.rule.id.clone(),
        unit: task.unit.clone(),
        ..Picture::default()
    }
}

fn curves(laws: &Laws<'_>, half_width: Option<f64>, margin: Option<f64>, detail: Detail) -> Option<LawCurves> {
    let mut points = laws.comparison.curve(detail.levels, detail.heavy, detail.all_max);
    let listed = points.len();
    points.retain(|p| laws.value(p.key).is_finite());
    let worst = laws.comparison.worst_key().and_then(|key| points.iter().position(|p| p.key == key));
    let column =
        |of: &dyn Fn(&verismo_stats::judging::CurvePoint) -> f64| points.iter().map(|p| rounded(of(p))).collect();
    let range = |histogram: &verismo_stats::histogram::Histogram| {
        let (first, last) = (histogram.cells().first()?, histogram.cells().last()?);
        Some([laws.value(first.0), laws.value(last.0)].map(rounded)).filter(|r| r.iter().all(|x| x.is_finite()))
    };
    Some(LawCurves {
        at: column(&|p| laws.value(p.key)),
        golden: column(&|p| p.golden),
        candidate: column(&|p| p.candidate),
        pointwise: match points.iter().all(|p| p.half_width.is_some_and(f64::is_finite)) {
            true => column(&|p| p.half_width.unwrap_or(0.0)),
            false => Vec::new(),
        },
        simultaneous: half_width.filter(|h| h.is_finite()).map(rounded),
        jumps: (0_u32..).zip(&points).filter(|(_, p)| p.is_heavy).map(|(i, _)| i).collect(),
        worst: worst.and_then(|at| u32::try_from(at).ok()),
        is_complete: listed == laws.comparison.distinct_keys(),
        margin: margin.map(rounded),
        golden_range: range(&laws.golden)?,
        candidate_range: range(&laws.candidate)?,
    })
}

fn bar(lag: u32, golden: &LagMoments, candidate: &LagMoments, drafts: &[Draft]) -> LagBar {
    let name = format!("lag={lag}");
    let finding = drafts.iter().map(|d| &d.finding).find(|f| f.parameter.as_deref() == Some(name.as_str()));
    let value = |m: &LagMoments| m.autocorrelation(lag).filter(|v| v.is_finite()).map(rounded);
    LagBar {
        lag,
        golden: value(golden),
        candidate: value(candidate),
        half_width: finding.and_then(|f| f.interval).map(|[low, high]| rounded(0.5 * (high - low))),
        margin: finding.and_then(|f| f.margin).map(rounded),
    }
}

fn chosen<'a>(placed: &[Placed], side: &'a [(i64, LagMoments)]) -> Vec<(i64, &'a LagMoments)> {
    placed.iter().filter_map(|p| side.get(p.at).map(|(_, m)| (p.id, m))).collect()
}

/// The time axis of a picture.
struct Strip {
    paired: bool,
    window_ns: i64,
    /// Windows in a stretch.
    factor: i64,
    first: i64,
    stretches: usize,
    /// Observations by stretch: golden, candidate.
    counts: [Vec<u64>; 2],
}

impl Strip {
    /// `counts`: index and observations of the windows of both sides. The axis spans both sides of pairs, else the candidate.
    fn new(task: &Task<'_>, counts: [Vec<(i64, u64)>; 2], detail: Detail) -> Option<Self> {
        let paired = task.selection.stratum == "paired";
        let axis = counts.iter().skip(usize::from(!paired)).flatten().filter(|(_, n)| *n > 0).map(|(id, _)| *id);
        let (first, last) = axis
            .fold(None, |ends: Option<(i64, i64)>, id| Some(ends.map_or((id, id), |(a, b)| (a.min(id), b.max(id)))))?;
        let span = last.checked_sub(first)?.checked_add(1)?;
        let factor = factor(span, task.window_ns, detail.stretches_max);
        let first = first.div_euclid(factor);
        let stretches = usize::try_from(last.div_euclid(factor).checked_sub(first)?).ok()?.checked_add(1)?;
        let mut strip =
            Self { paired, window_ns: task.window_ns, factor, first, stretches, counts: [Vec::new(), Vec::new()] };
        for (side, windows) in counts.into_iter().enumerate() {
            let mut sums = vec![0_u64; stretches];
            for (id, n) in windows {
                if let Some(sum) = strip.position(id).and_then(|i| sums.get_mut(i)) {
                    *sum = sum.saturating_add(n);
                }
            }
            strip.counts[side] = sums;
        }
        Some(strip)
    }

    fn position(&self, id: i64) -> Option<usize> {
        let at = usize::try_from(id.div_euclid(self.factor).checked_sub(self.first)?).ok()?;
        (at < self.stretches).then_some(at)
    }

    /// The states in each stretch.
    fn place<'a>(&self, windows: &[(i64, &'a LagMoments)]) -> Vec<Vec<&'a LagMoments>> {
        let mut out = vec![Vec::new(); self.stretches];
        for (id, moments) in windows {
            if let Some(place) = self.position(*id).and_then(|i| out.get_mut(i)) {
                place.push(*moments);
            }
        }
        out
    }

    /// The effects of a side's stretches, wherever these lie in time. `windows` ascend.
    fn by_stretch<T: Copy>(
        &self,
        windows: impl Iterator<Item = (i64, T)>,
        effect: impl Fn(&[T]) -> Option<f64>,
    ) -> Vec<f64> {
        let mut effects = Vec::new();
        let mut close = |parts: &mut Vec<T>| {
            effects.extend(effect(parts));
            parts.clear();
        };
        let (mut current, mut parts) = (None, Vec::new());
        for (id, part) in windows {
            let stretch = id.div_euclid(self.factor);
            if current.is_some_and(|c| c != stretch) {
                close(&mut parts);
            }
            current = Some(stretch);
            parts.push(part);
        }
        close(&mut parts);
        effects
    }

    /// `scaled` is the noise of the whole comparison at the size of a stretch, `own` by how much the golden's own stretches
    /// usually differ: from all of it, or for pairs from their neighbours.
    ///
    /// A fault that begins half way is a slow swing to the whole comparison and counts as its noise, so `own` is taken where
    /// there is one, and for pairs, which share what is usual, the smaller of the two.
    fn finish(
        &self,
        effect: impl Fn(usize) -> Option<f64>,
        scaled: impl Fn(usize) -> Option<f64>,
        own: Option<f64>,
        margin: Option<f64>,
    ) -> TimeStrip {
        let finite = |x: f64| Some(rounded(x)).filter(|x| x.is_finite());
        let effects: Vec<Option<f64>> = (0..self.stretches).map(|i| effect(i).and_then(finite)).collect();
        let noise = (0..self.stretches).map(|i| match (scaled(i), own) {
            (Some(scaled), Some(own)) if self.paired => finite(scaled.min(own)),
            (scaled, own) => finite(own.or(scaled)?),
        });
        let [golden, candidate] = self.counts.clone();
        TimeStrip {
            from_ns: self.first.saturating_mul(self.factor).saturating_mul(self.window_ns),
            step_ns: self.factor.saturating_mul(self.window_ns),
            against: if self.paired { Against::SameStretch } else { Against::WholeGolden },
            noise: noise.zip(&effects).map(|(n, e)| n.filter(|_| e.is_some())).collect(),
            effects,
            golden: if self.paired { golden } else { Vec::new() },
            candidate,
            margin: margin.map(rounded),
        }
    }
}

/// What 49 in 50 of these stay below, the largest of up to fifty; `None` of fewer than four.
fn usual(mut effects: Vec<f64>) -> Option<f64> {
    effects.sort_by(f64::total_cmp);
    let n = effects.len();
    if n < 4 { None } else { effects.get((49 * n).div_ceil(50).saturating_sub(1)).copied() }
}

/// Windows in a stretch: the shortest readable length that gives at most `most` stretches, unless it is more than three times
/// the shortest of any length.
fn factor(span: i64, window_ns: i64, most: i64) -> i64 {
    let window_ns = window_ns.max(1);
    let readable = STEPS_S.iter().map(|s| s * SECOND_NS).filter(|ns| ns % window_ns == 0).map(|ns| ns / window_ns);
    let shortest = span.div_euclid(most).saturating_add(1);
    let mut readable = readable.filter(|factor| *factor >= shortest && *factor <= shortest.saturating_mul(3));
    readable.next().unwrap_or(shortest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_have_readable_lengths_and_are_not_too_many() {
        for (span, window_s, most, want) in [
            (60, 10, 96, 1),
            (360, 10, 96, 6),
            (8_640, 10, 96, 180),
            (900, 1, 48, 30),
            (5, 7, 96, 1),
            (1_000, 7, 96, 11),
        ] {
            let found = factor(span, window_s * SECOND_NS, most);
            assert_eq!(found, want, "{span} windows of {window_s} s");
            assert!(span / found <= most);
        }
    }
}
