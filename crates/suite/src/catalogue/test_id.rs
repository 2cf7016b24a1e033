//! The names of the tests.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{TESTS, TestInfo, all_tests, plugins};

/// A test of one observable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TestId {
    /// Kolmogorov-Smirnov distance.
    Ks,
    /// Wasserstein distance of order 1.
    W1,
    /// Difference of means.
    Mean,
    /// Log ratio of standard deviations.
    Std,
    /// Difference of quantiles.
    Quantile,
    /// Difference of autocorrelations at one lag.
    Acf,
    /// Log ratio of Fano factors.
    Fano,
    /// Kuiper distance.
    Kuiper,
    /// Cramer-von Mises distance.
    Cvm,
    /// Anderson-Darling distance.
    Ad,
    /// Mann-Whitney probability.
    Mwu,
    /// Chi-square over quantile bins.
    Chi2,
    /// Population stability index.
    Psi,
    /// Jensen-Shannon distance.
    Js,
    /// Difference of Hill tail indices.
    Hill,
    /// Log ratio of tail quantile ratios.
    TailQuantile,
    /// Energy distance.
    Energy,
    /// Kullback-Leibler divergence.
    Kl,
    /// Difference of skewness.
    Skewness,
    /// Log ratio of kurtosis.
    Kurtosis,
    /// Log ratio of L-scales.
    LScale,
    /// Difference of L-skewness.
    LSkew,
    /// Difference of L-kurtosis.
    LKurtosis,
    /// Difference of generalised Pareto shapes.
    Gpd,
    /// Difference of power-law exponents.
    PowerLaw,
    /// Largest difference of correlations.
    Correlation,
    /// Root mean square error of best prices.
    QuoteRmse,
    /// One minus the correlation of depths.
    DepthCorrelation,
    /// Share of bars that differ.
    BarMismatch,
    /// Error of volume-weighted average prices.
    VwapError,
    /// Largest difference of rank correlations.
    RankCorrelation,
    /// Largest difference of Kendall's tau.
    Kendall,
    /// Largest difference of tail dependence.
    TailDependence,
    /// Distance of spectra of correlations.
    Spectrum,
    /// Distance of correlation matrices.
    CorrelationDistance,
    /// Difference of mean correlations.
    MeanCorrelation,
    /// Difference of mean squared correlations.
    SquaredCorrelation,
    /// Largest difference of cross-correlations.
    LeadLag,
    /// Energy distance of joint laws.
    JointEnergy,
    /// Anderson-Darling distance of joint laws, by slices.
    SlicedAd,
    /// Maximum mean discrepancy.
    Mmd,
    /// Distance of copulas.
    Copula,
    /// Distance of mean signatures.
    Signature,
    /// Classifier two-sample test.
    Classifier,
    /// Relative difference of Kyle's lambda.
    KyleLambda,
    /// Relative difference of the impact of order flow.
    FlowImpact,
    /// Difference of the predictive power of order flow.
    FlowPrediction,
    /// Difference of the predictive power of imbalance.
    ImbalancePrediction,
    /// Largest difference of P(up) given order flow.
    UpGivenFlow,
    /// Largest difference of P(up) given imbalance.
    UpGivenImbalance,
    /// Difference of signature plots.
    SignaturePlot,
    /// Log ratio of noise to signal.
    NoiseToSignal,
    /// Difference of the share of jumps.
    JumpShare,
    /// Log ratio of half-lives of volatility.
    GarchHalfLife,
    /// Difference of GARCH's alpha.
    GarchAlpha,
    /// Difference of how often returns change sign.
    SignChanges,
    /// Difference of branching ratios.
    HawkesBranching,
    /// Log ratio of decays of excitation.
    HawkesDecay,
    /// Largest difference of what buys and sells excite.
    HawkesMatrix,
    /// Difference of spectral radii of what buys and sells excite.
    HawkesRadius,
    /// The metric of a plug-in, in order of registration.
    Plugin(u8),
}

impl TestId {
    /// The name in suites and reports.
    pub fn as_str(self) -> &'static str {
        self.info().name
    }

    /// The test of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        all_tests().find(|t| t.name == name).map(|t| t.id)
    }

    /// Its place among all tests.
    pub fn number(self) -> usize {
        match self {
            Self::Plugin(number) => TESTS.len() + usize::from(number),
            other => TESTS.iter().position(|t| t.id == other).unwrap_or(0),
        }
    }

    /// Whether the effect is the square of a distance, so that it falls with the length of the data and not with its root.
    pub fn is_squared(self) -> bool {
        matches!(self, Self::Cvm | Self::Ad | Self::Psi | Self::Kl)
    }

    /// Its entry of [`TESTS`].
    pub fn info(self) -> &'static TestInfo {
        match self {
            // Only the registration of a metric makes such an id.
            Self::Plugin(number) => plugins::metrics().get(usize::from(number)).map_or(&TESTS[0], |m| &m.info),
            _ => &TESTS[self.number()],
        }
    }
}

impl Serialize for TestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| D::Error::custom(format_args!("there is no test {name:?}")))
    }
}

impl std::fmt::Display for TestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
