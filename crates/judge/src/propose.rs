//! Margins proposed from a golden alone.

use std::borrow::Cow;

use verismo_stats::histogram::Histogram;
use verismo_stats::judging::{Comparison, Design, Options, Outcome, Window};
use verismo_suite::catalogue::{self, MarginUnit, TestId};
use verismo_suite::suite::{ObservableRule, Proposal, ProposedMargin, Scope, Suite};

use crate::digest::{Fields, series_digest};
use crate::histogram::{Display, effect_of, golden_scale};
use crate::input::{Cells, SeriesWindows, SideStates, StreamStates};
use crate::select::select;

/// Room above the resolvable margin, so that a faithful candidate passes more often than four times in five.
const ROOM: f64 = 1.15;

/// Proposes margins for the suite's observables: the suite's own where a faithful candidate of the golden's length would pass
/// at them, else what it could pass at, marked as out of reach. With several streams the hardest decides.
///
/// Effects of laws have resolvable margins; ratios of moments and autocorrelations keep the suite's.
pub fn propose_margins(golden: &SideStates, suite: &Suite) -> Vec<Proposal> {
    let proposals = suite.observables.iter().map(|rule| Proposal {
        observable: rule.id.clone(),
        margins: rule.margins.iter().map(|(&test, &margin)| propose(golden, suite, rule, test, margin)).collect(),
    });
    proposals.collect()
}

fn propose(golden: &SideStates, suite: &Suite, rule: &ObservableRule, test: TestId, margin: f64) -> ProposedMargin {
    let resolvable = golden
        .streams
        .iter()
        .filter_map(|stream| resolvable(stream, suite, rule, test))
        .fold(None, |worst: Option<f64>, r| Some(worst.map_or(r, |w| w.max(r))));
    let out_of_reach = resolvable.is_some_and(|r| r >= margin);
    let proposed = match resolvable {
        Some(r) if out_of_reach => {
            let (low, high) = test.info().margin_range;
            rounded_up(r * ROOM).clamp(low, high)
        }
        _ => margin,
    };
    ProposedMargin { test, margin: proposed, resolvable, out_of_reach }
}

/// The margin, in the unit in which the suite writes it, at which a faithful candidate of the golden's length passes in about
/// four runs of five.
fn resolvable(stream: &StreamStates, suite: &Suite, rule: &ObservableRule, test: TestId) -> Option<f64> {
    let effect = effect_of(test)?;
    let series = stream.series.get(&rule.id)?;
    let SeriesWindows::Cells(windows) = &series.windows else { return None };
    let placed: Vec<(usize, i64)> = occupied(windows);
    let selection = select(&placed, &placed, stream.window_ns, false, suite.scope);
    let windows: Vec<Window<'_>> = selection
        .golden
        .iter()
        .map(|p| Window { id: p.id, stratum: p.stratum, block: p.block, cells: Cow::Borrowed(&windows[p.at].1) })
        .collect();
    let design = if suite.scope == Scope::Population { Design::Independent } else { Design::Strata };
    let mut seed = Fields::new("seed");
    seed.bytes(&series_digest(stream, &rule.id));
    let options =
        Options { alpha: suite.alpha, replicates: suite.replicates, seed: seed.finish(), ..Options::default() };
    let comparison = Comparison::new(&windows, &windows, design, &options).ok()?;
    let histogram = Histogram::pooled(series.lattice.clone(), windows.iter().map(|w| &*w.cells)).ok()?;
    let in_ticks = catalogue::observable(&rule.id).is_some_and(|i| i.display == catalogue::Display::PriceTicks);
    let display = Display { keys_per_unit: (in_ticks && stream.price_tick > 0).then_some(stream.price_tick as f64) };
    // The margin does not matter to what is resolvable; a large one keeps every other number defined.
    let outcome = comparison.judge(effect, 1e300, &|key| display.value(&series.lattice, key)).ok()?;
    let Outcome::Judged(judged) = outcome else { return None };
    let resolvable = judged.resolution.resolvable_margin;
    let scale = match test.info().margin_unit {
        MarginUnit::Effect => 1.0,
        MarginUnit::GoldenScale => display.scaled(golden_scale(&histogram)?),
    };
    Some(resolvable / scale).filter(|r| r.is_finite())
}

fn occupied(windows: &[(i64, Cells)]) -> Vec<(usize, i64)> {
    windows.iter().enumerate().filter(|(_, (_, c))| !c.is_empty()).map(|(at, (i, _))| (at, *i)).collect()
}

/// Rounded up to two significant digits.
fn rounded_up(x: f64) -> f64 {
    // Margins lie between 1e-6 and 10: two digits of the smallest are steps of 1e-7.
    let steps = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0];
    let step = steps.into_iter().find(|step| x < 100.0 * step).unwrap_or(1.0);
    let steps = (x / step - 1e-9).ceil();
    // Division by a whole number gives the nearest double of the decimal, 0.07 and not 0.07000000000000001.
    if step < 1.0 { steps / (1.0 / step).round() } else { steps }
}

#[cfg(test)]
mod tests {
    use super::rounded_up;

    #[test]
    fn margins_are_rounded_up_to_two_digits() {
        for (x, want) in [
            (0.0612, 0.062),
            (0.07, 0.07),
            (0.0051, 0.0051),
            (0.123, 0.13),
            (1.24, 1.3),
            (0.99, 0.99),
            (3.21e-5, 3.3e-5),
            (1.5e-6, 1.5e-6),
        ] {
            assert!((rounded_up(x) - want).abs() < 1e-12 * want, "{x}: {}", rounded_up(x));
        }
    }
}
