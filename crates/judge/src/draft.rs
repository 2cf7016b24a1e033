//! A finding before the correction for multiplicity, and how it becomes a verdict.

use verismo_stats::judging::{Judged, Needs as StatsNeeds, benjamini_hochberg, benjamini_yekutieli, holm};
use verismo_suite::catalogue::TestId;
use verismo_suite::report::{Finding, Needs};
use verismo_suite::suite::{Multiplicity, Policy};
use verismo_suite::verdict::{FindingVerdict, Severity};

use crate::policy;

/// A finding whose verdict may still depend on the others.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) finding: Finding,
    /// Present while the verdict is open.
    pub(crate) open: Option<Open>,
}

/// What a verdict is made from.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) judged: Judged,
    /// By how much the cells of the lattice may hide a smaller or larger statistic.
    pub(crate) slack: (f64, f64),
    /// Every pair of windows is equal.
    pub(crate) identical: bool,
}

/// A finding with nothing but its names.
pub(crate) fn blank(
    observable: &str,
    unit: &str,
    test: TestId,
    stream: &str,
    severity: Severity,
    deciding: bool,
) -> Finding {
    Finding {
        observable: observable.to_owned(),
        unit: unit.to_owned(),
        test,
        parameter: None,
        stream: stream.to_owned(),
        stratum: String::new(),
        statistic: None,
        effect: None,
        interval: None,
        certified: None,
        margin: None,
        resolution: None,
        heterogeneity: None,
        n_golden: 0,
        n_candidate: 0,
        n_eff: None,
        p_value: None,
        p_fail: None,
        mde: None,
        severity,
        deciding,
        policy: Policy::Equivalence,
        verdict: FindingVerdict::Error,
        reason: String::new(),
        windows: [0, 0],
        seconds: [0.0, 0.0],
        coverage: None,
        needs: None,
        evidence: Default::default(),
        notes: Vec::new(),
        p_fail_raw: None,
        strata: Vec::new(),
        undefined: Default::default(),
    }
}

impl Draft {
    /// A finding whose verdict is known.
    pub(crate) fn settled(mut finding: Finding, verdict: FindingVerdict, reason: impl Into<String>) -> Self {
        finding.verdict = verdict;
        finding.reason = reason.into();
        Self { finding, open: None }
    }

    /// A finding that could not be computed.
    pub(crate) fn error(finding: Finding, reason: impl std::fmt::Display) -> Self {
        Self::settled(finding, FindingVerdict::Error, format!("could not be computed: {reason}"))
    }
}

/// The findings whose p-values are corrected together: those that decide the run; those that decide an observable of lower
/// severity; each informing test by itself; and each division into strata, so that asking for one more never changes the verdict of
/// another.
fn family(finding: &Finding) -> (usize, String) {
    let number = match finding.test {
        _ if finding.deciding && finding.severity == Severity::Critical => 0,
        _ if finding.deciding => 1,
        informing => 2 + informing.number(),
    };
    let division = finding.strata.first().and_then(|s| s.label.split_once('=')).map_or("", |(by, _)| by);
    (number, division.to_owned())
}

/// Gives open findings their verdicts, corrected for their number within each family.
pub(crate) fn settle(drafts: Vec<Draft>, alpha: f64, multiplicity: Multiplicity) -> Vec<Finding> {
    let correct = match multiplicity {
        Multiplicity::Holm => holm,
        Multiplicity::Bh => benjamini_hochberg,
        Multiplicity::By => benjamini_yekutieli,
        Multiplicity::None => |p_values: &[f64]| p_values.to_vec(),
    };
    let mut drafts = drafts;
    let families: std::collections::BTreeSet<(usize, String)> = drafts.iter().map(|d| family(&d.finding)).collect();
    for number in families {
        let family: Vec<usize> = (0..drafts.len())
            .filter(|&i| family(&drafts[i].finding) == number)
            .filter(|&i| {
                drafts[i].open.as_ref().is_some_and(|o| !o.identical) && drafts[i].finding.p_fail_raw.is_some()
            })
            .collect();
        let p_values: Vec<f64> = family.iter().filter_map(|&i| drafts[i].finding.p_fail_raw).collect();
        for (i, adjusted) in family.into_iter().zip(correct(&p_values)) {
            drafts[i].finding.p_fail = Some(adjusted);
        }
    }
    drafts.into_iter().map(|draft| decide(draft, alpha)).collect()
}

fn decide(draft: Draft, alpha: f64) -> Finding {
    let Draft { mut finding, open } = draft;
    let Some(open) = open else { return finding };
    let margin = finding.margin.unwrap_or(open.judged.margin);
    if open.identical {
        settle_identical(&mut finding);
        return finding;
    }
    let heterogeneity = finding.heterogeneity.unwrap_or(0.0);
    let bar = margin.max(heterogeneity);
    let stand = |judged: &Judged| policy::stand(finding.policy, judged, margin, heterogeneity);
    let widened = widened(&open);
    let p_fail = finding.p_fail.unwrap_or(1.0);
    let (low, high) = (open.judged.lower, open.judged.upper);
    let interval = format!("[{}, {}]", short(low), short(high));
    let (certain, given) = (stand(&widened), stand(&open.judged));
    let shows = |passes| format!("the interval {interval} {}", policy::words(finding.policy, passes, margin, bar));
    if certain.passes {
        finding.verdict = FindingVerdict::Pass;
        finding.reason = shows(true);
        return finding;
    }
    if certain.fails && p_fail <= alpha {
        finding.verdict = FindingVerdict::Fail;
        finding.reason = shows(false);
        return finding;
    }
    let is_beyond = policy::stand(finding.policy, &widened, margin, 0.0).fails;
    finding.verdict = FindingVerdict::Inconclusive;
    finding.reason = if given.passes || (given.fails && !certain.fails) {
        format!(
            "the cells of the lattice are too wide to tell the interval {interval} from the margin {}",
            short(margin)
        )
    } else if certain.fails && policy::p_fail(finding.policy, &open.judged) > alpha {
        format!("suspect: {}, but memory beyond the strata could make as much", shows(false))
    } else if certain.fails {
        format!("suspect: {}, but not after the correction for the number of findings", shows(false))
    } else if is_beyond {
        let beyond = policy::words(finding.policy, false, margin, margin);
        format!(
            "the interval {interval} {beyond}, but the golden differs from itself by {}: stratify or widen",
            short(bar)
        )
    } else {
        format!("the interval {interval} holds the margin {}", short(margin))
    };
    finding.needs = needs(&open, seconds_a_window(&finding)[1]);
    finding
}

/// Equal pairs of windows: no difference, which is what all policies but those of superiority ask for.
pub(crate) fn settle_identical(finding: &mut Finding) {
    let fails = matches!(finding.policy, Policy::Above | Policy::Below);
    finding.p_fail = Some(if fails { 0.0 } else { 1.0 });
    finding.verdict = if fails { FindingVerdict::Fail } else { FindingVerdict::Pass };
    finding.reason = "every pair of windows is equal".to_owned();
}

/// The interval, with what the cells may hide.
fn widened(open: &Open) -> Judged {
    let mut judged = open.judged.clone();
    judged.lower -= open.slack.0;
    judged.upper += open.slack.1;
    judged
}

/// Seconds that pass for each window with a value, a side.
pub(crate) fn seconds_a_window(finding: &Finding) -> [f64; 2] {
    [0, 1].map(|side| finding.seconds[side] / finding.windows[side].max(1) as f64)
}

fn needs(open: &Open, window_s: f64) -> Option<Needs> {
    let needs =
        |candidate_windows, text: String| Some(Needs { candidate_windows, golden_windows: None, window_s, text });
    match open.judged.needs {
        StatsNeeds::Nothing => None,
        StatsNeeds::Windows(n) => {
            let text = format!("about {n} more windows of the candidate ({})", span(n as f64 * window_s));
            needs(Some(n), text)
        }
        StatsNeeds::BothSidesTimes(factor) => {
            needs(None, format!("the golden is the limit: both sides need about {} times their length", short(factor)))
        }
        StatsNeeds::NotResolvable => needs(None, "the effect lies on the margin: more data will not decide".to_owned()),
    }
}

/// A length of time in words.
pub(crate) fn span(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s < 120.0 => (s, "s"),
        s if s < 7200.0 => (s / 60.0, "min"),
        s if s < 172_800.0 => (s / 3600.0, "h"),
        s => (s / 86_400.0, "days"),
    };
    format!("{} {unit}", short(value))
}

/// A number with about three significant digits, for sentences.
pub(crate) fn short(x: f64) -> String {
    let size = x.abs();
    if size < 5e-324 {
        return "0".to_owned();
    }
    if !(1e-4..1e6).contains(&size) {
        return format!("{x:.2e}");
    }
    // At least 1e-4 and below 1e6: one to six digits before the point, so at most six decimals are wanted.
    let decimals = [100.0, 10.0, 1.0, 0.1, 0.01, 0.001].iter().position(|&bound| size >= bound).unwrap_or(6);
    let text = format!("{x:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_sentences_are_short() {
        for (x, want) in [
            (0.0, "0"),
            (0.15, "0.15"),
            (0.030_04, "0.03"),
            (0.002_345, "0.00234"),
            (12.345, "12.3"),
            (123_456.0, "123456"),
            (-1.5, "-1.5"),
            (1e-7, "1.00e-7"),
            (3e9, "3.00e9"),
        ] {
            assert_eq!(short(x), want);
        }
        assert_eq!(span(90.0), "90 s");
        assert_eq!(span(600.0), "10 min");
        assert_eq!(span(1e6), "11.6 days");
    }
}
