//! Log ratios of standard deviations and of Fano factors, from window sums.

use verismo_stats::histogram::Histogram;
use verismo_stats::judging::{Functional, JudgingError, Outcome, Side, compare_moments};
use verismo_suite::catalogue::TestId;

use super::Laws;
use crate::observe::Task;

/// Judges `std` or `fano`.
pub(super) fn judge(task: &Task<'_>, laws: &Laws<'_>, test: TestId, margin: f64) -> Result<Outcome, JudgingError> {
    // Squares are summed about the golden's median, so that a large offset costs no digits; a Fano factor needs raw counts.
    let (functional, origin) = match test {
        TestId::Fano => (Functional::LnFano, 0.0),
        _ => (Functional::LnStd, laws.golden.quantile_key(0.5).map_or(0.0, |key| laws.value(key))),
    };
    let value_of = laws.values();
    let sums = |side| laws.comparison.window_sums(side, &|key| value_of(key) - origin);
    let (golden, candidate) = (sums(Side::Golden), sums(Side::Candidate));
    compare_moments(&golden, &candidate, functional, task.selection.design, margin, &task.options)
}

/// ln(variance / mean) of counts; `None` without spread.
pub(super) fn log_fano(counts: &Histogram) -> Option<f64> {
    let n = counts.count() as f64;
    let lattice = counts.lattice();
    let mean = counts.value_sum().sum / n;
    let squares: f64 = counts
        .cells()
        .iter()
        .map(|&(key, c)| c as f64 * (lattice.value(key) - mean) * (lattice.value(key) - mean))
        .sum();
    let variance = squares / n;
    (variance > 0.0 && mean > 0.0).then(|| libm::log(variance / mean))
}
