//! What a policy demands of an interval, and the p-value of the opposite of its FAIL.

use verismo_stats::judging::Judged;
use verismo_suite::suite::Policy;

use crate::draft::short;

/// An interval under a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stand {
    /// The interval shows what PASS claims.
    pub(crate) passes: bool,
    /// The interval shows what FAIL claims, before the correction for the number of findings.
    pub(crate) fails: bool,
}

/// How an interval stands to a margin; `heterogeneity`, what the golden differs by from itself, raises the bar of FAIL.
pub(crate) fn stand(policy: Policy, judged: &Judged, margin: f64, heterogeneity: f64) -> Stand {
    let bar = margin.max(heterogeneity);
    let (low, high) = (judged.lower, judged.upper);
    match policy {
        Policy::Equivalence => Stand { passes: judged.is_inside(margin), fails: judged.is_outside(bar) },
        Policy::Difference => {
            // Below zero there is no distance: a lower end of 0 shows nothing.
            let differs = low > 0.0 || (judged.signed && high < 0.0);
            Stand { passes: judged.is_inside(margin) && !differs, fails: differs && judged.is_outside(heterogeneity) }
        }
        Policy::NotBelow => Stand { passes: low > -margin, fails: high < -bar },
        Policy::NotAbove => Stand { passes: high < margin, fails: low > bar },
        Policy::Above => Stand { passes: low > margin, fails: high < margin },
        Policy::Below => Stand { passes: high < -margin, fails: low > -margin },
    }
}

/// The margin of the p-value that the opposite of FAIL has under a policy.
pub(crate) fn margin_of_p(policy: Policy, margin: f64) -> f64 {
    if policy == Policy::Difference { 0.0 } else { margin }
}

/// The p-value of what FAIL rejects, or what is at least as large: that of one direction is at most that of both together.
pub(crate) fn p_fail(policy: Policy, judged: &Judged) -> f64 {
    match policy {
        Policy::Equivalence | Policy::Difference => judged.p_fail,
        Policy::NotBelow if judged.estimate < 0.0 => judged.p_fail,
        Policy::NotAbove if judged.estimate > 0.0 => judged.p_fail,
        Policy::NotBelow | Policy::NotAbove => 1.0,
        // On the other side of zero the effect lies further from the claim than its size from the margin on either side.
        Policy::Above if judged.estimate < 0.0 => judged.p_pass.min(judged.p_fail),
        Policy::Below if judged.estimate > 0.0 => judged.p_pass.min(judged.p_fail),
        Policy::Above | Policy::Below => judged.p_pass,
    }
}

/// What the interval shows, in words that follow "the interval [a, b]".
pub(crate) fn words(policy: Policy, passes: bool, margin: f64, bar: f64) -> String {
    let (margin, bar) = (short(margin), short(bar));
    match (policy, passes) {
        (Policy::Equivalence, true) => format!("lies inside the margin {margin}"),
        (Policy::Equivalence, false) => format!("lies beyond the margin {bar}"),
        (Policy::Difference, true) => format!("lies inside the margin {margin}, and no difference is established"),
        (Policy::Difference, false) => "shows a difference".to_owned(),
        (Policy::NotBelow, true) => format!("lies above -{margin}"),
        (Policy::NotBelow, false) => format!("lies below -{bar}"),
        (Policy::NotAbove, true) | (Policy::Above, false) => format!("lies below {margin}"),
        (Policy::NotAbove, false) => format!("lies above {bar}"),
        (Policy::Above, true) => format!("lies above {margin}"),
        (Policy::Below, true) => format!("lies below -{margin}"),
        (Policy::Below, false) => format!("lies above -{margin}"),
    }
}
