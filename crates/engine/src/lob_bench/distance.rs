//! One score: both distances, and their intervals.

use std::collections::BTreeMap;

use verismo_stats::histogram::Cells;
use verismo_stats::judging::{Comparison, Design, Ends, Options, RECIPE, WINDOWS_MIN, Window};
use verismo_stats::pooled::{Bins, Cell, Pooled, merge};
use verismo_suite::lob_bench::{Intervals, Pair, SCORES};

use verismo_suite::suite::Scope;

use super::sides::ReadSide;

/// The distances of one score.
#[derive(Debug, Default)]
pub(super) struct Distances {
    pub(super) scores: Pair,
    pub(super) intervals: Intervals,
    pub(super) counts: [u64; 2],
    /// By place in the report.
    pub(super) undefined: BTreeMap<String, String>,
}

const METRICS: [&str; 2] = ["l1", "wasserstein"];

impl Distances {
    pub(super) fn of(score: usize, real: &ReadSide, generated: &ReadSide, scope: Scope) -> Self {
        let info = SCORES[score];
        let cells =
            |side: &ReadSide| merge(side.windows.iter().filter_map(|window| window.get(score).map(Vec::as_slice)));
        let sides = [cells(real), cells(generated)];
        let mut out = Self { counts: [0, 1].map(|side| sides[side].iter().map(|(_, n)| n).sum()), ..Self::default() };
        let pooled = match Pooled::new(&sides[0], &sides[1]) {
            Ok(pooled) => pooled,
            Err(error) => {
                let side = if out.counts[0] == 0 { "real" } else { "generated" };
                let reason = format!("the {side} side has no value of this score");
                tracing::debug!(score = info.id, %error, "undefined");
                for metric in METRICS {
                    out.undefine(info.id, metric, &reason);
                }
                return out;
            }
        };
        let bins = pooled.bins(if info.discrete { &Bins::Values } else { &Bins::FreedmanDiaconis });
        let scale = pooled.moments().map(|(_, std)| std);
        match &bins {
            Ok(bins) => out.scores[0] = Some(pooled.total_variation(bins)),
            Err(error) => out.undefine(info.id, METRICS[0], &error.to_string()),
        }
        match &scale {
            Ok(std) => out.scores[1] = Some(pooled.w1() / std),
            Err(error) => out.undefine(info.id, METRICS[1], &error.to_string()),
        }
        let options =
            Options { seed: seed(info.id, &sides), memory_guard: scope == Scope::Population, ..Options::default() };
        let comparison = compare(score, &pooled, [real, generated], &options);
        let windows = comparison.as_ref().map_or((0, 0), Comparison::windows);
        let at = |key: i64| usize::try_from(key).unwrap_or(0);
        if let Ok(bins) = &bins {
            let ends = comparison.as_ref().map(|both| both.bin_ends(&|key| bins.get(at(key)).copied().unwrap_or(0)));
            out.intervals.l1 = out.ends(info.id, METRICS[0], windows, ends.map_err(Clone::clone));
        }
        if let Ok(std) = &scale {
            let value_of = |key| pooled.values().get(at(key)).map_or(f64::NAN, |x| x / std);
            let ends = comparison.as_ref().map_err(Clone::clone);
            let ends = ends.and_then(|both| both.w1_ends(&value_of).map_err(|error| error.to_string()));
            out.intervals.wasserstein = out.ends(info.id, METRICS[1], windows, ends);
        }
        out
    }

    fn undefine(&mut self, score: &str, metric: &str, reason: &str) {
        self.undefined.insert(format!("scores.{score}.{metric}"), reason.to_owned());
        self.undefined.insert(format!("intervals.{score}.{metric}"), reason.to_owned());
    }

    fn ends(
        &mut self,
        score: &str,
        metric: &str,
        (real, generated): (usize, usize),
        ends: Result<Ends, String>,
    ) -> Option<[f64; 2]> {
        let reason = match ends {
            Ok(Ends::Known { lower, upper, .. }) => return Some([lower, upper]),
            Ok(Ends::TooFewWindows { .. }) => format!(
                "too few windows with a value of this score, {real} real and {generated} generated: {WINDOWS_MIN} a side are needed"
            ),
            Err(reason) => reason,
        };
        self.undefined.insert(format!("intervals.{score}.{metric}"), reason);
        None
    }
}

/// The windows of both sides; a key is the place of a value among those of both.
fn compare(score: usize, pooled: &Pooled, sides: [&ReadSide; 2], options: &Options) -> Result<Comparison, String> {
    let windows = |side: &ReadSide| -> Vec<Cells> {
        let of_window = |window: &Vec<Vec<Cell>>| {
            let mut place = 0;
            let mut key = |x: f64| {
                place = place_of(pooled.values(), place, x);
                place as i64
            };
            Cells::pack(&window[score].iter().map(|(x, n)| (key(*x), *n)).collect::<Vec<_>>())
        };
        side.windows.iter().map(of_window).collect()
    };
    let [real, generated] = sides.map(windows);
    let of = |cells: &[Cells]| -> Vec<Window<'static>> {
        (0..)
            .zip(cells)
            .map(|(id, cells)| Window { id, stratum: 0, block: 0, cells: std::borrow::Cow::Owned(cells.clone()) })
            .collect()
    };
    Comparison::new(&of(&real), &of(&generated), Design::Independent, options).map_err(|error| error.to_string())
}

/// Where `x` stands among ascending values, from `from` on. Steps double, since the next value is near.
fn place_of(values: &[f64], from: usize, x: f64) -> usize {
    let (mut low, mut step) = (from, 1);
    while values.get(low + step).is_some_and(|value| *value <= x) {
        low += step;
        step *= 2;
    }
    let high = (low + step).min(values.len());
    low + values[low..high].partition_point(|value| *value < x)
}

/// What the replicate weights depend on: the score and both samples.
fn seed(id: &str, cells: &[Vec<Cell>; 2]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(RECIPE.as_bytes()).update(id.as_bytes());
    for side in cells {
        hasher.update(&(side.len() as u64).to_le_bytes());
        for (x, n) in side {
            hasher.update(&x.to_bits().to_le_bytes()).update(&n.to_le_bytes());
        }
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::place_of;

    #[test]
    fn places_are_found_from_anywhere_before() {
        let values: Vec<f64> = (0..100).map(|i| f64::from(i) * 0.5).collect();
        for (place, x) in values.iter().enumerate() {
            for from in 0..=place {
                assert_eq!(place_of(&values, from, *x), place);
            }
        }
    }
}
