//! The tests: what each statistic is, what its effect means, and in which unit its margin is given.

use serde::{Deserialize, Serialize};

/// A test of one observable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// What a test is.
#[derive(Debug, Clone, Copy)]
pub struct TestInfo {
    /// Which test.
    pub id: TestId,
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
    /// Whether the effect has a sign; if not it is a distance.
    pub signed: bool,
}

/// Every test.
pub const TESTS: &[TestInfo] = &[
    TestInfo {
        id: TestId::Ks,
        title: "Kolmogorov-Smirnov distance",
        formula: "D = max |F_candidate(x) - F_golden(x)|; effect D, 0 for equal laws, at most 1",
        reference: "Smirnov (1939); scipy.stats.ks_2samp",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 0.9),
        signed: false,
    },
    TestInfo {
        id: TestId::W1,
        title: "Wasserstein distance",
        formula: "W1 = integral of |F_candidate - F_golden|; in the observable's unit, margin in golden interquartile ranges",
        reference: "Vallender (1974); scipy.stats.wasserstein_distance",
        margin_unit: MarginUnit::GoldenScale,
        margin_range: (0.001, 10.0),
        signed: false,
    },
    TestInfo {
        id: TestId::Mean,
        title: "difference of means",
        formula: "mean(candidate) - mean(golden); in the observable's unit, margin in golden interquartile ranges",
        reference: "message-weighted means of window sums",
        margin_unit: MarginUnit::GoldenScale,
        margin_range: (0.001, 10.0),
        signed: true,
    },
    TestInfo {
        id: TestId::Std,
        title: "log ratio of standard deviations",
        formula: "ln(sd(candidate) / sd(golden)), ddof 1; 0.1 is ten per cent",
        reference: "delta method on window sums of x and x^2",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 5.0),
        signed: true,
    },
    TestInfo {
        id: TestId::Quantile,
        title: "difference of quantiles",
        formula: "q_p(candidate) - q_p(golden) for p = 0.05, 0.5, 0.95; margin in golden interquartile ranges",
        reference: "inverse of the empirical distribution function (Hyndman and Fan type 1)",
        margin_unit: MarginUnit::GoldenScale,
        margin_range: (0.001, 10.0),
        signed: true,
    },
    TestInfo {
        id: TestId::Acf,
        title: "difference of autocorrelations",
        formula: "acf_k(candidate) - acf_k(golden) at each lag k of the observable",
        reference: "sample autocorrelation, sums over pairs that lie in one window or straddle its start",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 2.0),
        signed: true,
    },
    TestInfo {
        id: TestId::Fano,
        title: "log ratio of Fano factors",
        formula: "ln(fano(candidate) / fano(golden)), fano = variance / mean of the counts; 0 for equal burstiness",
        reference: "Fano (1947)",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 5.0),
        signed: true,
    },
];

impl TestId {
    /// The name in suites and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ks => "ks",
            Self::W1 => "w1",
            Self::Mean => "mean",
            Self::Std => "std",
            Self::Quantile => "quantile",
            Self::Acf => "acf",
            Self::Fano => "fano",
        }
    }

    /// The test of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        TESTS.iter().map(|t| t.id).find(|t| t.as_str() == name)
    }

    /// Its entry of [`TESTS`].
    pub fn info(self) -> &'static TestInfo {
        match self {
            Self::Ks => &TESTS[0],
            Self::W1 => &TESTS[1],
            Self::Mean => &TESTS[2],
            Self::Std => &TESTS[3],
            Self::Quantile => &TESTS[4],
            Self::Acf => &TESTS[5],
            Self::Fano => &TESTS[6],
        }
    }
}

impl std::fmt::Display for TestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
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
        }
    }
}
