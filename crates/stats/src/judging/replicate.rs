//! Simulated copies of the estimation error and the norms of them.

use super::gram::Gram;
use super::noise::Matrix;
use super::random::{LANES, Lanes, Stream, Weights, chi_squares, fill};
use fearless_simd::{Level, dispatch};

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

/// The norms of all replicates, ascending.
pub(crate) fn replicate_norms(
    parts: &[ErrorPart<'_>],
    weights: &impl Weights,
    replicates: u32,
    norm: &Norm,
) -> Vec<f64> {
    let rows: Vec<&Matrix> = parts.iter().map(|part| part.rows).collect();
    let simulation = Simulation::new(&rows, norm);
    let mut z = vec![[0.0; LANES]; rows.iter().map(|rows| rows.rows()).sum()];
    let mut norms = Vec::with_capacity(replicates as usize);
    for (first, wanted) in batches(replicates) {
        let mut rest = &mut z[..];
        for part in parts {
            let (own, others) = rest.split_at_mut(part.rows.rows());
            coefficients((part.normals, part.spread), (part.sign, part.degrees), weights, first, own);
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
