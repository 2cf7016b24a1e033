//! Numbers of a joint law, compared between two sides: each is judged by the influence of every row.
//!
//! As for numbers of one law ([`super::LawFunctional`]): to first order an estimate moves by the mean of the influence values of the
//! rows, so their sums over windows tell its noise. A statistic gives one number a side, whose difference has a sign, or several,
//! whose differences are measured by a norm.

use super::arrange::{Arm, Arrangement, Placed, Tag, arrange};
use super::comparison::{Source, check_options, error_part};
use super::effect::{beyond_memory, check_margin, exact_zero};
use super::functional::{FEW_CARRY, carrying_windows, own_models, residual_series};
use super::gram::largest_eigenvalue;
use super::noise::{Matrix, NoiseModel, t_value, welch_degrees};
use super::random::Counter;
use super::replicate::{Norm, replicate_norms, upper_quantile};
use super::resolution::needs;
use super::scalar::{ScalarNoise, judge_beyond, sum_of_squares};
use super::{Design, Judged, JudgingError, Needs, Options, Outcome, Resolution, Side, WINDOWS_MIN};
use crate::panel::{Panel, PanelRows, UNDEFINED};
use crate::special::student_t_sf;
use crate::state::State;

/// One window of one side.
#[derive(Debug, Clone, Copy)]
pub struct PanelWindow<'a> {
    /// As in [`super::Window`].
    pub id: i64,
    /// As in [`super::Window`].
    pub stratum: u32,
    /// As in [`super::Window`].
    pub block: u32,
    /// Its rows.
    pub panel: &'a Panel,
}

/// The rows of one side in order of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Numbers of a row.
    pub columns: usize,
    /// Times, ns, ascending but for repeats.
    pub t_ns: Vec<i64>,
    /// Row-major, in the units of the columns; NaN where a number is not defined.
    pub values: Vec<f64>,
    /// The weight of each row in its side's law; they sum to 1.
    pub weights: Vec<f64>,
    /// The window of each row, counted from 0 in order of time.
    pub window: Vec<usize>,
}

impl Rows {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.t_ns.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.t_ns.is_empty()
    }

    /// The numbers of row `i`.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.columns..(i + 1) * self.columns]
    }

    /// One column, row after row.
    pub fn column(&self, column: usize) -> impl ExactSizeIterator<Item = f64> + Clone + '_ {
        (0..self.len()).map(move |i| self.values[i * self.columns + column])
    }

    /// Rows of numbers of equal weight, in one window: what tests and references are computed from.
    pub fn of_values(columns: usize, values: Vec<f64>, step_ns: i64) -> Self {
        let n = values.len() / columns.max(1);
        Self {
            columns,
            t_ns: (0..n as i64).map(|i| i * step_ns).collect(),
            values,
            weights: vec![1.0 / n as f64; n],
            window: vec![0; n],
        }
    }
}

/// What a statistic finds on one side.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Its numbers.
    pub values: Vec<f64>,
    /// Row-major, one row for each row of the side: the influence of the row on each number, per unit of weight; where a row moves the
    /// other side's number too (it fixes a scale), less its influence on that. Their weighted mean is 0. A row that the statistic does
    /// not use has 0 for each.
    pub scores: Vec<f64>,
}

/// How differences of several numbers become one effect.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PanelNorm {
    /// One number: the candidate's minus the golden's.
    Signed,
    /// The largest absolute difference.
    Largest,
    /// `sqrt(sum of difference^2 times weight)`.
    Root(Vec<f64>),
}

/// A statistic of a panel. Its numbers are smooth functions of a side's law, or of both sides' laws.
pub trait PanelStatistic: Sync {
    /// Numbers of both sides, golden first. Where a side's law fixes a scale or a model for both (bandwidths, thresholds, marginals),
    /// it is the golden's.
    ///
    /// # Errors
    /// [`JudgingError::Undefined`] where a side has no such number.
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError>;

    /// How the numbers become one effect. May depend on what was read: weights of a norm have one entry a number.
    fn norm(&self, golden: &Reading) -> PanelNorm;

    /// Separates the replicates of this statistic from those of others: at least 100.
    fn domain(&self) -> u64;

    /// Whether the order of rows in time matters: such a statistic is no function of the joint law alone.
    fn is_ordered(&self) -> bool {
        false
    }

    /// Windows, as many as equal ones would be, that must carry the noise of each number; 0 asks for none.
    fn carrying_min(&self) -> f64 {
        0.0
    }
}

/// The numbers of both sides and their judged difference.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelOutcome {
    /// Numbers of the golden and of the candidate.
    pub values: [Vec<f64>; 2],
    /// Rows compared, golden and candidate.
    pub rows: [u64; 2],
    /// Whether all pairs of windows are equal.
    pub is_identical: bool,
    /// The effect, judged.
    pub outcome: Outcome,
}

/// Judges a statistic between two sides.
///
/// # Errors
/// As [`super::compare_moments`]; [`JudgingError::Parameter`] for panels of different columns or a `scale` that does not fit them;
/// [`JudgingError::Undefined`] where the statistic is, or where its numbers exceed the range of f64.
pub fn compare_panels(
    golden: &[PanelWindow<'_>],
    candidate: &[PanelWindow<'_>],
    scale: &[f64],
    statistic: &dyn PanelStatistic,
    (design, margin, options): (Design, f64, &Options),
) -> Result<PanelOutcome, JudgingError> {
    check_margin(margin)?;
    check_options(options)?;
    for window in golden.iter().chain(candidate) {
        if window.panel.columns() != scale.len() {
            let value = format!("{} in window {}", window.panel.columns(), window.id);
            return Err(JudgingError::Parameter { parameter: "columns", value, domain: "one for each scale" });
        }
    }
    let tags = |side: &[PanelWindow<'_>]| -> Vec<Tag> {
        let tag = |w: &PanelWindow<'_>| Tag { id: w.id, stratum: w.stratum, block: w.block, count: w.panel.count() };
        side.iter().map(tag).collect()
    };
    let arrangement = arrange(&tags(golden), &tags(candidate), design)?;
    let pairs = || arrangement.golden.windows.iter().zip(&arrangement.candidate.windows);
    let same = |(g, c): (&Placed, &Placed)| golden[g.source].panel == candidate[c.source].panel;
    let is_identical = arrangement.paired && pairs().all(same);
    let sides = [rows_of(golden, &arrangement.golden, scale), rows_of(candidate, &arrangement.candidate, scale)];
    let rows = [sides[0].len() as u64, sides[1].len() as u64];
    let read = statistic.read(&sides[0], &sides[1]).and_then(|readings| checked(readings, &sides));
    let [golden_reading, candidate_reading] = match read {
        Ok(readings) => readings,
        // What is undefined on both sides of equal data is no difference.
        Err(JudgingError::Undefined { .. }) if is_identical => Default::default(),
        Err(error) => return Err(error),
    };
    let norm = statistic.norm(&golden_reading);
    let values = [golden_reading.values.clone(), candidate_reading.values.clone()];
    let signed = norm == PanelNorm::Signed;
    let outcome = if is_identical {
        Outcome::Judged(Box::new(exact_zero(margin, signed)))
    } else {
        let sums = [
            window_sums(&golden_reading, &sides[0], &arrangement.golden),
            window_sums(&candidate_reading, &sides[1], &arrangement.candidate),
        ];
        let difference: Vec<f64> = values[1].iter().zip(&values[0]).map(|(c, g)| c - g).collect();
        judge(&Difference { arrangement: &arrangement, difference, sums, norm }, statistic, margin, options)?
    };
    Ok(PanelOutcome { values, rows, is_identical, outcome })
}

/// Differences of numbers and what the windows add to each side's.
struct Difference<'a> {
    arrangement: &'a Arrangement,
    difference: Vec<f64>,
    sums: [Matrix; 2],
    norm: PanelNorm,
}

/// The rows of the arranged windows.
fn rows_of(windows: &[PanelWindow<'_>], arm: &Arm, scale: &[f64]) -> Rows {
    let mut out = Rows { columns: scale.len(), ..Rows::default() };
    let mut unpacked = PanelRows::new(scale.len());
    for (w, placed) in arm.windows.iter().enumerate() {
        unpacked.clear();
        windows[placed.source].panel.unpack_into(&mut unpacked);
        out.t_ns.extend_from_slice(&unpacked.t_ns);
        let scaled = unpacked.values.iter().zip(scale.iter().cycle());
        out.values.extend(scaled.map(|(&v, unit)| if v == UNDEFINED { f64::NAN } else { v as f64 * unit }));
        out.weights.resize(out.t_ns.len(), placed.omega);
        out.window.resize(out.t_ns.len(), w);
    }
    out
}

/// Refuses numbers that are not finite and readings of a wrong shape.
fn checked(readings: [Reading; 2], sides: &[Rows; 2]) -> Result<[Reading; 2], JudgingError> {
    for (reading, (rows, side)) in readings.iter().zip(sides.iter().zip([Side::Golden, Side::Candidate])) {
        debug_assert_eq!(reading.scores.len(), rows.len() * reading.values.len(), "a score for each row and number");
        if reading.values.iter().chain(&reading.scores).any(|v| !v.is_finite()) {
            return Err(JudgingError::Undefined { side, reason: "the statistic exceeds the range of f64" });
        }
    }
    Ok(readings)
}

/// Sums of influence values in each window.
fn window_sums(reading: &Reading, rows: &Rows, arm: &Arm) -> Matrix {
    let mut sums = Matrix::zeros(arm.windows.len(), reading.values.len());
    for (w, scores) in rows.window.iter().zip(reading.scores.chunks_exact(reading.values.len().max(1))) {
        for (sum, score) in sums.row_mut(*w).iter_mut().zip(scores) {
            *sum += score;
        }
    }
    sums
}

fn judge(
    difference: &Difference<'_>,
    statistic: &dyn PanelStatistic,
    margin: f64,
    options: &Options,
) -> Result<Outcome, JudgingError> {
    let norm = match &difference.norm {
        PanelNorm::Signed => Norm::MaxAbs,
        PanelNorm::Largest => Norm::MaxAbs,
        PanelNorm::Root(weights) => Norm::Root(weights.clone()),
    };
    let signed = difference.norm == PanelNorm::Signed;
    let first = difference.difference.first().copied().unwrap_or(0.0);
    let estimate = if signed { first } else { norm.of(&difference.difference) };
    let arrangement = difference.arrangement;
    let (windows_g, windows_c) = (arrangement.golden.windows.len(), arrangement.candidate.windows.len());
    let needed = (WINDOWS_MIN.saturating_sub(windows_g), WINDOWS_MIN.saturating_sub(windows_c));
    if needed != (0, 0) {
        return Ok(Outcome::TooFewWindows { estimate, golden_needed: needed.0, candidate_needed: needed.1 });
    }
    let series = residual_series(arrangement, &difference.sums);
    let models = own_models(arrangement, &series, options);
    let least = statistic.carrying_min();
    let has_few = |series: &Matrix| (0..series.columns).any(|k| carrying_windows(&series.of_columns(&[k])) < least);
    if let Some((source, _)) = series.iter().find(|(_, series)| least > 0.0 && has_few(series)) {
        let side = if *source == Source::Golden { Side::Golden } else { Side::Candidate };
        return Err(JudgingError::Undefined { side, reason: FEW_CARRY });
    }
    if !signed {
        return Ok(Outcome::Judged(Box::new(judge_vector(
            difference,
            &norm,
            (&series, &models),
            statistic,
            margin,
            options,
        ))));
    }
    let part = |((_, series), model): (&(Source, Matrix), &NoiseModel)| {
        (sum_of_squares(&model.project(series)), model.degrees)
    };
    let parts = series.iter().zip(&models).map(part).collect();
    let scalar = ScalarNoise { estimate, parts, windows: windows_c };
    Ok(Outcome::Judged(Box::new(judge_beyond(&scalar, options.alpha, margin, beyond(&models)))))
}

/// A norm of several differences: its lower end from simulated errors, its upper end pointwise.
fn judge_vector(
    difference: &Difference<'_>,
    norm: &Norm,
    (series, models): (&[(Source, Matrix)], &[NoiseModel]),
    statistic: &dyn PanelStatistic,
    margin: f64,
    options: &Options,
) -> Judged {
    let rows: Vec<Matrix> = series.iter().zip(models).map(|((_, series), model)| model.project(series)).collect();
    let parts: Vec<_> = series
        .iter()
        .zip(models)
        .zip(&rows)
        .map(|(((source, _), model), rows)| error_part(*source, rows, model.degrees))
        .collect();
    let weights = Counter::new(&options.seed, statistic.domain());
    let norms = replicate_norms(&parts, &weights, None, options.replicates, norm);
    let critical = upper_quantile(&norms, options.alpha);
    let estimate = norm.of(&difference.difference);
    let band = Band::of(difference, norm, &rows, models);
    let upper = band.upper(&|nu| t_value(options.alpha, nu));
    let lower = (estimate - critical).max(0.0);
    let decided = upper < margin || lower > margin;
    let half_width = if estimate < margin { upper - estimate } else { critical };
    let [golden, candidate] = variances(series, &rows);
    let windows = difference.arrangement.candidate.windows.len();
    let spread = band.spread(&|nu| t_value(options.alpha, nu));
    Judged {
        estimate,
        lower,
        upper,
        signed: false,
        margin,
        p_fail: beyond_memory(&norms, estimate, margin, beyond(models)),
        p_pass: band.p_pass(estimate, margin),
        needs: if decided {
            Needs::Nothing
        } else {
            needs(windows, golden, candidate, half_width, (margin - estimate).abs())
        },
        resolution: Resolution {
            detectable: margin + critical + band.spread(&|_| 1.0),
            resolvable_margin: upper_quantile(&norms, 0.15) + spread,
        },
        half_width: critical,
    }
}

/// By how much memory beyond the strata makes the noise of the whole wider than theirs.
fn beyond(models: &[NoiseModel]) -> f64 {
    models.iter().fold(1.0, |most, model| model.beyond.max(most))
}

/// The largest variance of a number that golden, and candidate or pairs, add.
fn variances(series: &[(Source, Matrix)], rows: &[Matrix]) -> [f64; 2] {
    let mut out = [0.0_f64; 2];
    for ((source, _), rows) in series.iter().zip(rows) {
        let of = &mut out[usize::from(*source != Source::Golden)];
        for variance in column_squares(rows) {
            *of = of.max(variance);
        }
    }
    out
}

fn column_squares(rows: &Matrix) -> Vec<f64> {
    let mut squares = vec![0.0; rows.columns];
    for k in 0..rows.rows() {
        for (square, e) in squares.iter_mut().zip(rows.row(k)) {
            *square += e * e;
        }
    }
    squares
}

/// The upper end of a norm.
enum Band {
    /// `max (|difference| + t s)`: difference, s and degrees of each number.
    Pointwise(Vec<(f64, f64, usize)>),
    /// `estimate + t s`.
    Additive(f64, f64, usize),
}

impl Band {
    fn of(difference: &Difference<'_>, norm: &Norm, rows: &[Matrix], models: &[NoiseModel]) -> Self {
        if let Norm::Root(weights) = norm {
            let least = models.iter().map(|model| model.degrees).min().unwrap_or(1);
            let rows: Vec<&Matrix> = rows.iter().collect();
            let estimate = norm.of(&difference.difference);
            return Self::Additive(estimate, libm::sqrt(largest_eigenvalue(&rows, weights)), least);
        }
        let squares: Vec<Vec<f64>> = rows.iter().map(column_squares).collect();
        let of_number = |(x, d): (usize, &f64)| {
            let parts: Vec<(f64, usize)> =
                squares.iter().zip(models).map(|(part, model)| (part[x], model.degrees)).collect();
            let variance: f64 = parts.iter().map(|(v, _)| v).sum();
            (d.abs(), libm::sqrt(variance), welch_degrees(&parts))
        };
        Self::Pointwise(difference.difference.iter().enumerate().map(of_number).collect())
    }

    fn upper(&self, t: &dyn Fn(usize) -> f64) -> f64 {
        match self {
            Self::Pointwise(numbers) => numbers.iter().map(|(d, s, nu)| d + t(*nu) * s).fold(0.0, f64::max),
            Self::Additive(estimate, s, nu) => estimate + t(*nu) * s,
        }
    }

    /// The widest half-width.
    fn spread(&self, t: &dyn Fn(usize) -> f64) -> f64 {
        match self {
            Self::Pointwise(numbers) => numbers.iter().map(|(_, s, nu)| t(*nu) * s).fold(0.0, f64::max),
            Self::Additive(_, s, nu) => t(*nu) * s,
        }
    }

    /// Probability of an estimate as small as this where the effect is at least the margin.
    fn p_pass(&self, estimate: f64, margin: f64) -> f64 {
        if estimate >= margin {
            return 1.0;
        }
        let tail = |gap: f64, s: f64, nu: usize| if s > 0.0 { student_t_sf(gap / s, nu as f64) } else { 0.0 };
        match self {
            Self::Pointwise(numbers) => numbers.iter().map(|(d, s, nu)| tail(margin - d, *s, *nu)).fold(0.0, f64::max),
            Self::Additive(estimate, s, nu) => tail(margin - estimate, *s, *nu),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Design;
    use super::*;
    use crate::panel::{Panel, PanelRows};

    /// Means of two columns.
    struct Means(PanelNorm);

    impl PanelStatistic for Means {
        fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
            Ok([golden, candidate].map(|rows| {
                let mean = |k: usize| rows.column(k).zip(&rows.weights).map(|(x, w)| x * w).sum::<f64>();
                let values = vec![mean(0), mean(1)];
                let scores = (0..rows.len()).flat_map(|i| [rows.row(i)[0] - values[0], rows.row(i)[1] - values[1]]);
                Reading { scores: scores.collect(), values }
            }))
        }

        fn norm(&self, _: &Reading) -> PanelNorm {
            self.0.clone()
        }

        fn domain(&self) -> u64 {
            100
        }

        fn carrying_min(&self) -> f64 {
            4.0
        }
    }

    #[test]
    fn no_number_of_several_may_be_carried_by_a_few_windows() {
        let panels = |burst: i64| -> Vec<Panel> {
            let of_window = |w: i64| {
                let mut rows = PanelRows::new(2);
                let value = |i: i64| (7 * w * w + 3 * i) % 11;
                (0..4).for_each(|i| rows.push(w * 10 + i, &[value(i), value(i + 5) + if w == 20 { burst } else { 0 }]));
                Panel::pack(rows)
            };
            (0..40).map(of_window).collect()
        };
        for norm in [PanelNorm::Largest, PanelNorm::Root(vec![1.0; 2])] {
            let judged = |burst: i64| {
                let (golden, candidate) = (panels(0), panels(burst));
                let windows = |panels: &'static [Panel]| {
                    (0..).zip(panels).map(|(w, p)| PanelWindow { id: w, stratum: 0, block: 0, panel: p }).collect()
                };
                let sides: [Vec<PanelWindow<'_>>; 2] = [windows(golden.leak()), windows(candidate.leak())];
                let how = (Design::Independent, 0.1, &Options::default());
                compare_panels(&sides[0], &sides[1], &[1.0; 2], &Means(norm.clone()), how)
            };
            assert!(matches!(judged(1).unwrap().outcome, Outcome::Judged(_)));
            let few = judged(1_000_000);
            assert!(
                matches!(few, Err(JudgingError::Undefined { side: Side::Candidate, reason: FEW_CARRY })),
                "{few:?}"
            );
        }
    }
}
