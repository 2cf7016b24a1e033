//! The tests: what each statistic is, what its effect means, and in which unit its margin is given.

use super::panel_tests::PANEL_TESTS;
use super::{TestId, plugins};

/// The tests of two laws: what applies to every observable with histograms.
pub const LAW_TESTS: &[TestId] = &[
    TestId::Ks,
    TestId::W1,
    TestId::Mean,
    TestId::Std,
    TestId::Quantile,
    TestId::Kuiper,
    TestId::Cvm,
    TestId::Ad,
    TestId::Mwu,
    TestId::Chi2,
    TestId::Psi,
    TestId::Js,
    TestId::Hill,
    TestId::TailQuantile,
    TestId::Energy,
    TestId::Kl,
    TestId::Skewness,
    TestId::Kurtosis,
    TestId::LScale,
    TestId::LSkew,
    TestId::LKurtosis,
    TestId::Gpd,
    TestId::PowerLaw,
];

/// The margin of a test that a suite asks for without one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DefaultMargin {
    /// Always this.
    Fixed(f64),
    /// `factor * ks^power`, ks being the observable's Kolmogorov-Smirnov margin, or 0.05: with the factors of [`TESTS`] the
    /// effect of the shift of a normal law that has that distance, two equally large sides (Kuiper's, which adds the noise of two
    /// directions, is half as large again).
    LikeKs {
        /// The factor.
        factor: f64,
        /// 1 for distances, 2 for squared ones.
        power: u8,
    },
}

impl DefaultMargin {
    /// The margin, to two significant digits.
    pub fn value(self, ks: Option<f64>) -> f64 {
        let exact = match self {
            Self::Fixed(margin) => return margin,
            Self::LikeKs { factor, power } => {
                let ks = ks.unwrap_or(0.05);
                if power == 2 { factor * ks * ks } else { factor * ks }
            }
        };
        format!("{exact:.1e}").parse().unwrap_or(exact)
    }
}

/// The unit in which a margin is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarginUnit {
    /// The effect itself, a number without unit.
    Effect,
    /// Interquartile ranges of the golden. Where that range is zero: the 5 % to 95 % range, then the standard deviation,
    /// then one step of the lattice.
    GoldenScale,
}

impl MarginUnit {
    /// The unit, in words.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Effect => "the effect itself, without unit",
            Self::GoldenScale => {
                "golden interquartile ranges; where that range is zero the 5 % to 95 % range, then the standard deviation"
            }
        }
    }
}

/// What a test is.
#[derive(Debug, Clone, Copy)]
pub struct TestInfo {
    /// Which test.
    pub id: TestId,
    /// The name in suites and reports.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Formula of statistic and effect.
    pub formula: &'static str,
    /// Where it comes from.
    pub reference: &'static str,
    /// The unit of its margin.
    pub margin_unit: MarginUnit,
    /// Smallest and largest margin that makes sense, both allowed.
    pub margin_range: (f64, f64),
    /// The margin where a suite gives none.
    pub default_margin: DefaultMargin,
    /// Whether the effect has a sign; if not it is a distance.
    pub signed: bool,
}

const fn like_ks(factor: f64, power: u8) -> DefaultMargin {
    DefaultMargin::LikeKs { factor, power }
}

/// Every test, in the order of [`TestId`].
pub const TESTS: &[TestInfo] = &joined::<{ LAWS.len() + PANEL_TESTS.len() }>();

const fn joined<const N: usize>() -> [TestInfo; N] {
    let mut all = [LAWS[0]; N];
    let mut i = 0;
    while i < N {
        all[i] = if i < LAWS.len() { LAWS[i] } else { PANEL_TESTS[i - LAWS.len()] };
        i += 1;
    }
    all
}

/// The tests of laws, lags and counts.
const LAWS: &[TestInfo] = &[
    TestInfo {
        id: TestId::Ks,
        name: "ks",
        title: "Kolmogorov-Smirnov distance",
        formula: "D = max |F_candidate(x) - F_golden(x)|; effect D, 0 for equal laws, at most 1",
        reference: "Smirnov (1939); scipy.stats.ks_2samp",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 0.9),
        default_margin: like_ks(1.0, 1),
        signed: false,
    },
    TestInfo {
        id: TestId::W1,
        name: "w1",
        title: "Wasserstein distance",
        formula: "W1 = integral of |F_candidate - F_golden|; in the observable's unit, margin in golden interquartile ranges",
        reference: "Vallender (1974); scipy.stats.wasserstein_distance",
        margin_unit: MarginUnit::GoldenScale,
        margin_range: (0.001, 10.0),
        default_margin: DefaultMargin::Fixed(0.1),
        signed: false,
    },
    TestInfo {
        id: TestId::Mean,
        name: "mean",
        title: "difference of means",
        formula: "mean(candidate) - mean(golden); in the observable's unit, margin in golden interquartile ranges",
        reference: "message-weighted means of window sums",
        margin_unit: MarginUnit::GoldenScale,
        margin_range: (0.001, 10.0),
        default_margin: DefaultMargin::Fixed(0.1),
        signed: true,
    },
    TestInfo {
        id: TestId::Std,
        name: "std",
        title: "log ratio of standard deviations",
        formula: "ln(sd(candidate) / sd(golden)), ddof 1; 0.1 is ten per cent",
        reference: "delta method on window sums of x and x^2",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 5.0),
        default_margin: DefaultMargin::Fixed(0.1),
        signed: true,
    },
    TestInfo {
        id: TestId::Quantile,
        name: "quantile",
        title: "difference of quantiles",
        formula: "q_p(candidate) - q_p(golden) for p = 0.05, 0.5, 0.95; margin in golden interquartile ranges",
        reference: "inverse of the empirical distribution function (Hyndman and Fan type 1)",
        margin_unit: MarginUnit::GoldenScale,
        margin_range: (0.001, 10.0),
        default_margin: DefaultMargin::Fixed(0.15),
        signed: true,
    },
    TestInfo {
        id: TestId::Acf,
        name: "acf",
        title: "difference of autocorrelations",
        formula: "acf_k(candidate) - acf_k(golden) at each lag k of the observable",
        reference: "sample autocorrelation, sums over pairs that lie in one window or straddle its start",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 2.0),
        default_margin: DefaultMargin::Fixed(0.1),
        signed: true,
    },
    TestInfo {
        id: TestId::Fano,
        name: "fano",
        title: "log ratio of Fano factors",
        formula: "ln(fano(candidate) / fano(golden)), fano = variance / mean of the counts; 0 for equal burstiness",
        reference: "Fano (1947)",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 5.0),
        default_margin: DefaultMargin::Fixed(0.2),
        signed: true,
    },
    TestInfo {
        id: TestId::Kuiper,
        name: "kuiper",
        title: "Kuiper distance",
        formula: "V = max(F_candidate - F_golden) + max(F_golden - F_candidate); effect V, 0 for equal laws, at most 1",
        reference: "Kuiper (1960), Tests concerning random points on a circle",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 0.9),
        default_margin: like_ks(1.5, 1),
        signed: false,
    },
    TestInfo {
        id: TestId::Cvm,
        name: "cvm",
        title: "Cramer-von Mises distance",
        formula: "statistic T with midranks; effect integral of (F_candidate - F_golden)^2 dH, H the pooled law; at most 1/3",
        reference: "Anderson (1962); T of scipy.stats.cramervonmises_2samp, p-value corrected for ties",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.000_001, 0.3),
        default_margin: like_ks(0.58, 2),
        signed: false,
    },
    TestInfo {
        id: TestId::Ad,
        name: "ad",
        title: "Anderson-Darling distance",
        formula: "statistic (A2 - 1)/sigma with midranks; effect 1/4 integral of (F_candidate - F_golden)^2/(H(1-H)) dH over 0.01 < H < 0.99, H the mean of both laws; A2/N of equally large sides",
        reference: "Scholz and Stephens (1987); scipy.stats.anderson_ksamp(variant='midrank')",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.000_001, 0.9),
        default_margin: like_ks(0.75, 2),
        signed: false,
    },
    TestInfo {
        id: TestId::Mwu,
        name: "mwu",
        title: "Mann-Whitney probability",
        formula: "statistic U of the candidate; effect P(golden < candidate) + P(equal)/2 - 1/2, from -1/2 to 1/2",
        reference: "Mann and Whitney (1947); scipy.stats.mannwhitneyu(candidate, golden)",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 0.49),
        default_margin: like_ks(0.71, 1),
        signed: true,
    },
    TestInfo {
        id: TestId::Chi2,
        name: "chi2",
        title: "chi-square over quantile bins",
        formula: "statistic sum (O - E)^2/E over at most twenty equal-mass bins of the golden; effect sqrt(sum (p - q)^2/(2(p + q))), p and q the shares: Cramer's V of equally large sides, 0 to 1",
        reference: "Pearson (1900), Cramer (1946); scipy.stats.chi2_contingency(correction=False)",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 0.9),
        default_margin: like_ks(1.24, 1),
        signed: false,
    },
    TestInfo {
        id: TestId::Psi,
        name: "psi",
        title: "population stability index",
        formula: "sum (q - p) ln(q/p) over the golden's deciles, p golden and q candidate share; an empty bin of the candidate counts as half an observation",
        reference: "Lewis (1994); the symmetrised divergence of Jeffreys (1946)",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.000_1, 10.0),
        default_margin: like_ks(6.0, 2),
        signed: false,
    },
    TestInfo {
        id: TestId::Js,
        name: "js",
        title: "Jensen-Shannon distance",
        formula: "sqrt of the Jensen-Shannon divergence in bits over at most twenty equal-mass bins of the golden, 0 to 1",
        reference: "Lin (1991), Endres and Schindelin (2003); scipy.spatial.distance.jensenshannon(base=2)",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 0.9),
        default_margin: like_ks(1.06, 1),
        signed: false,
    },
    TestInfo {
        id: TestId::Hill,
        name: "hill",
        title: "difference of Hill tail indices",
        formula: "index(candidate) - index(golden), index = k / sum ln(x_i/u) over the k values beyond u, the side's own 95 % quantile; for the lower tail, where the golden has one, its mirror image; negative: heavier tail",
        reference: "Hill (1975)",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.01, 10.0),
        default_margin: DefaultMargin::Fixed(0.5),
        signed: true,
    },
    TestInfo {
        id: TestId::TailQuantile,
        name: "tail_quantile",
        title: "log ratio of tail quantile ratios",
        formula: "ln of (q.99/q.95)(candidate) / (q.99/q.95)(golden); q.01/q.05 for the lower tail, where the golden has one; positive: longer tail",
        reference: "inverse of the empirical distribution function (Hyndman and Fan type 1)",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 5.0),
        default_margin: DefaultMargin::Fixed(0.15),
        signed: true,
    },
    TestInfo {
        id: TestId::Energy,
        name: "energy",
        title: "energy distance",
        formula: "statistic D^2/(2 E|X - Y|), 0 to 1, with D^2 = 2 integral of (F_candidate - F_golden)^2; effect D / sqrt(2 E|X - X'|), X and X' of the golden: sqrt(integral of (F_candidate - F_golden)^2 / (2 integral of F_golden (1 - F_golden)))",
        reference: "Szekely and Rizzo (2013); D of scipy.stats.energy_distance",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 10.0),
        default_margin: like_ks(1.25, 1),
        signed: false,
    },
    TestInfo {
        id: TestId::Kl,
        name: "kl",
        title: "Kullback-Leibler divergence",
        formula: "sum q ln(q/p) over at most twenty equal-mass bins of the golden, p golden and q candidate share, in nats; an empty bin of the candidate adds nothing",
        reference: "Kullback and Leibler (1951); scipy.stats.entropy(candidate, golden)",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.000_1, 10.0),
        default_margin: like_ks(3.1, 2),
        signed: false,
    },
    TestInfo {
        id: TestId::Skewness,
        name: "skewness",
        title: "difference of skewness",
        formula: "m3/m2^1.5(candidate) - m3/m2^1.5(golden), central moments with divisor n; INCONCLUSIVE where fewer than 5 windows' worth carry a side's noise, as with laws that lack six moments: l_skew has no such limit",
        reference: "scipy.stats.skew(bias=True); noise of its influence values",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 10.0),
        default_margin: DefaultMargin::Fixed(0.2),
        signed: true,
    },
    TestInfo {
        id: TestId::Kurtosis,
        name: "kurtosis",
        title: "log ratio of kurtosis",
        formula: "statistic excess kurtosis m4/m2^2 - 3 of the candidate minus that of the golden; effect ln of the ratio of m4/m2^2; INCONCLUSIVE where fewer than 8 windows' worth carry a side's noise, as with laws that lack eight moments: l_kurtosis has no such limit",
        reference: "scipy.stats.kurtosis(bias=True); noise of its influence values",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 5.0),
        default_margin: DefaultMargin::Fixed(0.2),
        signed: true,
    },
    TestInfo {
        id: TestId::LScale,
        name: "l_scale",
        title: "log ratio of L-scales",
        formula: "ln(l2(candidate) / l2(golden)), l2 the second L-moment, half the mean distance of two values; for laws with a variance",
        reference: "Hosking (1990), L-moments; unbiased, as in lmomco",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 5.0),
        default_margin: DefaultMargin::Fixed(0.1),
        signed: true,
    },
    TestInfo {
        id: TestId::LSkew,
        name: "l_skew",
        title: "difference of L-skewness",
        formula: "l3/l2(candidate) - l3/l2(golden), from -1 to 1 each; for laws with a variance",
        reference: "Hosking (1990), L-moments; unbiased, as in lmomco",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 1.0),
        default_margin: DefaultMargin::Fixed(0.05),
        signed: true,
    },
    TestInfo {
        id: TestId::LKurtosis,
        name: "l_kurtosis",
        title: "difference of L-kurtosis",
        formula: "l4/l2(candidate) - l4/l2(golden), from -1/4 to 1 each, .123 for a normal law; for laws with a variance",
        reference: "Hosking (1990), L-moments; unbiased, as in lmomco",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 1.0),
        default_margin: DefaultMargin::Fixed(0.05),
        signed: true,
    },
    TestInfo {
        id: TestId::Gpd,
        name: "gpd",
        title: "difference of generalised Pareto shapes",
        formula: "xi(candidate) - xi(golden), most likely shapes of what lies beyond the golden's 99 % quantile (1 % for the lower tail, where the golden has one), at least 50 values a side; positive: heavier tail",
        reference: "Pickands (1975), Grimshaw (1993); scipy.stats.genpareto.fit(floc=0)",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 5.0),
        default_margin: DefaultMargin::Fixed(0.15),
        signed: true,
    },
    TestInfo {
        id: TestId::PowerLaw,
        name: "power_law",
        title: "difference of power-law exponents",
        formula: "alpha(candidate) - alpha(golden), alpha = 1 + k / sum ln(x_i/x_min) over the k values from x_min on, for both sides the place at which the golden's tail lies nearest to a power law, at least 50 values a side; negative: heavier tail; its notes compare the golden's and the candidate's fit with exponential and log-normal ones",
        reference: "Clauset, Shalizi and Newman (2009), Vuong (1989); the powerlaw package",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.01, 10.0),
        default_margin: DefaultMargin::Fixed(0.3),
        signed: true,
    },
];

/// Every test, those of plug-ins last.
pub fn all_tests() -> impl Iterator<Item = &'static TestInfo> {
    TESTS.iter().chain(plugins::metrics().into_iter().map(|m| &m.info))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_entries_agree() {
        for info in TESTS {
            assert_eq!(info.id.info().id, info.id);
            assert_eq!(TestId::from_name(info.id.as_str()), Some(info.id));
            assert_eq!(serde_json::to_string(&info.id).unwrap(), format!("\"{}\"", info.id));
            let (low, high) = info.margin_range;
            for ks in [None, Some(0.01), Some(0.15)] {
                let margin = info.default_margin.value(ks);
                assert!((low..=high).contains(&margin), "{}: {margin}", info.id);
            }
        }
    }
}
