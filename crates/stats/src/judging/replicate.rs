//! Simulated copies of the estimation error and the norms of them.

use super::gram::Gram;
use super::noise::{Matrix, add_scaled};
use super::random::{LANES, Lanes, Stream, Weights, chi_squares, fill};
use fearless_simd::{Level, dispatch};
use std::borrow::Cow;

/// The seminorm whose quantile makes the lower end.
#[derive(Debug, Clone)]
pub(crate) enum Norm {
    /// `max |v|`.
    MaxAbs,
    /// `max v - min v`, 0 included.
    Range,
    /// `factor * sum |v|`.
    SumAbs(f64),
    /// `sqrt(sum v^2 weight)`.
    Root(Vec<f64>),
}

impl Norm {
    pub(crate) fn of(&self, v: &[f64]) -> f64 {
        match self {
            Norm::MaxAbs => v.iter().fold(0.0, |most: f64, x| most.max(x.abs())),
            Norm::Range => {
                let (low, high) = v.iter().fold((0.0_f64, 0.0_f64), |(low, high), x| (low.min(*x), high.max(*x)));
                high - low
            }
            Norm::SumAbs(factor) => factor * v.iter().map(|x| x.abs()).sum::<f64>(),
            Norm::Root(weights) => libm::sqrt(v.iter().zip(weights).map(|(x, w)| x * x * w).sum()),
        }
    }
}

/// One independent part of the error: rows, sign, and the streams its weights come from.
pub(crate) struct ErrorPart<'a> {
    pub(crate) rows: &'a Matrix,
    pub(crate) sign: f64,
    /// Degrees of freedom of the shared spread.
    pub(crate) degrees: usize,
    pub(crate) normals: Stream,
    pub(crate) spread: Stream,
}

impl ErrorPart<'_> {
    /// Writes what the first rows are multiplied with in the replicates from `first` on.
    fn coefficients(&self, weights: &impl Weights, first: u32, out: &mut [Lanes]) {
        coefficients((self.normals, self.spread), (self.sign, self.degrees), weights, first, out);
    }
}

/// Writes what the rows of a part are multiplied with in the replicates from `first` on: normals over one shared spread.
pub(crate) fn coefficients(
    (normals, spread): (Stream, Stream),
    (sign, degrees): (f64, usize),
    weights: &impl Weights,
    first: u32,
    out: &mut [Lanes],
) {
    let spreads = chi_squares(weights, first, degrees, spread);
    let factors: Lanes = core::array::from_fn(|lane| sign * (degrees as f64 / spreads[lane]).sqrt());
    fill(weights, (first, 1), normals, out);
    for z in out {
        for lane in 0..LANES {
            z[lane] *= factors[lane];
        }
    }
}

/// The replicates in batches: the first of each, counted from 1, and how many of its lanes are wanted.
pub(crate) fn batches(replicates: u32) -> impl Iterator<Item = (u32, usize)> {
    (1..=replicates).step_by(LANES).map(move |first| (first, (replicates - first + 1).min(LANES as u32) as usize))
}

/// Rows of the error side by side, column after column.
pub(crate) struct ByColumn {
    rows: usize,
    data: Vec<f64>,
}

impl ByColumn {
    pub(crate) fn new<'a>(parts: impl Iterator<Item = &'a Matrix> + Clone) -> Self {
        let rows = parts.clone().map(Matrix::rows).sum();
        let columns = parts.clone().next().map_or(0, |part| part.columns);
        let mut data = vec![0.0; rows * columns];
        for (k, row) in parts.flat_map(|part| (0..part.rows()).map(|k| part.row(k))).enumerate() {
            for (x, value) in row.iter().enumerate() {
                data[x * rows + k] = *value;
            }
        }
        Self { rows, data }
    }

    /// Hands each column of `sum_k z_k row_k` to `visit`, ascending. The sum runs in order of `k`, whatever is computed beside it.
    #[inline(always)]
    pub(crate) fn visit(&self, z: &[Lanes], mut visit: impl FnMut(usize, &Lanes)) {
        if self.rows == 0 {
            return;
        }
        // Several columns at a time: each multiplier is loaded once for all, and no addition waits for the one before.
        let groups = self.data.chunks_exact(SIDE_BY_SIDE * self.rows);
        let rest = groups.remainder().chunks_exact(self.rows);
        let mut x = 0;
        for group in groups {
            let columns: [&[f64]; SIDE_BY_SIDE] = core::array::from_fn(|i| &group[i * self.rows..(i + 1) * self.rows]);
            for sums in &sums_of(columns, z) {
                visit(x, sums);
                x += 1;
            }
        }
        for column in rest {
            visit(x, &sums_of([column], z)[0]);
            x += 1;
        }
    }
}

/// Columns that are summed side by side: their sums fill the registers of a machine with four lanes a register.
pub(crate) const SIDE_BY_SIDE: usize = 4;

/// `sum_k z_k column_k` of each column, in order of `k`.
#[inline(always)]
pub(crate) fn sums_of<const N: usize>(columns: [&[f64]; N], z: &[Lanes]) -> [Lanes; N] {
    let mut sums = [[0.0; LANES]; N];
    let rows = columns.iter().fold(z.len(), |rows, column| rows.min(column.len()));
    let columns = columns.map(|column| &column[..rows]);
    for (k, z) in z[..rows].iter().enumerate() {
        for i in 0..N {
            let v = columns[i][k];
            for lane in 0..LANES {
                sums[i][lane] += v * z[lane];
            }
        }
    }
    // Whole: what comes next must not make the compiler keep single lanes apart in the loop.
    core::hint::black_box(sums)
}

/// No more rows than columns, whose sums with normals have the same law: rows of equal products of columns, `R'R = E'E`, by
/// Cholesky's method. A column that those before it determine but for a millionth of its deviation gets no row.
pub(crate) fn fewer_rows(rows: &Matrix) -> Cow<'_, Matrix> {
    let (n, columns) = (rows.rows(), rows.columns);
    let most = rows.data.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
    if n <= columns || !most.is_normal() {
        return Cow::Borrowed(rows);
    }
    // In units of the largest, so that no square leaves the range of f64.
    let unit = 1.0 / most;
    let column = |x: usize| -> Vec<f64> { (0..n).map(|k| rows.data[k * columns + x] * unit).collect() };
    let gram = Gram::new(&(0..columns).map(column).collect::<Vec<_>>());
    let mut out = Matrix::zeros(columns, columns);
    for k in 0..columns {
        let (before, own) = out.data.split_at_mut(k * columns);
        let own = &mut own[..columns];
        own[k..].copy_from_slice(&gram.row(k)[k..]);
        for row in before.chunks_exact(columns) {
            add_scaled(&mut own[k..], -row[k], &row[k..]);
        }
        let pivot = own[k];
        let inverse = if pivot > 1e-12 * gram.row(k)[k] { 1.0 / pivot.sqrt() } else { 0.0 };
        own[k..].iter_mut().for_each(|v| *v *= inverse);
    }
    out.data.iter_mut().for_each(|v| *v *= most);
    Cow::Owned(out)
}

/// The larger of two numbers that are numbers.
#[inline(always)]
pub(crate) fn larger(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

/// How the norm of an error is computed from the multipliers of its rows.
pub(crate) enum Simulation<'a> {
    /// Column by column.
    Columns(ByColumn, &'a Norm),
    /// A Euclidean norm: the quadratic form of the rows' Gram matrix, where that is the smaller one.
    Form(Gram),
}

impl<'a> Simulation<'a> {
    pub(crate) fn new(rows: &[&Matrix], norm: &'a Norm) -> Self {
        let n: usize = rows.iter().map(|part| part.rows()).sum();
        let columns = rows.first().map_or(0, |part| part.columns);
        match norm {
            Norm::Root(weights) if n < 2 * columns => Simulation::Form(Gram::of_rows(rows, weights)),
            _ => Simulation::Columns(ByColumn::new(rows.iter().copied()), norm),
        }
    }

    /// The norms of a batch of replicates.
    pub(crate) fn norms(&self, z: &[Lanes]) -> Lanes {
        dispatch!(Level::new(), _ => self.norms_here(z))
    }

    #[inline(always)]
    fn norms_here(&self, z: &[Lanes]) -> Lanes {
        let (by_column, norm) = match self {
            Simulation::Columns(by_column, norm) => (by_column, norm),
            Simulation::Form(gram) => return gram.form(z).map(|square| square.max(0.0).sqrt()),
        };
        let mut out = [0.0; LANES];
        match norm {
            Norm::MaxAbs => by_column.visit(z, |_, v| {
                for lane in 0..LANES {
                    out[lane] = larger(out[lane], v[lane].abs());
                }
            }),
            Norm::Range => {
                let mut low = [0.0; LANES];
                by_column.visit(z, |_, v| {
                    for lane in 0..LANES {
                        out[lane] = larger(out[lane], v[lane]);
                        low[lane] = larger(low[lane], -v[lane]);
                    }
                });
                for lane in 0..LANES {
                    out[lane] += low[lane];
                }
            }
            Norm::SumAbs(factor) => {
                by_column.visit(z, |_, v| {
                    for lane in 0..LANES {
                        out[lane] += v[lane].abs();
                    }
                });
                out = out.map(|sum| factor * sum);
            }
            Norm::Root(weights) => {
                by_column.visit(z, |x, v| {
                    for lane in 0..LANES {
                        out[lane] += v[lane] * v[lane] * weights[x];
                    }
                });
                out = out.map(f64::sqrt);
            }
        }
        out
    }
}

/// The multipliers of the first replicates of some parts, kept for the effects that follow: drawing them is most of the work, and every
/// effect of a comparison has the same.
#[derive(Debug, Clone)]
pub(crate) struct Multipliers {
    /// Rows of each part.
    rows: Vec<usize>,
    /// Batch after batch, in each part after part.
    data: Vec<Lanes>,
}

/// Multipliers that are kept, in batches of [`LANES`]: four MiB. What lies beyond is drawn again.
const KEPT_MAX: usize = 1 << 16;

impl Multipliers {
    /// Of so many rows of each part.
    pub(crate) fn new(parts: &[(usize, &ErrorPart<'_>)], weights: &impl Weights, replicates: u32) -> Self {
        let rows: Vec<usize> = parts.iter().map(|(rows, _)| *rows).collect();
        let all: usize = rows.iter().sum();
        let batches: Vec<u32> = batches(replicates).map(|(first, _)| first).take(KEPT_MAX / all.max(1)).collect();
        let mut data = vec![[0.0; LANES]; batches.len() * all];
        let mut rest = &mut data[..];
        for first in batches {
            for (rows, part) in parts {
                let (own, others) = rest.split_at_mut(*rows);
                part.coefficients(weights, first, own);
                rest = others;
            }
        }
        Self { rows, data }
    }

    /// Of the first rows of a part in a batch, if they are kept.
    fn of(&self, batch: usize, part: usize, rows: usize) -> Option<&[Lanes]> {
        let kept = self.rows.get(part).filter(|kept| **kept >= rows)?;
        let start = batch * self.rows.iter().sum::<usize>() + self.rows[..part].iter().sum::<usize>();
        self.data.get(start..start + kept).map(|kept| &kept[..rows])
    }
}

/// The norms of all replicates, ascending.
pub(crate) fn replicate_norms(
    parts: &[ErrorPart<'_>],
    weights: &impl Weights,
    kept: Option<&Multipliers>,
    replicates: u32,
    norm: &Norm,
) -> Vec<f64> {
    let few: Vec<Cow<'_, Matrix>> = parts.iter().map(|part| fewer_rows(part.rows)).collect();
    let rows: Vec<&Matrix> = few.iter().map(|rows| &**rows).collect();
    let simulation = Simulation::new(&rows, norm);
    let mut z = vec![[0.0; LANES]; rows.iter().map(|rows| rows.rows()).sum()];
    let mut norms = Vec::with_capacity(replicates as usize);
    for (batch, (first, wanted)) in batches(replicates).enumerate() {
        let mut rest = &mut z[..];
        for (i, (part, rows)) in parts.iter().zip(&rows).enumerate() {
            let (own, others) = rest.split_at_mut(rows.rows());
            match kept.and_then(|kept| kept.of(batch, i, own.len())) {
                Some(kept) => own.copy_from_slice(kept),
                None => part.coefficients(weights, first, own),
            }
            rest = others;
        }
        norms.extend_from_slice(&simulation.norms(&z)[..wanted]);
    }
    norms.sort_by(f64::total_cmp);
    norms
}

/// The `ceil((1 - alpha)(B + 1))`-th smallest of ascending values: the largest if that rank is beyond them, 0 if there is none.
pub(crate) fn upper_quantile(ascending: &[f64], alpha: f64) -> f64 {
    ascending.get(upper_index(ascending.len(), alpha)).copied().unwrap_or(0.0)
}

/// Where that value stands among `count`.
pub(crate) fn upper_index(count: usize, alpha: f64) -> usize {
    let rank = libm::ceil((1.0 - alpha) * (count as f64 + 1.0) - 1e-9);
    (rank as usize).clamp(1, count.max(1)) - 1
}

/// `(1 + #{norms >= excess}) / (B + 1)`, and 1 if `excess <= 0`.
pub(crate) fn tail_share(ascending: &[f64], excess: f64) -> f64 {
    if excess <= 0.0 {
        return 1.0;
    }
    let below = ascending.partition_point(|norm| *norm < excess);
    (1 + ascending.len() - below) as f64 / (ascending.len() as f64 + 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::random::Counter;
    use super::*;

    /// Rows that are uneven, and of which every fifth column is a sum of two before it.
    fn rows(n: usize, columns: usize, unit: f64) -> Matrix {
        let mut out = Matrix::zeros(n, columns);
        for k in 0..n {
            let row = out.row_mut(k);
            for x in 0..columns {
                let wave = libm::sin((1 + k) as f64 * (0.3 + x as f64 * 0.11)) / (1.0 + k as f64 * 0.05);
                row[x] = if x % 5 == 4 { row[x - 1] - 2.0 * row[x - 3] } else { unit * wave };
            }
        }
        out
    }

    fn product(rows: &Matrix, x: usize, y: usize) -> f64 {
        (0..rows.rows()).map(|k| rows.row(k)[x] * rows.row(k)[y]).sum()
    }

    #[test]
    fn fewer_rows_have_the_products_of_all() {
        for unit in [1.0, 1e120, 1e-120] {
            let all = rows(90, 23, unit);
            let few = fewer_rows(&all);
            assert_eq!((few.rows(), few.columns), (23, 23));
            for x in 0..23 {
                for y in 0..23 {
                    let (want, got) = (product(&all, x, y), product(&few, x, y));
                    let scale = product(&all, x, x).sqrt() / unit * (product(&all, y, y).sqrt() / unit);
                    assert!(
                        ((got - want) / unit / unit).abs() <= 1e-11 * scale,
                        "{x} {y} in {unit:e}: {got:e} {want:e}"
                    );
                }
            }
        }
    }

    /// Squares beyond the range of f64 on either side, nothing at all, and rows that are few already.
    #[test]
    fn rows_of_any_size_stay_finite() {
        for (unit, deviation) in [(1e200, true), (1e-200, true), (0.0, false), (f64::MIN_POSITIVE / 8.0, true)] {
            let all = rows(40, 7, unit);
            let few = fewer_rows(&all);
            assert!(few.data.iter().all(|v| v.is_finite()), "{unit:e}");
            let square = |rows: &Matrix| (0..rows.rows()).map(|k| rows.row(k)[2] / unit).map(|v| v * v).sum::<f64>();
            assert!(!deviation || (square(&few) / square(&all) - 1.0).abs() < 1e-9, "{unit:e}");
        }
        assert!(matches!(fewer_rows(&rows(7, 7, 1.0)), Cow::Borrowed(_)));
        assert!(matches!(fewer_rows(&Matrix::default()), Cow::Borrowed(_)));
    }

    fn part(rows: &Matrix, source: usize) -> ErrorPart<'_> {
        let (normals, spread) =
            [(Stream::CandidateNormal, Stream::CandidateSpread), (Stream::GoldenNormal, Stream::GoldenSpread)][source];
        ErrorPart { rows, sign: [1.0, -1.0][source], degrees: 90, normals, spread }
    }

    /// Multipliers are those of their address, whether all, some or none of them are kept.
    #[test]
    fn what_is_kept_is_what_is_drawn() {
        let (a, b) = (rows(90, 23, 1.0), rows(60, 23, 0.5));
        let parts = [part(&a, 0), part(&b, 1)];
        let counter = Counter::new(&[5; 32], 3);
        let bits = |norms: Vec<f64>| norms.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        for replicates in [1, 13, 1_999, 12_001] {
            let drawn = bits(replicate_norms(&parts, &counter, None, replicates, &Norm::MaxAbs));
            assert_eq!(drawn.len(), replicates as usize);
            for kept in [[23, 23], [40, 25], [5, 30], [0, 0]] {
                let asked = [(kept[0], &parts[0]), (kept[1], &parts[1])];
                let kept = Multipliers::new(&asked, &counter, replicates);
                assert!(kept.data.len() <= KEPT_MAX);
                assert_eq!(bits(replicate_norms(&parts, &counter, Some(&kept), replicates, &Norm::MaxAbs)), drawn);
            }
        }
    }

    /// Quantiles of the norm of few rows and of all, over forty thousand replicates of each.
    #[test]
    fn norms_of_fewer_rows_have_the_law_of_all() {
        let all = rows(90, 23, 1.0);
        let few = replicate_norms(&[part(&all, 0)], &Counter::new(&[1; 32], 1), None, 40_000, &Norm::MaxAbs);
        let simulation = Simulation::new(&[&all], &Norm::MaxAbs);
        let (counter, mut z) = (Counter::new(&[2; 32], 1), vec![[0.0; LANES]; 90]);
        let mut long = Vec::new();
        for (first, _) in batches(40_000) {
            part(&all, 0).coefficients(&counter, first, &mut z);
            long.extend(simulation.norms(&z));
        }
        long.sort_by(f64::total_cmp);
        for alpha in [0.5, 0.15, 0.05, 0.01] {
            let ratio = upper_quantile(&few, alpha) / upper_quantile(&long, alpha);
            assert!((ratio - 1.0).abs() < 0.02, "{alpha}: {ratio}");
        }
    }
}
