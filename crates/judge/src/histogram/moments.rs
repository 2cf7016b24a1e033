//! Log ratios of standard deviations and of Fano factors, from window sums.

use verismo_stats::histogram::Histogram;
use verismo_stats::judging::{Functional, JudgingError, MomentWindow, Outcome, Window, compare_moments};
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
    let sums = |windows: &[Window<'_>]| windows.iter().map(|w| sums(w, laws, origin)).collect::<Vec<_>>();
    let (golden, candidate) = (sums(&laws.golden_windows), sums(&laws.candidate_windows));
    compare_moments(&golden, &candidate, functional, task.selection.design, margin, &task.options)
}

fn sums(window: &Window<'_>, laws: &Laws<'_>, origin: f64) -> MomentWindow {
    let (mut count, mut sum, mut squares) = (0_u64, 0.0, 0.0);
    for (key, n) in window.cells.iter() {
        let x = laws.value(key) - origin;
        count += n;
        sum += n as f64 * x;
        squares += n as f64 * x * x;
    }
    MomentWindow { id: window.id, stratum: window.stratum, block: window.block, count, sums: [sum, squares, 0.0] }
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
