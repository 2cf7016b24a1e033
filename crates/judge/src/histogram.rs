//! Tests on histograms.

mod battery;
mod evidence;
mod functionals;
mod moments;

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use verismo_stats::classic;
use verismo_stats::histogram::Histogram;
use verismo_stats::judging::{Comparison, JudgingError, Outcome, Side, Window};
use verismo_stats::lattice::Lattice;
use verismo_suite::catalogue::{MarginUnit, TestId};
use verismo_suite::report::{Finding, Needs};
use verismo_suite::verdict::FindingVerdict;

use crate::draft::{Draft, Open, settle_identical};
use crate::input::Cells;
use crate::observe::Task;
use crate::policy;
use crate::select::Placed;
pub(crate) use battery::effect_of;
use battery::{Samples, TwoSampleTest};

/// Levels of the quantile test.
pub(crate) const QUANTILES: [f64; 3] = [0.05, 0.5, 0.95];

/// Both sides of one observable over the compared windows.
pub(crate) struct Laws<'a> {
    pub(crate) golden_windows: Vec<Window<'a>>,
    pub(crate) golden: Arc<Histogram>,
    /// The golden's, where every pair of windows is equal.
    pub(crate) candidate: Arc<Histogram>,
    pub(crate) comparison: Comparison,
    pub(crate) display: Display,
    /// The golden's scale, in units of display; `None` if it has none.
    pub(crate) scale: Option<f64>,
    /// Of the keys of the comparison, in units of display.
    values: OnceLock<Vec<f64>>,
    /// Moments of both samples, which several tests ask for.
    moments: OnceLock<[classic::Moments; 2]>,
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
        let of = |side, windows: &[Window<'_>]| Arc::new(pooled(&comparison, side, windows, lattice));
        let golden = of(Side::Golden, &golden_windows);
        let candidate = match comparison.is_identical() && is_all(&comparison, Side::Candidate, &candidate_windows) {
            true if is_all(&comparison, Side::Golden, &golden_windows) => Arc::clone(&golden),
            _ => of(Side::Candidate, &candidate_windows),
        };
        let display = Display { keys_per_unit: keys_per_unit.map(|k| k as f64) };
        let scale = golden_scale(&golden).map(|s| display.scaled(s));
        Ok(Self {
            golden_windows,
            golden,
            candidate,
            comparison,
            display,
            scale,
            values: OnceLock::new(),
            moments: OnceLock::new(),
        })
    }

    fn samples(&self) -> Samples<'_> {
        Samples { golden: &self.golden, candidate: &self.candidate, display: self.display, moments: &self.moments }
    }

    /// A key in units of display.
    pub(crate) fn value(&self, key: i64) -> f64 {
        self.display.value(self.golden.lattice(), key)
    }

    /// The same for all keys of the comparison, one after the other: every test asks for them, and they are computed once. Of equal
    /// windows no test asks for more than a few.
    pub(crate) fn values(&self) -> impl Fn(i64) -> f64 {
        let keys = if self.comparison.is_identical() { &[] } else { self.comparison.keys() };
        let values = self.values.get_or_init(|| keys.iter().map(|key| self.value(*key)).collect());
        let next = Cell::new(0);
        move |key| {
            let expected = next.get();
            let at = if keys.get(expected) == Some(&key) { Ok(expected) } else { keys.binary_search(&key) };
            let known = at.ok().and_then(|at| {
                next.set(at + 1);
                values.get(at).copied()
            });
            known.unwrap_or_else(|| self.value(key))
        }
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
            Some(Window { id: p.id, stratum: p.stratum, block: p.block, cells: Cow::Borrowed(cells) })
        })
        .collect()
}

/// Whether all windows found a place in the comparison.
fn is_all(comparison: &Comparison, side: Side, windows: &[Window<'_>]) -> bool {
    comparison.messages_of(side) == windows.iter().map(|w| w.cells.count()).sum::<u64>()
}

/// What the windows hold together. The comparison has counted those that found a place in it, mostly all.
fn pooled(comparison: &Comparison, side: Side, windows: &[Window<'_>], lattice: &Lattice) -> Histogram {
    let pooled = match is_all(comparison, side, windows) {
        true => Histogram::from_cells(lattice.clone(), comparison.pooled(side)),
        false => Histogram::pooled(lattice.clone(), windows.iter().map(|w| &*w.cells)),
    };
    // Counts beyond u64 were refused by the comparison.
    pooled.unwrap_or_else(|_| Histogram::new(lattice.clone()))
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
    let tests = battery::tests(test, laws);
    if tests.is_empty() {
        return vec![Draft::error(task.blank(test), "autocorrelations need lag states")];
    }
    tests.iter().map(|test| one(task, laws, test.as_ref())).collect()
}

fn one(task: &Task<'_>, laws: &Laws<'_>, test: &dyn TwoSampleTest) -> Draft {
    let mut finding = task.blank(test.id());
    finding.parameter = test.parameter();
    finding.n_golden = laws.golden.count();
    finding.n_candidate = laws.candidate.count();
    let margin = match margin(task, laws, test.id()) {
        Ok(margin) => margin,
        Err(reason) => return Draft::settled(finding, FindingVerdict::NotApplicable, reason),
    };
    finding.margin = Some(margin);
    let identical = laws.comparison.is_identical();
    let slack = match classical(&mut finding, laws, test) {
        Ok(slack) => slack,
        Err(error) if identical => {
            // Equal windows are equal whatever the statistic is; it just has no number.
            finding.undefined.insert("statistic".to_owned(), error.to_string());
            (0.0, 0.0)
        }
        Err(error) => return undefined(finding, laws, test, &error),
    };
    if identical && test.passes_identical() {
        return self::identical(finding);
    }
    match test.judge(task, laws, policy::margin_of_p(finding.policy, margin)) {
        Ok(outcome) => complete(finding, task, laws, test, (outcome, slack)),
        Err(JudgingError::NoTail { .. }) if identical => self::identical(finding),
        Err(
            error @ (JudgingError::NoTail { .. } | JudgingError::NoVariance { .. } | JudgingError::Undefined { .. }),
        ) => {
            finding.undefined.insert("interval".to_owned(), error.to_string());
            Draft::settled(finding, FindingVerdict::Inconclusive, error.to_string())
        }
        Err(error) => Draft::error(finding, error),
    }
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

/// A statistic that is not defined for these samples. Where neither side has it, nothing is lost: not applicable, unless a
/// distance is asked for and the laws differ. Where one side alone lacks it, the sides differ in a way that the test cannot
/// put in numbers: INCONCLUSIVE, never dropped.
fn undefined(mut finding: Finding, laws: &Laws<'_>, test: &dyn TwoSampleTest, error: &classic::TestError) -> Draft {
    finding.undefined.insert("statistic".to_owned(), error.to_string());
    // A side lacks what a test needs if the test is not defined between the side and itself.
    let lacks = |side| test.statistic(Samples { golden: side, candidate: side, ..laws.samples() }).is_err();
    let lacking = [("golden", lacks(&laws.golden)), ("candidate", lacks(&laws.candidate))];
    let names: Vec<&str> = lacking.iter().filter(|(_, lacks)| *lacks).map(|(name, _)| *name).collect();
    let id = test.id();
    match names[..] {
        [] => Draft::error(finding, error),
        [_, _] if id.info().signed || same_keys(&laws.golden, &laws.candidate) => {
            let reason = format!("{id} is undefined on both sides: {error}");
            Draft::settled(finding, FindingVerdict::NotApplicable, reason)
        }
        [name] => {
            let reason = format!("{id} is undefined on the {name} alone: {error}");
            Draft::settled(finding, FindingVerdict::Inconclusive, reason)
        }
        _ => {
            let reason = format!("{id} is undefined on both sides, whose values differ: {error}");
            Draft::settled(finding, FindingVerdict::Inconclusive, reason)
        }
    }
}

fn same_keys(golden: &Histogram, candidate: &Histogram) -> bool {
    golden.cells().iter().map(|(key, _)| key).eq(candidate.cells().iter().map(|(key, _)| key))
}

/// Writes the field's number with its certified interval and classical p-value; returns what the cells of the lattice may hide
/// of the effect.
fn classical(
    finding: &mut Finding,
    laws: &Laws<'_>,
    test: &dyn TwoSampleTest,
) -> Result<(f64, f64), classic::TestError> {
    let found = test.statistic(laws.samples())?;
    finding.statistic = Some(found.value);
    finding.certified = Some([found.certified.0, found.certified.1]).filter(|ends| ends.iter().all(|e| e.is_finite()));
    if finding.certified.is_none() {
        finding.undefined.insert("certified".to_owned(), found.uncertified.to_owned());
    }
    finding.p_value = found.p_value;
    if found.p_value.is_none() {
        finding.undefined.insert("p_value".to_owned(), format!("{} has no classical p-value here", test.id()));
    }
    finding.notes.extend(found.notes);
    Ok(found.slack)
}

/// Equal pairs of windows: nothing to estimate.
fn identical(mut finding: Finding) -> Draft {
    finding.effect = Some(0.0);
    finding.interval = Some([0.0, 0.0]);
    note_no_noise(&mut finding);
    settle_identical(&mut finding);
    Draft { finding, open: None }
}

fn note_no_noise(finding: &mut Finding) {
    for key in ["resolution", "mde", "n_eff"] {
        finding
            .undefined
            .insert(key.to_owned(), "every pair of windows is equal: there is no noise to measure".to_owned());
    }
}

/// Effect, interval, noise and evidence of a judged test, with what the cells may hide of it.
fn complete(
    mut finding: Finding,
    task: &Task<'_>,
    laws: &Laws<'_>,
    test: &dyn TwoSampleTest,
    (outcome, slack): (Outcome, (f64, f64)),
) -> Draft {
    let judged = match outcome {
        Outcome::Judged(judged) => *judged,
        Outcome::TooFewWindows { estimate, golden_needed, candidate_needed } => {
            finding.effect = Some(estimate);
            return too_few(finding, golden_needed, candidate_needed);
        }
    };
    finding.effect = Some(judged.estimate);
    if !(judged.lower.is_finite() && judged.upper.is_finite()) {
        let reason = "the noise of a quantile reaches beyond zero, where its logarithm ends";
        finding.undefined.insert("interval".to_owned(), reason.to_owned());
        return Draft::settled(finding, FindingVerdict::Inconclusive, format!("no interval: {reason}"));
    }
    finding.interval = Some([judged.lower, judged.upper]);
    let identical = laws.comparison.is_identical();
    if identical {
        note_no_noise(&mut finding);
    } else {
        finite(&mut finding.resolution, judged.resolution.resolvable_margin);
        finite(&mut finding.mde, judged.resolution.detectable);
        noise(&mut finding, &laws.comparison);
        finding.p_fail_raw = Some(policy::p_fail(finding.policy, &judged));
    }
    let paired = task.selection.stratum == "paired";
    evidence::heterogeneity(&mut finding, laws, &judged, test.distance(), paired);
    if !identical && finding.deciding && !judged.is_inside(judged.margin) {
        evidence::blame(&mut finding, laws, test.distance(), task.window_ns);
    }
    Draft { finding, open: Some(Open { judged, slack, identical }) }
}

fn finite(slot: &mut Option<f64>, value: f64) {
    *slot = Some(value).filter(|v| v.is_finite());
}

/// Fewer windows than the recipe needs.
pub(crate) fn too_few(mut finding: Finding, golden: usize, candidate: usize) -> Draft {
    let [golden_s, window_s] = crate::draft::seconds_a_window(&finding);
    let longest = crate::draft::span((golden as f64 * golden_s).max(candidate as f64 * window_s));
    let text = match (golden, candidate) {
        (0, c) => format!("{c} more windows of the candidate ({longest})"),
        (g, 0) => format!("{g} more windows of the golden ({longest})"),
        (g, c) => format!("{g} more windows of the golden and {c} of the candidate ({longest})"),
    };
    for key in ["interval", "resolution", "mde", "n_eff", "p_fail"] {
        finding.undefined.insert(key.to_owned(), "fewer than 12 windows on a side".to_owned());
    }
    let reason = format!("too few windows for an interval: needs {text}");
    finding.needs =
        Some(Needs { candidate_windows: Some(candidate as u64), golden_windows: Some(golden as u64), window_s, text });
    Draft::settled(finding, FindingVerdict::Inconclusive, reason)
}

/// An exponent of memory worth a note: less is believed of series that have none.
const MEMORY_MIN: f64 = 0.15;
/// Noise of a FAIL, in that of its strata, worth a note.
const BEYOND_MIN: f64 = 1.25;

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
        let d = crate::draft::short(side.memory_d);
        if side.rho_up > 0.9 || side.memory_d >= 0.4 {
            finding.notes.push(format!("{name}: windows too short or too few for its memory"));
        } else if side.memory_d >= MEMORY_MIN {
            finding.notes.push(format!("{name}: long memory, d = {d}"));
        }
        if side.beyond >= BEYOND_MIN {
            let times = crate::draft::short(side.beyond);
            finding.notes.push(format!(
                "{name}: memory beyond the strata, a FAIL has to stand out of {times} times their noise"
            ));
        }
    }
    finding.n_eff = worth;
    if worth.is_none() {
        finding.undefined.insert("n_eff".to_owned(), "no edge between the 10 and 90 % points varies".to_owned());
    }
}
