//! Distances of joint laws from all pairs of rows of a bounded sample, with p-values by permutation of blocks: what the forms by features
//! are checked against.

use super::directions::dot;
use super::mmd::{WIDTHS, median_distance};
use super::scale::{Points, check_columns, parameter};
use crate::judging::{JudgingError, Rows};
use crate::sample::mix64;

/// The most rows a side: every second, third, .. one of more.
const SAMPLE_MAX: usize = 2_000;
const PERMUTATIONS_MAX: u32 = 100_000;

/// A distance from all pairs of rows.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct PairwiseDistance {
    /// The squared distance with pairs of a row and itself (V-statistic), never below 0.
    pub squared: f64,
    /// Without them (U-statistic): unbiased for independent rows, and may lie below 0.
    pub unbiased: f64,
    /// Mean of the kernel or distance across sides.
    pub across: f64,
    /// Share of the permutations, the one found among them, that lie as far apart. Blocks are windows: rows that depend on each other
    /// within windows only are allowed for, memory beyond them is not.
    pub p_value: f64,
    /// Rows of each side.
    pub rows: [usize; 2],
}

/// Energy distance of several columns on the golden's scale: `D^2 = 2 E|X - Y| - E|X - X'| - E|Y - Y'|`. `D^2 / (2 across)` lies in
/// [0, 1].
///
/// `O((n + m)^2)` of at most 2,000 rows a side. Weights of rows tell the golden's scale only.
///
/// # Errors
/// [`JudgingError::Undefined`] for fewer than 2 complete rows a side, or a golden column without spread; [`JudgingError::Parameter`] for
/// no column, one twice, or more than 100,000 permutations.
///
/// # Source
/// Szekely and Rizzo (2004).
pub fn energy_exact(
    golden: &Rows,
    candidate: &Rows,
    columns: &[usize],
    permutations: u32,
    seed: u64,
) -> Result<PairwiseDistance, JudgingError> {
    // A kernel is large for near rows.
    let kernel = |x: &[f64], y: &[f64]| -libm::sqrt(squared_gap(x, y));
    let sample = Sample::of(golden, candidate, columns, permutations)?;
    let found = sample.distance(&kernel, permutations, seed);
    Ok(PairwiseDistance { across: -found.across, ..found })
}

/// Maximum mean discrepancy of several columns on the golden's scale with the kernel of [`super::Mmd`]: the root of
/// [`PairwiseDistance::squared`] is what its effect nears as frequencies grow.
///
/// # Errors
/// As [`energy_exact`].
///
/// # Source
/// Gretton et al. (2012), equations 3 and 5.
pub fn mmd_exact(
    golden: &Rows,
    candidate: &Rows,
    columns: &[usize],
    permutations: u32,
    seed: u64,
) -> Result<PairwiseDistance, JudgingError> {
    check_columns(columns, 1)?;
    let median = median_distance(&Points::both(golden, candidate, columns, 2)?[0]);
    let kernel = |x: &[f64], y: &[f64]| {
        let square = squared_gap(x, y) / (median * median);
        let of_width = WIDTHS.iter().map(|width| libm::exp(-0.5 * square / (width * width)));
        of_width.sum::<f64>() / WIDTHS.len() as f64
    };
    let sample = Sample::of(golden, candidate, columns, permutations)?;
    Ok(sample.distance(&kernel, permutations, seed))
}

fn squared_gap(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum()
}

/// Standardised rows of both sides, golden first.
struct Sample {
    dims: usize,
    z: Vec<f64>,
    /// The block of each row, counted through both sides.
    block: Vec<usize>,
    rows: [usize; 2],
    /// Blocks of the golden and of both.
    blocks: (usize, usize),
}

impl Sample {
    fn of(golden: &Rows, candidate: &Rows, columns: &[usize], permutations: u32) -> Result<Self, JudgingError> {
        check_columns(columns, 1)?;
        if permutations > PERMUTATIONS_MAX {
            return Err(parameter("permutations", permutations, "at most 100,000"));
        }
        let points = Points::both(golden, candidate, columns, 2)?;
        let mut sample = Self { dims: columns.len(), z: Vec::new(), block: Vec::new(), rows: [0; 2], blocks: (0, 0) };
        for (side, (points, rows)) in points.iter().zip([golden, candidate]).enumerate() {
            let step = points.len().div_ceil(SAMPLE_MAX).max(1);
            let mut last = None;
            for (i, z) in points.rows().step_by(step) {
                if last != Some(rows.window[i]) {
                    sample.blocks.1 += 1;
                    last = Some(rows.window[i]);
                }
                sample.z.extend_from_slice(z);
                sample.block.push(sample.blocks.1 - 1);
                sample.rows[side] += 1;
            }
            if side == 0 {
                sample.blocks.0 = sample.blocks.1;
            }
        }
        Ok(sample)
    }

    fn distance(&self, kernel: &dyn Fn(&[f64], &[f64]) -> f64, permutations: u32, seed: u64) -> PairwiseDistance {
        let blocks = self.blocks.1;
        let (mut sums, mut own) = (vec![0.0; blocks * blocks], vec![0.0; blocks]);
        let mut counts = vec![0.0; blocks];
        let z: Vec<&[f64]> = self.z.chunks_exact(self.dims).collect();
        for (i, x) in z.iter().enumerate() {
            let row = self.block[i] * blocks;
            for (y, b) in z[..i].iter().zip(&self.block) {
                sums[row + b] += kernel(x, y);
            }
            own[self.block[i]] += kernel(x, x);
            counts[self.block[i]] += 1.0;
        }
        // Pairs of different rows both ways.
        for a in 0..blocks {
            for b in 0..=a {
                let both = sums[a * blocks + b] + if a == b { sums[a * blocks + a] } else { 0.0 };
                sums[a * blocks + b] = both;
                sums[b * blocks + a] = both;
            }
        }
        let table = Table { sums, own, counts };
        let mut is_golden: Vec<f64> = (0..blocks).map(|b| if b < self.blocks.0 { 1.0 } else { 0.0 }).collect();
        let found = table.distance(&is_golden);
        let mut as_far = 1_u32;
        for permutation in 1..=permutations {
            shuffle(&mut is_golden, seed, permutation);
            let other = table.distance(&is_golden);
            // What differs by rounding alone is as far.
            as_far += u32::from(other.squared >= found.squared - 1e-12 * found.scale);
        }
        let p_value = f64::from(as_far) / f64::from(permutations + 1);
        PairwiseDistance {
            squared: found.squared.max(0.0),
            unbiased: found.unbiased,
            across: found.across,
            p_value,
            rows: self.rows,
        }
    }
}

/// Sums of the kernel over pairs of blocks.
struct Table {
    /// Over pairs of different rows, row-major.
    sums: Vec<f64>,
    /// Over rows and themselves.
    own: Vec<f64>,
    counts: Vec<f64>,
}

struct Found {
    squared: f64,
    unbiased: f64,
    across: f64,
    /// The size of what was added.
    scale: f64,
}

impl Table {
    fn distance(&self, is_golden: &[f64]) -> Found {
        let blocks = is_golden.len();
        // With itself, across and with itself: each row of the table is met once.
        let (mut first, mut second, mut across) = (0.0, 0.0, 0.0);
        for (row, golden) in self.sums.chunks_exact(blocks.max(1)).zip(is_golden) {
            let with_golden = dot(row, is_golden);
            let with_other = row.iter().sum::<f64>() - with_golden;
            if *golden > 0.0 {
                first += with_golden;
                across += with_other;
            } else {
                second += with_other;
            }
        }
        let (n, own_first) = (dot(&self.counts, is_golden), dot(&self.own, is_golden));
        let m = self.counts.iter().sum::<f64>() - n;
        let own_second = self.own.iter().sum::<f64>() - own_first;
        let across = across / (n * m);
        let (whole_first, whole_second) = ((first + own_first) / (n * n), (second + own_second) / (m * m));
        Found {
            squared: whole_first + whole_second - 2.0 * across,
            unbiased: first / (n * (n - 1.0)) + second / (m * (m - 1.0)) - 2.0 * across,
            across,
            scale: whole_first.abs() + whole_second.abs() + 2.0 * across.abs(),
        }
    }
}

/// Fisher and Yates; a pure function of seed and number but for the order it starts from.
fn shuffle(values: &mut [f64], seed: u64, permutation: u32) {
    let mut state = mix64(seed ^ mix64(u64::from(permutation)));
    for i in (1..values.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let draw = (u128::from(mix64(state)) * (i as u128 + 1)) >> 64;
        values.swap(i, draw as usize);
    }
}
