//! The noise of one series of window residuals: autocorrelation, memory guard, number of cosines, inflation, projections.

use core::f64::consts::{PI, SQRT_2};
use core::ops::Range;
use std::borrow::Cow;
use std::sync::OnceLock;

use fearless_simd::{Level, dispatch};

use super::memory::{Belief, Likelihood, beliefs};
use crate::special::{gamma, ln, student_t_quantile};

/// Largest autocorrelation the inflation accepts.
const RHO_CAP: f64 = 0.98;
/// Largest memory exponent, in hundredths.
const D_CAP_PERCENT: u32 = 45;
/// Upper bound of the number of cosines and of the degrees of freedom.
pub(crate) const DEGREES_CAP: usize = 400;
/// Cosines in one stratum.
const STRATUM_COSINES: usize = 4;
/// Rows that share all cosines of separate blocks where there are more than [`DEGREES_CAP`] of them. Rows are what costs; t quantiles
/// of so many degrees of freedom are half a hundredth above those of four hundred.
const SHARED_ROWS: usize = 128;

/// Rows of the error, and degrees of freedom, of so many cosines of separate blocks.
pub(crate) fn rows_of_blocks(cosines: usize) -> usize {
    if cosines > DEGREES_CAP { SHARED_ROWS } else { cosines }
}

/// A dense row-major matrix: one row per window or cosine, one column per edge or feature.
#[derive(Debug, Clone, Default)]
pub(crate) struct Matrix {
    pub(crate) columns: usize,
    pub(crate) data: Vec<f64>,
}

impl Matrix {
    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self { columns, data: vec![0.0; rows * columns] }
    }

    pub(crate) fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.columns..(i + 1) * self.columns]
    }

    pub(crate) fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.data[i * self.columns..(i + 1) * self.columns]
    }

    /// Some of its columns.
    pub(crate) fn of_columns(&self, columns: &[usize]) -> Self {
        let mut data = Vec::with_capacity(self.rows() * columns.len());
        for i in 0..self.rows() {
            let row = self.row(i);
            data.extend(columns.iter().map(|column| row[*column]));
        }
        Self { columns: columns.len(), data }
    }

    pub(crate) fn rows(&self) -> usize {
        self.data.len().checked_div(self.columns).unwrap_or(0)
    }
}

/// Which memory a single block is taken to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    /// The local Whittle estimate of this side, and one standard error.
    Whittle,
    /// None.
    Off,
}

/// A stretch of windows whose noise is told by cosines of its own.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) windows: Range<usize>,
    /// The first cosine: 1, unless slower ones are left out.
    pub(crate) first: usize,
    /// What each cosine from the first on is multiplied with.
    pub(crate) scales: Vec<f64>,
    /// The inflation in them where all are equal, `sqrt(kappa / K)`.
    pub(crate) kappa: f64,
}

impl Block {
    /// A block whose lowest cosines count alike.
    pub(crate) fn even(windows: Range<usize>, cosines: usize, kappa: f64) -> Self {
        Self { windows, first: 1, scales: vec![libm::sqrt(kappa / cosines as f64); cosines], kappa }
    }

    /// The cosines with what they are multiplied with.
    pub(crate) fn cosines(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        (self.first..).zip(self.scales.iter().copied())
    }
}

/// How residuals become rows of the simulated error.
#[derive(Debug, Clone)]
pub(crate) struct NoiseModel {
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) r1: f64,
    pub(crate) rho: f64,
    pub(crate) rho_up: f64,
    /// This side's own estimate, even where another was used.
    pub(crate) own_d_percent: u32,
    pub(crate) d_percent: u32,
    pub(crate) blocks: Vec<Block>,
    /// Rows, and degrees of freedom.
    pub(crate) degrees: usize,
    /// The mean exponent of a mixture over memories.
    pub(crate) mixed_d: Option<f64>,
    /// By how much memory beyond the blocks widens the noise; 1 where they have none, or it is not asked.
    pub(crate) beyond: f64,
}

impl NoiseModel {
    pub(crate) fn windows(&self) -> usize {
        self.blocks.iter().map(|block| block.windows.len()).sum()
    }

    /// The model of one block of `residuals` (time order) by one exponent of memory.
    pub(crate) fn single(residuals: &Matrix, memory: Memory) -> Self {
        let windows = residuals.rows();
        let whole = 0..windows;
        let r1 = lag_one(residuals, core::slice::from_ref(&whole));
        let (rho, rho_up) = pessimistic_rho(r1, windows as f64, windows as f64);
        let d_percent = if memory == Memory::Off { 0 } else { memory_percent(&energies(residuals), windows, rho) };
        let choice = choose_cosines(windows, rho_up, d_percent);
        let blocks = vec![Block::even(whole, choice.cosines, choice.kappa)];
        Self {
            r1,
            rho,
            rho_up,
            own_d_percent: d_percent,
            d_percent,
            blocks,
            degrees: choice.cosines,
            mixed_d: None,
            beyond: 1.0,
        }
    }

    /// The models of series of one block each that are taken to remember alike, unless they plainly do not.
    pub(crate) fn guarded(series: &[&Matrix], skip: usize) -> Vec<Self> {
        let whole = |residuals: &Matrix| core::iter::once(0..residuals.rows()).collect::<Vec<_>>();
        let likelihoods: Vec<Likelihood> = series.iter().map(|r| Likelihood::of(r, &whole(r), skip)).collect();
        let model = |((residuals, likelihood), belief): ((&&Matrix, &Likelihood), &Belief)| {
            let windows = residuals.rows();
            let r1 = lag_one(residuals, &whole(residuals));
            let (rho, rho_up) = pessimistic_rho(r1, windows as f64, windows as f64);
            // A law without edges has no rows.
            let block = if windows < 4 { Block::even(0..windows, 1, 1.0) } else { belief.block(windows, skip) };
            Self {
                r1,
                rho,
                rho_up,
                own_d_percent: Belief::of(likelihood).percent(),
                d_percent: belief.percent(),
                degrees: block.scales.len(),
                blocks: vec![block],
                mixed_d: Some(belief.d),
                beyond: 1.0,
            }
        };
        series.iter().zip(&likelihoods).zip(&beliefs(&likelihoods)).map(model).collect()
    }

    /// Sets what memory beyond their blocks adds to the noise of models of separate blocks, from the same series.
    pub(crate) fn look_beyond(models: &mut [Self], series: &[&Matrix]) {
        let ranges = |model: &Self| model.blocks.iter().map(|block| block.windows.clone()).collect::<Vec<_>>();
        let of = |(model, residuals): (&Self, &&Matrix)| Likelihood::of(residuals, &ranges(model), 0);
        let likelihoods: Vec<Likelihood> = models.iter().zip(series).map(of).collect();
        for ((model, belief), likelihood) in models.iter_mut().zip(beliefs(&likelihoods)).zip(&likelihoods) {
            let blocks = model.blocks.len().max(1);
            let cosines = (model.cosines() / blocks).max(1);
            let kappa = model.blocks.iter().map(|block| block.kappa).sum::<f64>() / blocks as f64;
            model.beyond = belief.beyond_blocks((model.windows() / blocks, blocks), cosines, kappa);
            model.own_d_percent = Belief::of(likelihood).percent();
            model.d_percent = belief.percent();
        }
    }

    /// The model of separate blocks: one autocorrelation for all, from the products in all of them, at most four cosines in each.
    ///
    /// `shares` are the windows' weights. Blocks are short, so unequal windows matter: a heavy window pulls its block's law
    /// towards itself, and products of unequal neighbours understate the autocorrelation of their laws. Both are undone under
    /// the model "window laws follow an AR(1)"; equal windows are left as they are. (Without it, window sizes with a log
    /// standard deviation of .8 and slow laws gave 10 % false lower ends instead of 5.)
    pub(crate) fn blocks(products: &LagOne, blocks: &[Range<usize>], shares: &[f64]) -> Self {
        let windows = shares.len() as f64;
        let r1 = (products.ratio() / share_lag_one(shares, blocks)).min(1.0);
        let (rho, rho_up) = pessimistic_rho(r1, windows / blocks.len().max(1) as f64, windows);
        let blocks: Vec<_> = blocks
            .iter()
            .map(|range| {
                let cosines = (range.len() / 2).clamp(1, STRATUM_COSINES);
                let equal = inflation(range.len(), rho_up, 0, cosines);
                let weighted = weighted_inflation(&shares[range.clone()], rho_up, cosines);
                Block::even(range.clone(), cosines, equal.max(weighted))
            })
            .collect();
        let mut model =
            Self { r1, rho, rho_up, own_d_percent: 0, d_percent: 0, blocks, degrees: 0, mixed_d: None, beyond: 1.0 };
        model.degrees = rows_of_blocks(model.cosines());
        model
    }

    /// The cosines of all blocks.
    fn cosines(&self) -> usize {
        self.blocks.iter().map(|block| block.scales.len()).sum()
    }

    /// For each cosine, block after block, the row of the error it belongs to, and its sign there.
    ///
    /// Cosines beyond the degrees of freedom are added to the rows before, each with a sign of its own. Blocks are independent, so the
    /// products of different cosines vanish in the mean, and the sum of `E E'` over rows estimates what it did: with as many degrees of
    /// freedom as there are rows, which is more than a quantile can tell from more. What costs is rows.
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, f64)> + use<> {
        let (rows, is_folded) = (self.degrees.max(1), self.cosines() > self.degrees);
        (0..).map(move |i| (i % rows, if is_folded { sign(i) } else { 1.0 }))
    }

    /// The rows `E_k`, a scale times `sum_w C_k(w) r_w`, block after block.
    pub(crate) fn project(&self, residuals: &Matrix) -> Matrix {
        self.project_by(residuals.columns, |block| (Cow::Borrowed(residuals), block.clone()))
    }

    /// The same of residuals that are made when their block is at it: a matrix, and where in it the windows of the block are.
    pub(crate) fn project_by<'a>(
        &self,
        columns: usize,
        mut residuals_of: impl FnMut(&Range<usize>) -> (Cow<'a, Matrix>, Range<usize>),
    ) -> Matrix {
        let mut rows = Matrix::zeros(self.degrees, columns);
        let mut places = self.places();
        let mut own = vec![0.0; columns];
        let mut table = Cosines::new(0);
        for block in &self.blocks {
            let (residuals, windows) = residuals_of(&block.windows);
            if table.windows() != windows.len() {
                table = Cosines::new(windows.len());
            }
            for ((k, scale), (row, sign)) in block.cosines().zip(places.by_ref()) {
                own.fill(0.0);
                table.project(k, &residuals, &windows, &mut own);
                add_scaled(rows.row_mut(row), sign * scale, &own);
            }
        }
        rows
    }
}

/// A sign for each number, as if by tossing a coin: the last mixing step of MurmurHash3 (Appleby 2011).
fn sign(i: usize) -> f64 {
    let mut bits = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    if (bits ^ (bits >> 33)) & 1 == 0 { 1.0 } else { -1.0 }
}

#[inline(always)]
pub(crate) fn add_scaled(out: &mut [f64], factor: f64, row: &[f64]) {
    for (o, v) in out.iter_mut().zip(row) {
        *o += factor * v;
    }
}

/// `C_k(w) = sqrt(2) cos(pi k (2w + 1) / (2W))`, the argument reduced in integers to the first quadrant.
pub(crate) struct Cosines {
    quadrant: Vec<f64>,
}

impl Cosines {
    pub(crate) fn new(windows: usize) -> Self {
        let mut quadrant: Vec<f64> =
            (0..=windows).map(|m| SQRT_2 * libm::cos(PI * m as f64 / (2.0 * windows as f64))).collect();
        if let Some(last) = quadrant.last_mut() {
            *last = 0.0;
        }
        Self { quadrant }
    }

    pub(crate) fn at(&self, k: usize, w: usize) -> f64 {
        self.reduced(k * (2 * w + 1) % (4 * self.windows()))
    }

    /// At `m` quarters of a circle over the number of windows, below four.
    #[inline]
    fn reduced(&self, m: usize) -> f64 {
        let windows = self.windows();
        let m = if m > 2 * windows { 4 * windows - m } else { m };
        if m > windows { -self.quadrant[2 * windows - m] } else { self.quadrant[m] }
    }

    fn windows(&self) -> usize {
        self.quadrant.len() - 1
    }

    /// Adds `sum_w C_k(w) r_w` over the rows of a block to `out`.
    pub(crate) fn project(&self, k: usize, rows: &Matrix, block: &Range<usize>, out: &mut [f64]) {
        // Wider registers hold more columns; what is added, and in which order, is the same.
        dispatch!(Level::new(), _ => self.add_rows(k, rows, block, out));
    }

    #[inline(always)]
    fn add_rows(&self, k: usize, rows: &Matrix, block: &Range<usize>, out: &mut [f64]) {
        // A law without edges has no rows, and no windows either.
        let circle = 4 * self.windows().max(1);
        let step = 2 * k % circle;
        let mut m = k % circle;
        for w in block.clone() {
            add_scaled(out, self.reduced(m), rows.row(w));
            m += step;
            m -= if m >= circle { circle } else { 0 };
        }
    }
}

/// `cos(pi k / W)`.
pub(crate) fn cos_ratio(k: usize, windows: usize) -> f64 {
    libm::cos(PI * k as f64 / windows as f64)
}

/// Pooled lag-1 autocorrelation inside the blocks; 0 if nothing varies.
pub(crate) fn lag_one(residuals: &Matrix, blocks: &[Range<usize>]) -> f64 {
    let mut products = LagOne::default();
    blocks.iter().for_each(|block| products.add(residuals, block));
    products.ratio()
}

/// Sums of products of neighbouring residuals, and of each with itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LagOne {
    lag: f64,
    square: f64,
}

impl LagOne {
    /// Adds those inside a block.
    pub(crate) fn add(&mut self, residuals: &Matrix, block: &Range<usize>) {
        let mut w = block.start;
        while w < block.end {
            // Several sums at once: each waits for its last addition.
            let rows: [&[f64]; ROWS + 1] = core::array::from_fn(|i| residuals.row((w + i).min(block.end - 1)));
            let (squares, lags) = products(rows);
            let n = (block.end - w).min(ROWS);
            squares[..n].iter().for_each(|product| self.square += product);
            lags[..n.min(block.end - w - 1)].iter().for_each(|product| self.lag += product);
            w += n;
        }
    }

    /// The autocorrelation; 0 if nothing varies.
    pub(crate) fn ratio(&self) -> f64 {
        if self.square > 0.0 { self.lag / self.square } else { 0.0 }
    }
}

/// Rows that are multiplied at once.
const ROWS: usize = 4;

/// Of each row but the last the products with itself and with the next.
#[allow(clippy::needless_range_loop, reason = "all rows are read at one place")]
fn products(rows: [&[f64]; ROWS + 1]) -> ([f64; ROWS], [f64; ROWS]) {
    let columns = rows[0].len();
    let rows = rows.map(|row| &row[..columns]);
    let (mut squares, mut lags) = ([0.0; ROWS], [0.0; ROWS]);
    for x in 0..columns {
        for i in 0..ROWS {
            squares[i] += rows[i][x] * rows[i][x];
            lags[i] += rows[i][x] * rows[i + 1][x];
        }
    }
    (squares, lags)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The autocorrelation with its first-order bias removed (`length` windows in a block), and one standard error more.
pub(crate) fn pessimistic_rho(r1: f64, length: f64, windows: f64) -> (f64, f64) {
    let rho = (r1 + (1.0 + 3.0 * r1.max(0.0)) / length).clamp(0.0, RHO_CAP);
    (rho, raised_rho(rho, windows))
}

/// `rho` plus one standard error at `windows` windows.
pub(crate) fn raised_rho(rho: f64, windows: f64) -> f64 {
    (rho + libm::sqrt((1.0 - rho * rho) / windows)).min(RHO_CAP)
}

/// `sum_x A_k(x)^2` for the lowest cosines.
pub(crate) fn energies(residuals: &Matrix) -> Vec<f64> {
    let windows = residuals.rows();
    let count = (libm::floor(libm::pow(windows as f64, 0.7) + 1e-9) as usize).max(3);
    let table = Cosines::new(windows);
    let mut row = vec![0.0; residuals.columns];
    (1..=count)
        .map(|k| {
            row.fill(0.0);
            table.project(k, residuals, &(0..windows), &mut row);
            dot(&row, &row)
        })
        .collect()
}

/// A local Whittle estimate of what the AR(1) shape leaves, plus one standard error; in hundredths.
fn memory_percent(energies: &[f64], windows: usize, rho: f64) -> u32 {
    let whitened: Vec<f64> = energies
        .iter()
        .enumerate()
        .map(|(i, e)| e * (1.0 - 2.0 * rho * cos_ratio(i + 1, windows) + rho * rho))
        .collect();
    if whitened.iter().all(|e| *e <= 0.0) {
        return 0;
    }
    let count = whitened.len() as f64;
    let logs: Vec<f64> = (1..=whitened.len()).map(|k| ln(k as f64)).collect();
    let mean_log = logs.iter().sum::<f64>() / count;
    let (mut best, mut best_value) = (0, f64::INFINITY);
    for i in 0..=D_CAP_PERCENT {
        let power = 2.0 * f64::from(i) / 100.0;
        let mean = whitened.iter().zip(&logs).map(|(e, log)| libm::exp(power * log) * e).sum::<f64>() / count;
        let value = ln(mean) - power * mean_log;
        if value < best_value {
            (best, best_value) = (i, value);
        }
    }
    let error = 1.0 / libm::sqrt(2.0 * count);
    if f64::from(best) / 100.0 < 0.7 * error {
        return 0;
    }
    (libm::ceil(f64::from(best) + 100.0 * error - 1e-9) as u32).min(D_CAP_PERCENT)
}

/// The number of cosines, its inflation and the product it minimises.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CosineChoice {
    pub(crate) cosines: usize,
    pub(crate) kappa: f64,
    /// `t(0.95, K) sqrt(kappa)`.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) product: f64,
}

/// Section 3d: the first minimum of `t(0.95, K) sqrt(kappa(K))` over `1 <= K <= max(2, min(W/2, 400))`.
pub(crate) fn choose_cosines(windows: usize, rho_up: f64, d_percent: u32) -> CosineChoice {
    choose_cosines_within(windows, rho_up, d_percent, (windows / 2).clamp(2, DEGREES_CAP), 1)
}

/// The same choice for `blocks` equal blocks of `windows` windows that share one spread: `t` has `blocks * K` degrees.
pub(crate) fn choose_cosines_within(
    windows: usize,
    rho_up: f64,
    d_percent: u32,
    most: usize,
    blocks: usize,
) -> CosineChoice {
    let shape = spectrum_shape(windows, rho_up, d_percent);
    let mut sum = 0.0;
    let mut best = CosineChoice { cosines: 1, kappa: 1.0, product: f64::INFINITY };
    for cosines in 1..=most.max(1) {
        sum += shape(cosines);
        let kappa = cosines as f64 / sum;
        let product = t95((blocks * cosines).min(DEGREES_CAP)) * libm::sqrt(kappa);
        if product < best.product {
            best = CosineChoice { cosines, kappa, product };
        }
    }
    best
}

/// `kappa(K)`: how much `K` cosines of `windows` windows underestimate the variance of the sum.
pub(crate) fn inflation(windows: usize, rho_up: f64, d_percent: u32, cosines: usize) -> f64 {
    let shape = spectrum_shape(windows, rho_up, d_percent);
    cosines as f64 / (1..=cosines).map(shape).sum::<f64>()
}

/// What equal laws of weight `share` would show as pooled lag-1 autocorrelation if they were perfectly correlated, end effects
/// of the blocks left out; 1 for equal shares or where there are no neighbours.
fn share_lag_one(shares: &[f64], blocks: &[Range<usize>]) -> f64 {
    let (mut lag, mut square) = (0.0, 0.0);
    for range in blocks {
        for pair in shares[range.clone()].windows(2) {
            lag += pair[0] * pair[1];
            square += 0.5 * (pair[0] * pair[0] + pair[1] * pair[1]);
        }
    }
    if lag > 0.0 { lag / square } else { 1.0 }
}

/// The exact `K Var(sum_w h_w e_w) / sum_k E A_k^2` for laws `e_w` that follow an AR(1), weights `h_w`, and cosines of residuals
/// about the block's own weighted law.
fn weighted_inflation(shares: &[f64], rho: f64, cosines: usize) -> f64 {
    let total: f64 = shares.iter().sum();
    let form = |weights: &mut dyn Iterator<Item = f64>| {
        let (mut sum, mut past) = (0.0, 0.0);
        for a in weights {
            sum += a * a + 2.0 * a * past;
            past = rho * (past + a);
        }
        sum
    };
    let target = form(&mut shares.iter().map(|h| h / total));
    let table = Cosines::new(shares.len());
    let mut seen = 0.0;
    for k in 1..=cosines {
        let centre: f64 = shares.iter().enumerate().map(|(w, h)| table.at(k, w) * h / total).sum();
        seen += form(&mut shares.iter().enumerate().map(|(w, h)| (table.at(k, w) - centre) * h / total));
    }
    // A block in which one window outweighs the rest shows almost nothing: the cap keeps the inflation finite.
    cosines as f64 * target / seen.max(1e-6 * target)
}

/// `g_k = c_d k^(-2d) (1 - rho)^2 / (1 - 2 rho cos(pi k / W) + rho^2)`.
fn spectrum_shape(windows: usize, rho_up: f64, d_percent: u32) -> impl Fn(usize) -> f64 {
    let d = f64::from(d_percent) / 100.0;
    let constant = memory_constant(d_percent);
    let top = (1.0 - rho_up) * (1.0 - rho_up);
    move |k| {
        let memory = if d_percent == 0 { 1.0 } else { constant * libm::exp(-2.0 * d * ln(k as f64)) };
        memory * top / (1.0 - 2.0 * rho_up * cos_ratio(k, windows) + rho_up * rho_up)
    }
}

/// `c_d = Gamma(2H + 1) sin(pi H) pi^(-2d)`, `H = d + 1/2`: spectrum of fractional noise over the variance of its sum.
pub(crate) fn memory_constant(d_percent: u32) -> f64 {
    if d_percent == 0 {
        return 1.0;
    }
    let d = f64::from(d_percent) / 100.0;
    let hurst = d + 0.5;
    gamma(2.0 * hurst + 1.0) * libm::sin(PI * hurst) * libm::pow(PI, -2.0 * d)
}

/// `t(0.95, nu)` for `1 <= nu <= 400`, computed once.
pub(crate) fn t95(nu: usize) -> f64 {
    static TABLE: OnceLock<Vec<f64>> = OnceLock::new();
    let table = TABLE.get_or_init(|| (1..=DEGREES_CAP).map(|nu| student_t_quantile(0.95, nu as f64)).collect());
    table[nu.clamp(1, DEGREES_CAP) - 1]
}

/// `t(1 - alpha, nu)` for `nu = 1..=most`, index `nu - 1`.
pub(crate) fn t_table(alpha: f64, most: usize) -> Vec<f64> {
    (1..=most.clamp(1, DEGREES_CAP)).map(|nu| t_value(alpha, nu)).collect()
}

/// `t(1 - alpha, nu)`.
pub(crate) fn t_value(alpha: f64, nu: usize) -> f64 {
    let nu = nu.clamp(1, DEGREES_CAP);
    if (alpha - 0.05).abs() < 1e-15 { t95(nu) } else { student_t_quantile(1.0 - alpha, nu as f64) }
}

/// Satterthwaite's degrees of freedom of `sum_i v_i`, each `v_i` with `k_i` degrees: `floor`, between the smallest `k` and 400.
pub(crate) fn welch_degrees(parts: &[(f64, usize)]) -> usize {
    let smallest = parts.iter().map(|(_, k)| *k).min().unwrap_or(1).clamp(1, DEGREES_CAP);
    let total: f64 = parts.iter().map(|(v, _)| v).sum();
    let weighted: f64 = parts.iter().map(|(v, k)| v * v / *k as f64).sum();
    if weighted > 0.0 {
        (total * total / weighted).clamp(smallest as f64, DEGREES_CAP as f64) as usize
    } else {
        smallest
    }
}
