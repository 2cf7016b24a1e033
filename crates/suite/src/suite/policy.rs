//! What PASS and FAIL of a finding claim, and how findings are corrected for their number.

use serde::{Deserialize, Serialize};

/// What is claimed of an effect, candidate minus golden, with its margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// PASS inside the margin, FAIL beyond it.
    #[default]
    Equivalence,
    /// FAIL as soon as any difference is established, however small; PASS inside the margin where none is.
    Difference,
    /// Non-inferiority: PASS where the candidate lies below the golden by less than the margin, or above it by any amount.
    NotBelow,
    /// The same upwards.
    NotAbove,
    /// Superiority: PASS where the candidate lies above the golden by more than the margin, FAIL where it does not.
    Above,
    /// The same downwards.
    Below,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Equivalence, Self::Difference, Self::NotBelow, Self::NotAbove, Self::Above, Self::Below];

    /// The word in suites and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equivalence => "equivalence",
            Self::Difference => "difference",
            Self::NotBelow => "not_below",
            Self::NotAbove => "not_above",
            Self::Above => "above",
            Self::Below => "below",
        }
    }

    /// Whether it is about a direction, so that only an effect with a sign can be judged by it.
    pub fn needs_sign(self) -> bool {
        !matches!(self, Self::Equivalence | Self::Difference)
    }

    /// The policy for a test of an observable: what is about a direction holds for effects with a sign alone, the others of the
    /// observable are judged as equivalences.
    pub fn for_test(self, signed: bool) -> Self {
        if self.needs_sign() && !signed { Self::Equivalence } else { self }
    }

    /// Whether it is the usual one.
    pub fn is_usual(&self) -> bool {
        *self == Self::Equivalence
    }
}

/// How the p-values of a family of findings are corrected before one of them may FAIL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Multiplicity {
    /// Any false FAIL at most as often as alpha, whatever the dependence (Holm 1979).
    #[default]
    Holm,
    /// The expected share of false ones among the FAILs at most alpha, findings independent or positively dependent (Benjamini and
    /// Hochberg 1995).
    Bh,
    /// The same whatever the dependence (Benjamini and Yekutieli 2001).
    By,
    /// Each finding by itself.
    None,
}

impl Multiplicity {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Holm, Self::Bh, Self::By, Self::None];

    /// The word in suites.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holm => "holm",
            Self::Bh => "bh",
            Self::By => "by",
            Self::None => "none",
        }
    }

    /// Whether it is the usual one.
    pub fn is_usual(&self) -> bool {
        *self == Self::Holm
    }
}
