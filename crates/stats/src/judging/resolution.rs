//! What a comparison can resolve, and what more data would change.

use super::comparison::{Comparison, Noise, Part, Source, error_part};
use super::effect::{Band, Shape, additive};
use super::noise::{Matrix, NoiseModel, choose_cosines, raised_rho, t_value, welch_degrees};
use super::random::{Counter, LANES, Lanes, Stream, Weights};
use super::replicate::{ByColumn, Simulation, batches, coefficients, larger, upper_quantile};
use super::{Needs, Resolution};
use core::borrow::Borrow;
use fearless_simd::{Level, dispatch};

/// Section "needs(k)": windows the candidate still needs so that the half-width shrinks to the gap.
pub(crate) fn needs(
    candidate_windows: usize,
    golden_variance: f64,
    candidate_variance: f64,
    half_width: f64,
    gap: f64,
) -> Needs {
    if half_width <= 0.0 {
        return Needs::Nothing;
    }
    if gap <= 0.0 || !gap.is_finite() || !half_width.is_finite() {
        return Needs::NotResolvable;
    }
    let shrink = (gap / half_width) * (gap / half_width);
    let left = shrink * (golden_variance + candidate_variance) - golden_variance;
    if left <= 0.0 {
        return Needs::BothSidesTimes(1.0 / shrink);
    }
    let windows = candidate_windows as f64;
    Needs::Windows(libm::ceil(windows * candidate_variance / left - windows).max(0.0) as u64)
}

/// Stands in the seed for "resolution", so that its replicates are fresh.
const RESOLUTION_DOMAIN: u64 = 1 << 32;
/// A number for the report: its two quantiles need no far tail, and it shall not double the cost of a finding.
const REPLICATES_MAX: u32 = 499;

/// Minimum detectable effect and resolvable margin. From the golden alone, as if the candidate were another stretch of it
/// with the candidate's number of windows; for pairs, from the noise of the pairs.
pub(crate) fn resolution(
    comparison: &Comparison,
    noise: &Noise,
    (shape, band): (&Shape, &Band),
    rows: &[impl Borrow<Matrix>],
    margin: f64,
) -> Resolution {
    let golden = noise.parts.iter().zip(rows).find(|(part, _)| part.source != Source::Candidate);
    let Some((part, rows)) = golden else {
        return Resolution { detectable: f64::INFINITY, resolvable_margin: f64::INFINITY };
    };
    let windows = comparison.windows().1;
    let plan = if part.source == Source::Pairs {
        Plan { factor: 0.0, degrees: part.model.degrees, nu: part.model.degrees }
    } else {
        Plan::new(&part.model, windows, comparison.arrangement.stratified)
    };
    let t = t_value(comparison.options.alpha, plan.nu);
    let widen = libm::sqrt(1.0 + plan.factor * plan.factor);
    let deviation: Vec<f64> = comparison.coarse.iter().map(|x| widen * libm::sqrt(part.variance[*x])).collect();
    let spread = match band {
        Band::Pointwise => deviation.iter().copied().fold(0.0, f64::max),
        Band::PointwiseRange => 2.0 * deviation.iter().copied().fold(0.0, f64::max),
        Band::Additive(spreads) => additive(spreads, &|_| 1.0),
    };
    let replicates = comparison.options.replicates.min(REPLICATES_MAX);
    // The same for every effect, and most of the work.
    let rows = rows.borrow();
    let weights = Counter::new(&comparison.options.seed, RESOLUTION_DOMAIN);
    let kept = comparison.rows_at_most(part.model.degrees);
    let own;
    let (each, planned) = if rows.rows() > kept {
        own = multipliers(part, &plan, rows.rows(), &weights, replicates);
        (rows.rows(), &own)
    } else {
        let planned = &comparison.kept.planned;
        (kept, planned.get_or_init(|| multipliers(part, &plan, kept, &weights, replicates)))
    };
    let half: Vec<f64> = deviation.iter().map(|s| t * s).collect();
    let simulation = Simulation::new(&[rows], &shape.norm);
    let (mut norms, mut uppers) = (Vec::new(), Vec::new());
    for ((_, wanted), z) in batches(replicates).zip(planned.chunks_exact(each.max(1))) {
        let batch = simulation.norms(z);
        norms.extend_from_slice(&batch[..wanted]);
        let batch = match (&simulation, band) {
            (Simulation::Columns(rows, _), Band::Pointwise | Band::PointwiseRange) => {
                uppers_of_error(rows, z, &half, matches!(band, Band::PointwiseRange))
            }
            _ => batch.map(|norm| norm + t * spread),
        };
        uppers.extend_from_slice(&batch[..wanted]);
    }
    norms.sort_by(f64::total_cmp);
    uppers.sort_by(f64::total_cmp);
    Resolution {
        detectable: margin + upper_quantile(&norms, comparison.options.alpha) + spread,
        resolvable_margin: upper_quantile(&uppers, 0.15),
    }
}

/// What the golden's rows are multiplied with, batch after batch: for its own error and for that of the planned candidate,
/// whose rows are a multiple of them.
fn multipliers(part: &Part, plan: &Plan, rows: usize, weights: &impl Weights, replicates: u32) -> Vec<Lanes> {
    let none = Matrix::default();
    let own = error_part(part.source, &none, part.model.degrees);
    let mut planned = vec![[0.0; LANES]; rows];
    let mut out = Vec::with_capacity(rows * replicates.div_ceil(LANES as u32) as usize);
    for (first, _) in batches(replicates) {
        let start = out.len();
        out.resize(start + rows, [0.0; LANES]);
        let z = &mut out[start..];
        coefficients((own.normals, own.spread), (own.sign, own.degrees), weights, first, z);
        if plan.factor > 0.0 {
            let streams = (Stream::CandidateNormal, Stream::CandidateSpread);
            coefficients(streams, (plan.factor, plan.degrees), weights, first, &mut planned);
            for (z, other) in z.iter_mut().zip(&planned) {
                for lane in 0..LANES {
                    z[lane] += other[lane];
                }
            }
        }
    }
    out
}

/// A candidate planned from the golden's noise.
struct Plan {
    /// The candidate's rows as a multiple of the golden's.
    factor: f64,
    degrees: usize,
    /// Degrees of freedom of the difference.
    nu: usize,
}

impl Plan {
    fn new(golden: &NoiseModel, windows: usize, stratified: bool) -> Self {
        let (own, planned) = (golden.windows() as f64, windows as f64);
        let (degrees, kappa_ratio) = match (golden.blocks.as_slice(), golden.mixed_d) {
            // The variance of a mean of n windows falls as n^(2d - 1).
            (_, Some(d)) => (golden.degrees.min(windows / 2).max(1), libm::pow(own / planned, -2.0 * d)),
            ([block], None) if !stratified => {
                let choice = choose_cosines(windows, raised_rho(golden.rho, planned), golden.d_percent);
                (choice.cosines, choice.kappa / block.kappa)
            }
            // Strata of the same length have the same cosines.
            _ => (golden.degrees, 1.0),
        };
        let variance_ratio = own * kappa_ratio / planned;
        let nu = welch_degrees(&[(1.0, golden.degrees), (variance_ratio, degrees)]);
        Self { factor: libm::sqrt(variance_ratio), degrees, nu }
    }
}

/// The upper ends of a batch of errors that stand for the difference itself, with half-widths at the coarse edges.
fn uppers_of_error(rows: &ByColumn, z: &[Lanes], half: &[f64], is_range: bool) -> Lanes {
    let (mut above, mut below) = ([0.0; LANES], [0.0; LANES]);
    dispatch!(Level::new(), _ => rows.visit(
        z,
        #[inline(always)]
        |x, error| {
            for lane in 0..LANES {
                above[lane] = larger(above[lane], error[lane] + half[x]);
                below[lane] = larger(below[lane], half[x] - error[lane]);
            }
        }
    ));
    core::array::from_fn(|lane| if is_range { above[lane] + below[lane] } else { larger(above[lane], below[lane]) })
}
