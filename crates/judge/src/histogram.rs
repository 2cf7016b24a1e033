//! Tests on histograms.

mod evidence;
mod moments;

use verismo_stats::classic;
use verismo_stats::histogram::Histogram;
use verismo_stats::judging::{Comparison, Effect, JudgingError, Outcome, Window};
use verismo_stats::lattice::Lattice;
use verismo_suite::catalogue::{MarginUnit, TestId};
use verismo_suite::report::{Finding, Needs};
use verismo_suite::verdict::FindingVerdict;

use crate::draft::{Draft, Open};
use crate::input::{Cells, SECOND_NS};
use crate::observe::Task;
use crate::select::Placed;

/// Levels of the quantile test.
pub(crate) const QUANTILES: [f64; 3] = [0.05, 0.5, 0.95];

/// Both sides of one observable over the compared windows.
pub(crate) struct Laws<'a> {
    pub(crate) golden_windows: Vec<Window<'a>>,
    pub(crate) candidate_windows: Vec<Window<'a>>,
    pub(crate) golden: Histogram,
    pub(crate) candidate: Histogram,
    pub(crate) comparison: Comparison,
    pub(crate) display: Display,
    /// The golden's scale, in units of display; `None` if it has none.
    pub(crate) scale: Option<f64>,
}

impl<'a> Laws<'a> {
    pub(crate) fn new(
        task: &Task<'_>,
        golden: &'a [(i64, Cells)],
        candidate: &'a [(i64, Cells)],
        lattice: &Lattice,
        keys_per_unit: Option<i64>,
    ) -> Result<Self, JudgingError> {
        let golden_windows = windows(&task.selection.golden, golden);
        let candidate_windows = windows(&task.selection.candidate, candidate);
        let comparison = Comparison::new(&golden_windows, &candidate_windows, task.selection.design, &task.options)?;
        let golden = pooled(&golden_windows, lattice);
        let candidate = pooled(&candidate_windows, lattice);
        let display = Display { keys_per_unit: keys_per_unit.map(|k| k as f64) };
        let scale = golden_scale(&golden).map(|s| display.scaled(s));
        Ok(Self { golden_windows, candidate_windows, golden, candidate, comparison, display, scale })
    }

    /// A key in units of display.
    pub(crate) fn value(&self, key: i64) -> f64 {
        self.display.value(self.golden.lattice(), key)
    }
}

/// How keys are shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Display {
    /// Keys (of eight decimals) that make one unit; `None` shows the value of the lattice.
    pub(crate) keys_per_unit: Option<f64>,
}

impl Display {
    /// A key in units of display. The quotient of two integers, so that seven ticks are 7 and not 7.000000000000001.
    pub(crate) fn value(self, lattice: &Lattice, key: i64) -> f64 {
        self.keys_per_unit.map_or_else(|| lattice.value(key), |keys| key as f64 / keys)
    }

    /// A difference of values of the lattice in units of display.
    pub(crate) fn scaled(self, value: f64) -> f64 {
        self.keys_per_unit.map_or(value, |keys| value * 1e8 / keys)
    }
}

fn windows<'a>(placed: &[Placed], side: &'a [(i64, Cells)]) -> Vec<Window<'a>> {
    placed
        .iter()
        .filter_map(|p| {
            let (_, cells) = side.get(p.at)?;
            Some(Window { id: p.id, stratum: p.stratum, block: p.block, cells })
        })
        .collect()
}

fn pooled(windows: &[Window<'_>], lattice: &Lattice) -> Histogram {
    let cells: Vec<(i64, u64)> = windows.iter().flat_map(|w| w.cells.iter().copied()).collect();
    // Counts beyond u64 were refused by the comparison.
    Histogram::from_cells(lattice.clone(), cells).unwrap_or_else(|_| Histogram::new(lattice.clone()))
}

/// The scale in which margins of values are written, in the unit of the lattice: the interquartile range; where it is zero
/// the 5 % to 95 % range, then the standard deviation, then one step of the lattice.
pub(crate) fn golden_scale(golden: &Histogram) -> Option<f64> {
    let lattice = golden.lattice();
    let range = |low: f64, high: f64| {
        let (low, high) = (golden.quantile_key(low)?, golden.quantile_key(high)?);
        Some(lattice.value(high) - lattice.value(low)).filter(|r| *r > 0.0)
    };
    let deviation =
        || classic::std(golden, golden, classic::Ddof::Sample).ok().map(|s| s.std_first).filter(|s| *s > 0.0);
    let step = || {
        let key = golden.quantile_key(0.5)?;
        // Two keys on: on float lattices every second key is the lower edge of a cell, a point.
        let step = lattice.value(key.saturating_add(2)) - lattice.value(key.saturating_sub(2));
        Some(step / 4.0).filter(|s| *s > 0.0 && s.is_finite())
    };
    range(0.25, 0.75).or_else(|| range(0.05, 0.95)).or_else(deviation).or_else(step)
}

/// The findings of one test.
pub(crate) fn judge(task: &Task<'_>, laws: &Laws<'_>, test: TestId) -> Vec<Draft> {
    if test == TestId::Quantile {
        return QUANTILES.iter().map(|&p| one(task, laws, test, Some(p))).collect();
    }
    vec![one(task, laws, test, None)]
}

fn one(task: &Task<'_>, laws: &Laws<'_>, test: TestId, p: Option<f64>) -> Draft {
    let mut finding = task.blank(test);
    finding.parameter = p.map(|p| format!("p={p}"));
    finding.n_golden = laws.golden.count();
    finding.n_candidate = laws.candidate.count();
    let margin = match margin(task, laws, test) {
        Ok(margin) => margin,
        Err(reason) => return Draft::settled(finding, FindingVerdict::NotApplicable, reason),
    };
    finding.margin = Some(margin);
    if let Err(error) = classical(&mut finding, laws, test, p) {
        if laws.comparison.is_identical() {
            // Equal windows are equal whatever the statistic is; it just has no number.
            finding.undefined.insert("statistic".to_owned(), error.to_string());
        } else {
            return undefined(finding, laws, test, &error);
        }
    }
    let outcome = match test {
        TestId::Ks => laws.comparison.judge(Effect::Ks, margin, &|key| laws.value(key)),
        TestId::W1 => laws.comparison.judge(Effect::W1, margin, &|key| laws.value(key)),
        TestId::Mean => laws.comparison.judge(Effect::Mean, margin, &|key| laws.value(key)),
        TestId::Quantile => {
            laws.comparison.judge(Effect::Quantile { p: p.unwrap_or(0.5) }, margin, &|key| laws.value(key))
        }
        TestId::Std | TestId::Fano if laws.comparison.is_identical() => {
            return identical(finding);
        }
        TestId::Std | TestId::Fano => moments::judge(task, laws, test, margin),
        TestId::Acf => return Draft::error(finding, "autocorrelations need lag states"),
    };
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => return Draft::error(finding, error),
    };
    complete(finding, task, laws, outcome)
}

/// The margin in the effect's unit.
fn margin(task: &Task<'_>, laws: &Laws<'_>, test: TestId) -> Result<f64, String> {
    let written = task.rule.margins.get(&test).copied().ok_or("the suite gives no margin")?;
    match test.info().margin_unit {
        MarginUnit::Effect => Ok(written),
        MarginUnit::GoldenScale => match laws.scale {
            Some(scale) => Ok(written * scale),
            None => Err("the golden has no scale in which the margin could be taken".to_owned()),
        },
    }
}

/// A statistic that is not defined for these samples.
fn undefined(mut finding: Finding, laws: &Laws<'_>, test: TestId, error: &classic::TestError) -> Draft {
    finding.undefined.insert("statistic".to_owned(), error.to_string());
    let spread = |h: &Histogram| h.cells().len() > 1;
    match (spread(&laws.golden), spread(&laws.candidate)) {
        (false, false) => Draft::settled(finding, FindingVerdict::NotApplicable, "neither side has any spread"),
        (true, true) => Draft::error(finding, error),
        (golden, _) => {
            let (one, other) = if golden { ("candidate", "golden") } else { ("golden", "candidate") };
            let reason = format!("{test} is undefined: the {one} has no spread, the {other} has");
            Draft::settled(finding, FindingVerdict::NotApplicable, reason)
        }
    }
}

/// The field's number with its certified interval and classical p-value.
fn classical(finding: &mut Finding, laws: &Laws<'_>, test: TestId, p: Option<f64>) -> Result<(), classic::TestError> {
    let scaled = |x: f64| laws.display.scaled(x);
    let (statistic, certified, p_value) = match test {
        TestId::Ks => {
            let ks = classic::ks(&laws.golden, &laws.candidate)?;
            (ks.statistic, ks.certified, Some(ks.p_value))
        }
        TestId::W1 => {
            let w1 = classic::w1(&laws.golden, &laws.candidate)?;
            (scaled(w1.statistic), (scaled(w1.certified.0), scaled(w1.certified.1)), None)
        }
        TestId::Mean => {
            let mean = classic::mean(&laws.golden, &laws.candidate)?;
            (scaled(mean.statistic), (scaled(mean.certified.0), scaled(mean.certified.1)), mean.p_value)
        }
        TestId::Std => {
            let std = classic::std(&laws.golden, &laws.candidate, classic::Ddof::Sample)?;
            (std.statistic, std.certified, None)
        }
        TestId::Quantile => {
            let q = classic::quantile(&laws.golden, &laws.candidate, p.unwrap_or(0.5))?;
            (scaled(q.statistic), (scaled(q.certified.0), scaled(q.certified.1)), None)
        }
        TestId::Fano => {
            let ratio = moments::log_fano(&laws.candidate).zip(moments::log_fano(&laws.golden)).map(|(c, g)| c - g);
            let ratio = ratio.ok_or(classic::TestError::NoSpread { side: classic::Side::First })?;
            (ratio, (ratio, ratio), None)
        }
        TestId::Acf => return Ok(()),
    };
    finding.statistic = Some(statistic);
    finding.certified = Some([certified.0, certified.1]).filter(|ends| ends.iter().all(|e| e.is_finite()));
    if finding.certified.is_none() {
        finding.undefined.insert("certified".to_owned(), "a single cell could hold all the spread".to_owned());
    }
    finding.p_value = p_value;
    if p_value.is_none() {
        finding.undefined.insert("p_value".to_owned(), format!("{test} has no classical p-value here"));
    }
    Ok(())
}

/// Equal pairs of windows: nothing to estimate.
fn identical(mut finding: Finding) -> Draft {
    finding.effect = Some(0.0);
    finding.interval = Some([0.0, 0.0]);
    finding.p_fail = Some(1.0);
    note_no_noise(&mut finding);
    Draft::settled(finding, FindingVerdict::Pass, "every pair of windows is equal")
}

fn note_no_noise(finding: &mut Finding) {
    for key in ["resolution", "mde", "n_eff"] {
        finding
            .undefined
            .insert(key.to_owned(), "every pair of windows is equal: there is no noise to measure".to_owned());
    }
}

/// Effect, interval, noise and evidence of a judged test.
fn complete(mut finding: Finding, task: &Task<'_>, laws: &Laws<'_>, outcome: Outcome) -> Draft {
    let judged = match outcome {
        Outcome::Judged(judged) => *judged,
        Outcome::TooFewWindows { estimate, golden_needed, candidate_needed } => {
            finding.effect = Some(estimate);
            return too_few(finding, task.window_ns, golden_needed, candidate_needed);
        }
    };
    finding.effect = Some(judged.estimate);
    finding.interval = Some([judged.lower, judged.upper]);
    let identical = laws.comparison.is_identical();
    if identical {
        note_no_noise(&mut finding);
    } else {
        finite(&mut finding.resolution, judged.resolution.resolvable_margin);
        finite(&mut finding.mde, judged.resolution.detectable);
        noise(&mut finding, &laws.comparison);
        finding.p_fail_raw = Some(judged.p_fail);
    }
    let paired = task.selection.stratum == "paired";
    evidence::heterogeneity(&mut finding, laws, &judged, paired);
    let slack = match (finding.statistic, finding.certified) {
        (Some(statistic), Some([low, high])) => ((statistic - low).max(0.0), (high - statistic).max(0.0)),
        _ => (0.0, 0.0),
    };
    if !identical && finding.deciding && !judged.is_inside(judged.margin) {
        evidence::blame(&mut finding, laws, task.window_ns);
    }
    Draft { finding, open: Some(Open { judged, slack, identical, window_ns: task.window_ns }) }
}

fn finite(slot: &mut Option<f64>, value: f64) {
    *slot = Some(value).filter(|v| v.is_finite());
}

/// Fewer windows than the recipe needs.
pub(crate) fn too_few(mut finding: Finding, window_ns: i64, golden: usize, candidate: usize) -> Draft {
    let window_s = window_ns as f64 / SECOND_NS as f64;
    let text = match (golden, candidate) {
        (0, c) => format!("{c} more windows of the candidate ({})", crate::draft::span(c as f64 * window_s)),
        (g, 0) => format!("{g} more windows of the golden ({})", crate::draft::span(g as f64 * window_s)),
        (g, c) => format!(
            "{g} more windows of the golden and {c} of the candidate ({})",
            crate::draft::span(g.max(c) as f64 * window_s)
        ),
    };
    for key in ["interval", "resolution", "mde", "n_eff", "p_fail"] {
        finding.undefined.insert(key.to_owned(), "fewer than 12 windows on a side".to_owned());
    }
    let reason = format!("too few windows for an interval: needs {text}");
    finding.needs =
        Some(Needs { candidate_windows: Some(candidate as u64), golden_windows: Some(golden as u64), window_s, text });
    Draft::settled(finding, FindingVerdict::Inconclusive, reason)
}

/// What the noise says: the worth of the data, memory, and whether windows are too few.
fn noise(finding: &mut Finding, comparison: &Comparison) {
    let Some(summary) = comparison.noise_summary() else { return };
    let sides = [("golden", summary.golden), ("candidate", summary.candidate), ("pairs", summary.pairs)];
    let mut worth: Option<f64> = None;
    for (name, side) in sides {
        let Some(side) = side else { continue };
        if let Some(n) = side.n_eff.filter(|n| n.is_finite()) {
            worth = Some(worth.map_or(n, |w: f64| w.min(n)));
        }
        if side.rho_up > 0.9 || side.memory_d >= 0.45 {
            finding.notes.push(format!("{name}: windows too short or too few for its memory"));
        } else if side.memory_d > 0.0 {
            finding.notes.push(format!("{name}: long memory, d = {}", crate::draft::short(side.memory_d)));
        }
    }
    finding.n_eff = worth;
    if worth.is_none() {
        finding.undefined.insert("n_eff".to_owned(), "no edge between the 10 and 90 % points varies".to_owned());
    }
}
