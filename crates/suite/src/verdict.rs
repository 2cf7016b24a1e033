//! Verdicts, their precedence and the exit codes.

use serde::{Deserialize, Serialize};

/// The verdict of a run. The order is the precedence: the worst of several is their maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// Every deciding finding lies inside its margin and every check inside its limit.
    Pass,
    /// The data cannot decide; the report says how much more would.
    Inconclusive,
    /// At least one deciding finding lies outside its margin, or a critical check is over its limit.
    Fail,
    /// The data are there but unusable, or a deciding finding could not be computed.
    Error,
}

impl Verdict {
    /// The word in reports: `PASS`, `INCONCLUSIVE`, `FAIL`, `ERROR`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Fail => "FAIL",
            Self::Error => "ERROR",
        }
    }

    /// The exit code of the command: 0 PASS, 1 FAIL, 3 INCONCLUSIVE, 4 ERROR.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Inconclusive => 3,
            Self::Error => 4,
        }
    }

    /// The verdict that prevails: ERROR > FAIL > INCONCLUSIVE > PASS.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        self.max(other)
    }

    /// The verdict of several; `None` when there is none, which is never a pass.
    pub fn worst_of(verdicts: impl IntoIterator<Item = Self>) -> Option<Self> {
        verdicts.into_iter().max()
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// The verdict of one finding or one integrity row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FindingVerdict {
    /// Inside the margin or limit.
    Pass,
    /// Undecided by these data.
    Inconclusive,
    /// Outside the margin or limit.
    Fail,
    /// Could not be computed.
    Error,
    /// The two sides do not share what would be compared; the reason says why. Never a pass, never a failure.
    NotApplicable,
}

impl FindingVerdict {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "NOT_APPLICABLE",
            Self::Pass => Verdict::Pass.as_str(),
            Self::Inconclusive => Verdict::Inconclusive.as_str(),
            Self::Fail => Verdict::Fail.as_str(),
            Self::Error => Verdict::Error.as_str(),
        }
    }

    /// What the finding says for a run; `None` for NOT_APPLICABLE, which says nothing.
    pub fn as_run_verdict(self) -> Option<Verdict> {
        match self {
            Self::Pass => Some(Verdict::Pass),
            Self::Inconclusive => Some(Verdict::Inconclusive),
            Self::Fail => Some(Verdict::Fail),
            Self::Error => Some(Verdict::Error),
            Self::NotApplicable => None,
        }
    }
}

impl From<Verdict> for FindingVerdict {
    fn from(v: Verdict) -> Self {
        match v {
            Verdict::Pass => Self::Pass,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Fail => Self::Fail,
            Verdict::Error => Self::Error,
        }
    }
}

impl std::fmt::Display for FindingVerdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// How much a finding or a check weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Shown only.
    Info,
    /// Shown as a warning; does not decide the run.
    Warn,
    /// Decides the run.
    Critical,
}

impl Severity {
    /// All severities by name.
    pub const ALL: [Self; 3] = [Self::Critical, Self::Warn, Self::Info];

    /// The word in suites and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Critical => "critical",
        }
    }

    /// The severity of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_is_error_fail_inconclusive_pass() {
        let mut all = [Verdict::Fail, Verdict::Pass, Verdict::Error, Verdict::Inconclusive];
        all.sort();
        assert_eq!(all.map(Verdict::as_str), ["PASS", "INCONCLUSIVE", "FAIL", "ERROR"]);
        assert_eq!(Verdict::Fail.worst(Verdict::Inconclusive), Verdict::Fail);
        assert_eq!(Verdict::worst_of([]), None);
        assert_eq!(all.map(Verdict::exit_code), [0, 3, 1, 4]);
    }

    #[test]
    fn words_in_json_are_the_words_in_text() {
        for v in [Verdict::Pass, Verdict::Inconclusive, Verdict::Fail, Verdict::Error] {
            assert_eq!(serde_json::to_string(&v).unwrap(), format!("\"{v}\""));
            assert_eq!(FindingVerdict::from(v).as_run_verdict(), Some(v));
        }
        assert_eq!(serde_json::to_string(&FindingVerdict::NotApplicable).unwrap(), "\"NOT_APPLICABLE\"");
        for s in Severity::ALL {
            assert_eq!(serde_json::to_string(&s).unwrap(), format!("\"{s}\""));
            assert_eq!(Severity::from_name(s.as_str()), Some(s));
        }
    }
}
