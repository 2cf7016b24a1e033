//! One effect, judged: seminorm, lower end, upper end, p-values.

use core::borrow::Borrow;
use core::ops::Range;

use super::comparison::{Comparison, Noise, Part, Source, error_part};
use super::edges::add_combination;
use super::gram::{largest_eigenvalue, leading_combination};
use super::noise::Matrix;
use super::random::Counter;
use super::replicate::{Multipliers, Norm, fewer_rows, replicate_norms, tail_share, upper_quantile};
use super::resolution::{needs, resolution};
use super::table::{Measure, Table};
use super::{Effect, Judged, JudgingError, Needs, Outcome, Resolution, Side};
use crate::classic::TRIM;
use crate::special::student_t_sf;

/// How an effect reads its lower end from additive window features.
pub(crate) enum Features {
    /// `S_w` at the coarse edges.
    CoarseEdges,
    /// Integrals of `S_w` over coarse cells with a mass for every edge.
    Integrals(Measure),
    /// Counts in the bins the edges cut.
    Bins(Vec<usize>),
}

impl Features {
    /// Of some windows.
    pub(crate) fn of(&self, table: &Table, coarse: &[usize], windows: Range<usize>) -> Matrix {
        match self {
            Features::CoarseEdges => table.cumulative(coarse, windows),
            Features::Integrals(measure) => table.integrals(measure, windows),
            Features::Bins(edges) => table.bins(edges, windows),
        }
    }

    /// Numbers a window has.
    pub(crate) fn columns(&self, coarse: &[usize]) -> usize {
        match self {
            Features::CoarseEdges => coarse.len(),
            Features::Integrals(measure) => measure.cell_mass.len(),
            Features::Bins(edges) => edges.len() + 1,
        }
    }

    /// The same linear map applied to a difference of laws given at every edge.
    pub(crate) fn of_difference(&self, delta: &[f64], coarse: &[usize]) -> Vec<f64> {
        match self {
            Features::CoarseEdges => coarse.iter().map(|x| delta[*x]).collect(),
            Features::Integrals(Measure { mass, cell_of, cell_mass, .. }) => {
                let mut out = vec![0.0; cell_mass.len()];
                for ((value, mass), cell) in delta.iter().zip(mass).zip(cell_of) {
                    out[*cell] += value * mass;
                }
                out
            }
            Features::Bins(edges) => {
                let mut previous = 0.0;
                let mut out: Vec<f64> =
                    edges.iter().map(|x| delta[*x] - core::mem::replace(&mut previous, delta[*x])).collect();
                out.push(-previous);
                out
            }
        }
    }
}

/// What the upper end is made of; it becomes a [`Band`] with the rows of the noise.
pub(crate) enum Reach {
    /// `max (|Delta| + t s)` over all edges.
    Pointwise,
    /// `max (Delta + t s)+ + max (-Delta + t s)+`.
    PointwiseRange,
    /// `estimate + sum t s mass` over all edges.
    PointwiseSum,
    /// `estimate + t_min sum s / 2` over the features.
    HalfSum,
    /// `estimate + t_min ratio sqrt(lambda_max)` with the largest eigenvalue of the rows' Gram matrix in the norm's weights:
    /// over all edges where the features are integrals over cells, else over the features.
    Euclidean { ratio: f64 },
}

/// The upper end.
pub(crate) enum Band {
    /// `max (|Delta| + t s)` over all edges.
    Pointwise,
    /// `max (Delta + t s)+ + max (-Delta + t s)+`.
    PointwiseRange,
    /// `estimate + sum_nu t(nu) spread_nu`.
    Additive(Vec<(usize, f64)>),
}

/// An effect made ready for one comparison.
pub(crate) struct Shape {
    pub(crate) features: Features,
    pub(crate) norm: Norm,
    pub(crate) reach: Reach,
    /// Over all edges.
    pub(crate) estimate: f64,
    /// Effects of probabilities cannot exceed 1.
    pub(crate) ceiling: f64,
    /// Whether the effect is the square of what this shape judges.
    pub(crate) squared: bool,
}

impl Shape {
    /// From the scale of the norm to that of the effect.
    pub(crate) fn effect_of(&self, norm: f64) -> f64 {
        if self.squared { norm * norm } else { norm }
    }
}

impl Comparison {
    /// Judges one effect. `value_of` gives a key's value in the observable's unit, ascending with the key; only
    /// effects that measure values, and not shares alone, use it.
    ///
    /// # Errors
    /// [`JudgingError::Parameter`] for a margin that is negative or not a number, a quantile outside (0, 1), fewer than two
    /// bins, or a value that is not finite; [`JudgingError::NoTail`] and [`JudgingError::Undefined`] where a side's law has no such
    /// number, or the windows do not tell its noise.
    pub fn judge(&self, effect: Effect, margin: f64, value_of: &dyn Fn(i64) -> f64) -> Result<Outcome, JudgingError> {
        check_margin(margin)?;
        match effect {
            Effect::Quantile { p } => self.judge_quantile(p, margin, value_of),
            Effect::Mean if self.identical => {
                self.check_values(value_of)?;
                Ok(self.without_noise(0.0, margin, true))
            }
            Effect::Mean => self.judge_mean(margin, value_of),
            Effect::MannWhitney if self.identical => Ok(self.without_noise(0.0, margin, true)),
            Effect::MannWhitney => Ok(self.judge_mann_whitney(margin)),
            Effect::Hill { tail } => self.judge_hill(tail, margin, value_of),
            Effect::TailRatio { tail } => self.judge_tail_ratio(tail, margin, value_of),
            Effect::Functional(functional) => self.judge_functional(functional, margin, value_of),
            _ if self.identical => Ok(self.without_noise(0.0, margin, false)),
            _ => {
                let shape = self.shape(effect, value_of)?;
                if !shape.squared {
                    return Ok(self.judge_shape(&shape, margin));
                }
                Ok(match self.judge_shape(&shape, libm::sqrt(margin)) {
                    Outcome::Judged(judged) => Outcome::Judged(Box::new(judged.squared(margin))),
                    Outcome::TooFewWindows { estimate, golden_needed, candidate_needed } => {
                        Outcome::TooFewWindows { estimate: estimate * estimate, golden_needed, candidate_needed }
                    }
                })
            }
        }
    }

    fn judge_shape(&self, shape: &Shape, margin: f64) -> Outcome {
        let Some(noise) = &self.noise else {
            return self.without_noise(shape.estimate, margin, false);
        };
        let rows = self.shape_rows(noise, shape);
        let few: Vec<_> = rows.iter().map(fewer_rows).collect();
        let norms = self.error_norms(noise, &few, &shape.norm);
        let critical = upper_quantile(&norms, self.options.alpha);
        let coarse = shape.norm.of(&shape.features.of_difference(&self.delta, &self.coarse));
        let band = self.band(noise, shape, &rows);
        let upper = self.upper_end(noise, shape, &band, &|nu| noise.t[nu - 1]);
        let half_width = if shape.estimate < margin { upper - shape.estimate } else { critical };
        let lower = (coarse - critical).max(0.0);
        let decided = upper < margin || lower > margin;
        Outcome::Judged(Box::new(Judged {
            estimate: shape.estimate,
            lower,
            upper,
            signed: false,
            margin,
            p_fail: beyond_memory(&norms, coarse, margin, noise.beyond),
            p_pass: self.p_pass(noise, shape, &band, margin),
            needs: if decided {
                Needs::Nothing
            } else {
                self.needs(noise, half_width, (margin - shape.estimate).abs())
            },
            resolution: resolution(self, noise, (shape, &band), &few, margin),
            half_width: critical,
        }))
    }

    /// The norms of the simulated error from its rows, ascending. All effects take the same weights: each has its own error rate, and
    /// asks nothing of the others.
    pub(crate) fn error_norms(&self, noise: &Noise, rows: &[impl Borrow<Matrix>], norm: &Norm) -> Vec<f64> {
        let part = |(part, rows): (&Part, _)| error_part(part.source, rows, part.model.degrees);
        let parts: Vec<_> = noise.parts.iter().zip(rows.iter().map(Borrow::borrow)).map(part).collect();
        let (weights, replicates) = (Counter::new(&self.options.seed, DOMAIN), self.options.replicates);
        let kept = self.kept.multipliers.get_or_init(|| {
            let asked: Vec<_> = parts.iter().map(|part| (self.rows_at_most(part.degrees), part)).collect();
            Multipliers::new(&asked, &weights, replicates)
        });
        replicate_norms(&parts, &weights, Some(kept), replicates, norm)
    }

    /// Rows of the error that are simulated for most effects: no more than they have features.
    pub(crate) fn rows_at_most(&self, degrees: usize) -> usize {
        degrees.min(self.coarse.len() + 1)
    }

    /// The outcome where no noise was estimated: identical pairs are exact, anything else has too few windows.
    pub(crate) fn without_noise(&self, estimate: f64, margin: f64, signed: bool) -> Outcome {
        if self.identical {
            return Outcome::Judged(Box::new(exact_zero(margin, signed)));
        }
        let (golden_needed, candidate_needed) = self.windows_needed();
        Outcome::TooFewWindows { estimate, golden_needed, candidate_needed }
    }

    /// Rows of every part of the error for some additive features, on given coarse edges.
    pub(crate) fn feature_rows(&self, noise: &Noise, features: &Features, coarse: &[usize]) -> Vec<Matrix> {
        let of = |side, windows| features.of(self.side(side).0, coarse, windows);
        noise.parts.iter().map(|part| self.project(part, features.columns(coarse), of)).collect()
    }

    /// Rows of every part of the error for the features of a shape.
    pub(crate) fn shape_rows(&self, noise: &Noise, shape: &Shape) -> Vec<Matrix> {
        self.feature_rows(noise, &shape.features, &self.coarse)
    }

    pub(crate) fn needs(&self, noise: &Noise, half_width: f64, gap: f64) -> Needs {
        let largest = |source| {
            let part = noise.parts.iter().find(|part| part.source == source);
            part.map_or(0.0, |part| part.variance_max)
        };
        let golden = largest(Source::Golden);
        let candidate = largest(Source::Candidate) + largest(Source::Pairs);
        needs(self.windows().1, golden, candidate, half_width, gap)
    }

    /// The upper end with the given t value for each degrees of freedom.
    pub(crate) fn upper_end(&self, noise: &Noise, shape: &Shape, band: &Band, t: &dyn Fn(usize) -> f64) -> f64 {
        let edges = || self.delta.iter().zip(&noise.deviation).zip(&noise.degrees).map(|((d, s), nu)| (*d, t(*nu) * s));
        let upper = match band {
            Band::Pointwise => edges().fold(0.0, |most: f64, (d, half)| most.max(d.abs() + half)),
            Band::PointwiseRange => {
                let above = edges().fold(0.0, |most: f64, (d, half)| most.max(d + half));
                let below = edges().fold(0.0, |most: f64, (d, half)| most.max(half - d));
                above + below
            }
            Band::Additive(spreads) => shape.estimate + additive(spreads, t),
        };
        upper.min(shape.ceiling)
    }

    /// p-value of "the effect is at least `margin`": the error rate at which the upper end would just reach the margin. Exact
    /// for the pointwise band, at the smallest degrees of freedom for the others; 1 if the estimate is not below the margin.
    fn p_pass(&self, noise: &Noise, shape: &Shape, band: &Band, margin: f64) -> f64 {
        if shape.estimate >= margin {
            return 1.0;
        }
        if let Band::Pointwise = band {
            // The tail falls with its argument: one evaluation per degrees of freedom suffices.
            let mut smallest = vec![f64::INFINITY; noise.t.len() + 1];
            for ((d, s), nu) in self.delta.iter().zip(&noise.deviation).zip(&noise.degrees) {
                if *s > 0.0 {
                    smallest[*nu] = smallest[*nu].min((margin - d.abs()) / s);
                }
            }
            let tails = smallest.iter().enumerate().filter(|(_, ratio)| ratio.is_finite());
            return tails.map(|(nu, ratio)| student_t_sf(*ratio, nu as f64)).fold(0.0, f64::max);
        }
        let upper_at = |t: f64| self.upper_end(noise, shape, band, &|_| t);
        // The band grows linearly with t: if it stays below the margin at t = 2^60, there is no noise.
        let (mut low, mut high) = (0.0, 1.0);
        while upper_at(high) < margin {
            if high > 1e18 {
                return 0.0;
            }
            low = high;
            high *= 2.0;
        }
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if upper_at(middle) >= margin { high = middle } else { low = middle }
        }
        student_t_sf(low, noise.degrees_min() as f64)
    }

    /// Makes an effect ready: features, norm, band and estimate.
    pub(crate) fn shape(&self, effect: Effect, value_of: &dyn Fn(i64) -> f64) -> Result<Shape, JudgingError> {
        self.shape_on(effect, value_of, &self.coarse)
    }

    /// The same with other coarse edges.
    pub(crate) fn shape_on(
        &self,
        effect: Effect,
        value_of: &dyn Fn(i64) -> f64,
        edges: &[usize],
    ) -> Result<Shape, JudgingError> {
        let delta = &self.delta;
        let coarse = Features::CoarseEdges;
        Ok(match effect {
            Effect::Kuiper => {
                let estimate = Norm::Range.of(delta);
                shape(coarse, Norm::Range, Reach::PointwiseRange, estimate)
            }
            Effect::W1 => {
                let gaps = self.gaps(value_of)?;
                let estimate = delta.iter().zip(&gaps).map(|(d, gap)| d.abs() * gap).sum();
                let features = Features::Integrals(Measure::new(gaps, edges));
                Shape { ceiling: f64::INFINITY, ..shape(features, Norm::SumAbs(1.0), Reach::PointwiseSum, estimate) }
            }
            Effect::Cvm => self.quadratic(masses(&self.golden_law), edges),
            Effect::Ad => self.quadratic(ad_masses(&self.pooled_law()), edges),
            Effect::SquaredCvm => Shape { squared: true, ..self.quadratic(masses(&self.pooled_law()), edges) },
            Effect::SquaredAd => {
                let even: Vec<f64> =
                    self.golden_law.iter().zip(&self.candidate_law).map(|(g, c)| 0.5 * (g + c)).collect();
                let masses = ad_masses(&even).into_iter().map(|mass| 0.25 * mass).collect();
                Shape { squared: true, ..self.quadratic(masses, edges) }
            }
            Effect::Energy => {
                let mass = self.energy_masses(value_of)?;
                self.quadratic(mass, edges)
            }
            Effect::CramersV { bins }
            | Effect::Psi { bins }
            | Effect::JensenShannon { bins }
            | Effect::KullbackLeibler { bins } => self.binned(effect, bins)?,
            Effect::TotalVariation { bins } => {
                if bins < 2 {
                    let value = bins.to_string();
                    return Err(JudgingError::Parameter { parameter: "bins", value, domain: "at least 2" });
                }
                let cuts = self.coarse_columns(usize::from(bins).max(8));
                let features = Features::Bins(thin(&cuts, usize::from(bins) - 1));
                let estimate = Norm::SumAbs(0.5).of(&features.of_difference(delta, &[]));
                shape(features, Norm::SumAbs(0.5), Reach::HalfSum, estimate)
            }
            // Means, quantiles, ranks and tails have no seminorm of the law; they are judged elsewhere and located by the
            // distance of the laws.
            Effect::Ks
            | Effect::Mean
            | Effect::Quantile { .. }
            | Effect::MannWhitney
            | Effect::Hill { .. }
            | Effect::TailRatio { .. }
            | Effect::Functional(_) => shape(coarse, Norm::MaxAbs, Reach::Pointwise, Norm::MaxAbs.of(delta)),
        })
    }

    /// Refuses values that are not finite, as [`Comparison::gaps`] does. Values ascend: they are finite if the first and the last are.
    pub(crate) fn check_values(&self, value_of: &dyn Fn(i64) -> f64) -> Result<(), JudgingError> {
        let ends = [self.keys.first(), self.keys.last()];
        if ends.into_iter().flatten().all(|key| value_of(*key).is_finite()) {
            return Ok(());
        }
        self.gaps(value_of).map(|_| ())
    }

    /// Distance from each edge's value to the next key's value.
    pub(crate) fn gaps(&self, value_of: &dyn Fn(i64) -> f64) -> Result<Vec<f64>, JudgingError> {
        let mut values = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let value = value_of(*key);
            if !value.is_finite() {
                let value = format!("{value} at key {key}");
                return Err(JudgingError::Parameter { parameter: "value_of", value, domain: "finite" });
            }
            values.push(value);
        }
        Ok(values.windows(2).map(|pair| (pair[1] - pair[0]).max(0.0)).collect())
    }

    /// The gaps over `2 integral of G (1 - G)`, the golden's mean distance between two values: what makes the energy distance free of
    /// units. It is taken as it is, like the golden's law in the Cramer-von Mises distance.
    fn energy_masses(&self, value_of: &dyn Fn(i64) -> f64) -> Result<Vec<f64>, JudgingError> {
        let gaps = self.gaps(value_of)?;
        let spread = 2.0 * self.golden_law.iter().zip(&gaps).map(|(g, gap)| g * (1.0 - g) * gap).sum::<f64>();
        // The last edge but one of the golden may be 1 but for rounding.
        if !(spread > f64::EPSILON * gaps.iter().sum::<f64>() && spread.is_finite()) {
            return Err(JudgingError::Undefined { side: Side::Golden, reason: "its values have no spread" });
        }
        Ok(gaps.into_iter().map(|gap| gap / spread).collect())
    }

    /// `sqrt(sum Delta^2 mass)`. The lower end uses cell averages, which by Jensen's inequality never exceed the integral.
    fn quadratic(&self, mass: Vec<f64>, edges: &[usize]) -> Shape {
        let estimate = libm::sqrt(self.delta.iter().zip(&mass).map(|(d, m)| d * d * m).sum());
        let (features, inverse) = averages(mass, edges);
        let reach = Reach::Euclidean { ratio: 1.0 };
        Shape { ceiling: f64::INFINITY, ..shape(features, Norm::Root(inverse), reach, estimate) }
    }

    /// The upper end's band from the rows of the noise in the shape's features.
    pub(crate) fn band(&self, noise: &Noise, shape: &Shape, rows: &[Matrix]) -> Band {
        match &shape.reach {
            Reach::Pointwise => Band::Pointwise,
            Reach::PointwiseRange => Band::PointwiseRange,
            Reach::PointwiseSum => match &shape.features {
                Features::Integrals(Measure { mass, .. }) => Band::Additive(pointwise_spreads(noise, mass)),
                _ => Band::Additive(Vec::new()),
            },
            Reach::HalfSum => Band::Additive(vec![(noise.degrees_min(), 0.5 * deviation_sum(rows))]),
            Reach::Euclidean { ratio } => {
                let Norm::Root(weights) = &shape.norm else { return Band::Additive(Vec::new()) };
                let rows: Vec<&Matrix> = rows.iter().collect();
                let square = match &shape.features {
                    Features::Integrals(Measure { mass, .. }) => self.largest_square(noise, &rows, weights, mass),
                    _ => largest_eigenvalue(&rows, weights),
                };
                Band::Additive(vec![(noise.degrees_min(), ratio * libm::sqrt(square))])
            }
        }
    }

    /// The largest eigenvalue of the Gram matrix of the rows `E_k` at every edge, weighed by `mass`, from the rows of their
    /// averages over cells.
    ///
    /// The Gram matrix is that of the averages plus that of what varies inside cells. The vector that leads the first is tried
    /// on both: its quotient lies between the eigenvalue of the averages and the one looked for, and misses that by the square
    /// of what the vector misses. Where much varies inside, since the cells follow the golden and the mass lies elsewhere, other
    /// cells that follow the mass are taken for this.
    fn largest_square(&self, noise: &Noise, rows: &[&Matrix], weights: &[f64], mass: &[f64]) -> f64 {
        let quotient = self.quotient(noise, rows, weights, mass);
        let total: f64 = noise.parts.iter().flat_map(|part| part.variance.iter().zip(mass)).map(|(v, m)| v * m).sum();
        let of_cells = |row: &[f64]| row.iter().zip(weights).map(|(e, w)| e * e * w).sum::<f64>();
        let between: f64 = rows.iter().flat_map(|part| (0..part.rows()).map(|k| of_cells(part.row(k)))).sum();
        if total - between <= INSIDE_MAX * quotient {
            return quotient;
        }
        let (features, inverse) = averages(mass.to_vec(), &equal_masses(mass, CELLS_OF_MASS));
        let rows = self.feature_rows(noise, &features, &[]);
        let rows: Vec<&Matrix> = rows.iter().collect();
        quotient.max(self.quotient(noise, &rows, &inverse, mass))
    }

    /// The squared length, in `mass`, of the combination of the `E_k` at every edge that is the longest of averages over cells.
    fn quotient(&self, noise: &Noise, rows: &[&Matrix], weights: &[f64], mass: &[f64]) -> f64 {
        let (_, u) = leading_combination(rows, weights);
        let mut combined = vec![0.0; self.keys.len()];
        let mut rest = &u[..];
        for part in &noise.parts {
            let (own, others) = rest.split_at(part.model.degrees);
            add_combination(&self.signed(part.source), &part.model, own, &mut combined);
            rest = others;
        }
        combined.iter().zip(mass).map(|(v, m)| v * v * m).sum()
    }

    /// The law of all messages of both sides.
    fn pooled_law(&self) -> Vec<f64> {
        let (golden, candidate) = self.messages();
        let share = candidate as f64 / (golden as f64 + candidate as f64);
        self.golden_law.iter().zip(&self.candidate_law).map(|(g, c)| g + share * (c - g)).collect()
    }
}

/// Stands in the seed for "effects".
const DOMAIN: u64 = 1;
/// What may vary inside cells, as a share of the largest eigenvalue: a few hundredths with 63 cells. On simulated markets the vector
/// of the averages missed the eigenvalue by less than 1e-6 of it where a hundredth varied, and by 1e-5 where seven did.
const INSIDE_MAX: f64 = 0.08;
/// Cells that follow the mass.
const CELLS_OF_MASS: usize = 255;

/// Columns that cut a mass into cells of at most the `cells`-th part of it, or of one column: at most twice as many.
fn equal_masses(mass: &[f64], cells: usize) -> Vec<usize> {
    let step = mass.iter().sum::<f64>() / cells as f64;
    let (mut edges, mut sum) = (Vec::new(), 0.0);
    for (x, m) in mass.iter().enumerate() {
        if x > 0 && sum > 0.0 && sum + m > step {
            edges.push(x - 1);
            sum = 0.0;
        }
        sum += m;
    }
    edges
}

/// The sums of the values from each place on; the last of `count` places has none.
pub(crate) fn suffix_sums(values: impl DoubleEndedIterator<Item = f64> + ExactSizeIterator, count: usize) -> Vec<f64> {
    let mut out = vec![0.0; count];
    let (mut sum, length) = (0.0, values.len());
    for (slot, value) in out[..length.min(count)].iter_mut().rev().zip(values.rev()) {
        sum += value;
        *slot = sum;
    }
    out
}

/// `sum s mass` grouped by degrees of freedom.
fn pointwise_spreads(noise: &Noise, mass: &[f64]) -> Vec<(usize, f64)> {
    let mut sums = vec![0.0; noise.t.len() + 1];
    for ((s, m), nu) in noise.deviation.iter().zip(mass).zip(&noise.degrees) {
        sums[*nu] += s * m;
    }
    sums.into_iter().enumerate().filter(|(_, sum)| *sum > 0.0).collect()
}

/// The sum of the features' standard deviations.
pub(crate) fn deviation_sum(rows: &[Matrix]) -> f64 {
    let mut variance = Vec::new();
    for rows in rows {
        variance.resize(rows.columns, 0.0);
        for k in 0..rows.rows() {
            for (v, e) in variance.iter_mut().zip(rows.row(k)) {
                *v += e * e;
            }
        }
    }
    variance.iter().map(|v| libm::sqrt(*v)).sum::<f64>()
}

/// The p-value of "the effect is at most the margin" from the norms of the simulated error. Where memory beyond the strata makes the
/// noise of the whole wider than theirs, it is at least that of "there is no effect" under the wider noise: a FAIL says that these
/// stretches differ by more than the margin, and that one process would not have made them so different.
pub(crate) fn beyond_memory(norms: &[f64], estimate: f64, margin: f64, beyond: f64) -> f64 {
    let stretches = tail_share(norms, estimate - margin);
    if beyond > 1.0 { stretches.max(tail_share(norms, estimate / beyond)) } else { stretches }
}

/// A result that is exactly nothing.
pub(crate) fn exact_zero(margin: f64, signed: bool) -> Judged {
    Judged {
        estimate: 0.0,
        lower: 0.0,
        upper: 0.0,
        signed,
        margin,
        p_fail: 1.0,
        p_pass: if margin > 0.0 { 0.0 } else { 1.0 },
        needs: if margin > 0.0 { Needs::Nothing } else { Needs::NotResolvable },
        resolution: Resolution { detectable: margin, resolvable_margin: 0.0 },
        half_width: 0.0,
    }
}

pub(crate) fn check_margin(margin: f64) -> Result<(), JudgingError> {
    if margin >= 0.0 {
        return Ok(());
    }
    Err(JudgingError::Parameter { parameter: "margin", value: margin.to_string(), domain: "at least 0" })
}

pub(crate) fn additive(spreads: &[(usize, f64)], t: &dyn Fn(usize) -> f64) -> f64 {
    spreads.iter().map(|(nu, spread)| t(*nu) * spread).sum()
}

fn shape(features: Features, norm: Norm, reach: Reach, estimate: f64) -> Shape {
    Shape { features, norm, reach, estimate, ceiling: 1.0, squared: false }
}

/// Integrals over the cells that `edges` cut, and one over the mass of each.
fn averages(mass: Vec<f64>, edges: &[usize]) -> (Features, Vec<f64>) {
    let measure = Measure::new(mass, edges);
    let mut inverse = vec![0.0; measure.cell_mass.len()];
    for (m, cell) in measure.mass.iter().zip(&measure.cell_of) {
        inverse[*cell] += m;
    }
    for v in &mut inverse {
        *v = if *v > 0.0 { 1.0 / *v } else { 0.0 };
    }
    (Features::Integrals(measure), inverse)
}

/// Cell masses of a law given at its edges.
fn masses(law: &[f64]) -> Vec<f64> {
    let mut previous = 0.0;
    law.iter().map(|value| (value - core::mem::replace(&mut previous, *value)).max(0.0)).collect()
}

/// `dH / (H (1 - H))` of a law H given at its edges, where `0.01 < H < 0.99`.
fn ad_masses(law: &[f64]) -> Vec<f64> {
    let weighted = |(mass, h): (f64, &f64)| if *h > TRIM.0 && *h < TRIM.1 { mass / (h * (1.0 - h)) } else { 0.0 };
    masses(law).into_iter().zip(law).map(weighted).collect()
}

/// At most `most` evenly spaced entries.
pub(crate) fn thin(edges: &[usize], most: usize) -> Vec<usize> {
    let n = edges.len();
    if n <= most {
        return edges.to_vec();
    }
    (1..=most).map(|i| edges[i * n / (most + 1)]).collect()
}
