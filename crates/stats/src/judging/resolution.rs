//! What a comparison can resolve, and what more data would change.

use super::comparison::{Comparison, Noise, Source, error_part};
use super::effect::{Band, Shape, additive};
use super::noise::{Matrix, NoiseModel, choose_cosines, raised_rho, t_value, welch_degrees};
use super::random::{Counter, Stream};
use super::replicate::{ErrorPart, upper_quantile, visit_replicates};
use super::{Needs, Resolution};

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
    shape: &Shape,
    rows: &[Matrix],
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
    let spread = match &shape.band {
        Band::Pointwise => deviation.iter().copied().fold(0.0, f64::max),
        Band::PointwiseRange => 2.0 * deviation.iter().copied().fold(0.0, f64::max),
        Band::Additive(spreads) => additive(spreads, &|_| 1.0),
    };
    let scaled = Matrix { columns: rows.columns, data: rows.data.iter().map(|e| e * plan.factor).collect() };
    let mut parts = vec![error_part(part.source, rows, part.model.degrees)];
    if plan.factor > 0.0 {
        let (normals, spread) = (Stream::CandidateNormal, Stream::CandidateSpread);
        parts.push(ErrorPart { rows: &scaled, sign: 1.0, degrees: plan.degrees, normals, spread });
    }
    let weights = Counter::new(&comparison.options.seed, RESOLUTION_DOMAIN);
    let (mut norms, mut uppers) = (Vec::new(), Vec::new());
    let replicates = comparison.options.replicates.min(REPLICATES_MAX);
    visit_replicates(&parts, &weights, replicates, |error| {
        norms.push(shape.norm.of(error));
        uppers.push(upper_of_error(shape, error, &deviation, t, spread));
    });
    norms.sort_by(f64::total_cmp);
    uppers.sort_by(f64::total_cmp);
    Resolution {
        detectable: margin + upper_quantile(&norms, comparison.options.alpha) + spread,
        resolvable_margin: upper_quantile(&uppers, 0.15),
    }
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
        let (degrees, kappa_ratio) = match golden.blocks.as_slice() {
            [(_, _, kappa)] if !stratified => {
                let choice = choose_cosines(windows, raised_rho(golden.rho, planned), golden.d_percent);
                (choice.cosines, choice.kappa / kappa)
            }
            // Strata of the same length have the same cosines.
            _ => (golden.degrees, 1.0),
        };
        let variance_ratio = own * kappa_ratio / planned;
        let nu = welch_degrees(&[(1.0, golden.degrees), (variance_ratio, degrees)]);
        Self { factor: libm::sqrt(variance_ratio), degrees, nu }
    }
}

fn upper_of_error(shape: &Shape, error: &[f64], deviation: &[f64], t: f64, spread: f64) -> f64 {
    let edges = || error.iter().zip(deviation).map(|(p, s)| (*p, t * s));
    match &shape.band {
        Band::Pointwise => edges().fold(0.0, |most: f64, (p, half)| most.max(p.abs() + half)),
        Band::PointwiseRange => {
            let above = edges().fold(0.0, |most: f64, (p, half)| most.max(p + half));
            above + edges().fold(0.0, |most: f64, (p, half)| most.max(half - p))
        }
        Band::Additive(_) => shape.norm.of(error) + t * spread,
    }
}
