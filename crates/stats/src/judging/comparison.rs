//! Two sides arranged under a design, with the noise of their difference at every edge.

use super::arrange::{Arm, Arrangement, Placed, Tag, arrange};
use super::coarse::coarse_edges;
use super::edges::{Laws, Signed, variances};
use super::memory::thinned_columns;
use super::moments::MomentWindow;
use super::noise::{LagOne, Matrix, Memory, NoiseModel, t_table, welch_degrees};
use super::random::{Lanes, Stream};
use super::replicate::{ErrorPart, Multipliers};
use super::table::{LazyTable, Table, centre, paired_residuals, table_of_equal, tables, window_counts};
use super::{Design, JudgingError, Options, Side, WINDOWS_MIN, Window};
use core::ops::Range;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

/// Two sides, arranged: every effect between them is judged from here.
#[derive(Debug, Clone)]
pub struct Comparison {
    pub(crate) options: Options,
    pub(crate) arrangement: Arrangement,
    /// Sorted union of both sides' keys. Column `x` is the edge that closes cell `x`; the last one closes everything.
    pub(crate) keys: Vec<i64>,
    /// How often each key was seen, golden and candidate.
    pub(crate) counts: [Vec<u64>; 2],
    pub(crate) golden: Arc<LazyTable>,
    pub(crate) candidate: Arc<LazyTable>,
    /// Laws and their difference at every edge but the last.
    pub(crate) golden_law: Vec<f64>,
    pub(crate) candidate_law: Vec<f64>,
    pub(crate) delta: Vec<f64>,
    /// Columns of the coarse edges.
    pub(crate) coarse: Vec<usize>,
    /// Every pair of windows is equal: the difference is exactly nothing.
    pub(crate) identical: bool,
    /// `None` with too few windows or identical pairs.
    pub(crate) noise: Option<Noise>,
    pub(crate) kept: Kept,
}

/// What several effects need, computed when the first one asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    /// The noise of each side on its own, where the noise of the comparison is that of pairs.
    sides: [OnceLock<Part>; 2],
    /// What the rows of the error are multiplied with in the replicates of every effect.
    pub(crate) multipliers: OnceLock<Multipliers>,
    /// What the golden's rows are multiplied with in the replicates of the resolution.
    pub(crate) planned: OnceLock<Vec<Lanes>>,
}

/// Where a part of the error comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Golden,
    Candidate,
    Pairs,
}

/// An independent part of the error with its variance at every edge.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) source: Source,
    pub(crate) model: NoiseModel,
    pub(crate) variance: Vec<f64>,
    /// The largest of them.
    pub(crate) variance_max: f64,
}

/// The noise of the difference: its parts, and standard deviation and degrees of freedom at every edge.
#[derive(Debug, Clone)]
pub(crate) struct Noise {
    pub(crate) parts: Vec<Part>,
    pub(crate) deviation: Vec<f64>,
    pub(crate) degrees: Vec<usize>,
    /// `t(1 - alpha, nu)`, index `nu - 1`.
    pub(crate) t: Vec<f64>,
    /// By how much memory beyond the strata makes the noise of the whole wider than theirs; 1 in other designs.
    pub(crate) beyond: f64,
}

impl Noise {
    /// The smallest degrees of freedom of an edge that varies.
    pub(crate) fn degrees_min(&self) -> usize {
        let varying = self.degrees.iter().zip(&self.deviation).filter(|(_, s)| **s > 0.0).map(|(nu, _)| *nu);
        varying.min().unwrap_or_else(|| self.parts.iter().map(|part| part.model.degrees).min().unwrap_or(1))
    }
}

/// What the noise of one side, or of the pairs, was estimated to be.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SideNoise {
    /// Windows used.
    pub windows: usize,
    /// Messages in them.
    pub messages: u64,
    /// Pessimistic lag-1 autocorrelation of the window residuals. Above 0.9: windows too short or too few.
    pub rho_up: f64,
    /// Memory exponent believed of this side, from its own windows (0 where it is not asked). From 0.4 on: windows too short or
    /// too few.
    pub memory_d: f64,
    /// By how much memory beyond the strata makes the noise of the whole wider than theirs; 1 in other designs.
    pub beyond: f64,
    /// Degrees of freedom: cosines over all noise blocks.
    pub degrees: usize,
    /// Noise blocks.
    pub blocks: usize,
    /// Independent messages this side is worth: the median over edges between the 10 and 90 % points; `None` if no edge lies
    /// there or none varies. For pairs: what each of two independent sides would need.
    pub n_eff: Option<f64>,
}

/// The noise of both sides and what was compared.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct NoiseSummary {
    /// Golden's side; `None` for pairs.
    pub golden: Option<SideNoise>,
    /// Candidate's side; `None` for pairs.
    pub candidate: Option<SideNoise>,
    /// The difference of the pairs; `None` for other designs.
    pub pairs: Option<SideNoise>,
}

impl Comparison {
    /// Arranges the windows of both sides (any order; empty windows are dropped) and estimates the noise.
    ///
    /// # Errors
    /// A side without messages, two windows of a side with one id, cells that are not ascending, no common window in a
    /// paired design, or an option outside its domain.
    pub fn new(
        golden: &[Window<'_>],
        candidate: &[Window<'_>],
        design: Design,
        options: &Options,
    ) -> Result<Self, JudgingError> {
        check_options(options)?;
        let arrangement = arrange(&tags(golden, Side::Golden)?, &tags(candidate, Side::Candidate)?, design)?;
        let identical = arrangement.paired && equal_windows(&arrangement, golden, candidate);
        let (
            keys,
            [golden_table, candidate_table],
            Laws { counts, golden: golden_law, candidate: candidate_law, delta },
        ) = if identical {
            let (keys, counts, table) = table_of_equal(&arrangement.golden, golden);
            let table = Arc::new(table);
            (keys, [Arc::clone(&table), table], Laws::of_equal(counts))
        } else {
            let (keys, tables) = tables([(&arrangement.golden, golden), (&arrangement.candidate, candidate)]);
            let laws = Laws::new(&arrangement, [&tables[0], &tables[1]], keys.len());
            (keys, tables.map(Arc::new), laws)
        };
        let mut comparison = Self {
            options: options.clone(),
            arrangement,
            coarse: Vec::new(),
            keys,
            counts,
            golden: golden_table,
            candidate: candidate_table,
            golden_law,
            candidate_law,
            delta,
            identical,
            noise: None,
            kept: Kept::default(),
        };
        comparison.coarse = comparison.coarse_columns(options.coarse_edges_max);
        if !identical && comparison.windows_needed() == (0, 0) {
            comparison.golden.keep_steps(&comparison.coarse);
            comparison.candidate.keep_steps(&comparison.coarse);
            comparison.noise = Some(comparison.estimate_noise());
        }
        Ok(comparison)
    }

    /// Windows (golden, candidate) in the comparison; pairs count on both sides.
    pub fn windows(&self) -> (usize, usize) {
        (self.arrangement.golden.windows.len(), self.arrangement.candidate.windows.len())
    }

    /// Messages (golden, candidate) in the compared windows.
    pub fn messages(&self) -> (u64, u64) {
        (self.arrangement.golden.messages(), self.arrangement.candidate.messages())
    }

    /// Messages of a side in the compared windows.
    pub fn messages_of(&self, side: Side) -> u64 {
        let (golden, candidate) = self.messages();
        if side == Side::Golden { golden } else { candidate }
    }

    /// The strata both sides have, in label order; empty where the design does not match labels or none is shared.
    pub fn matched_strata(&self) -> &[u32] {
        &self.arrangement.labels
    }

    /// Whether every pair of windows is equal; then every effect is exactly [0, 0].
    pub fn is_identical(&self) -> bool {
        self.identical
    }

    /// The distinct keys of both sides, ascending.
    pub fn keys(&self) -> &[i64] {
        &self.keys
    }

    /// What a side's compared windows hold together: (key, count), ascending.
    pub fn pooled(&self, side: Side) -> Vec<(i64, u64)> {
        let counts = &self.counts[usize::from(side == Side::Candidate)];
        self.keys.iter().zip(counts).filter(|(_, n)| **n > 0).map(|(key, n)| (*key, *n)).collect()
    }

    /// Of each compared window of a side: the number of values, their sum and the sum of their squares.
    pub fn window_sums(&self, side: Side, value_of: &dyn Fn(i64) -> f64) -> Vec<MomentWindow> {
        let (table, arm) = self.side(side);
        let values: Vec<f64> = self.keys.iter().map(|key| value_of(*key)).collect();
        let of_window = |(w, placed): (usize, &Placed)| {
            let (mut sum, mut squares) = (0.0, 0.0);
            for (column, n) in table.cells(w) {
                let x = values[column];
                sum += n as f64 * x;
                squares += n as f64 * x * x;
            }
            let Placed { id, stratum, block, count, .. } = *placed;
            MomentWindow { id, stratum, block, count, sums: [sum, squares, 0.0] }
        };
        arm.windows.iter().enumerate().map(of_window).collect()
    }

    /// Windows still needed (golden, candidate) before there is an interval.
    pub(crate) fn windows_needed(&self) -> (usize, usize) {
        let (golden, candidate) = self.windows();
        (WINDOWS_MIN.saturating_sub(golden), WINDOWS_MIN.saturating_sub(candidate))
    }

    /// The noise in numbers; `None` where there is none to estimate.
    pub fn noise_summary(&self) -> Option<NoiseSummary> {
        let noise = self.noise.as_ref()?;
        let find = |source| noise.parts.iter().find(|part| part.source == source).map(|part| self.side_noise(part));
        Some(NoiseSummary {
            golden: find(Source::Golden),
            candidate: find(Source::Candidate),
            pairs: find(Source::Pairs),
        })
    }

    fn side_noise(&self, part: &Part) -> SideNoise {
        let (law, messages, sides) = match part.source {
            Source::Golden => (&self.golden_law, self.arrangement.golden.messages(), 1.0),
            Source::Candidate => (&self.candidate_law, self.arrangement.candidate.messages(), 1.0),
            Source::Pairs => (&self.golden_law, self.arrangement.golden.messages(), 2.0),
        };
        let mut worth: Vec<f64> = self
            .coarse
            .iter()
            .filter(|x| law[**x] > 0.1 && law[**x] < 0.9 && part.variance[**x] > 0.0)
            .map(|x| sides * law[*x] * (1.0 - law[*x]) / part.variance[*x])
            .collect();
        worth.sort_by(f64::total_cmp);
        SideNoise {
            windows: part.model.windows(),
            messages,
            rho_up: part.model.rho_up,
            memory_d: f64::from(part.model.own_d_percent) / 100.0,
            beyond: part.model.beyond,
            degrees: part.model.degrees,
            blocks: part.model.blocks.len(),
            n_eff: median(&worth),
        }
    }

    pub(crate) fn estimate_noise(&self) -> Noise {
        let sources: &[Source] =
            if self.arrangement.paired { &[Source::Pairs] } else { &[Source::Candidate, Source::Golden] };
        let models = self.models(sources);
        self.noise_of(sources.iter().zip(models).map(|(source, model)| self.part_with(*source, model)).collect())
    }

    /// The noise that independent parts make together.
    pub(crate) fn noise_of(&self, parts: Vec<Part>) -> Noise {
        let (deviation, degrees) = match &parts[..] {
            [part] => {
                let degrees = welch_degrees(&[(1.0, part.model.degrees)]);
                (part.variance.iter().map(|v| v.sqrt()).collect(), vec![degrees; part.variance.len()])
            }
            [a, b] => {
                let pairs = a.variance.iter().zip(&b.variance);
                let of_edge = |(u, v): (&f64, &f64)| {
                    ((u + v).sqrt(), welch_degrees(&[(*u, a.model.degrees), (*v, b.model.degrees)]))
                };
                pairs.map(of_edge).unzip()
            }
            _ => (Vec::new(), Vec::new()),
        };
        let most = parts.iter().map(|part| part.model.degrees).sum();
        let beyond = parts.iter().fold(1.0_f64, |most, part| most.max(part.model.beyond));
        Noise { deviation, degrees, t: t_table(self.options.alpha, most), beyond, parts }
    }

    pub(crate) fn part_with(&self, source: Source, model: NoiseModel) -> Part {
        let variance = variances(&self.signed(source), &model, self.keys.len());
        let variance_max = variance.iter().copied().fold(0.0, f64::max);
        Part { source, model, variance, variance_max }
    }

    /// The noise of one side on its own.
    pub(crate) fn part_of(&self, side: Side) -> &Part {
        let source = if side == Side::Golden { Source::Golden } else { Source::Candidate };
        let known = self.noise.as_ref().and_then(|noise| noise.parts.iter().find(|part| part.source == source));
        let alone = || {
            let model = self.models(&[source]).pop();
            let model = model.unwrap_or_else(|| NoiseModel::single(&self.noise_series(source), Memory::Off));
            self.part_with(source, model)
        };
        known.unwrap_or_else(|| self.kept.sides[side as usize].get_or_init(alone))
    }

    /// The windows that make up the residuals of a part.
    pub(crate) fn signed(&self, source: Source) -> Vec<Signed<'_>> {
        let golden = |sign| Signed { sign, table: &self.golden, arm: &self.arrangement.golden };
        let candidate = Signed { sign: 1.0, table: &self.candidate, arm: &self.arrangement.candidate };
        match source {
            Source::Golden => vec![golden(1.0)],
            Source::Candidate => vec![candidate],
            Source::Pairs => vec![candidate, golden(-1.0)],
        }
    }

    /// The windows of a side, and their places.
    pub(crate) fn side(&self, side: Side) -> (&Table, &Arm) {
        match side {
            Side::Golden => (&self.golden, &self.arrangement.golden),
            Side::Candidate => (&self.candidate, &self.arrangement.candidate),
        }
    }

    /// The noise of some sources, asked together for their memory.
    fn models(&self, sources: &[Source]) -> Vec<NoiseModel> {
        if !self.arrangement.stratified {
            let series: Vec<(Source, Matrix)> =
                sources.iter().map(|source| (*source, self.noise_series(*source))).collect();
            return noise_models(&self.arrangement, &series, &self.options);
        }
        // A block at a time, of which a few columns stay, to ask for what lies beyond it: a long series does not fit into memory.
        let (products, asked): (Vec<LagOne>, Vec<Matrix>) =
            sources.iter().map(|source| self.products_and_asked(*source)).unzip();
        let of = |(source, products): (&Source, &LagOne)| {
            let arm = self.arm_of(*source);
            NoiseModel::blocks(products, &arm.blocks, &arm.shares())
        };
        let mut models: Vec<NoiseModel> = sources.iter().zip(&products).map(of).collect();
        if self.options.memory_guard {
            NoiseModel::look_beyond(&mut models, &asked.iter().collect::<Vec<_>>());
        }
        models
    }

    /// What the noise of separate blocks is told from: of the residuals of all windows the products of neighbours, and the columns
    /// that are asked for memory.
    fn products_and_asked(&self, source: Source) -> (LagOne, Matrix) {
        let edges = self.noise_edges(source);
        let asked = thinned_columns(edges.len());
        let (mut products, mut kept) = (LagOne::default(), Matrix { columns: asked.len(), data: Vec::new() });
        for block in &self.arm_of(source).blocks {
            let residuals =
                self.block_residuals(source, block, |side, windows| self.side(side).0.cumulative(&edges, windows));
            products.add(&residuals, &(0..residuals.rows()));
            kept.data.extend(residuals.of_columns(&asked).data);
        }
        (products, kept)
    }

    fn arm_of(&self, source: Source) -> &Arm {
        if source == Source::Candidate { &self.arrangement.candidate } else { &self.arrangement.golden }
    }

    /// Columns at which a source's noise is told: the coarse edges. Of the golden those where its own law differs, so that its model
    /// does not depend on the candidate.
    fn noise_edges(&self, source: Source) -> Vec<usize> {
        let mut edges = self.coarse.clone();
        if source == Source::Golden {
            let law = |x: usize| self.golden_law[x].to_bits();
            edges.dedup_by(|b, a| law(*b) == law(*a));
        }
        edges
    }

    /// What a source's noise is told from: its residuals at those edges.
    pub(crate) fn noise_series(&self, source: Source) -> Matrix {
        let edges = self.noise_edges(source);
        self.residuals(source, |side, windows| self.side(side).0.cumulative(&edges, windows))
    }

    /// Residuals of additive features of all windows, for one side or for the pairs (candidate minus golden).
    pub(crate) fn residuals(&self, source: Source, features: impl Fn(Side, Range<usize>) -> Matrix) -> Matrix {
        let mut all = Matrix::default();
        for block in &self.arm_of(source).blocks {
            let own = self.block_residuals(source, block, &features);
            all.columns = own.columns;
            all.data.extend(own.data);
        }
        all
    }

    /// The same of the windows of one noise block.
    fn block_residuals(
        &self,
        source: Source,
        block: &Range<usize>,
        features: impl Fn(Side, Range<usize>) -> Matrix,
    ) -> Matrix {
        let of = |side| {
            let mut features = features(side, block.clone());
            let columns = features.columns;
            centre(&mut features.data, columns, self.side(side).1, block);
            features
        };
        match source {
            Source::Golden => of(Side::Golden),
            Source::Candidate => of(Side::Candidate),
            Source::Pairs => paired_residuals(&of(Side::Golden), &of(Side::Candidate)),
        }
    }

    /// Rows of the error of a part for additive features of windows, so many columns.
    pub(crate) fn project(
        &self,
        part: &Part,
        columns: usize,
        features: impl Fn(Side, Range<usize>) -> Matrix,
    ) -> Matrix {
        part.model.project_by(columns, |block| {
            let residuals = self.block_residuals(part.source, block, &features);
            let windows = 0..residuals.rows();
            (Cow::Owned(residuals), windows)
        })
    }

    /// Columns of the coarse edges: quantiles of the golden alone, large atoms as their own cells, and an edge below all of it.
    pub(crate) fn coarse_columns(&self, most: usize) -> Vec<usize> {
        let own = self.pooled(Side::Golden);
        let mut columns: Vec<usize> = coarse_edges(&own, most)
            .into_iter()
            .filter_map(|edge| self.keys.partition_point(|key| *key <= edge).checked_sub(1))
            .filter(|column| *column < self.delta.len())
            .collect();
        columns.dedup();
        columns
    }
}

/// The noise of each of some series of residuals under a design.
pub(crate) fn noise_models(
    arrangement: &Arrangement,
    series: &[(Source, Matrix)],
    options: &Options,
) -> Vec<NoiseModel> {
    let each = || series.iter().map(|(_, residuals)| residuals);
    let all: Vec<&Matrix> = each().collect();
    if !arrangement.stratified {
        return match options.memory_guard {
            true => NoiseModel::guarded(&all, options.slow_cosines),
            false => each().map(|residuals| NoiseModel::single(residuals, Memory::Off)).collect(),
        };
    }
    let blocks = |(source, residuals): (&Source, &Matrix)| {
        let arm = if *source == Source::Candidate { &arrangement.candidate } else { &arrangement.golden };
        let mut products = LagOne::default();
        arm.blocks.iter().for_each(|block| products.add(residuals, block));
        NoiseModel::blocks(&products, &arm.blocks, &arm.shares())
    };
    let sources = series.iter().map(|(source, _)| source);
    let mut models: Vec<NoiseModel> = sources.zip(each()).map(blocks).collect();
    if options.memory_guard {
        NoiseModel::look_beyond(&mut models, &all);
    }
    models
}

/// The parts of an error with rows for some features, ready for replicates.
pub(crate) fn error_part(source: Source, rows: &Matrix, degrees: usize) -> ErrorPart<'_> {
    let (sign, normals, spread) = match source {
        Source::Golden => (-1.0, Stream::GoldenNormal, Stream::GoldenSpread),
        Source::Candidate | Source::Pairs => (1.0, Stream::CandidateNormal, Stream::CandidateSpread),
    };
    ErrorPart { rows, sign, degrees, normals, spread }
}

pub(crate) fn median(ascending: &[f64]) -> Option<f64> {
    let n = ascending.len();
    let (low, high) = (ascending.get(n.checked_sub(1)? / 2)?, ascending.get(n / 2)?);
    Some(0.5 * (low + high))
}

pub(crate) fn check_options(options: &Options) -> Result<(), JudgingError> {
    let bad = |parameter, value: String, domain| Err(JudgingError::Parameter { parameter, value, domain });
    if !(options.alpha > 0.0 && options.alpha < 0.5) {
        return bad("alpha", options.alpha.to_string(), "(0, 0.5)");
    }
    if !(1..=10_000_000).contains(&options.replicates) {
        return bad("replicates", options.replicates.to_string(), "1 to 10,000,000");
    }
    if !(8..=65_536).contains(&options.coarse_edges_max) {
        return bad("coarse_edges_max", options.coarse_edges_max.to_string(), "8 to 65,536");
    }
    Ok(())
}

fn tags(windows: &[Window<'_>], side: Side) -> Result<Vec<Tag>, JudgingError> {
    let counts = window_counts(windows, side)?;
    let tag = |(window, count): (&Window<'_>, u64)| Tag {
        id: window.id,
        stratum: window.stratum,
        block: window.block,
        count,
    };
    Ok(windows.iter().zip(counts).map(tag).collect())
}

/// Whether each pair of windows holds equal cells: packed cells have one encoding.
fn equal_windows(arrangement: &Arrangement, golden: &[Window<'_>], candidate: &[Window<'_>]) -> bool {
    let mut pairs = arrangement.golden.windows.iter().zip(&arrangement.candidate.windows);
    pairs.all(|(g, c)| golden[g.source].cells == candidate[c.source].cells)
}
